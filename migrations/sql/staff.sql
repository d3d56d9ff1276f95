-- staff: each agency sees and manages its own.

GRANT SELECT, INSERT, UPDATE ON staff TO tongli_app;
GRANT SELECT ON staff TO tongli_linker;
ALTER TABLE staff ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON staff;
CREATE POLICY own ON staff TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON staff;
CREATE POLICY linker ON staff FOR SELECT TO tongli_linker USING (true);
