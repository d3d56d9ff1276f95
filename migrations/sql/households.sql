-- Households as the linker compares them. Whom they are told to belong together stands on household_member (people.sql).

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- All records of the active cases in whose households these persons stand, the fifty latest cases: linking must find
-- hidden households.
CREATE OR REPLACE FUNCTION households_of(p_persons uuid[])
RETURNS TABLE (case_id uuid, person_id uuid, record_id uuid, relation text, features bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF acting_agency() IS NULL THEN
        RAISE EXCEPTION 'nobody acts' USING ERRCODE = 'TL002';
    END IF;
    RETURN QUERY
        SELECT r.case_id, r.person_id, r.id, r.relation::text, f.features
          FROM (SELECT DISTINCT m.case_id FROM household_member m JOIN "case" c ON c.id = m.case_id
                 WHERE m.person_id = ANY (p_persons) AND m.active AND c.kind = 'household' AND c.status <> 'closed'
                 ORDER BY m.case_id DESC LIMIT 50) h
          JOIN person_record r ON r.case_id = h.case_id
          JOIN link_feature f ON f.record_id = r.id
         ORDER BY r.case_id, r.created_at, r.id;
END
$$;

REVOKE ALL ON FUNCTION households_of(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION households_of(uuid[]) TO tongli_app;

SET LOCAL ROLE tongli_owner;
