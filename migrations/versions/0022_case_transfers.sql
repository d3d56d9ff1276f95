-- Case transfer: the coordinator's role moves from one union to another when the other side accepts.

CREATE TABLE case_transfer (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    from_agency_id UUID NOT NULL,
    to_agency_id UUID NOT NULL,
    asking_agency_id UUID NOT NULL,
    reason VARCHAR NOT NULL,
    basis_kind VARCHAR NOT NULL,
    said BYTEA,
    place VARCHAR NOT NULL,
    new_place VARCHAR,
    case_kind VARCHAR NOT NULL,
    needs TEXT[] NOT NULL,
    open_referrals INTEGER NOT NULL,
    refusal VARCHAR,
    answer BYTEA,
    handover JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT case_transfer_kind CHECK (kind IN ('offer', 'request')),
    CONSTRAINT case_transfer_status CHECK (status IN ('requested', 'accepted', 'rejected', 'cancelled')),
    CONSTRAINT case_transfer_reason CHECK (reason IN ('moved', 'workplace_elsewhere', 'higher_level', 'lower_level',
        'office_dissolved', 'other')),
    CONSTRAINT case_transfer_refusal CHECK (refusal IN ('not_of_this_place', 'incomplete_file', 'person_objects',
        'work_under_way', 'other')),
    CONSTRAINT case_transfer_basis CHECK (basis_kind IN ('consent', 'statutory_duty', 'emergency')),
    CONSTRAINT case_transfer_to_another CHECK (from_agency_id <> to_agency_id),
    CONSTRAINT case_transfer_handed_over CHECK ((status = 'accepted') = (handover IS NOT NULL)),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(from_agency_id) REFERENCES agency (id),
    FOREIGN KEY(to_agency_id) REFERENCES agency (id),
    FOREIGN KEY(asking_agency_id) REFERENCES agency (id)
);
CREATE UNIQUE INDEX one_open_transfer_per_case ON case_transfer (case_id) WHERE status = 'requested';
CREATE INDEX case_transfer_by_case ON case_transfer (case_id);
CREATE INDEX case_transfer_by_giver ON case_transfer (from_agency_id, updated_at, id);
CREATE INDEX case_transfer_by_taker ON case_transfer (to_agency_id, updated_at, id);

GRANT SELECT (id, said, answer), UPDATE (said, answer) ON case_transfer TO tongli_keys;
DROP POLICY IF EXISTS keys ON case_transfer;
CREATE POLICY keys ON case_transfer TO tongli_keys USING (true) WITH CHECK (true);

-- case_transfer: seen and decided by the two unions; the move itself is the linker's, for whoever decides.

GRANT SELECT, INSERT ON case_transfer TO tongli_app;
GRANT UPDATE (status, refusal, answer, handover, updated_at, decided_at, version) ON case_transfer TO tongli_app;
GRANT SELECT ON case_transfer TO tongli_linker;
GRANT UPDATE (said, answer) ON case_transfer TO tongli_linker;
GRANT SELECT (kind, decider_agency_id), UPDATE (decider_agency_id) ON person_request TO tongli_linker;
GRANT SELECT (agency_id), UPDATE (agency_id) ON sharing_basis TO tongli_linker;
GRANT SELECT (coordinator_agency_id), UPDATE (coordinator_agency_id) ON escalation TO tongli_linker;

ALTER TABLE case_transfer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON case_transfer;
CREATE POLICY party ON case_transfer FOR SELECT TO tongli_app USING (
    (SELECT acting_agency()) IN (from_agency_id, to_agency_id));
DROP POLICY IF EXISTS asked ON case_transfer;
CREATE POLICY asked ON case_transfer FOR INSERT TO tongli_app WITH CHECK (
    asking_agency_id = (SELECT acting_agency()) AND asking_agency_id IN (from_agency_id, to_agency_id)
    AND EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = from_agency_id));
DROP POLICY IF EXISTS decided ON case_transfer;
CREATE POLICY decided ON case_transfer FOR UPDATE TO tongli_app USING (
    (SELECT acting_agency()) IN (from_agency_id, to_agency_id));
DROP POLICY IF EXISTS linker ON case_transfer;
CREATE POLICY linker ON case_transfer TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Moves the coordinator's role of a case to the union that is to take it, for whoever decides an open transfer: the role
-- itself, whatever carries a copy of it, tasks, needs without an office, open requests of persons, and the bases of the
-- role. What is under way goes on; a question about two cases of one union is none any more. Returns the case's version and what stood open, as
-- ids and counts; null where the case is closed, was moved
-- meanwhile, or where the taker is no active union any more.
CREATE OR REPLACE FUNCTION transfer_case(p_transfer uuid, p_participant uuid, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    t case_transfer;
    handed jsonb;
BEGIN
    SELECT * INTO t FROM case_transfer x WHERE x.id = p_transfer AND x.status = 'requested'
       AND acting_agency() IN (x.from_agency_id, x.to_agency_id) AND acting_agency() <> x.asking_agency_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a transfer this agency may accept' USING ERRCODE = 'TL002';
    END IF;
    UPDATE "case" c SET coordinator_agency_id = t.to_agency_id, division_code = coalesce(t.new_place, c.division_code),
                        updated_at = p_now, version = version + 1
     WHERE c.id = t.case_id AND c.coordinator_agency_id = t.from_agency_id AND c.status <> 'closed'
       AND EXISTS (SELECT FROM agency a WHERE a.id = t.to_agency_id AND a.kind = 'union' AND a.status = 'active');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    handed := jsonb_build_object(
        'version', (SELECT c.version FROM "case" c WHERE c.id = t.case_id),
        'referrals', (SELECT coalesce(jsonb_agg(r.id ORDER BY r.id), '[]') FROM referral r WHERE r.case_id = t.case_id
                         AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')),
        'tasks', (SELECT count(*) FROM case_task k WHERE k.case_id = t.case_id AND k.status = 'open'),
        'requests', (SELECT count(*) FROM person_request q WHERE q.case_id = t.case_id
                        AND q.status IN ('received', 'in_review')));
    UPDATE participant SET until = clock_timestamp(), listed = false
     WHERE case_id = t.case_id AND role = 'coordinator' AND until IS NULL;
    UPDATE participant p SET listed = false WHERE p.case_id = t.case_id AND p.agency_id = t.to_agency_id AND p.listed;
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    SELECT p_participant, c.id, t.to_agency_id, 'coordinator', clock_timestamp(), true, t.to_agency_id, c.status,
           c.updated_at FROM "case" c WHERE c.id = t.case_id;
    UPDATE participant SET listed = true WHERE id = (
        SELECT p.id FROM participant p WHERE p.case_id = t.case_id AND p.agency_id = t.from_agency_id AND p.until IS NULL
         ORDER BY p.since, p.id LIMIT 1);
    UPDATE referral SET coordinator_agency_id = t.to_agency_id WHERE case_id = t.case_id;
    UPDATE escalation SET coordinator_agency_id = t.to_agency_id
     WHERE ended_at IS NULL AND referral_id IN (SELECT id FROM referral WHERE case_id = t.case_id);
    UPDATE case_need SET agency_id = t.to_agency_id, updated_at = p_now
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id
       AND NOT EXISTS (SELECT FROM referral r WHERE r.case_id = t.case_id AND r.need = case_need.need
                          AND r.to_agency_id = t.from_agency_id
                          AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold', 'completed'));
    UPDATE case_task SET agency_id = t.to_agency_id
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id AND status = 'open' AND kind <> 'possible_household';
    UPDATE case_task SET status = 'done', done_at = p_now
     WHERE t.case_id IN (case_id, other_case_id) AND status = 'open' AND kind = 'possible_household';
    UPDATE break_glass SET coordinator_agency_id = t.to_agency_id WHERE case_id = t.case_id;
    UPDATE person_request SET coordinator_agency_id = t.to_agency_id,
                              decider_agency_id = CASE WHEN decider_agency_id = t.from_agency_id AND kind <> 'correction'
                                                       THEN t.to_agency_id ELSE decider_agency_id END
     WHERE case_id = t.case_id;
    UPDATE sharing_basis SET agency_id = t.to_agency_id
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id AND report_id IS NULL;
    RETURN handed;
END
$$;

REVOKE ALL ON FUNCTION transfer_case(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transfer_case(uuid, uuid, timestamptz) TO tongli_app;


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

SET LOCAL ROLE tongli_owner;
