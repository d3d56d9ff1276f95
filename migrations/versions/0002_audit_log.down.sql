DROP TRIGGER leaf_written ON audit_leaf;
DROP POLICY seen ON audit_leaf;
DROP POLICY linker ON audit_leaf;
REVOKE SELECT ON audit_leaf FROM tongli_app, tongli_linker;
REVOKE UPDATE (salt, facts, subject_id, case_id, erased_at) ON audit_leaf FROM tongli_linker;

ALTER TABLE audit_leaf DROP COLUMN erased_at;
ALTER TABLE audit_leaf NO FORCE ROW LEVEL SECURITY;
UPDATE audit_leaf SET salt = '' WHERE salt IS NULL;
ALTER TABLE audit_leaf FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_leaf ALTER COLUMN salt SET NOT NULL;
CREATE INDEX audit_leaf_unsealed ON audit_leaf (position);
