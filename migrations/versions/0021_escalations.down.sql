-- What stood before revision 0021. What was told upwards is not kept: nothing knew it.

SET LOCAL ROLE tongli_linker;

-- Carries a referral's new state into its case: whose the need is now, a task for the coordinator where it came back,
-- the end of a receiver's part that has no work left, and the case's own date and version. Not granted to anybody.
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
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = r.case_id RETURNING version INTO case_version;
END
$$;

SET LOCAL ROLE tongli_owner;

DROP TABLE escalation;
ALTER TABLE referral DROP COLUMN alarm_at, DROP COLUMN alarm, DROP COLUMN rung;
