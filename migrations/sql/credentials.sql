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
