-- What stood before revision 0013. What was asked and granted is not kept.

DROP TRIGGER match_copied ON match_candidate;
DROP TRIGGER matches_copied ON "case";
SET LOCAL ROLE tongli_linker;
DROP FUNCTION copy_coordinators_to_match(), copy_coordinator_to_matches(), opened_matches(uuid[]),
    undo_not_duplicate(uuid, uuid, text, timestamptz, timestamptz), lapsed_matches(timestamptz, integer),
    lapse_match(uuid, uuid, timestamptz, timestamptz),
    withdraw_difference(uuid, uuid, text, timestamptz, timestamptz),
    probing_suspects(timestamptz, timestamptz, integer), shown_by_grant(uuid);
SET LOCAL ROLE tongli_owner;
DROP TABLE access_request;
DROP TABLE probing_alarm;

DROP POLICY coordinated ON match_candidate;
CREATE POLICY coordinated ON match_candidate FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM "case" c
     WHERE (c.id = match_candidate.other_case_id OR (c.id = match_candidate.case_id AND NOT match_candidate.silent))
       AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY decided ON match_candidate;
CREATE POLICY decided ON match_candidate FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM "case" c
     WHERE (c.id = match_candidate.other_case_id OR (c.id = match_candidate.case_id AND NOT match_candidate.silent))
       AND c.coordinator_agency_id = (SELECT acting_agency())));
REVOKE UPDATE ON match_candidate FROM tongli_linker;
ALTER TABLE match_candidate DROP COLUMN coordinator_agency_id, DROP COLUMN holder_agency_id;
DROP INDEX match_candidate_lapsing;
