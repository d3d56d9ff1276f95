-- What stood before revision 0007.

SET LOCAL ROLE tongli_linker;
DROP FUNCTION honey_touches(timestamptz);
DROP FUNCTION mark_honey(text, timestamptz);
SET LOCAL ROLE tongli_owner;
DROP TABLE honey_touch;
DROP TABLE honey_case;
