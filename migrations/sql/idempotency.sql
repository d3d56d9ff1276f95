-- idempotency_record: answers of one agency's own requests.

GRANT SELECT, INSERT, UPDATE ON idempotency_record TO tongli_app;
GRANT SELECT, DELETE ON idempotency_record TO tongli_jobs;
ALTER TABLE idempotency_record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON idempotency_record;
CREATE POLICY own ON idempotency_record TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_forget ON idempotency_record;
CREATE POLICY jobs_forget ON idempotency_record TO tongli_jobs USING (created_at < now() - interval '14 days');
