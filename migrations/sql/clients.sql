-- client, client_key, client_assertion: row security, sign-in and the entrance of every transaction.

CREATE OR REPLACE FUNCTION acting_agency() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('tongli.agency', true), '')::uuid;

-- The unions below a supervisor's own; empty for everybody else.
CREATE OR REPLACE FUNCTION acting_below() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(string_to_array(nullif(current_setting('tongli.below', true), ''), ',')::uuid[], '{}'::uuid[]);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Checks that the principal and its agency are alive and sets who acts, for this transaction only; for a supervisor of
-- unions also the unions below. `qualifications`: areas in which whoever acts holds a certificate today, for a machine the
-- staff member it names as its actor. A person also needs a live device; none is named only while the program itself
-- signs somebody in. No row: not alive. Crosses the wall because the context it would need does not
-- exist yet.
CREATE OR REPLACE FUNCTION enter(p_kind text, p_principal uuid, p_agency uuid, p_purpose text, p_request text,
                                 p_session uuid DEFAULT NULL, p_actor text DEFAULT NULL)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text, below uuid[],
               qualifications text[], known_actor boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    person uuid;
BEGIN
    IF p_kind = 'client' THEN
        SELECT c.scopes, '{integration}'::text[], a.kind, a.level, a.division_code
          INTO enter.scopes, enter.roles, enter.agency_kind, enter.agency_level, enter.division_code
          FROM client c JOIN agency a ON a.id = c.agency_id
         WHERE c.id = p_principal AND c.agency_id = p_agency AND c.status = 'active' AND a.status = 'active';
    ELSE
        SELECT '{}'::text[], s.roles, a.kind, a.level, a.division_code
          INTO enter.scopes, enter.roles, enter.agency_kind, enter.agency_level, enter.division_code
          FROM staff s JOIN agency a ON a.id = s.agency_id
         WHERE s.id = p_principal AND s.agency_id = p_agency AND s.status = 'active' AND a.status = 'active'
           AND (p_session IS NULL OR EXISTS (
                SELECT FROM device d WHERE d.id = p_session AND d.staff_id = p_principal
                   AND d.revoked_at IS NULL AND d.expires_at > now()));
        person := p_principal;
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_kind = 'client' AND p_actor IS NOT NULL THEN
        SELECT s.id INTO person FROM staff s
         WHERE s.agency_id = p_agency AND s.login = p_actor AND s.status = 'active';
    END IF;
    known_actor := person IS NOT NULL;
    qualifications := '{}';
    IF known_actor THEN
        qualifications := ARRAY(
            SELECT DISTINCT q.area FROM qualification q
             WHERE q.staff_id = person AND q.result = 'passed' AND q.revoked_at IS NULL
               AND (now() AT TIME ZONE 'Asia/Shanghai')::date BETWEEN q.valid_from AND q.valid_until);
    END IF;
    below := '{}';
    IF p_kind = 'staff' AND enter.agency_kind = 'union' AND 'union_supervisor' = ANY (enter.roles) THEN
        below := ARRAY(
            WITH RECURSIVE under AS (
                SELECT a.id, a.kind FROM agency a WHERE a.parent_id = p_agency
                UNION SELECT a.id, a.kind FROM agency a JOIN under u ON a.parent_id = u.id)
            SELECT u.id FROM under u WHERE u.kind = 'union');
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true),
            set_config('tongli.principal', p_principal::text, true),
            set_config('tongli.below', array_to_string(below, ','), true),
            set_config('tongli.purpose', coalesce(p_purpose, ''), true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
END
$$;

-- What the token endpoint needs to know of a client before anybody acts. No row: unknown, revoked or suspended.
CREATE OR REPLACE FUNCTION client_for_sign_in(p_client uuid)
RETURNS TABLE (agency_id uuid, scopes text[], secret_hash bytea, secret_expires_at timestamptz, keys jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.agency_id, c.scopes, c.secret_hash, c.secret_expires_at,
           coalesce((SELECT jsonb_agg(k.jwk) FROM client_key k WHERE k.client_id = c.id AND k.revoked_at IS NULL), '[]')
      FROM client c JOIN agency a ON a.id = c.agency_id
     WHERE c.id = p_client AND c.status = 'active' AND a.status = 'active'
$$;

-- True the first time a client's assertion id is used; false for a replay.
CREATE OR REPLACE FUNCTION use_assertion(p_client uuid, p_token_id text, p_expires_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH used AS (
        INSERT INTO client_assertion (client_id, token_id, expires_at) VALUES (p_client, p_token_id, p_expires_at)
        ON CONFLICT DO NOTHING RETURNING 1)
    SELECT EXISTS (SELECT FROM used)
$$;

REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text, uuid, text), client_for_sign_in(uuid),
    use_assertion(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text, uuid, text), client_for_sign_in(uuid),
    use_assertion(uuid, text, timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;

GRANT SELECT, INSERT, UPDATE ON client, client_key TO tongli_app;
GRANT SELECT ON client, client_key TO tongli_linker;
GRANT SELECT, INSERT ON client_assertion TO tongli_linker;
GRANT SELECT, DELETE ON client_assertion TO tongli_jobs;

ALTER TABLE client ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE client_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE client_assertion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON client;
CREATE POLICY own ON client TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON client;
CREATE POLICY linker ON client FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS own ON client_key;
CREATE POLICY own ON client_key TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON client_key;
CREATE POLICY linker ON client_key FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS linker ON client_assertion;
CREATE POLICY linker ON client_assertion TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_forget ON client_assertion;
CREATE POLICY jobs_forget ON client_assertion TO tongli_jobs USING (expires_at < now());
