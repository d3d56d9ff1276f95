-- escalation: what is late and was told upwards. Read by whom it was told and by the coordinator; written by the clock,
-- ended with the referral's step (carry_into_case).

GRANT SELECT ON escalation TO tongli_app;
GRANT INSERT ON escalation TO tongli_jobs;
GRANT SELECT (id, referral_id, clock, ended_at), UPDATE (ended_at) ON escalation TO tongli_linker;

ALTER TABLE escalation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS told ON escalation;
CREATE POLICY told ON escalation FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR office_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_raise ON escalation;
CREATE POLICY jobs_raise ON escalation FOR INSERT TO tongli_jobs WITH CHECK (ended_at IS NULL);
DROP POLICY IF EXISTS linker ON escalation;
CREATE POLICY linker ON escalation TO tongli_linker USING (true) WITH CHECK (true);
