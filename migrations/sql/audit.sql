-- audit_leaf: written by everybody who acts; read by its agency and by the coordinator of its case; changed by nobody but
-- an erasure. audit_log and what follows: the Merkle log, which every partner may read, since it reveals nothing.
-- Partitions of event and audit_leaf: months are made ahead; no grants on partitions, since reading one directly would
-- bypass the parent's policy.

GRANT INSERT ON audit_leaf TO tongli_app, tongli_jobs;
GRANT SELECT ON audit_leaf TO tongli_app, tongli_linker;
GRANT UPDATE (salt, facts, subject_id, case_id, erased_at) ON audit_leaf TO tongli_linker;
GRANT SELECT ON audit_log, audit_key, audit_entry, audit_tile, audit_checkpoint, audit_witness, audit_cosignature
    TO tongli_app, tongli_jobs, tongli_linker;
GRANT INSERT ON audit_log, audit_key, audit_entry, audit_checkpoint TO tongli_jobs;
GRANT INSERT, UPDATE ON audit_tile TO tongli_jobs;
GRANT SELECT, INSERT ON audit_pending TO tongli_linker;
GRANT SELECT, DELETE ON audit_pending TO tongli_jobs;
GRANT INSERT ON audit_witness, audit_cosignature TO tongli_app;
GRANT UPDATE (revoked_at, version) ON audit_witness TO tongli_app;

ALTER TABLE audit_leaf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_pending ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_tile ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_checkpoint ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_witness ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_cosignature ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Who did and read what in a case is its coordinator's business; what an agency does with a referral it has not sent yet
-- is not: the policy of referral says so.
DROP POLICY IF EXISTS seen ON audit_leaf;
CREATE POLICY seen ON audit_leaf FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR (EXISTS (SELECT FROM "case" c
                 WHERE c.id = audit_leaf.case_id AND c.coordinator_agency_id = (SELECT acting_agency()))
        AND (subject_type <> 'referral' OR EXISTS (SELECT FROM referral r WHERE r.id = audit_leaf.subject_id))));
DROP POLICY IF EXISTS acted ON audit_leaf;
CREATE POLICY acted ON audit_leaf FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_acted ON audit_leaf;
CREATE POLICY jobs_acted ON audit_leaf FOR INSERT TO tongli_jobs WITH CHECK (principal_kind = 'system');
DROP POLICY IF EXISTS linker ON audit_leaf;
CREATE POLICY linker ON audit_leaf TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS partners ON audit_log;
CREATE POLICY partners ON audit_log FOR SELECT TO tongli_app, tongli_jobs, tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_begin ON audit_log;
CREATE POLICY jobs_begin ON audit_log FOR INSERT TO tongli_jobs WITH CHECK (true);
DROP POLICY IF EXISTS operator ON audit_log;
CREATE POLICY operator ON audit_log TO tongli_owner USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS partners ON audit_key;
CREATE POLICY partners ON audit_key FOR SELECT TO tongli_app, tongli_jobs, tongli_linker, tongli_owner USING (true);
DROP POLICY IF EXISTS jobs_list ON audit_key;
CREATE POLICY jobs_list ON audit_key FOR INSERT TO tongli_jobs WITH CHECK (true);

DROP POLICY IF EXISTS jobs_seal ON audit_pending;
CREATE POLICY jobs_seal ON audit_pending TO tongli_jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON audit_pending;
CREATE POLICY linker ON audit_pending TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS partners ON audit_entry;
CREATE POLICY partners ON audit_entry FOR SELECT TO tongli_app, tongli_jobs, tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_seal ON audit_entry;
CREATE POLICY jobs_seal ON audit_entry FOR INSERT TO tongli_jobs WITH CHECK (true);
DROP POLICY IF EXISTS partners ON audit_tile;
CREATE POLICY partners ON audit_tile FOR SELECT TO tongli_app, tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_seal ON audit_tile;
CREATE POLICY jobs_seal ON audit_tile TO tongli_jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS partners ON audit_checkpoint;
CREATE POLICY partners ON audit_checkpoint FOR SELECT TO tongli_app, tongli_jobs, tongli_linker, tongli_owner USING (true);
DROP POLICY IF EXISTS jobs_sign ON audit_checkpoint;
CREATE POLICY jobs_sign ON audit_checkpoint FOR INSERT TO tongli_jobs WITH CHECK (true);

DROP POLICY IF EXISTS partners ON audit_witness;
CREATE POLICY partners ON audit_witness FOR SELECT TO tongli_app, tongli_jobs, tongli_linker, tongli_owner USING (true);
DROP POLICY IF EXISTS own_new ON audit_witness;
CREATE POLICY own_new ON audit_witness FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own ON audit_witness;
CREATE POLICY own ON audit_witness FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS partners ON audit_cosignature;
CREATE POLICY partners ON audit_cosignature FOR SELECT TO tongli_app, tongli_jobs, tongli_linker, tongli_owner
    USING (true);
DROP POLICY IF EXISTS own_new ON audit_cosignature;
CREATE POLICY own_new ON audit_cosignature FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Trigger: every leaf waits for the sealer, whoever wrote it and however late it is committed.
CREATE OR REPLACE FUNCTION await_sealing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO audit_pending (position, leaf_id, algorithm, commitment, news)
    SELECT position, id, algorithm, commitment, action <> 'audit.cosign' FROM written;
    RETURN NULL;
END
$$;

-- Takes salt, facts, subject and case from leaves of the acting agency or of cases it coordinates; returns the
-- commitments of those that had them. What vouches for an erasure is not erased.
CREATE OR REPLACE FUNCTION erase_leaves(p_ids uuid[]) RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_ids) AS g (id) LEFT JOIN audit_leaf l ON l.id = g.id
         WHERE (l.action <> 'audit.erase' AND (l.agency_id = acting_agency() OR EXISTS (
                    SELECT FROM "case" c WHERE c.id = l.case_id AND c.coordinator_agency_id = acting_agency())))
               IS NOT TRUE) THEN
        RAISE EXCEPTION 'not the acting agency''s to erase' USING ERRCODE = 'TL002';
    END IF;
    RETURN QUERY
    UPDATE audit_leaf SET salt = NULL, facts = '{}', subject_id = NULL, case_id = NULL, erased_at = now()
     WHERE id = ANY (p_ids) AND erased_at IS NULL RETURNING commitment;
END
$$;

-- The log from one index on, each entry beside its leaf as it lies in the table. For the operator's export, which hashes
-- what it gets and writes the hashes: nothing else shows an operator a leaf.
CREATE OR REPLACE FUNCTION stored_leaves(p_from bigint, p_limit integer)
RETURNS TABLE (index bigint, entry_algorithm text, entry_commitment bytea, id uuid, at timestamptz, agency_id uuid,
    principal_kind text, principal_id uuid, actor text, action text, subject_type text, subject_id uuid, case_id uuid,
    field_classes text[], purpose text, request_id text, facts text, salt bytea, algorithm text, commitment bytea,
    erased_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT e.index, e.algorithm, e.commitment, l.id, l.at, l.agency_id, l.principal_kind, l.principal_id, l.actor,
           l.action, l.subject_type, l.subject_id, l.case_id, l.field_classes, l.purpose, l.request_id, l.facts::text,
           l.salt, l.algorithm, l.commitment, l.erased_at
      FROM audit_entry e LEFT JOIN audit_leaf l ON l.id = e.leaf_id
     WHERE e.index >= p_from ORDER BY e.index LIMIT p_limit
$$;

-- How many leaves are neither in the log nor on their way into it: written past the trigger, which no program of ours can.
CREATE OR REPLACE FUNCTION stray_leaves() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT count(*) FROM audit_leaf l
     WHERE NOT EXISTS (SELECT FROM audit_entry e WHERE e.leaf_id = l.id)
       AND NOT EXISTS (SELECT FROM audit_pending p WHERE p.leaf_id = l.id)
$$;

REVOKE ALL ON FUNCTION await_sealing(), erase_leaves(uuid[]), stored_leaves(bigint, integer), stray_leaves() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION await_sealing(), stored_leaves(bigint, integer), stray_leaves() TO tongli_owner;
GRANT EXECUTE ON FUNCTION erase_leaves(uuid[]) TO tongli_app;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER leaf_written AFTER INSERT ON audit_leaf
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION await_sealing();

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
