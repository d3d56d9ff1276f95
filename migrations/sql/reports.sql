-- report: seen by the agency that filed it and by the case's coordinator; never changed.

GRANT SELECT, INSERT ON report TO tongli_app;
GRANT SELECT ON report TO tongli_linker;
ALTER TABLE report ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON report;
CREATE POLICY seen ON report FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = report.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON report;
CREATE POLICY own ON report FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON report;
CREATE POLICY linker ON report FOR SELECT TO tongli_linker USING (true);
