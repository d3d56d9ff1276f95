-- Sign-in of people. Tables as of this revision.

CREATE TABLE app_client (
    id UUID NOT NULL,
    name VARCHAR NOT NULL,
    redirect_uris TEXT[] NOT NULL,
    scopes TEXT[] NOT NULL,
    status VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT app_client_status CHECK (status IN ('active', 'revoked')),
    UNIQUE (name)
);

CREATE TABLE staff_credential (
    staff_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    password_hash VARCHAR,
    totp_secret BYTEA,
    totp_pending BYTEA,
    totp_step BIGINT NOT NULL,
    enrolment_hash BYTEA,
    enrolment_expires_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (staff_id),
    FOREIGN KEY(staff_id) REFERENCES staff (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX staff_credential_by_agency ON staff_credential (agency_id);
CREATE UNIQUE INDEX staff_credential_by_enrolment ON staff_credential (enrolment_hash);

CREATE TABLE recovery_code (
    staff_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    agency_id UUID NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (staff_id, code_hash),
    FOREIGN KEY(staff_id) REFERENCES staff (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX recovery_code_by_agency ON recovery_code (agency_id);

CREATE TABLE device (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    app_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    client VARCHAR NOT NULL,
    scopes TEXT[] NOT NULL,
    auth_time TIMESTAMP WITH TIME ZONE NOT NULL,
    second_factor BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_for VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT device_revoked_for CHECK (revoked_for IN ('person', 'administrator', 'credential', 'replay')),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(staff_id) REFERENCES staff (id),
    FOREIGN KEY(app_id) REFERENCES app_client (id)
);

CREATE INDEX device_by_agency ON device (agency_id);
CREATE INDEX device_by_expiry ON device (expires_at);
CREATE INDEX device_by_staff ON device (staff_id, id);

CREATE TABLE sign_in_code (
    code_hash BYTEA NOT NULL,
    agency_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    app_id UUID NOT NULL,
    redirect_uri VARCHAR NOT NULL,
    challenge VARCHAR NOT NULL,
    nonce VARCHAR,
    scopes TEXT[] NOT NULL,
    second_factor BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    device_id UUID,
    PRIMARY KEY (code_hash),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(staff_id) REFERENCES staff (id),
    FOREIGN KEY(app_id) REFERENCES app_client (id)
);

CREATE INDEX sign_in_code_by_agency ON sign_in_code (agency_id);
CREATE INDEX sign_in_code_by_time ON sign_in_code (created_at);

CREATE TABLE refresh_token (
    token_hash BYTEA NOT NULL,
    agency_id UUID NOT NULL,
    device_id UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    successor_hash BYTEA,
    successor BYTEA,
    PRIMARY KEY (token_hash),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(device_id) REFERENCES device (id)
);

CREATE INDEX refresh_token_by_agency ON refresh_token (agency_id);
CREATE INDEX refresh_token_by_device ON refresh_token (device_id);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

CREATE UNLOGGED TABLE sign_in_attempt (
    key_hash BYTEA NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER NOT NULL,
    PRIMARY KEY (key_hash)
);

CREATE INDEX sign_in_attempt_by_start ON sign_in_attempt (started_at);

-- app_client: a list the operator keeps. Names no person, case or account, so everybody who signs people in may read it.

GRANT SELECT ON app_client TO tongli_app;

-- staff_credential, recovery_code: the own agency's, as its staff are; and what sign-in must know before anybody acts.

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Who would be signing in. No row: unknown, revoked or suspended. The hash is null before the person has a password.
CREATE OR REPLACE FUNCTION staff_for_sign_in(p_agency_code text, p_login text)
RETURNS TABLE (staff_id uuid, agency_id uuid, roles text[], password_hash text, second_factor boolean, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT s.id, s.agency_id, s.roles, c.password_hash, c.totp_secret IS NOT NULL, c.version
      FROM agency a JOIN staff s ON s.agency_id = a.id JOIN staff_credential c ON c.staff_id = s.id
     WHERE a.code = p_agency_code AND s.login = p_login AND s.status = 'active' AND a.status = 'active'
$$;

-- Whose enrolment code this is, while it is good. No row: unknown, used, run out, or its person no longer active.
CREATE OR REPLACE FUNCTION enrolling_staff(p_hash bytea)
RETURNS TABLE (staff_id uuid, agency_id uuid, login text, agency_code text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT s.id, s.agency_id, s.login, a.code
      FROM staff_credential c JOIN staff s ON s.id = c.staff_id JOIN agency a ON a.id = s.agency_id
     WHERE c.enrolment_hash = p_hash AND c.enrolment_expires_at > now()
       AND s.status = 'active' AND a.status = 'active'
$$;

REVOKE ALL ON FUNCTION staff_for_sign_in(text, text), enrolling_staff(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION staff_for_sign_in(text, text), enrolling_staff(bytea) TO tongli_app;

SET LOCAL ROLE tongli_owner;

GRANT SELECT, INSERT, UPDATE ON staff_credential, recovery_code TO tongli_app;
GRANT SELECT ON staff_credential TO tongli_linker;

ALTER TABLE staff_credential ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON staff_credential;
CREATE POLICY own ON staff_credential TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON staff_credential;
CREATE POLICY linker ON staff_credential FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS own ON recovery_code;
CREATE POLICY own ON recovery_code TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));

-- device, sign_in_code, refresh_token: the own agency's; and whose a code or refresh token is, before anybody acts.

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Who holds a code or refresh token, good or not: what becomes of it is decided acting as that person.
CREATE OR REPLACE FUNCTION grant_holder(p_hash bytea)
RETURNS TABLE (kind text, agency_id uuid, staff_id uuid, app_id uuid, second_factor boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT 'code', c.agency_id, c.staff_id, c.app_id, c.second_factor FROM sign_in_code c WHERE c.code_hash = p_hash
    UNION ALL
    SELECT 'refresh', d.agency_id, d.staff_id, d.app_id, d.second_factor
      FROM refresh_token r JOIN device d ON d.id = r.device_id WHERE r.token_hash = p_hash
$$;
REVOKE ALL ON FUNCTION grant_holder(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION grant_holder(bytea) TO tongli_app;

SET LOCAL ROLE tongli_owner;

GRANT SELECT, INSERT, UPDATE ON device, sign_in_code, refresh_token TO tongli_app;
GRANT SELECT ON device, sign_in_code, refresh_token TO tongli_linker;
GRANT SELECT, DELETE ON device, sign_in_code, refresh_token TO tongli_jobs;

ALTER TABLE device ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_in_code ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE refresh_token ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON device;
CREATE POLICY own ON device TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON device;
CREATE POLICY linker ON device FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_forget ON device;
CREATE POLICY jobs_forget ON device TO tongli_jobs USING (expires_at < now());

DROP POLICY IF EXISTS own ON sign_in_code;
CREATE POLICY own ON sign_in_code TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON sign_in_code;
CREATE POLICY linker ON sign_in_code FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_forget ON sign_in_code;
CREATE POLICY jobs_forget ON sign_in_code TO tongli_jobs USING (created_at < now() - interval '7 days');

DROP POLICY IF EXISTS own ON refresh_token;
CREATE POLICY own ON refresh_token TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON refresh_token;
CREATE POLICY linker ON refresh_token FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_forget ON refresh_token;
CREATE POLICY jobs_forget ON refresh_token TO tongli_jobs USING (expires_at < now());

-- Tries to sign in.
SET LOCAL ROLE tongli_linker;

-- Counts one try under each key and says how many seconds to wait: 0 where every key is within its limit. Counted before
-- the proof is looked at, so that tries at once do not all pass. Name keys of accounts before those of addresses.
CREATE OR REPLACE FUNCTION take_try(p_keys bytea[], p_limits integer[], p_window_seconds integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    span interval := make_interval(secs => p_window_seconds);
    counted sign_in_attempt;
    wait integer := 0;
BEGIN
    FOR place IN 1 .. cardinality(p_keys) LOOP
        INSERT INTO sign_in_attempt AS a (key_hash, started_at, tries) VALUES (p_keys[place], moment, 1)
        ON CONFLICT (key_hash) DO UPDATE
           SET tries = CASE WHEN a.started_at <= moment - span THEN 1 ELSE a.tries + 1 END,
               started_at = CASE WHEN a.started_at <= moment - span THEN moment ELSE a.started_at END
        RETURNING a.* INTO counted;
        IF counted.tries > p_limits[place] THEN
            wait := greatest(wait, ceil(extract(epoch FROM counted.started_at + span - moment))::integer, 1);
        END IF;
    END LOOP;
    RETURN wait;
END
$$;

-- After a proof: the tries under one key are forgotten, the others get this one back; in the order of take_try.
CREATE OR REPLACE FUNCTION settle_tries(p_cleared bytea, p_returned bytea[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    returned bytea;
BEGIN
    UPDATE sign_in_attempt SET tries = 0 WHERE key_hash = p_cleared;
    FOREACH returned IN ARRAY p_returned LOOP
        UPDATE sign_in_attempt SET tries = greatest(tries - 1, 0) WHERE key_hash = returned;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION take_try(bytea[], integer[], integer), settle_tries(bytea, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_try(bytea[], integer[], integer), settle_tries(bytea, bytea[]) TO tongli_app;

SET LOCAL ROLE tongli_owner;
GRANT SELECT, INSERT, UPDATE ON sign_in_attempt TO tongli_linker;
GRANT SELECT, DELETE ON sign_in_attempt TO tongli_jobs;

-- The entrance of every transaction asks for the device of a person.
SET LOCAL ROLE tongli_linker;

DROP FUNCTION enter(text, uuid, uuid, text, text);

CREATE OR REPLACE FUNCTION enter(p_kind text, p_principal uuid, p_agency uuid, p_purpose text, p_request text,
                                 p_session uuid DEFAULT NULL)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
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
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true),
            set_config('tongli.principal', p_principal::text, true),
            set_config('tongli.purpose', coalesce(p_purpose, ''), true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text, uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
