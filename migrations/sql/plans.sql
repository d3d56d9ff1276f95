-- plan, plan_activation: the union's own. plan_task: of whoever has it, and of the union that activated the plan.

GRANT SELECT, INSERT, UPDATE (status, updated_at, version) ON plan TO tongli_app;
GRANT SELECT, INSERT, UPDATE (status, lesson, ended_at, updated_at, version) ON plan_activation TO tongli_app;
GRANT SELECT, INSERT, UPDATE (status, done_at, updated_at, version) ON plan_task TO tongli_app;
GRANT SELECT (id, agency_id, owner_agency_id, due_at, status, overdue, version), UPDATE (overdue) ON plan_task TO tongli_jobs;

ALTER TABLE plan ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plan_activation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plan_task ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON plan;
CREATE POLICY own ON plan TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own ON plan_activation;
CREATE POLICY own ON plan_activation TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS party ON plan_task;
CREATE POLICY party ON plan_task FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS given ON plan_task;
CREATE POLICY given ON plan_task FOR INSERT TO tongli_app WITH CHECK (owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS ended ON plan_task;
CREATE POLICY ended ON plan_task FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON plan_task;
CREATE POLICY jobs_clocks ON plan_task TO tongli_jobs USING (true) WITH CHECK (true);
