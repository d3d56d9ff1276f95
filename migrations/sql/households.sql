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

-- Asks who coordinates a case whether others hold the same household: cases of that coordinator's alone, who sees both
-- anyway. For whoever reported into the case.
CREATE OR REPLACE FUNCTION ask_of_household(p_case uuid, p_others uuid[], p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'no report of this agency in the case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO case_task (id, case_id, agency_id, kind, status, other_case_id, created_at)
    SELECT t.id, c.id, c.coordinator_agency_id, 'possible_household', 'open', o.id, p_now
      FROM unnest(p_others, p_ids) t (other, id)
      JOIN "case" c ON c.id = p_case
      JOIN "case" o ON o.id = t.other AND o.coordinator_agency_id = c.coordinator_agency_id AND o.status <> 'closed';
END
$$;

-- Who says that two cases hold one household has answered.
CREATE OR REPLACE FUNCTION answer_household_task() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE case_task SET status = 'done', done_at = NEW.said_at
     WHERE kind = 'possible_household' AND status = 'open'
       AND ((case_id = NEW.case_id AND other_case_id = NEW.other_case_id)
            OR (case_id = NEW.other_case_id AND other_case_id = NEW.case_id));
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION households_of(uuid[]), ask_of_household(uuid, uuid[], uuid[], timestamptz), answer_household_task()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION households_of(uuid[]), ask_of_household(uuid, uuid[], uuid[], timestamptz) TO tongli_app;
GRANT EXECUTE ON FUNCTION answer_household_task() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER household_answered AFTER INSERT ON case_link
    FOR EACH ROW WHEN (NEW.kind = 'same_household') EXECUTE FUNCTION answer_household_task();
