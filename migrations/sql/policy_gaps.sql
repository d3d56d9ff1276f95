-- policy_gap: recorded and read by the coordinator of its case; the unions above count it and see no row.

GRANT SELECT, INSERT ON policy_gap TO tongli_app;
GRANT SELECT (id, case_id, agency_id, need, ground, place), UPDATE (text) ON policy_gap TO tongli_linker;

ALTER TABLE policy_gap ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS coordinator ON policy_gap;
CREATE POLICY coordinator ON policy_gap FOR SELECT TO tongli_app USING (
    EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS recorded ON policy_gap;
CREATE POLICY recorded ON policy_gap FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency())
    AND EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = agency_id));
DROP POLICY IF EXISTS linker ON policy_gap;
CREATE POLICY linker ON policy_gap TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The acting union and the unions below it, as a line; nothing for whoever is no union. A part of the two counts.
CREATE OR REPLACE FUNCTION line_of_union() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE line AS (
        SELECT a.id FROM agency a WHERE a.id = acting_agency() AND a.kind = 'union'
        UNION SELECT a.id FROM agency a JOIN line l ON a.parent_id = l.id WHERE a.kind = 'union')
    SELECT id FROM line
$$;

-- How many gaps a line of unions has, of one need or of all. Tells counts, no case.
CREATE OR REPLACE FUNCTION policy_gap_counts(p_need text)
RETURNS TABLE (need text, place text, ground text, gaps bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT g.need, g.place, g.ground, count(*) FROM policy_gap g
     WHERE g.agency_id IN (SELECT line_of_union()) AND (p_need IS NULL OR g.need = p_need)
     GROUP BY g.need, g.place, g.ground
$$;

REVOKE ALL ON FUNCTION line_of_union(), policy_gap_counts(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_gap_counts(text) TO tongli_app;

SET LOCAL ROLE tongli_owner;
