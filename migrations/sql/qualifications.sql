-- qualification: each agency records and sees its own staff's certificates; enter() reads those of whoever acts.

GRANT SELECT, INSERT, UPDATE (revoked_at) ON qualification TO tongli_app;
GRANT SELECT ON qualification TO tongli_linker;
ALTER TABLE qualification ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON qualification;
CREATE POLICY own ON qualification TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON qualification;
CREATE POLICY linker ON qualification FOR SELECT TO tongli_linker USING (true);
