-- catalogue_item: read by everybody, kept by whose data it is. share_request: seen and moved by its two sides.

GRANT SELECT, INSERT ON catalogue_item, share_request TO tongli_app;
GRANT UPDATE (name, items, format, update_frequency, share_type, mode, conditions, legal_citation, classification,
              approved_by, retired_at, updated_at, version) ON catalogue_item TO tongli_app;
GRANT UPDATE (status, consents, supplemented, extended, missing, refusal, dispute, steps, delivered, sha256, wrong,
              certificate, counted_from, counted_days, due_at, due_confirmed, paused_at, overdue_at, updated_at, version) ON share_request TO tongli_app;
GRANT SELECT (id, agency_id, provider_agency_id, status, counted_from, counted_days, due_at, due_confirmed, paused_at,
              overdue_at, version),
      UPDATE (due_at, due_confirmed, overdue_at, updated_at, version) ON share_request TO tongli_jobs;

ALTER TABLE catalogue_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE share_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS everybody ON catalogue_item;
CREATE POLICY everybody ON catalogue_item FOR SELECT TO tongli_app USING (true);
DROP POLICY IF EXISTS own_insert ON catalogue_item;
CREATE POLICY own_insert ON catalogue_item FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own_update ON catalogue_item;
CREATE POLICY own_update ON catalogue_item FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));

DROP POLICY IF EXISTS side ON share_request;
CREATE POLICY side ON share_request FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR provider_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS asked ON share_request;
CREATE POLICY asked ON share_request FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS moved ON share_request;
CREATE POLICY moved ON share_request FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR provider_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON share_request;
CREATE POLICY jobs_clocks ON share_request TO tongli_jobs USING (true) WITH CHECK (true);
