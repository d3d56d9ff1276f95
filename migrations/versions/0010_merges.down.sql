-- What stood before revision 0010. Merged cases stay merged: the facts are where they went.

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

-- Everything the linker holds on records that are about to go. Of what was said of other records, as compared with
-- these, it stays to which person they belong, and nothing of the comparison. Counts of values stay until they are
-- counted anew: a keyed hash and a number tell of nobody.
CREATE OR REPLACE FUNCTION forget_links(p_records uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM forget_features(p_records);
    DELETE FROM match_candidate WHERE record_id = ANY (p_records) OR other_record_id = ANY (p_records);
    gone := ARRAY(
        SELECT l.id FROM link l
         WHERE l.record_id = ANY (p_records)
            OR (l.other_record_id = ANY (p_records)
                AND (l.verdict = 'different' OR EXISTS (SELECT FROM link w WHERE w.withdraws = l.id))));
    UPDATE link SET withdraws = NULL WHERE withdraws = ANY (gone);
    DELETE FROM link WHERE id = ANY (gone);
    UPDATE link SET other_record_id = NULL, weight = NULL, terms = NULL WHERE other_record_id = ANY (p_records);
END
$$;

DROP FUNCTION persons_by_links(uuid[]), settle_persons(uuid[]), main_person_of(uuid),
    settle_case(uuid, text[], timestamptz), move_facts(uuid, uuid, uuid[], uuid[], jsonb), rename_requesters(uuid[], uuid[]), before_work(uuid),
    main_cases_of(uuid[]), merge_case(uuid, uuid, uuid, timestamptz), follow_link(uuid, timestamptz),
    part_case(case_merge, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz), stray_reports(uuid),
    rehouse_reports(uuid, uuid, uuid[], timestamptz), merged_into(uuid), cases_merged_into(uuid), lock_links_of(uuid[]),
    records_of_persons(uuid[]), count_values(bigint[], integer[]), close_candidates(uuid[], timestamptz);

SET LOCAL ROLE tongli_owner;

REVOKE UPDATE (needs) ON report FROM tongli_linker;
REVOKE UPDATE (person_id) ON link FROM tongli_linker;
REVOKE UPDATE (case_id) ON person_record, report, result, adoption, assistance, sharing_basis FROM tongli_linker;
REVOKE UPDATE (person_id) ON person_record FROM tongli_linker;
REVOKE UPDATE (case_id, coordinator_agency_id) ON referral, break_glass, person_request FROM tongli_linker;
REVOKE SELECT (report_id) ON sharing_basis FROM tongli_linker;
REVOKE SELECT (id, result_id, report_id) ON adoption FROM tongli_linker;
REVOKE SELECT (id, referral_id) ON assistance FROM tongli_linker;
REVOKE SELECT (id) ON break_glass FROM tongli_linker;
REVOKE DELETE ON case_need FROM tongli_linker;
REVOKE UPDATE (silent) ON match_candidate FROM tongli_app;
ALTER TABLE match_candidate DROP COLUMN confirmed_by_agency;
REVOKE UPDATE (case_id, other_case_id, status, decided_at, version) ON match_candidate FROM tongli_linker;
ALTER TABLE person_record DROP COLUMN relation, DROP COLUMN main;
ALTER TABLE report DROP COLUMN needs;
ALTER TABLE "case" DROP COLUMN merged_into;
DROP TABLE case_merge;
