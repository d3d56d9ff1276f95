-- What stood before revision 0020.

SET LOCAL ROLE tongli_linker;
DROP FUNCTION places_of_cases(uuid[]), public_keys_of_endpoint(uuid);
SET LOCAL ROLE tongli_owner;
DROP TABLE feed_cursor;
ALTER TABLE delivery_attempt DROP COLUMN answer;
DROP POLICY linker ON webhook_endpoint;
REVOKE SELECT (id, public_key, previous_public_key, previous_keys_until, status_reason) ON webhook_endpoint
    FROM tongli_linker;
ALTER TABLE webhook_endpoint
    DROP COLUMN case_kinds,
    DROP COLUMN divisions,
    DROP COLUMN previous_public_key,
    DROP COLUMN proposed_url,
    DROP COLUMN proposed_by,
    DROP COLUMN proposed_at;
ALTER TABLE feed_entry DROP COLUMN case_kind, DROP COLUMN county;
