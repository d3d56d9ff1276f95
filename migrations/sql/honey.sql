-- honey_case, honey_touch: no role that logs in sees a row; the operator marks, the jobs are told of touches.

ALTER TABLE honey_case ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE honey_touch ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON honey_case, honey_touch TO tongli_linker;

DROP POLICY IF EXISTS linker ON honey_case;
CREATE POLICY linker ON honey_case TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON honey_touch;
CREATE POLICY linker ON honey_touch TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Marks a case as a decoy; its coordinator is told of touches. Null where no case has the number.
CREATE OR REPLACE FUNCTION mark_honey(p_number text, p_now timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    INSERT INTO honey_case (case_id, guardian_agency_id, marked_at)
    SELECT c.id, c.coordinator_agency_id, p_now FROM "case" c WHERE c.number = p_number ON CONFLICT DO NOTHING;
    SELECT c.id FROM "case" c WHERE c.number = p_number
$$;

-- The touches nobody was told of yet, marked as told: every write and sensitive read of a person or machine in a decoy.
CREATE OR REPLACE FUNCTION honey_touches(p_now timestamptz)
RETURNS TABLE (leaf_id uuid, case_id uuid, guardian uuid, agency_id uuid, action text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH met AS (
        SELECT l.id, l.case_id, h.guardian_agency_id, l.agency_id, l.action
          FROM honey_case h JOIN audit_leaf l ON l.case_id = h.case_id
         WHERE l.id >= first_id_at(h.marked_at) AND l.principal_kind IN ('client', 'staff')),
    told AS (INSERT INTO honey_touch (leaf_id, told_at) SELECT m.id, p_now FROM met m
             ON CONFLICT DO NOTHING RETURNING honey_touch.leaf_id)
    SELECT m.id, m.case_id, m.guardian_agency_id, m.agency_id, m.action FROM met m JOIN told t ON t.leaf_id = m.id
$$;
REVOKE ALL ON FUNCTION mark_honey(text, timestamptz), honey_touches(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mark_honey(text, timestamptz) TO tongli_owner;
GRANT EXECUTE ON FUNCTION honey_touches(timestamptz) TO tongli_jobs;

SET LOCAL ROLE tongli_owner;
