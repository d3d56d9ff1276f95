-- What stood before revision 0018. What partners sent, and who they were, is not kept.

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
    DELETE FROM case_task WHERE kind = 'possible_household' AND p_case IN (case_id, other_case_id);
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
    PERFORM forget_links(ARRAY(
        SELECT r.id FROM person_record r WHERE r.case_id = p_case AND r.person_id = p_person));
    DELETE FROM household_member WHERE case_id = p_case AND person_id = p_person;
    DELETE FROM person_record WHERE case_id = p_case AND person_id = p_person;
    PERFORM forget_unknown_people(ARRAY[p_person]);
    RETURN true;
END
$$;

-- Takes from a closed case what no duty to keep reaches: contacts, health, words of compartments. `p_records` are its
-- person records without these, sealed anew: [{"id", "contact", "details"}] in hexadecimal; `p_matters`, those whose
-- words belong to a compartment. What is only kept is not compared any more. For the coordinator.
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
    PERFORM forget_features(ARRAY(SELECT r.id FROM person_record r WHERE r.case_id = p_case));
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE result SET text = NULL WHERE case_id = p_case AND sensitive IS NOT NULL;
    UPDATE referral_step SET body = NULL
     WHERE step = 'complete'
       AND referral_id IN (SELECT id FROM referral WHERE case_id = p_case AND matter_code = ANY (p_matters));
END
$$;

DROP FUNCTION forget_envelopes(uuid[], uuid[]);
DROP FUNCTION inbound_source_for(uuid);
SET LOCAL ROLE tongli_owner;

DROP TABLE inbound_receipt;
DROP TABLE inbound_mapping;
DROP TABLE inbound_source;
