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
