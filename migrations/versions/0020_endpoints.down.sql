-- What stood before revision 0020.

SET LOCAL ROLE tongli_linker;
DROP FUNCTION places_of_cases(uuid[]);
SET LOCAL ROLE tongli_owner;
ALTER TABLE webhook_endpoint DROP COLUMN case_kinds, DROP COLUMN divisions;
ALTER TABLE feed_entry DROP COLUMN case_kind, DROP COLUMN county;
