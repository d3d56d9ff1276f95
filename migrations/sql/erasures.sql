-- Erasure and retention: what the linker role may take away, and the functions through which alone it does. The
-- application deletes nothing.

GRANT UPDATE (source_record, source_key, body, body_sha256, needs, erased_at) ON report TO tongli_linker;
GRANT DELETE ON person, person_record, household_member, link TO tongli_linker;
GRANT UPDATE (other_record_id, person_id, withdraws, weight, terms) ON link TO tongli_linker;
GRANT UPDATE (contact, details, phone_indexes) ON person_record TO tongli_linker;
GRANT UPDATE (note, age_band, person_id, erased_at) ON referral TO tongli_linker;
GRANT SELECT (referral_id, step), UPDATE (body) ON referral_step TO tongli_linker;
GRANT SELECT (id, case_id, referral_id, sensitive), UPDATE (text, erased_at) ON result TO tongli_linker;
GRANT SELECT (case_id), UPDATE (reason) ON adoption TO tongli_linker;
GRANT SELECT (case_id), UPDATE (source) ON assistance TO tongli_linker;
GRANT SELECT (id, case_id), UPDATE (reference), DELETE ON sharing_basis TO tongli_linker;
GRANT SELECT (case_id), UPDATE (text, review_text) ON break_glass TO tongli_linker;
GRANT SELECT (case_id), UPDATE (answer) ON idempotency_record TO tongli_linker;
GRANT SELECT (id, case_id, person_id, status), UPDATE (person_id, said, answer), DELETE ON person_request TO tongli_linker;
GRANT DELETE ON delivery, delivery_attempt TO tongli_jobs;

DROP POLICY IF EXISTS linker_erase ON report;
CREATE POLICY linker_erase ON report FOR UPDATE TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON referral;
CREATE POLICY linker_erase ON referral FOR UPDATE TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON referral_step;
CREATE POLICY linker_erase ON referral_step TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON result;
CREATE POLICY linker_erase ON result TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON adoption;
CREATE POLICY linker_erase ON adoption TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON assistance;
CREATE POLICY linker_erase ON assistance TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON sharing_basis;
CREATE POLICY linker_erase ON sharing_basis TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON break_glass;
CREATE POLICY linker_erase ON break_glass TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON idempotency_record;
CREATE POLICY linker_erase ON idempotency_record TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON person_request;
CREATE POLICY linker_erase ON person_request TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
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
    PERFORM forget_envelopes(ARRAY(SELECT id FROM report WHERE case_id = p_case),
                             ARRAY(SELECT id FROM referral WHERE case_id = p_case));
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, needs = '{}',
                      erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE answer_link SET clerk = NULL, answered_by = NULL
     WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE case_transfer SET said = NULL, answer = NULL WHERE case_id = p_case;
    UPDATE letter SET said = NULL, answer = NULL
     WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    UPDATE policy_gap SET text = NULL WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
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
    PERFORM forget_envelopes(ARRAY(SELECT id FROM report WHERE case_id = p_case),
                             ARRAY(SELECT id FROM referral WHERE case_id = p_case));
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

-- Persons nothing is left of. Whoever is known from another case stays.
CREATE OR REPLACE FUNCTION forget_unknown_people(p_people uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    DELETE FROM person p WHERE p.id = ANY (p_people)
       AND NOT EXISTS (SELECT FROM person_record r WHERE r.person_id = p.id)
       AND NOT EXISTS (SELECT FROM household_member m WHERE m.person_id = p.id)
       AND NOT EXISTS (SELECT FROM link l WHERE l.person_id = p.id)
       AND NOT EXISTS (SELECT FROM referral f WHERE f.person_id = p.id)
       AND NOT EXISTS (SELECT FROM person_request q WHERE q.person_id = p.id)
$$;

-- What the linker made of these records: it finds them by nothing any more.
CREATE OR REPLACE FUNCTION forget_features(p_records uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    DELETE FROM link_key k USING link_feature f, unnest(f.keys) AS of_record (key)
     WHERE f.record_id = ANY (p_records) AND k.key = of_record.key AND k.number = f.number;
    DELETE FROM link_feature f WHERE f.record_id = ANY (p_records);
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
    UPDATE link l SET other_record_id = NULL, person_id = r.person_id, weight = NULL, terms = NULL FROM person_record r
     WHERE l.other_record_id = ANY (p_records) AND r.id = l.record_id;
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
    PERFORM forget_envelopes(ARRAY(SELECT id FROM report WHERE case_id = p_case),
                             ARRAY(SELECT id FROM referral WHERE case_id = p_case));
    UPDATE result SET text = NULL WHERE case_id = p_case AND sensitive IS NOT NULL;
    UPDATE referral_step SET body = NULL
     WHERE step = 'complete'
       AND referral_id IN (SELECT id FROM referral WHERE case_id = p_case AND matter_code = ANY (p_matters));
END
$$;

-- Cases whose period is over, the longest first: for the jobs, which ask their coordinators, and for the operator's list.
CREATE OR REPLACE FUNCTION cases_past_retention(p_closed_before timestamptz, p_asked boolean, p_limit integer)
RETURNS TABLE (case_id uuid, number text, coordinator_agency_id uuid, closed_at timestamptz, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id, c.number, c.coordinator_agency_id, c.closed_at, c.version FROM "case" c
     WHERE c.status = 'closed' AND c.erased_at IS NULL AND c.closed_at < p_closed_before
       AND (p_asked OR NOT EXISTS (
            SELECT FROM case_task t WHERE t.case_id = c.id AND t.kind = 'retention_due' AND t.created_at >= c.closed_at))
     ORDER BY c.closed_at LIMIT p_limit
$$;

-- Asks the coordinator of such a case what becomes of it, once for each time it was closed. False where it was asked.
CREATE OR REPLACE FUNCTION open_retention_task(p_task uuid, p_case uuid, p_closed_before timestamptz, p_now timestamptz)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO case_task (id, case_id, agency_id, kind, status, created_at)
    SELECT p_task, c.id, c.coordinator_agency_id, 'retention_due', 'open', p_now FROM "case" c
     WHERE c.id = p_case AND c.status = 'closed' AND c.erased_at IS NULL AND c.closed_at < p_closed_before
       AND NOT EXISTS (SELECT FROM case_task t WHERE t.case_id = c.id AND t.kind = 'retention_due'
                                                 AND t.created_at >= c.closed_at);
    RETURN FOUND;
END
$$;

-- Forgets what was kept to prove that the sharing of erased cases was lawful, and that requests were answered.
CREATE OR REPLACE FUNCTION forget_proofs_of_erased(p_erased_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    bases integer;
    requests integer;
BEGIN
    DELETE FROM sharing_basis WHERE id IN (
        SELECT b.id FROM sharing_basis b JOIN "case" c ON c.id = b.case_id
         WHERE c.erased_at < p_erased_before LIMIT p_limit);
    GET DIAGNOSTICS bases = ROW_COUNT;
    DELETE FROM person_request WHERE id IN (
        SELECT q.id FROM person_request q JOIN "case" c ON c.id = q.case_id
         WHERE c.erased_at < p_erased_before AND q.status NOT IN ('received', 'in_review') LIMIT p_limit);
    GET DIAGNOSTICS requests = ROW_COUNT;
    RETURN bases + requests;
END
$$;

REVOKE ALL ON FUNCTION erase_case(uuid, boolean, timestamptz), erase_member(uuid, uuid, jsonb),
    forget_unknown_people(uuid[]), forget_features(uuid[]), forget_links(uuid[]), trim_case(uuid, jsonb, text[]),
    cases_past_retention(timestamptz, boolean, integer), open_retention_task(uuid, uuid, timestamptz, timestamptz),
    forget_proofs_of_erased(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_case(uuid, boolean, timestamptz), erase_member(uuid, uuid, jsonb),
    trim_case(uuid, jsonb, text[]) TO tongli_app;
GRANT EXECUTE ON FUNCTION cases_past_retention(timestamptz, boolean, integer) TO tongli_jobs, tongli_owner;
GRANT EXECUTE ON FUNCTION open_retention_task(uuid, uuid, timestamptz, timestamptz),
    forget_proofs_of_erased(timestamptz, integer) TO tongli_jobs;

SET LOCAL ROLE tongli_owner;
