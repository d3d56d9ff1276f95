-- result, adoption, assistance: a result is seen by every live participant of its case; assistance by who gave it and
-- the coordinator; an adoption by who adopted, who decided or reported, and the coordinator.

GRANT SELECT, INSERT ON result, adoption, assistance TO tongli_app;
GRANT UPDATE (withdrawal, withdrawn_at, version) ON result TO tongli_app;
ALTER TABLE result ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE adoption ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE assistance ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS shared ON result;
CREATE POLICY shared ON result FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR EXISTS (SELECT FROM "case" c WHERE c.id = result.case_id));
-- Only the office that holds the referral writes its result: a union never writes another agency's decision.
DROP POLICY IF EXISTS decided ON result;
CREATE POLICY decided ON result FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM referral r WHERE r.id = result.referral_id AND r.to_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS withdrawn ON result;
CREATE POLICY withdrawn ON result FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));

DROP POLICY IF EXISTS seen ON adoption;
CREATE POLICY seen ON adoption FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = adoption.case_id AND c.coordinator_agency_id = (SELECT acting_agency()))
    OR EXISTS (SELECT FROM result r WHERE r.id = adoption.result_id AND r.agency_id = (SELECT acting_agency()))
    OR EXISTS (SELECT FROM report r WHERE r.id = adoption.report_id AND r.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON adoption;
CREATE POLICY own ON adoption FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = adoption.case_id));

DROP POLICY IF EXISTS seen ON assistance;
CREATE POLICY seen ON assistance FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = assistance.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON assistance;
CREATE POLICY own ON assistance FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = assistance.case_id));
