-- letter: seen by the union that wrote it, by whoever coordinates its case now, and, a proposal, by the labour department
-- it went to and the office that has a copy.

GRANT SELECT, INSERT ON letter TO tongli_app;
GRANT UPDATE (status, answer, filing_number, answered_at, updated_at, version) ON letter TO tongli_app;
GRANT SELECT (id, case_id), UPDATE (said, answer) ON letter TO tongli_linker;
GRANT SELECT (id, case_id, agency_id, to_agency_id, status, due_by, overdue_at, version),
      UPDATE (overdue_at, updated_at, version) ON letter TO tongli_jobs;

ALTER TABLE letter ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON letter;
CREATE POLICY party ON letter FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR copied_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c WHERE c.id = letter.case_id
                                      AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS written ON letter;
CREATE POLICY written ON letter FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM "case" c WHERE c.id = letter.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS answered ON letter;
CREATE POLICY answered ON letter FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c WHERE c.id = letter.case_id
                                      AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS linker ON letter;
CREATE POLICY linker ON letter TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_clocks ON letter;
CREATE POLICY jobs_clocks ON letter TO tongli_jobs USING (true) WITH CHECK (true);
