-- The Merkle log: tables as of this revision.

ALTER TABLE audit_leaf ALTER COLUMN salt DROP NOT NULL;
ALTER TABLE audit_leaf ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;
DROP INDEX audit_leaf_unsealed;

CREATE TABLE audit_log (
    id INTEGER NOT NULL,
    origin VARCHAR NOT NULL,
    hash VARCHAR NOT NULL,
    born_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT audit_log_is_one CHECK (id = 1),
    CONSTRAINT audit_log_hash CHECK (hash IN ('sha256', 'sm3'))
);

CREATE TABLE audit_key (
    key VARCHAR NOT NULL,
    since_size BIGINT NOT NULL,
    listed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (key)
);

CREATE TABLE audit_pending (
    position BIGINT NOT NULL,
    leaf_id UUID NOT NULL,
    algorithm VARCHAR NOT NULL,
    commitment BYTEA NOT NULL,
    news BOOLEAN NOT NULL,
    PRIMARY KEY (position)
);

CREATE TABLE audit_entry (
    index BIGINT NOT NULL,
    leaf_id UUID NOT NULL,
    algorithm VARCHAR NOT NULL,
    commitment BYTEA NOT NULL,
    PRIMARY KEY (index)
);

CREATE UNIQUE INDEX audit_entry_by_leaf ON audit_entry (leaf_id);

CREATE TABLE audit_tile (
    level INTEGER NOT NULL,
    index BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (level, index)
);

CREATE TABLE audit_checkpoint (
    size BIGINT NOT NULL,
    id UUID NOT NULL,
    root BYTEA NOT NULL,
    note VARCHAR NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (size)
);

CREATE TABLE audit_witness (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX audit_witness_by_agency ON audit_witness (agency_id, id);

CREATE UNIQUE INDEX audit_witness_by_name ON audit_witness (name);

CREATE TABLE audit_cosignature (
    size BIGINT NOT NULL,
    witness_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    line VARCHAR NOT NULL,
    cosigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (size, witness_id),
    FOREIGN KEY(size) REFERENCES audit_checkpoint (size),
    FOREIGN KEY(witness_id) REFERENCES audit_witness (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

-- Leaves that were written before there was a log are sealed like all others. FORCE binds the owner too, and no policy
-- shows it a leaf.
ALTER TABLE audit_leaf NO FORCE ROW LEVEL SECURITY;
INSERT INTO audit_pending (position, leaf_id, algorithm, commitment, news)
SELECT position, id, algorithm, commitment, true FROM audit_leaf;
ALTER TABLE audit_leaf FORCE ROW LEVEL SECURITY;

-- Policies and functions as of this revision.

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

