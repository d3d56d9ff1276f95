-- Clocks that act: reminders before a date, and a ladder for what is late.

ALTER TABLE referral ADD COLUMN alarm_at TIMESTAMP WITH TIME ZONE, ADD COLUMN alarm VARCHAR,
    ADD COLUMN rung TEXT[] NOT NULL DEFAULT '{}';
CREATE INDEX referral_alarm ON referral (alarm_at) WHERE alarm_at IS NOT NULL;

CREATE TABLE escalation (
    id UUID NOT NULL,
    referral_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    clock VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    office_agency_id UUID,
    coordinator_agency_id UUID NOT NULL,
    matter_code VARCHAR NOT NULL,
    need VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT escalation_clock CHECK (clock IN ('acknowledge', 'accept', 'resolve')),
    CONSTRAINT escalation_level CHECK (level IN ('head', 'supervisor', 'conference')),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(office_agency_id) REFERENCES agency (id),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id)
);
CREATE UNIQUE INDEX escalation_once ON escalation (referral_id, clock, level);
CREATE INDEX escalation_by_agency ON escalation (agency_id, id);
CREATE INDEX escalation_by_coordinator ON escalation (coordinator_agency_id, id);
CREATE INDEX escalation_by_office ON escalation (office_agency_id, id);
CREATE INDEX escalation_open ON escalation (referral_id) WHERE ended_at IS NULL;

GRANT SELECT (alarm_at, alarm, rung), UPDATE (alarm_at, alarm, rung) ON referral TO tongli_jobs;

-- Open referrals get their alarms at the first look: an alarm without a name only counts the next one.
ALTER TABLE referral NO FORCE ROW LEVEL SECURITY;
UPDATE referral SET alarm_at = now()
 WHERE status IN ('requested', 'accepted', 'in_progress', 'on_hold') AND clock_stopped_at IS NULL
   AND acknowledge_by IS NOT NULL;
ALTER TABLE referral FORCE ROW LEVEL SECURITY;

-- escalation: what is late and was told upwards. Read by whom it was told and by the coordinator; written by the clock,
-- ended with the referral's step (carry_into_case).

GRANT SELECT ON escalation TO tongli_app;
GRANT INSERT ON escalation TO tongli_jobs;
GRANT SELECT (id, referral_id, clock, ended_at), UPDATE (ended_at) ON escalation TO tongli_linker;

ALTER TABLE escalation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS told ON escalation;
CREATE POLICY told ON escalation FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR office_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_raise ON escalation;
CREATE POLICY jobs_raise ON escalation FOR INSERT TO tongli_jobs WITH CHECK (ended_at IS NULL);
DROP POLICY IF EXISTS linker ON escalation;
CREATE POLICY linker ON escalation TO tongli_linker USING (true) WITH CHECK (true);

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

SET LOCAL ROLE tongli_owner;
