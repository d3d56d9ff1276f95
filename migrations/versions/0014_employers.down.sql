-- What stood before revision 0014. Names of employers but the first are not kept, nor whose branch one is.

SET LOCAL ROLE tongli_linker;
DROP FUNCTION households_of(uuid[]);
-- Whose file a case is: the main person of the first report in it.
CREATE OR REPLACE FUNCTION main_person_of(p_case uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.person_id FROM person_record r WHERE r.case_id = p_case AND r.main ORDER BY r.created_at, r.id LIMIT 1
$$;

-- Reports in a case that only a withdrawn link had brought there: their main person is known there from nothing else.
CREATE OR REPLACE FUNCTION stray_reports(p_record uuid)
RETURNS TABLE (case_id uuid, person_id uuid, report_ids uuid[], division_code text, birth_date date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT s.case_id, s.person_id, array_agg(r.report_id ORDER BY r.created_at, r.id),
           (array_agg(r.division_code ORDER BY r.created_at, r.id))[1],
           (array_agg(r.birth_date ORDER BY r.created_at, r.id))[1]
      FROM person_record s JOIN "case" c ON c.id = s.case_id AND c.coordinator_agency_id = acting_agency()
      JOIN person_record r ON r.case_id = s.case_id AND r.person_id = s.person_id AND r.main
     WHERE s.id = p_record AND main_person_of(s.case_id) <> s.person_id
       AND NOT EXISTS (SELECT FROM person_record o JOIN person_record om ON om.report_id = o.report_id AND om.main
                        WHERE o.case_id = s.case_id AND o.person_id = s.person_id AND om.person_id <> s.person_id)
     GROUP BY s.case_id, s.person_id
$$;

DROP FUNCTION employers_for(jsonb, timestamptz);
DROP FUNCTION employer_for(jsonb, timestamptz);
DROP FUNCTION found_employer(uuid, jsonb, text, jsonb, uuid, text, timestamptz);
DROP FUNCTION anchor_employer(text, text, text, text, text);
DROP FUNCTION employer_of_name(text, text, boolean);
DROP FUNCTION active_case_of_employer(uuid, text, boolean);
-- The active employer case of an employer, or null. A bare name opens a case of the same place only: anybody may guess it.
CREATE OR REPLACE FUNCTION active_case_of_employer(p_employer uuid, p_division text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id FROM "case" c JOIN employer e ON e.id = c.employer_id
     WHERE c.employer_id = p_employer AND c.kind = 'employer' AND c.status <> 'closed'
       AND (e.credit_code IS NOT NULL OR c.division_code = p_division) ORDER BY c.opened_at LIMIT 1
$$;

-- The employer of this credit code, or of this name where no code is known; created when new.
CREATE OR REPLACE FUNCTION employer_for(p_id uuid, p_name text, p_code text, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    found_id uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(coalesce(p_code, p_name), 2));
    IF p_code IS NOT NULL THEN
        SELECT e.id INTO found_id FROM employer e WHERE e.credit_code = p_code;
    ELSE
        SELECT e.id INTO found_id FROM employer e WHERE e.name = p_name AND e.credit_code IS NULL
         ORDER BY e.created_at LIMIT 1;
    END IF;
    IF found_id IS NULL THEN
        INSERT INTO employer (id, name, credit_code, created_at) VALUES (p_id, p_name, p_code, p_now);
        found_id := p_id;
    END IF;
    RETURN found_id;
END
$$;

REVOKE ALL ON FUNCTION active_case_of_employer(uuid, text), employer_for(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION active_case_of_employer(uuid, text), employer_for(uuid, text, text, timestamptz) TO tongli_app;
SET LOCAL ROLE tongli_owner;

ALTER TABLE report DROP COLUMN by_household;
REVOKE UPDATE (organisation, registration, credit_code) ON employer FROM tongli_linker;
DROP TABLE employer_name;
ALTER TABLE employer DROP COLUMN organisation, DROP COLUMN registration, DROP COLUMN parent_id, DROP COLUMN branch;
CREATE UNIQUE INDEX employer_by_credit_code ON employer (credit_code) WHERE credit_code IS NOT NULL;
CREATE INDEX employer_by_name ON employer (name);
