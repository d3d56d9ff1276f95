-- What partners send: sources, their mappings, receipts.

CREATE TABLE inbound_source (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    client_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    secret BYTEA,
    previous_secret BYTEA,
    digest BYTEA,
    previous_digest BYTEA,
    previous_until TIMESTAMP WITH TIME ZONE,
    mapping_version INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT inbound_source_kind CHECK (kind IN ('standard_webhooks', 'bearer', 'mtls')),
    CONSTRAINT inbound_source_status CHECK (status IN ('active', 'disabled')),
    CONSTRAINT inbound_source_credential CHECK (
        (kind = 'standard_webhooks') = (secret IS NOT NULL) AND (secret IS NULL) = (digest IS NOT NULL)),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(client_id) REFERENCES client (id)
);
CREATE INDEX inbound_source_by_agency ON inbound_source (agency_id, id);

CREATE TABLE inbound_mapping (
    source_id UUID NOT NULL,
    version INTEGER NOT NULL,
    agency_id UUID NOT NULL,
    document JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (source_id, version),
    FOREIGN KEY(source_id) REFERENCES inbound_source (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);
CREATE INDEX inbound_mapping_by_agency ON inbound_mapping (agency_id);

CREATE TABLE inbound_receipt (
    id UUID NOT NULL,
    source_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    message BYTEA,
    body BYTEA NOT NULL,
    envelope BYTEA,
    status VARCHAR NOT NULL,
    reason VARCHAR,
    problems JSONB NOT NULL,
    discard_reason VARCHAR,
    mapping_version INTEGER,
    target VARCHAR,
    report_id UUID,
    referral_id UUID,
    tries INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    lease_token UUID,
    leased_until TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT inbound_receipt_status CHECK (status IN ('received', 'done', 'quarantined', 'discarded')),
    CONSTRAINT inbound_receipt_discard_reason CHECK (
        discard_reason IN ('not_ours', 'repeated', 'test_message', 'unusable', 'done_by_hand')),
    CONSTRAINT inbound_receipt_reason CHECK ((status = 'quarantined') <= (reason IS NOT NULL)),
    FOREIGN KEY(source_id) REFERENCES inbound_source (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);
CREATE UNIQUE INDEX inbound_receipt_once ON inbound_receipt (source_id, message) WHERE message IS NOT NULL;
CREATE INDEX inbound_receipt_waiting ON inbound_receipt (source_id, id) WHERE status = 'received';
CREATE INDEX inbound_receipt_by_agency ON inbound_receipt (agency_id, id);
CREATE INDEX inbound_receipt_by_source ON inbound_receipt (source_id, status, id);
CREATE INDEX inbound_receipt_by_report ON inbound_receipt (report_id) WHERE report_id IS NOT NULL;
CREATE INDEX inbound_receipt_by_referral ON inbound_receipt (referral_id) WHERE referral_id IS NOT NULL;
CREATE INDEX inbound_receipt_by_age ON inbound_receipt (received_at) WHERE message IS NOT NULL;
CREATE INDEX inbound_receipt_settled ON inbound_receipt (settled_at) WHERE settled_at IS NOT NULL;

-- inbound_source, inbound_mapping, inbound_receipt: each agency sees its own. The jobs claim and settle receipts and see
-- no envelope and no credential.

GRANT SELECT, INSERT, UPDATE ON inbound_source TO tongli_app;
GRANT SELECT, INSERT ON inbound_mapping TO tongli_app;
GRANT SELECT, INSERT ON inbound_receipt TO tongli_app;
GRANT UPDATE (status, reason, problems, discard_reason, mapping_version, target, report_id, referral_id, tries, due_at,
              lease_token, leased_until, settled_at, version) ON inbound_receipt TO tongli_app;
GRANT SELECT (id, agency_id, client_id) ON inbound_source TO tongli_jobs;
GRANT SELECT (id, source_id, agency_id, message, status, tries, due_at, lease_token, leased_until, received_at, settled_at,
              version), DELETE ON inbound_receipt TO tongli_jobs;
GRANT UPDATE (message, status, reason, problems, tries, due_at, lease_token, leased_until, version)
    ON inbound_receipt TO tongli_jobs;
GRANT SELECT ON inbound_source TO tongli_linker;
GRANT SELECT (report_id, referral_id), UPDATE (envelope, problems) ON inbound_receipt TO tongli_linker;

ALTER TABLE inbound_source ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE inbound_mapping ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE inbound_receipt ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON inbound_source;
CREATE POLICY own ON inbound_source TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_inbound ON inbound_source;
CREATE POLICY jobs_inbound ON inbound_source FOR SELECT TO tongli_jobs USING (true);
DROP POLICY IF EXISTS linker ON inbound_source;
CREATE POLICY linker ON inbound_source FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS own ON inbound_mapping;
CREATE POLICY own ON inbound_mapping TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));

DROP POLICY IF EXISTS own ON inbound_receipt;
CREATE POLICY own ON inbound_receipt TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_inbound ON inbound_receipt;
CREATE POLICY jobs_inbound ON inbound_receipt TO tongli_jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker_erase ON inbound_receipt;
CREATE POLICY linker_erase ON inbound_receipt TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- What is needed to judge who sends, before anybody acts. No row: unknown or disabled.
CREATE OR REPLACE FUNCTION inbound_source_for(p_source uuid)
RETURNS TABLE (agency_id uuid, client_id uuid, kind text, secret bytea, previous_secret bytea, digest bytea,
               previous_digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT s.agency_id, s.client_id, s.kind, s.secret, CASE WHEN s.previous_until > now() THEN s.previous_secret END,
           s.digest, CASE WHEN s.previous_until > now() THEN s.previous_digest END
      FROM inbound_source s WHERE s.id = p_source AND s.status = 'active'
$$;

-- What came in of these reports and referrals, as it came. A part of what erases; granted to nobody.
CREATE OR REPLACE FUNCTION forget_envelopes(p_reports uuid[], p_referrals uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE inbound_receipt SET envelope = NULL, problems = '[]'
     WHERE report_id = ANY (p_reports) OR referral_id = ANY (p_referrals)
$$;

REVOKE ALL ON FUNCTION inbound_source_for(uuid), forget_envelopes(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound_source_for(uuid) TO tongli_app;
SET LOCAL ROLE tongli_owner;

GRANT SELECT (id, envelope), UPDATE (envelope) ON inbound_receipt TO tongli_keys;
GRANT SELECT (id, secret, previous_secret), UPDATE (secret, previous_secret) ON inbound_source TO tongli_keys;
DROP POLICY IF EXISTS keys ON inbound_receipt;
CREATE POLICY keys ON inbound_receipt TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON inbound_source;
CREATE POLICY keys ON inbound_source TO tongli_keys USING (true) WITH CHECK (true);

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

SET LOCAL ROLE tongli_owner;
