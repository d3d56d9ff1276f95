-- webhook_endpoint, delivery, delivery_attempt, webhook_replay: each agency sees its own; the jobs deliver.

GRANT SELECT, INSERT, UPDATE ON webhook_endpoint TO tongli_app;
GRANT SELECT, INSERT ON delivery TO tongli_app;
GRANT UPDATE (status, due_at, attempts, replay, finished_at, lease_token, leased_until) ON delivery TO tongli_app;
GRANT SELECT ON delivery_attempt TO tongli_app;
GRANT SELECT ON webhook_endpoint TO tongli_jobs;
GRANT UPDATE (status, status_reason, challenge, activated_at, failing_since, not_before, version)
    ON webhook_endpoint TO tongli_jobs;
GRANT UPDATE (failing_since, consecutive_failures, failed_probes, next_probe_at, notices, not_before)
    ON webhook_endpoint TO tongli_jobs;
GRANT SELECT, INSERT, UPDATE ON delivery TO tongli_jobs;
GRANT SELECT, INSERT ON delivery_attempt TO tongli_jobs;
GRANT SELECT, INSERT ON webhook_replay TO tongli_app;
GRANT UPDATE (state, next_at, finished_at) ON webhook_replay TO tongli_app;
GRANT SELECT, UPDATE, DELETE ON webhook_replay TO tongli_jobs;

ALTER TABLE webhook_endpoint ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery_attempt ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_replay ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON webhook_endpoint;
CREATE POLICY own ON webhook_endpoint TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON webhook_endpoint;
CREATE POLICY jobs_delivery ON webhook_endpoint TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON delivery;
CREATE POLICY own ON delivery TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON delivery;
CREATE POLICY jobs_delivery ON delivery TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON delivery_attempt;
CREATE POLICY own ON delivery_attempt FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON delivery_attempt;
CREATE POLICY jobs_delivery ON delivery_attempt TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON webhook_replay;
CREATE POLICY own ON webhook_replay TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON webhook_replay;
CREATE POLICY jobs_delivery ON webhook_replay TO tongli_jobs USING (true) WITH CHECK (true);
GRANT SELECT (id, public_key, previous_public_key, previous_keys_until, status_reason) ON webhook_endpoint
    TO tongli_linker;
DROP POLICY IF EXISTS linker ON webhook_endpoint;
CREATE POLICY linker ON webhook_endpoint FOR SELECT TO tongli_linker USING (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

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
