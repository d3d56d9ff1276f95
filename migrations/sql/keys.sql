-- Keys: what the role tongli_keys may see and change while ./tongli keys re-seals and re-indexes. Sealed columns, the
-- indexes and what they are computed from, of every row; nothing else, no insert, no delete. Nobody logs in as it.

-- Under which key, and how, a value is sealed: "2.1/f-1" is version 2, content algorithm 1, field key f-1. Null for what
-- is no sealed value. Reads the header only: give it substr(value, 1, 40), so that long values are not fetched whole.
CREATE OR REPLACE FUNCTION sealed_as(p_value bytea) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT CASE
    WHEN length(p_value) < 5 THEN NULL
    WHEN get_byte(p_value, 0) = 1
    THEN '1.' || get_byte(p_value, 1) || '/' || encode(substr(p_value, 4, get_byte(p_value, 2)), 'escape')
    WHEN get_byte(p_value, 0) = 2
    THEN '2.' || get_byte(p_value, 1) || '/' || encode(substr(p_value, 5, get_byte(p_value, 3)), 'escape')
END
$$;
REVOKE ALL ON FUNCTION sealed_as(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sealed_as(bytea) TO tongli_keys;

GRANT SELECT (id, said, answer), UPDATE (said, answer) ON access_request TO tongli_keys;
GRANT SELECT (id, reason), UPDATE (reason) ON adoption TO tongli_keys;
GRANT SELECT (id, clerk, answered_by), UPDATE (clerk, answered_by) ON answer_link TO tongli_keys;
GRANT SELECT (id, source), UPDATE (source) ON assistance TO tongli_keys;
GRANT SELECT (id, text, review_text), UPDATE (text, review_text) ON break_glass TO tongli_keys;
GRANT SELECT (id, exit_text), UPDATE (exit_text) ON "case" TO tongli_keys;
GRANT SELECT (id, said, answer), UPDATE (said, answer) ON case_transfer TO tongli_keys;
GRANT SELECT (id, said, answer), UPDATE (said, answer) ON letter TO tongli_keys;
GRANT SELECT (id, kind, agency_id, case_id, number, number_index, index_key, url, reason, undo_reason),
      UPDATE (number, number_index, index_key, url, reason, undo_reason) ON case_link TO tongli_keys;
GRANT SELECT (id, name, id_number, contact, details, id_type, birth_date, id_index, name_birth_index, phone_indexes, index_key),
      UPDATE (name, id_number, contact, details, id_index, name_birth_index, phone_indexes, index_key) ON person_record TO tongli_keys;
GRANT SELECT (id, envelope), UPDATE (envelope) ON inbound_receipt TO tongli_keys;
GRANT SELECT (id, secret, previous_secret), UPDATE (secret, previous_secret) ON inbound_source TO tongli_keys;
GRANT SELECT (number, record_id, features), UPDATE (features) ON link_feature TO tongli_keys;
GRANT SELECT (id, text), UPDATE (text) ON policy_gap TO tongli_keys;
GRANT SELECT (id, note), UPDATE (note) ON referral TO tongli_keys;
GRANT SELECT (id, body), UPDATE (body) ON referral_step TO tongli_keys;
GRANT SELECT (id, body, source_record, source_key), UPDATE (body, source_record, source_key) ON report TO tongli_keys;
GRANT SELECT (id, text), UPDATE (text) ON result TO tongli_keys;
GRANT SELECT (id, reference), UPDATE (reference) ON sharing_basis TO tongli_keys;
GRANT SELECT (id, keys, previous_keys), UPDATE (keys, previous_keys) ON webhook_endpoint TO tongli_keys;
GRANT SELECT (staff_id, totp_secret, totp_pending), UPDATE (totp_secret, totp_pending) ON staff_credential TO tongli_keys;
GRANT SELECT (token_hash, device_id, successor), UPDATE (successor) ON refresh_token TO tongli_keys;
GRANT SELECT (id, said, answer), UPDATE (said, answer) ON person_request TO tongli_keys;
GRANT SELECT (agency_id, key_hash, answer), UPDATE (answer) ON idempotency_record TO tongli_keys;

DROP POLICY IF EXISTS keys ON access_request;
CREATE POLICY keys ON access_request TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON adoption;
CREATE POLICY keys ON adoption TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON answer_link;
CREATE POLICY keys ON answer_link TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON assistance;
CREATE POLICY keys ON assistance TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON break_glass;
CREATE POLICY keys ON break_glass TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON "case";
CREATE POLICY keys ON "case" TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON case_transfer;
CREATE POLICY keys ON case_transfer TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON letter;
CREATE POLICY keys ON letter TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON case_link;
CREATE POLICY keys ON case_link TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON idempotency_record;
CREATE POLICY keys ON idempotency_record TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON inbound_receipt;
CREATE POLICY keys ON inbound_receipt TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON inbound_source;
CREATE POLICY keys ON inbound_source TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON link_feature;
CREATE POLICY keys ON link_feature TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON person_record;
CREATE POLICY keys ON person_record TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON refresh_token;
CREATE POLICY keys ON refresh_token TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON staff_credential;
CREATE POLICY keys ON staff_credential TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON person_request;
CREATE POLICY keys ON person_request TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON policy_gap;
CREATE POLICY keys ON policy_gap TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON referral;
CREATE POLICY keys ON referral TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON referral_step;
CREATE POLICY keys ON referral_step TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON report;
CREATE POLICY keys ON report TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON result;
CREATE POLICY keys ON result TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON sharing_basis;
CREATE POLICY keys ON sharing_basis TO tongli_keys USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS keys ON webhook_endpoint;
CREATE POLICY keys ON webhook_endpoint TO tongli_keys USING (true) WITH CHECK (true);
