-- What stood before revision 0006.

DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = person_record.case_id
                  AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])));

DROP TABLE break_glass;
DROP FUNCTION assessment_in_force(uuid, text, text[], timestamptz);
DROP TABLE impact_assessment;
DROP POLICY withdrawn ON sharing_basis;
REVOKE UPDATE (withdrawn_at, withdrawn_by) ON sharing_basis FROM tongli_app;
ALTER TABLE sharing_basis
    DROP COLUMN purpose, DROP COLUMN field_classes, DROP COLUMN text_version, DROP COLUMN channel,
    DROP COLUMN given_by, DROP COLUMN withdrawn_at, DROP COLUMN withdrawn_by;

SET LOCAL ROLE tongli_linker;
DROP FUNCTION spend_budget(uuid, text, integer, integer);
SET LOCAL ROLE tongli_owner;
