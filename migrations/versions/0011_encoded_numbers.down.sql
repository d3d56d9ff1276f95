-- What stood before revision 0011. Of whom a number was sent encoded, none is known.

-- An owner behind its own walls would change nothing.
ALTER TABLE person_record NO FORCE ROW LEVEL SECURITY;
UPDATE person_record SET id_type = 'none' WHERE id_type = 'encoded';
ALTER TABLE person_record FORCE ROW LEVEL SECURITY;
ALTER TABLE person_record DROP CONSTRAINT person_record_id_type;
ALTER TABLE person_record ADD CONSTRAINT person_record_id_type CHECK
    (id_type IN ('resident_id', 'hk_mo_tw', 'foreign_pr', 'passport', 'unverified', 'none'));
