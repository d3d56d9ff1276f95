-- What stood before revision 0023.

SET LOCAL ROLE tongli_linker;
DROP FUNCTION stuck_referrals(uuid), hot_matters(uuid, timestamptz), assign_referral(uuid, uuid, uuid, timestamptz),
    effects_of_session(uuid);
SET LOCAL ROLE tongli_owner;

ALTER TABLE case_task NO FORCE ROW LEVEL SECURITY;
DELETE FROM case_task WHERE kind = 'assigned';
ALTER TABLE case_task FORCE ROW LEVEL SECURITY;
ALTER TABLE case_task DROP COLUMN agenda_item_id, DROP COLUMN lead_agency_id, DROP CONSTRAINT case_task_kind;
ALTER TABLE case_task ADD CONSTRAINT case_task_kind
    CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute', 'retention_due', 'possible_household', 'doubtful_link'));

DROP INDEX referral_by_assignment;
ALTER TABLE referral DROP COLUMN assigned_by;

DROP TABLE conference_task, opinion, agenda_item, conference_session, conference;
REVOKE SELECT (level, due_at, raised_at) ON escalation FROM tongli_linker;
