-- What events are selected by beside their type, in feeds and for endpoints; cursors that are kept; who else must agree to
-- a new URL; the keys that are published.

ALTER TABLE feed_entry ADD COLUMN case_kind VARCHAR, ADD COLUMN county VARCHAR;
ALTER TABLE webhook_endpoint
    ADD COLUMN case_kinds TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN divisions TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN previous_public_key VARCHAR,
    ADD COLUMN proposed_url VARCHAR,
    ADD COLUMN proposed_by UUID,
    ADD COLUMN proposed_at TIMESTAMP WITH TIME ZONE;

GRANT SELECT (id, public_key, previous_public_key, previous_keys_until, status_reason) ON webhook_endpoint
    TO tongli_linker;
DROP POLICY IF EXISTS linker ON webhook_endpoint;
CREATE POLICY linker ON webhook_endpoint FOR SELECT TO tongli_linker USING (true);
ALTER TABLE delivery_attempt ADD COLUMN answer VARCHAR;

CREATE TABLE feed_cursor (
    agency_id UUID NOT NULL,
    consumer VARCHAR NOT NULL,
    after BIGINT NOT NULL,
    types TEXT[] NOT NULL,
    case_kinds TEXT[] NOT NULL,
    divisions TEXT[] NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agency_id, consumer),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

GRANT SELECT, INSERT, UPDATE ON feed_cursor TO tongli_app;
ALTER TABLE feed_cursor ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON feed_cursor;
CREATE POLICY own ON feed_cursor TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));

SET LOCAL ROLE tongli_linker;

-- Kind and county of cases, for the numbering alone: what an agency may select its events by, where it knows the case.
CREATE OR REPLACE FUNCTION places_of_cases(p_cases uuid[]) RETURNS TABLE (case_id uuid, kind text, county text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id, c.kind, left(c.division_code, 6) FROM "case" c WHERE c.id = ANY (p_cases)
$$;

REVOKE ALL ON FUNCTION places_of_cases(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION places_of_cases(uuid[]) TO tongli_jobs;

-- The public keys that sign for an endpoint now, for whoever verifies on its agency's behalf; nothing of a deleted one.
CREATE OR REPLACE FUNCTION public_keys_of_endpoint(p_endpoint uuid)
RETURNS TABLE (current_key text, previous_key text, previous_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT e.public_key, CASE WHEN e.previous_keys_until > now() THEN e.previous_public_key END, e.previous_keys_until
      FROM webhook_endpoint e WHERE e.id = p_endpoint AND e.status_reason IS DISTINCT FROM 'deleted'
$$;

REVOKE ALL ON FUNCTION public_keys_of_endpoint(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public_keys_of_endpoint(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
