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
