-- consultation: a union's own register.

GRANT SELECT, INSERT ON consultation TO tongli_app;
GRANT UPDATE (title, kind, drafter_agency_id, drafter_name, asked_on, opinion_due, attended, opinion, opinion_on, adoption,
              adoption_reason, updated_at, version) ON consultation TO tongli_app;

ALTER TABLE consultation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON consultation;
CREATE POLICY own ON consultation TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
