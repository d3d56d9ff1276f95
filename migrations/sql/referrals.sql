-- referral, referral_pool, referral_step: seen by sender, addressee, the case's coordinator, and, while it waits in the
-- pool, by the offices it was offered to. A draft is its sender's alone.

GRANT SELECT, INSERT, UPDATE ON referral TO tongli_app;
GRANT SELECT, INSERT ON referral_pool, referral_step TO tongli_app;
GRANT SELECT ON referral, referral_pool TO tongli_linker;
GRANT UPDATE (status, outcome, ended_at, next_due, updated_at, version) ON referral TO tongli_linker;
GRANT SELECT (id, case_id, person_id, matter_code, need, sender_agency_id, coordinator_agency_id, to_agency_id, pooled,
              joint, status, urgency, place, part_of, requested_at, received_at, clock_stopped_at, acknowledge_by,
              accept_by, resolve_by, due_confirmed, next_due, overdue, alarm_at, alarm, rung, version, return_count, extended,
              outcome) ON referral TO tongli_jobs;
GRANT UPDATE (status, outcome, ended_at, acknowledge_by, accept_by, resolve_by, due_confirmed, next_due, overdue,
              alarm_at, alarm, rung, updated_at, version) ON referral TO tongli_jobs;
GRANT SELECT ON referral_pool TO tongli_jobs;
GRANT INSERT, SELECT (referral_id, step, reason, taken_at) ON referral_step TO tongli_jobs;

ALTER TABLE referral ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE referral_pool ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE referral_step ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON referral;
CREATE POLICY party ON referral FOR SELECT TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))));
DROP POLICY IF EXISTS party_update ON referral;
CREATE POLICY party_update ON referral FOR UPDATE TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))))
    WITH CHECK (
    sender_agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS sent ON referral;
CREATE POLICY sent ON referral FOR INSERT TO tongli_app WITH CHECK (
    sender_agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = referral.case_id));
DROP POLICY IF EXISTS linker ON referral;
CREATE POLICY linker ON referral FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS linker_joint ON referral;
CREATE POLICY linker_joint ON referral FOR UPDATE TO tongli_linker USING (joint) WITH CHECK (joint);
DROP POLICY IF EXISTS jobs_clocks ON referral;
CREATE POLICY jobs_clocks ON referral TO tongli_jobs USING (status NOT IN ('draft')) WITH CHECK (true);

-- referral_pool has no sub-select on referral: referral's own policy reads it, and two policies may not read each other.
DROP POLICY IF EXISTS offered ON referral_pool;
CREATE POLICY offered ON referral_pool FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS offer ON referral_pool;
CREATE POLICY offer ON referral_pool FOR INSERT TO tongli_app WITH CHECK (sender_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON referral_pool;
CREATE POLICY linker ON referral_pool FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_audience ON referral_pool;
CREATE POLICY jobs_audience ON referral_pool FOR SELECT TO tongli_jobs USING (true);

DROP POLICY IF EXISTS party ON referral_step;
CREATE POLICY party ON referral_step FOR SELECT TO tongli_app
    USING (EXISTS (SELECT FROM referral r WHERE r.id = referral_step.referral_id));
DROP POLICY IF EXISTS taken ON referral_step;
CREATE POLICY taken ON referral_step FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM referral r WHERE r.id = referral_step.referral_id));
DROP POLICY IF EXISTS jobs_clocks ON referral_step;
CREATE POLICY jobs_clocks ON referral_step FOR INSERT TO tongli_jobs WITH CHECK (step IN ('expire', 'recalculate'));
DROP POLICY IF EXISTS jobs_recalculation ON referral_step;
CREATE POLICY jobs_recalculation ON referral_step FOR SELECT TO tongli_jobs USING (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Carries a referral's new state into its case: whose the need is now, a task for the coordinator where it came back,
-- the end of a receiver's part that has no work left, of what was told upwards about a date that is met now, and the
-- case's own date and version. Not granted to anybody.
CREATE OR REPLACE FUNCTION carry_into_case(
    r referral, p_task uuid, p_task_kind text, p_now timestamptz, OUT case_version integer, OUT receiver_left boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    holder uuid;
    state text;
BEGIN
    SELECT o.to_agency_id, 'in_progress' INTO holder, state FROM referral o
     WHERE o.case_id = r.case_id AND o.need = r.need AND o.to_agency_id IS NOT NULL
       AND o.status IN ('accepted', 'in_progress', 'on_hold') ORDER BY o.accepted_at LIMIT 1;
    IF holder IS NULL THEN
        SELECT coalesce(o.to_agency_id, o.coordinator_agency_id), 'referred' INTO holder, state FROM referral o
         WHERE o.case_id = r.case_id AND o.need = r.need AND o.status IN ('requested', 'returned')
         ORDER BY o.requested_at LIMIT 1;
    END IF;
    IF holder IS NULL AND r.status = 'completed' THEN
        holder := coalesce(r.to_agency_id, r.coordinator_agency_id);
        state := r.outcome;
    END IF;
    INSERT INTO case_need (case_id, need, status, agency_id, referral_id, updated_at)
    VALUES (r.case_id, r.need, coalesce(state, 'open'), coalesce(holder, r.coordinator_agency_id), r.id, p_now)
    ON CONFLICT (case_id, need) DO UPDATE SET status = EXCLUDED.status, agency_id = EXCLUDED.agency_id,
        referral_id = EXCLUDED.referral_id, updated_at = EXCLUDED.updated_at;
    IF p_task_kind IS NOT NULL THEN
        INSERT INTO case_task (id, case_id, agency_id, kind, status, referral_id, need, created_at)
        VALUES (p_task, r.case_id, r.coordinator_agency_id, p_task_kind, 'open', r.id, r.need, p_now);
    END IF;
    receiver_left := false;
    IF r.to_agency_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM referral o WHERE o.case_id = r.case_id AND o.to_agency_id = r.to_agency_id
           AND o.status IN ('accepted', 'in_progress', 'on_hold', 'completed')) THEN
        UPDATE participant SET until = clock_timestamp(), listed = false
         WHERE case_id = r.case_id AND agency_id = r.to_agency_id AND role = 'receiver' AND until IS NULL;
        receiver_left := FOUND;
        UPDATE participant SET listed = true WHERE receiver_left AND id = (
            SELECT id FROM participant WHERE case_id = r.case_id AND agency_id = r.to_agency_id AND until IS NULL
               AND NOT EXISTS (SELECT FROM participant q WHERE q.case_id = r.case_id AND q.agency_id = r.to_agency_id
                                                           AND q.until IS NULL AND q.listed)
             ORDER BY since LIMIT 1);
    END IF;
    UPDATE escalation e SET ended_at = p_now WHERE e.referral_id = r.id AND e.ended_at IS NULL AND (
        r.ended_at IS NOT NULL OR (e.clock = 'acknowledge' AND r.received_at IS NOT NULL)
        OR (e.clock IN ('acknowledge', 'accept') AND r.status <> 'requested'));
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = r.case_id RETURNING version INTO case_version;
END
$$;

-- The same for a party of the referral, and for the clock.
CREATE OR REPLACE FUNCTION note_referral(
    p_referral uuid, p_task uuid, p_task_kind text, p_now timestamptz,
    OUT case_version integer, OUT receiver_left boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    r referral;
BEGIN
    SELECT * INTO r FROM referral WHERE id = p_referral;
    IF (session_user = 'tongli_jobs'
        OR acting_agency() IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)) IS NOT TRUE THEN
        RAISE EXCEPTION 'not a party of the referral' USING ERRCODE = 'TL002';
    END IF;
    SELECT c.case_version, c.receiver_left INTO case_version, receiver_left
      FROM carry_into_case(r, p_task, p_task_kind, p_now) c;
END
$$;

-- Status and outcome of a joint referral's children, for a party of one of them: who ends the last one sees the others
-- no more than this.
CREATE OR REPLACE FUNCTION children_of_joint(p_parent uuid) RETURNS TABLE (status text, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT o.status, o.outcome FROM referral o WHERE o.part_of = p_parent AND EXISTS (
        SELECT FROM referral mine WHERE mine.part_of = p_parent
           AND acting_agency() IN (mine.sender_agency_id, mine.to_agency_id, mine.coordinator_agency_id))
$$;

-- Completes a joint referral under way whose children have all ended, for a party of one of them; no row otherwise.
CREATE OR REPLACE FUNCTION complete_joint(p_parent uuid, p_outcome text, p_now timestamptz)
RETURNS TABLE (referral_version integer, coordinator uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    r referral;
BEGIN
    IF NOT EXISTS (SELECT FROM children_of_joint(p_parent)) OR EXISTS (
        SELECT FROM children_of_joint(p_parent) c
         WHERE c.status IN ('draft', 'requested', 'returned', 'accepted', 'in_progress', 'on_hold')) THEN
        RETURN;
    END IF;
    UPDATE referral SET status = 'completed', outcome = p_outcome, ended_at = p_now, next_due = NULL,
                        updated_at = p_now, version = version + 1
     WHERE id = p_parent AND joint AND status = 'in_progress' RETURNING * INTO r;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM carry_into_case(r, NULL, NULL, p_now);
    referral_version := r.version;
    coordinator := r.coordinator_agency_id;
    RETURN NEXT;
END
$$;

-- Whether an open referral of this person and matter exists that the acting agency may not see.
-- The answer goes to the coordinator as a task, never to the sender: a 409 would betray the hidden one.
CREATE OR REPLACE FUNCTION hidden_duplicate_exists(p_referral uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT EXISTS (
        SELECT FROM referral mine JOIN referral o ON o.person_id = mine.person_id AND o.matter_code = mine.matter_code
         WHERE mine.id = p_referral AND mine.sender_agency_id = acting_agency() AND o.id <> mine.id
           AND o.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')
           AND o.id IS DISTINCT FROM mine.part_of AND o.part_of IS DISTINCT FROM mine.id
           AND (mine.part_of IS NULL OR o.part_of IS DISTINCT FROM mine.part_of)
           AND acting_agency() NOT IN (o.sender_agency_id, coalesce(o.to_agency_id, o.sender_agency_id),
                                       o.coordinator_agency_id))
$$;

-- The offices a pooled referral was offered to, for a party of it: all must learn that it is taken.
CREATE OR REPLACE FUNCTION offices_offered(p_referral uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT o.agency_id FROM referral_pool o JOIN referral r ON r.id = o.referral_id
     WHERE o.referral_id = p_referral
       AND acting_agency() IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)
$$;

REVOKE ALL ON FUNCTION offices_offered(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offices_offered(uuid) TO tongli_app;
REVOKE ALL ON FUNCTION carry_into_case(referral, uuid, text, timestamptz), children_of_joint(uuid),
    complete_joint(uuid, text, timestamptz), note_referral(uuid, uuid, text, timestamptz), hidden_duplicate_exists(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_referral(uuid, uuid, text, timestamptz) TO tongli_app, tongli_jobs;
GRANT EXECUTE ON FUNCTION children_of_joint(uuid), complete_joint(uuid, text, timestamptz),
    hidden_duplicate_exists(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
