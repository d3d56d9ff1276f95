SET LOCAL ROLE tongli_linker;
DROP FUNCTION person_of_case(uuid, uuid), carry_birth_date(uuid), 
    erase_case(uuid, boolean, timestamptz), erase_member(uuid, uuid, jsonb), forget_unknown_people(uuid[]),
    trim_case(uuid, jsonb, text[]), cases_past_retention(timestamptz, boolean, integer),
    open_retention_task(uuid, uuid, timestamptz, timestamptz), forget_proofs_of_erased(timestamptz, integer);
SET LOCAL ROLE tongli_owner;

DROP POLICY linker_erase ON report;
DROP POLICY linker_erase ON referral;
DROP POLICY linker_erase ON referral_step;
DROP POLICY linker_erase ON result;
DROP POLICY linker_erase ON adoption;
DROP POLICY linker_erase ON assistance;
DROP POLICY linker_erase ON sharing_basis;
DROP POLICY linker_erase ON idempotency_record;
DROP POLICY linker_erase ON break_glass;
DROP TABLE person_request;

REVOKE DELETE ON delivery, delivery_attempt FROM tongli_jobs;
REVOKE ALL ON referral_step, result, adoption, assistance, sharing_basis, break_glass, idempotency_record FROM tongli_linker;
REVOKE UPDATE (source_record, source_key, body, body_sha256) ON report FROM tongli_linker;
REVOKE DELETE ON person, person_record, household_member, link FROM tongli_linker;
REVOKE UPDATE (contact, details, phone_indexes) ON person_record FROM tongli_linker;
REVOKE UPDATE (note, age_band, person_id) ON referral FROM tongli_linker;

-- An owner behind its own walls would change nothing.
ALTER TABLE person_record NO FORCE ROW LEVEL SECURITY;
ALTER TABLE report NO FORCE ROW LEVEL SECURITY;
ALTER TABLE assistance NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_task NO FORCE ROW LEVEL SECURITY;
DELETE FROM person_record WHERE corrects IS NOT NULL;
ALTER TABLE person_record DROP COLUMN corrects;
UPDATE report SET body = coalesce(body, ''), body_sha256 = coalesce(body_sha256, ''),
                  source_record = coalesce(source_record, uuid_send(id));
ALTER TABLE report ALTER COLUMN body SET NOT NULL, ALTER COLUMN body_sha256 SET NOT NULL,
                   ALTER COLUMN source_record SET NOT NULL, DROP COLUMN erased_at;
UPDATE assistance SET source = '' WHERE source IS NULL;
ALTER TABLE assistance ALTER COLUMN source SET NOT NULL;
DROP INDEX case_closed;
ALTER TABLE "case" DROP COLUMN erased_at;
ALTER TABLE referral DROP COLUMN erased_at;
ALTER TABLE result DROP COLUMN erased_at;
DELETE FROM case_task WHERE kind = 'retention_due';
ALTER TABLE case_task DROP CONSTRAINT case_task_kind;
ALTER TABLE case_task ADD CONSTRAINT case_task_kind CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute'));
ALTER TABLE idempotency_record DROP COLUMN case_id;
ALTER TABLE person_record FORCE ROW LEVEL SECURITY;
ALTER TABLE report FORCE ROW LEVEL SECURITY;
ALTER TABLE assistance FORCE ROW LEVEL SECURITY;
ALTER TABLE case_task FORCE ROW LEVEL SECURITY;
