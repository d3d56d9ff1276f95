-- audit_leaf: written by everybody who acts, read by nobody through the application yet, changed by nobody.
-- Partitions of event and audit_leaf: months are made ahead; no grants on partitions, since reading one directly would
-- bypass the parent's policy.

GRANT INSERT ON audit_leaf TO tongli_app, tongli_jobs;
ALTER TABLE audit_leaf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS acted ON audit_leaf;
CREATE POLICY acted ON audit_leaf FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_acted ON audit_leaf;
CREATE POLICY jobs_acted ON audit_leaf FOR INSERT TO tongli_jobs WITH CHECK (principal_kind = 'system');

-- The least UUIDv7 of a moment.
CREATE OR REPLACE FUNCTION first_id_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (rpad(lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0'))::uuid;

-- Makes the monthly partitions from this month to `p_months` ahead. Owned by tongli_owner: only an owner may.
CREATE OR REPLACE FUNCTION make_partitions(p_months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    made integer := 0;
    parent text;
    child text;
    starts timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(7461001);
    FOREACH parent IN ARRAY ARRAY['event', 'audit_leaf'] LOOP
        FOR i IN 0..p_months LOOP
            starts := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => i);
            child := parent || '_' || to_char(starts AT TIME ZONE 'UTC', 'YYYYMM');
            IF to_regclass(quote_ident(child)) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                    first_id_at(starts),
                    first_id_at((starts AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', child);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION make_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions(integer) TO tongli_jobs;
