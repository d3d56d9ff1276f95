CREATE OR REPLACE TRIGGER case_copied AFTER UPDATE ON "case"
    FOR EACH ROW EXECUTE FUNCTION copy_case_to_participants();

DROP POLICY keys ON adoption;
DROP POLICY keys ON assistance;
DROP POLICY keys ON "case";
DROP POLICY keys ON idempotency_record;
DROP POLICY keys ON person_record;
DROP POLICY keys ON referral;
DROP POLICY keys ON referral_step;
DROP POLICY keys ON report;
DROP POLICY keys ON result;
DROP POLICY keys ON sharing_basis;
DROP POLICY keys ON webhook_endpoint;
REVOKE ALL ON adoption, assistance, "case", idempotency_record, person_record, referral,
              referral_step, report, result, sharing_basis, webhook_endpoint
       FROM tongli_keys;
DROP FUNCTION sealed_as(bytea);
ALTER TABLE person_record DROP COLUMN index_key;
ALTER TABLE report DROP COLUMN source_key;
