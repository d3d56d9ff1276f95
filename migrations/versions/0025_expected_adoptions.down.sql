-- What stood before revision 0025. What was said stays; until when it had to be said is not kept.

DROP TRIGGER adoption_said ON adoption;
DROP TRIGGER report_followed ON report;
DROP TRIGGER result_followed ON result;
DROP TRIGGER expectations_handed_over ON "case";
DROP TRIGGER expectations_ended ON participant;
DROP TABLE expected_adoption;

SET LOCAL ROLE tongli_linker;
DROP FUNCTION expect_adoptions(uuid, uuid, uuid, text[], integer, text, timestamptz, boolean, timestamptz);
DROP FUNCTION follow_adopted_thing();
DROP FUNCTION hand_over_expected_adoptions();
DROP FUNCTION end_expected_adoptions();
SET LOCAL ROLE tongli_owner;

DROP POLICY withdrawn ON result;
REVOKE UPDATE (version) ON result FROM tongli_app;
REVOKE SELECT (agency_id, kind, code, valid_from, valid_to, erased_at) ON result FROM tongli_linker;
REVOKE SELECT (agency_id) ON adoption FROM tongli_linker;
ALTER TABLE adoption DROP COLUMN reason_code;
ALTER TABLE result DROP COLUMN withdrawal, DROP COLUMN withdrawn_at;
