-- What stood before revision 0009. What was said to be different is not kept: links knew no such word.

DROP TRIGGER record_copied ON person_record;
SET LOCAL ROLE tongli_linker;
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
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE result SET text = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE adoption SET reason = NULL WHERE case_id = p_case;
    UPDATE assistance SET source = NULL WHERE case_id = p_case;
    UPDATE sharing_basis SET reference = '' WHERE case_id = p_case;
    UPDATE break_glass SET text = '', review_text = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL WHERE case_id = p_case;
    DELETE FROM link l USING person_record r WHERE r.id = l.record_id AND r.case_id = p_case;
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

-- Erases one member of a case's household who was entered in error; `p_bodies` are the case's reports without that
-- member, sealed anew: [{"id", "body" in hexadecimal}]. For the coordinator. The main member goes with the case only.
CREATE OR REPLACE FUNCTION erase_member(p_case uuid, p_person uuid, p_bodies jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())
       OR EXISTS (SELECT FROM household_member m
                   WHERE m.case_id = p_case AND m.person_id = p_person AND m.role = 'main') THEN
        RAISE EXCEPTION 'not a member this agency may erase' USING ERRCODE = 'TL002';
    END IF;
    UPDATE report r SET body = decode(b.body, 'hex'), body_sha256 = NULL
      FROM jsonb_to_recordset(p_bodies) AS b (id uuid, body text) WHERE r.id = b.id AND r.case_id = p_case;
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL
     WHERE case_id = p_case AND person_id = p_person;
    DELETE FROM link l USING person_record r
     WHERE r.id = l.record_id AND r.case_id = p_case AND r.person_id = p_person;
    DELETE FROM household_member WHERE case_id = p_case AND person_id = p_person;
    DELETE FROM person_record WHERE case_id = p_case AND person_id = p_person;
    PERFORM forget_unknown_people(ARRAY[p_person]);
    RETURN true;
END
$$;

-- Takes from a closed case what no duty to keep reaches: contacts, health, words of compartments. `p_records` are its
-- person records without these, sealed anew: [{"id", "contact", "details"}] in hexadecimal; `p_matters`, those whose
-- words belong to a compartment. For the coordinator.
CREATE OR REPLACE FUNCTION trim_case(p_case uuid, p_records jsonb, p_matters text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM "case" c
                    WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency() AND c.status = 'closed') THEN
        RAISE EXCEPTION 'not a case this agency may trim' USING ERRCODE = 'TL002';
    END IF;
    UPDATE person_record r SET contact = decode(t.contact, 'hex'), details = decode(t.details, 'hex'), phone_indexes = '{}'
      FROM jsonb_to_recordset(p_records) AS t (id uuid, contact text, details text)
     WHERE r.id = t.id AND r.case_id = p_case;
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE result SET text = NULL WHERE case_id = p_case AND sensitive IS NOT NULL;
    UPDATE referral_step SET body = NULL
     WHERE step = 'complete'
       AND referral_id IN (SELECT id FROM referral WHERE case_id = p_case AND matter_code = ANY (p_matters));
END
$$;

-- The person these identifiers already belong to; callers hold the locks of the identifiers, so that two reports of one
-- person at once meet and do not make two. Crosses the wall; tells the application an id and how it matched.
CREATE OR REPLACE FUNCTION find_person(p_id_indexes bytea[], p_name_births bytea[], p_phones bytea[])
RETURNS TABLE (person_id uuid, matched_on text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN QUERY
        SELECT r.person_id, 'identity_number' FROM person_record r
         WHERE r.id_index = ANY (p_id_indexes) ORDER BY r.created_at LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.person_id, 'name_birth_date_phone' FROM person_record r
         WHERE r.name_birth_index = ANY (p_name_births) AND r.phone_indexes && p_phones
           AND (r.id_index IS NULL OR cardinality(p_id_indexes) = 0)
         ORDER BY r.created_at LIMIT 1;
END
$$;

REVOKE ALL ON FUNCTION find_person(bytea[], bytea[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_person(bytea[], bytea[], bytea[]) TO tongli_app;

DROP FUNCTION forget_links(uuid[]), forget_features(uuid[]), link_candidates(jsonb, integer, integer),
    link_counts(bigint[]), linked_records(), keep_links(jsonb, bigint[], jsonb), asked_or_apart(uuid, uuid),
    link_differences(uuid[]),
    lock_links_of_case(uuid), features_of_case(uuid), change_features(uuid, jsonb), copy_person_to_features();
SET LOCAL ROLE tongli_owner;

DROP POLICY decided ON link;
DROP POLICY own ON link;
CREATE POLICY own ON link FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM person_record r WHERE r.id = link.record_id AND r.agency_id = (SELECT acting_agency())));
REVOKE UPDATE (other_record_id, withdraws, weight, terms) ON link FROM tongli_linker;

-- An owner behind its own walls would change nothing.
ALTER TABLE link NO FORCE ROW LEVEL SECURITY;
UPDATE link l SET undone_at = w.decided_at FROM link w WHERE w.withdraws = l.id AND l.undone_at IS NULL;
DROP INDEX link_by_other_record;
DROP INDEX link_by_withdrawn;
ALTER TABLE link DROP COLUMN withdraws;
DELETE FROM link WHERE verdict = 'different';
ALTER TABLE link DROP CONSTRAINT link_of_record, DROP CONSTRAINT link_of_two,
    DROP COLUMN other_record_id, DROP COLUMN verdict, DROP COLUMN source, DROP COLUMN weight,
    DROP COLUMN model_version, DROP COLUMN terms, DROP COLUMN reason;
ALTER TABLE link FORCE ROW LEVEL SECURITY;

DROP TABLE match_candidate;
DROP TABLE link_value;
DROP TABLE link_key_heavy;
DROP TABLE link_key;
DROP TABLE link_feature;
