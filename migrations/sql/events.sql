-- event, feed_entry, feed_head: facts are written by who acted; the sequencer numbers them; each agency reads its feed.

GRANT SELECT, INSERT ON event TO tongli_app;
GRANT SELECT, INSERT ON event TO tongli_jobs;
GRANT UPDATE (numbered_at) ON event TO tongli_jobs;
GRANT SELECT ON feed_entry TO tongli_app;
GRANT SELECT, INSERT, DELETE ON feed_entry TO tongli_jobs;
GRANT SELECT ON feed_head TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON feed_head TO tongli_jobs;

ALTER TABLE event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE feed_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE feed_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON event;
CREATE POLICY seen ON event FOR SELECT TO tongli_app USING (
    actor_agency_id = (SELECT acting_agency()) OR EXISTS (SELECT FROM "case" c WHERE c.id = event.case_id));
DROP POLICY IF EXISTS acted ON event;
CREATE POLICY acted ON event FOR INSERT TO tongli_app WITH CHECK (actor_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON event;
CREATE POLICY jobs_numbering ON event TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON feed_entry;
CREATE POLICY own ON feed_entry FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON feed_entry;
CREATE POLICY jobs_numbering ON feed_entry TO tongli_jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON feed_head;
CREATE POLICY own ON feed_head FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON feed_head;
CREATE POLICY jobs_numbering ON feed_head TO tongli_jobs USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON feed_cursor TO tongli_app;
ALTER TABLE feed_cursor ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON feed_cursor;
CREATE POLICY own ON feed_cursor TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Kind and county of cases, for the numbering alone: what an agency may select its events by, where it knows the case.
CREATE OR REPLACE FUNCTION places_of_cases(p_cases uuid[]) RETURNS TABLE (case_id uuid, kind text, county text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id, c.kind, left(c.division_code, 6) FROM "case" c WHERE c.id = ANY (p_cases)
$$;

REVOKE ALL ON FUNCTION places_of_cases(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION places_of_cases(uuid[]) TO tongli_jobs;

SET LOCAL ROLE tongli_owner;
