-- conference, conference_session, agenda_item, opinion, conference_task: seen by the members of the conference and by
-- nobody else. What they hold of a referral names no case and no person.

GRANT SELECT, INSERT ON conference, conference_session, agenda_item, opinion, conference_task TO tongli_app;
GRANT UPDATE (name, member_ids, months_between, notice_working_days, reply_working_days, quorum, updated_at, version)
    ON conference TO tongli_app;
GRANT UPDATE (status, attended_ids, minutes, opened_at, closed_at, updated_at, version)
    ON conference_session TO tongli_app;
GRANT UPDATE (status, text, lead_agency_id, support_ids, settled_at, updated_at, version) ON agenda_item TO tongli_app;
GRANT UPDATE (stance, text, answered_at) ON opinion TO tongli_app;
GRANT UPDATE (status, answer, effect, done_at, confirmed_at, updated_at, version) ON conference_task TO tongli_app;
GRANT SELECT ON conference, agenda_item TO tongli_linker;
GRANT SELECT (level, due_at, raised_at) ON escalation TO tongli_linker;
GRANT SELECT (assigned_by), UPDATE (assigned_by) ON referral TO tongli_linker;
GRANT SELECT (id, agency_id) ON conference TO tongli_jobs;
GRANT SELECT (agenda_item_id, agency_id, conference_id, reply_by, answered_at, overdue_at), UPDATE (overdue_at)
    ON opinion TO tongli_jobs;
GRANT SELECT (id, agency_id, conference_id, due_by, status, version),
      UPDATE (status, overdue_at, updated_at, version) ON conference_task TO tongli_jobs;

ALTER TABLE conference ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE conference_session ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agenda_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE opinion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE conference_task ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS member ON conference;
CREATE POLICY member ON conference FOR SELECT TO tongli_app USING ((SELECT acting_agency()) = ANY (member_ids));
DROP POLICY IF EXISTS convened ON conference;
CREATE POLICY convened ON conference FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS convener ON conference;
CREATE POLICY convener ON conference FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON conference;
CREATE POLICY linker ON conference FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_clocks ON conference;
CREATE POLICY jobs_clocks ON conference FOR SELECT TO tongli_jobs USING (true);

DROP POLICY IF EXISTS member ON conference_session;
CREATE POLICY member ON conference_session FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = conference_session.conference_id));
DROP POLICY IF EXISTS called ON conference_session;
CREATE POLICY called ON conference_session FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM conference c WHERE c.id = conference_session.conference_id
                               AND c.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS convener ON conference_session;
CREATE POLICY convener ON conference_session FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = conference_session.conference_id
                               AND c.agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS member ON agenda_item;
CREATE POLICY member ON agenda_item FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = agenda_item.conference_id));
DROP POLICY IF EXISTS raised ON agenda_item;
CREATE POLICY raised ON agenda_item FOR INSERT TO tongli_app WITH CHECK (
    raised_by_agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM conference c WHERE c.id = agenda_item.conference_id));
DROP POLICY IF EXISTS settled ON agenda_item;
CREATE POLICY settled ON agenda_item FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = agenda_item.conference_id
       AND (SELECT acting_agency()) IN (c.agency_id, agenda_item.raised_by_agency_id)));
DROP POLICY IF EXISTS linker ON agenda_item;
CREATE POLICY linker ON agenda_item FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS member ON opinion;
CREATE POLICY member ON opinion FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = opinion.conference_id));
DROP POLICY IF EXISTS asked ON opinion;
CREATE POLICY asked ON opinion FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM conference c WHERE c.id = opinion.conference_id AND c.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON opinion;
CREATE POLICY own ON opinion FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON opinion;
CREATE POLICY jobs_clocks ON opinion TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS member ON conference_task;
CREATE POLICY member ON conference_task FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM conference c WHERE c.id = conference_task.conference_id));
DROP POLICY IF EXISTS decided ON conference_task;
CREATE POLICY decided ON conference_task FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM conference c WHERE c.id = conference_task.conference_id
                               AND c.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS worked_on ON conference_task;
CREATE POLICY worked_on ON conference_task FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR EXISTS (
        SELECT FROM conference c WHERE c.id = conference_task.conference_id
                                   AND c.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS jobs_clocks ON conference_task;
CREATE POLICY jobs_clocks ON conference_task TO tongli_jobs USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- What stands still in cases that the convening union, or a union below it, coordinates: referrals that climbed as far as
-- the conference and are still late, and disputes. What is before a session already, or was decided since, is left out.
-- Tells matter, need, place and offices, as an escalation does.
CREATE OR REPLACE FUNCTION stuck_referrals(p_conference uuid) RETURNS TABLE (
    referral_id uuid, kind text, matter_code varchar, need varchar, place varchar, office_agency_id uuid,
    coordinator_agency_id uuid, since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE line (id) AS (
        SELECT c.agency_id FROM conference c WHERE c.id = p_conference AND c.agency_id = acting_agency()
        UNION SELECT a.id FROM agency a JOIN line ON a.parent_id = line.id WHERE a.kind = 'union'),
    stuck (referral_id, kind, since) AS (
        SELECT e.referral_id, 'overdue', e.raised_at FROM escalation e
         WHERE e.level = 'conference' AND e.ended_at IS NULL AND e.coordinator_agency_id IN (SELECT id FROM line)
        UNION ALL
        SELECT t.referral_id, 'disputed', t.created_at FROM case_task t
         WHERE t.kind = 'dispute' AND t.status = 'open' AND t.agency_id IN (SELECT id FROM line))
    SELECT DISTINCT ON (r.id) r.id, s.kind, r.matter_code, r.need, r.place, r.to_agency_id, r.coordinator_agency_id,
           s.since
      FROM stuck s JOIN referral r ON r.id = s.referral_id
     WHERE r.erased_at IS NULL AND NOT EXISTS (
        SELECT FROM agenda_item i WHERE i.referral_id = r.id
           AND (i.status = 'open' OR (i.status = 'deferred' AND i.conference_id = p_conference)
                OR (i.status = 'decided' AND s.since <= i.settled_at)))
     ORDER BY r.id, s.kind, s.since
$$;

-- Matters of the conference's place that are asked for half as often again as in the ninety days before, the most asked
-- for first: three at most, and none with fewer than ten referrals.
CREATE OR REPLACE FUNCTION hot_matters(p_conference uuid, p_now timestamptz) RETURNS TABLE (
    matter_code varchar, asked bigint, before bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.matter_code, m.asked, m.before FROM (
        SELECT r.matter_code, count(*) FILTER (WHERE r.requested_at > p_now - interval '90 days') AS asked,
               count(*) FILTER (WHERE r.requested_at <= p_now - interval '90 days') AS before
          FROM conference c JOIN referral r
            ON starts_with(r.place, regexp_replace(c.division_code, '^(\d\d)0000$|^(\d{4})00$', '\1\2'))
         WHERE c.id = p_conference AND c.agency_id = acting_agency() AND NOT r.joint
           AND r.requested_at > p_now - interval '180 days' AND r.requested_at <= p_now
         GROUP BY r.matter_code) m
     WHERE m.asked >= 10 AND 2 * m.asked >= 3 * m.before
     ORDER BY m.asked DESC, m.matter_code LIMIT 3
$$;

-- Carries the assignment of an open item of the acting convener into the case: the referral is bound to its office where
-- that is the lead and it still has it, else the coordinator gets the task to refer to the lead; disputes end. Returns
-- what is to be told; nothing of the person.
CREATE OR REPLACE FUNCTION assign_referral(
    p_item uuid, p_lead uuid, p_task uuid, p_now timestamptz, OUT bound boolean, OUT case_id uuid,
    OUT referral_version integer, OUT sender uuid, OUT addressee uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    r referral;
BEGIN
    SELECT x.* INTO r FROM agenda_item i JOIN conference c ON c.id = i.conference_id
      JOIN referral x ON x.id = i.referral_id
     WHERE i.id = p_item AND i.status = 'open' AND c.agency_id = acting_agency();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not an item this agency may decide' USING ERRCODE = 'TL002';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(r.case_id::text, 4));
    case_id := r.case_id;
    SELECT * INTO r FROM referral x WHERE x.id = r.id;
    bound := r.to_agency_id IS NOT DISTINCT FROM p_lead
        AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold');
    sender := r.sender_agency_id;
    addressee := r.to_agency_id;
    referral_version := r.version;
    IF bound THEN
        UPDATE referral SET assigned_by = p_item, updated_at = p_now, version = version + 1
         WHERE id = r.id RETURNING version INTO referral_version;
    ELSIF EXISTS (SELECT FROM "case" k WHERE k.id = r.case_id AND k.status <> 'closed') THEN
        INSERT INTO case_task (id, case_id, agency_id, kind, status, referral_id, need, lead_agency_id, agenda_item_id,
                               created_at)
        VALUES (p_task, r.case_id, r.coordinator_agency_id, 'assigned', 'open', r.id, r.need, p_lead, p_item, p_now);
    END IF;
    UPDATE case_task t SET status = 'done', done_at = p_now
     WHERE t.referral_id = r.id AND t.kind = 'dispute' AND t.status = 'open';
END
$$;

-- What became of the referrals that a session assigned, for its members: status and outcome.
CREATE OR REPLACE FUNCTION effects_of_session(p_session uuid) RETURNS TABLE (
    agenda_item_id uuid, status varchar, outcome varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT i.id, r.status, r.outcome FROM agenda_item i
      JOIN conference c ON c.id = i.conference_id AND acting_agency() = ANY (c.member_ids)
      JOIN referral r ON r.assigned_by = i.id
     WHERE i.session_id = p_session ORDER BY r.created_at
$$;

REVOKE ALL ON FUNCTION stuck_referrals(uuid), hot_matters(uuid, timestamptz),
    assign_referral(uuid, uuid, uuid, timestamptz), effects_of_session(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stuck_referrals(uuid), hot_matters(uuid, timestamptz),
    assign_referral(uuid, uuid, uuid, timestamptz), effects_of_session(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
