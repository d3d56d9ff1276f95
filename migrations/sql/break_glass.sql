-- break_glass: seen by who opened, by the case's coordinator and the supervisors above it; judged by the latter two.

GRANT SELECT, INSERT, UPDATE (reviewed_at, verdict, review_text) ON break_glass TO tongli_app;
GRANT SELECT (id, case_id, agency_id, coordinator_agency_id, review_by, reviewed_at, reminded), UPDATE (reminded)
    ON break_glass TO tongli_jobs;
ALTER TABLE break_glass ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON break_glass;
CREATE POLICY seen ON break_glass FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS opened ON break_glass;
CREATE POLICY opened ON break_glass FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM participant p WHERE p.case_id = break_glass.case_id AND p.agency_id = (SELECT acting_agency())
                                    AND p.until IS NULL));
DROP POLICY IF EXISTS reviewed ON break_glass;
CREATE POLICY reviewed ON break_glass FOR UPDATE TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS jobs_reminding ON break_glass;
CREATE POLICY jobs_reminding ON break_glass TO tongli_jobs USING (true) WITH CHECK (true);
