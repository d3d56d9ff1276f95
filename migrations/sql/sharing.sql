-- sharing_basis: seen by who recorded it, the case's coordinator and the recipient.

GRANT SELECT, INSERT ON sharing_basis TO tongli_app;
ALTER TABLE sharing_basis ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON sharing_basis;
CREATE POLICY seen ON sharing_basis FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR recipient_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON sharing_basis;
CREATE POLICY own ON sharing_basis FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = sharing_basis.case_id));
