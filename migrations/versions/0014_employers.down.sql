-- What stood before revision 0014. Names of employers but the first are not kept, nor whose branch one is.

DROP TRIGGER household_answered ON case_link;
SET LOCAL ROLE tongli_linker;
DROP FUNCTION answer_household_task();
DROP FUNCTION ask_of_household(uuid, uuid[], uuid[], timestamptz);
DROP FUNCTION households_of(uuid[]);
-- The participants' copies follow their case.
CREATE OR REPLACE FUNCTION copy_case_to_participants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE participant SET case_updated_at = NEW.updated_at, case_status = NEW.status,
                           coordinator_agency_id = NEW.coordinator_agency_id
     WHERE case_id = NEW.id AND until IS NULL;
    IF (NEW.status = 'closed') <> (OLD.status = 'closed') THEN
        UPDATE household_member SET active = NEW.status <> 'closed' WHERE case_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

-- Erases a case, once: every sealed value with its wrapped key, every blind index, who its people were; what stands
-- elsewhere under those people stays. Tombstones stay: number, states, agencies, dates, codes that name nobody. For its
-- coordinator, and a case that is closed, or was entered in error and has no work under way. False where it was erased.
CREATE OR REPLACE FUNCTION erase_case(p_case uuid, p_in_error boolean, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    people uuid[];
    erased timestamptz;
BEGIN
    SELECT c.erased_at INTO erased FROM "case" c
     WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency() AND (c.status = 'closed' OR p_in_error);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a case this agency may erase' USING ERRCODE = 'TL002';
    END IF;
    IF erased IS NOT NULL THEN
        RETURN false;
    END IF;
    people := ARRAY(SELECT DISTINCT r.person_id FROM person_record r WHERE r.case_id = p_case);
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, needs = '{}',
                      erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE result SET text = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE adoption SET reason = NULL WHERE case_id = p_case;
    UPDATE assistance SET source = NULL WHERE case_id = p_case;
    UPDATE sharing_basis SET reference = '' WHERE case_id = p_case;
    UPDATE break_glass SET text = '', review_text = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL WHERE case_id = p_case;
    PERFORM forget_case_links(p_case, p_now);
    PERFORM forget_links(ARRAY(SELECT r.id FROM person_record r WHERE r.case_id = p_case));
    DELETE FROM household_member WHERE case_id = p_case;
    DELETE FROM person_record WHERE case_id = p_case;
    PERFORM forget_unknown_people(people);
    UPDATE case_task SET status = 'done', done_at = p_now WHERE case_id = p_case AND status = 'open';
    UPDATE "case" SET main_birth_date = NULL, cause_primary = NULL, causes_secondary = '{}', difficulty_class = NULL,
                      employer_id = CASE WHEN kind = 'employer' THEN employer_id END, exit_reason = NULL,
                      exit_text = NULL, status = 'closed', closed_at = coalesce(closed_at, p_now), erased_at = p_now,
                      updated_at = p_now, version = version + 1
     WHERE id = p_case;
    UPDATE participant SET listed = false WHERE case_id = p_case AND listed;
    RETURN true;
END
$$;

DELETE FROM case_task WHERE kind = 'possible_household';
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
REVOKE DELETE ON case_task FROM tongli_linker;
ALTER TABLE case_task DROP COLUMN other_case_id, DROP CONSTRAINT case_task_kind;
ALTER TABLE case_task ADD CONSTRAINT case_task_kind
    CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute', 'retention_due'));
REVOKE UPDATE (organisation, registration, credit_code) ON employer FROM tongli_linker;
DROP TABLE employer_name;
ALTER TABLE employer DROP COLUMN organisation, DROP COLUMN registration, DROP COLUMN parent_id, DROP COLUMN branch;
CREATE UNIQUE INDEX employer_by_credit_code ON employer (credit_code) WHERE credit_code IS NOT NULL;
CREATE INDEX employer_by_name ON employer (name);
