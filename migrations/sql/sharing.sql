-- sharing_basis: seen by who recorded it, the case's coordinator and the recipient; withdrawn by the first two.
-- impact_assessment: read by everybody, like the responsibility list; written by the agency that assessed.

GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by) ON sharing_basis TO tongli_app;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON impact_assessment TO tongli_app;
ALTER TABLE sharing_basis ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE impact_assessment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON sharing_basis;
CREATE POLICY seen ON sharing_basis FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR recipient_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON sharing_basis;
CREATE POLICY own ON sharing_basis FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = sharing_basis.case_id));
DROP POLICY IF EXISTS withdrawn ON sharing_basis;
CREATE POLICY withdrawn ON sharing_basis FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS read ON impact_assessment;
CREATE POLICY read ON impact_assessment FOR SELECT TO tongli_app USING (true);
DROP POLICY IF EXISTS own ON impact_assessment;
CREATE POLICY own ON impact_assessment FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own_end ON impact_assessment;
CREATE POLICY own_end ON impact_assessment FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));

-- Whether an assessment of this matter and these classes is in force for a union's cases: its own, or of a union above.
CREATE OR REPLACE FUNCTION assessment_in_force(p_union uuid, p_matter text, p_classes text[], p_now timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    WITH RECURSIVE above AS (
        SELECT a.id, a.parent_id FROM agency a WHERE a.id = p_union
        UNION SELECT a.id, a.parent_id FROM agency a JOIN above b ON a.id = b.parent_id)
    SELECT EXISTS (
        SELECT FROM impact_assessment i JOIN above b ON b.id = i.agency_id
         WHERE i.revoked_at IS NULL AND i.valid_from <= p_now AND i.valid_until > p_now
           AND p_matter = ANY (i.matters) AND i.field_classes @> p_classes)
$$;
