-- Answer links: an office without a system answers one referral, once.

ALTER TABLE agency ADD COLUMN answers_by_link BOOLEAN NOT NULL DEFAULT false;

CREATE TABLE answer_link (
    id UUID NOT NULL,
    referral_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    to_agency_id UUID NOT NULL,
    principal_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    steps TEXT[] NOT NULL,
    referral_status VARCHAR NOT NULL,
    return_count INTEGER NOT NULL,
    clerk BYTEA,
    follows UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    step VARCHAR,
    answered_by BYTEA,
    PRIMARY KEY (id),
    CONSTRAINT answer_link_step CHECK (step IN ('receive', 'accept', 'return', 'complete')),
    CONSTRAINT answer_link_status CHECK (referral_status IN ('draft', 'requested', 'returned', 'accepted', 'in_progress',
        'on_hold', 'completed', 'rejected', 'cancelled', 'failed', 'expired', 'entered_in_error')),
    CONSTRAINT answer_link_answered_once CHECK ((step IS NULL) = (answered_at IS NULL)),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(to_agency_id) REFERENCES agency (id),
    FOREIGN KEY(follows) REFERENCES answer_link (id)
);

CREATE INDEX answer_link_by_referral ON answer_link (referral_id, created_at, id);
CREATE INDEX answer_link_by_agency ON answer_link (agency_id);
CREATE INDEX answer_link_by_addressee ON answer_link (to_agency_id);
CREATE UNIQUE INDEX answer_link_follows ON answer_link (follows) WHERE follows IS NOT NULL;

-- answer_link: seen by the parties of its referral; made and revoked by sender and coordinator, spent by the addressee's
-- link itself, which enters through a function of its own.

GRANT SELECT, INSERT, UPDATE (revoked_at, answered_at, step, answered_by) ON answer_link TO tongli_app;
GRANT SELECT (id, referral_id, to_agency_id, token_hash, expires_at, revoked_at), UPDATE (clerk, answered_by) ON answer_link
    TO tongli_linker;
GRANT SELECT (id, clerk, answered_by), UPDATE (clerk, answered_by) ON answer_link TO tongli_keys;

ALTER TABLE answer_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY party ON answer_link FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM referral r WHERE r.id = answer_link.referral_id
       AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
CREATE POLICY made ON answer_link FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM referral r WHERE r.id = answer_link.referral_id AND r.to_agency_id = answer_link.to_agency_id
           AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
CREATE POLICY ended ON answer_link FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM referral r WHERE r.id = answer_link.referral_id
       AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
CREATE POLICY linker ON answer_link FOR SELECT TO tongli_linker USING (true);
CREATE POLICY linker_erase ON answer_link FOR UPDATE TO tongli_linker USING (true) WITH CHECK (true);
CREATE POLICY keys ON answer_link TO tongli_keys USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The office that a link acts for, before anybody acts. Null: no such link.
CREATE OR REPLACE FUNCTION answer_link_addressee(p_link uuid, p_token_hash bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT l.to_agency_id FROM answer_link l WHERE l.id = p_link AND l.token_hash = p_token_hash
$$;

-- As `enter`, for a link: its addressee acts, with the rights of a caseworker on referrals. No row where the link was
-- revoked or has run out, where its office is suspended, has a system of its own, or is not the addressee any more, and
-- where the referral was erased. A spent link enters, to be told what it was spent on.
CREATE OR REPLACE FUNCTION enter_by_link(p_link uuid, p_agency uuid, p_request text)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text, below uuid[],
               qualifications text[], known_actor boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT '{referrals:read,referrals:write}'::text[],
           CASE WHEN a.kind = 'union' THEN '{union_coordinator}' ELSE '{agency_caseworker}' END::text[],
           a.kind, a.level, a.division_code, '{}'::uuid[], '{}'::text[], false
      INTO enter_by_link.scopes, enter_by_link.roles, enter_by_link.agency_kind, enter_by_link.agency_level,
           enter_by_link.division_code, enter_by_link.below, enter_by_link.qualifications, enter_by_link.known_actor
      FROM answer_link l JOIN referral r ON r.id = l.referral_id JOIN agency a ON a.id = l.to_agency_id
     WHERE l.id = p_link AND l.to_agency_id = p_agency AND r.to_agency_id = p_agency AND r.erased_at IS NULL
       AND l.revoked_at IS NULL AND l.expires_at > now() AND a.status = 'active' AND a.answers_by_link;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true), set_config('tongli.principal', p_link::text, true),
            set_config('tongli.below', '', true), set_config('tongli.purpose', '', true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
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
    PERFORM forget_envelopes(ARRAY(SELECT id FROM report WHERE case_id = p_case),
                             ARRAY(SELECT id FROM referral WHERE case_id = p_case));
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, needs = '{}',
                      erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE answer_link SET clerk = NULL, answered_by = NULL
     WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
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

REVOKE ALL ON FUNCTION answer_link_addressee(uuid, bytea), enter_by_link(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION answer_link_addressee(uuid, bytea), enter_by_link(uuid, uuid, text) TO tongli_app;

SET LOCAL ROLE tongli_owner;
