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
