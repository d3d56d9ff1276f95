-- An agency that may not disclose identity numbers sends them encoded; the encodings lie in the report's sealed body and
-- in sealed features, so that the record says no more than that there is one.

ALTER TABLE person_record DROP CONSTRAINT person_record_id_type;
ALTER TABLE person_record ADD CONSTRAINT person_record_id_type CHECK
    (id_type IN ('resident_id', 'hk_mo_tw', 'foreign_pr', 'passport', 'unverified', 'encoded', 'none'));
