-- case_transfer: seen and decided by the two unions; the move itself is the linker's, for whoever decides.

GRANT SELECT, INSERT ON case_transfer TO tongli_app;
GRANT UPDATE (status, refusal, answer, handover, updated_at, decided_at, version) ON case_transfer TO tongli_app;
GRANT SELECT ON case_transfer TO tongli_linker;
GRANT UPDATE (said, answer) ON case_transfer TO tongli_linker;
GRANT SELECT (kind, decider_agency_id), UPDATE (decider_agency_id) ON person_request TO tongli_linker;
GRANT SELECT (agency_id), UPDATE (agency_id) ON sharing_basis TO tongli_linker;
GRANT SELECT (coordinator_agency_id), UPDATE (coordinator_agency_id) ON escalation TO tongli_linker;

ALTER TABLE case_transfer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON case_transfer;
CREATE POLICY party ON case_transfer FOR SELECT TO tongli_app USING (
    (SELECT acting_agency()) IN (from_agency_id, to_agency_id));
DROP POLICY IF EXISTS asked ON case_transfer;
CREATE POLICY asked ON case_transfer FOR INSERT TO tongli_app WITH CHECK (
    asking_agency_id = (SELECT acting_agency()) AND asking_agency_id IN (from_agency_id, to_agency_id)
    AND EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = from_agency_id));
DROP POLICY IF EXISTS decided ON case_transfer;
CREATE POLICY decided ON case_transfer FOR UPDATE TO tongli_app USING (
    (SELECT acting_agency()) IN (from_agency_id, to_agency_id));
DROP POLICY IF EXISTS linker ON case_transfer;
CREATE POLICY linker ON case_transfer TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Moves the coordinator's role of a case to the union that is to take it, for whoever decides an open transfer: the role
-- itself, whatever carries a copy of it, tasks, needs without an office, open requests of persons, and the bases of the
-- role. What is under way goes on; a question about two cases of one union is none any more. Returns the case's version and what stood open, as
-- ids and counts; null where the case is closed, was moved
-- meanwhile, or where the taker is no active union any more.
CREATE OR REPLACE FUNCTION transfer_case(p_transfer uuid, p_participant uuid, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    t case_transfer;
    handed jsonb;
BEGIN
    SELECT * INTO t FROM case_transfer x WHERE x.id = p_transfer AND x.status = 'requested'
       AND acting_agency() IN (x.from_agency_id, x.to_agency_id) AND acting_agency() <> x.asking_agency_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a transfer this agency may accept' USING ERRCODE = 'TL002';
    END IF;
    UPDATE "case" c SET coordinator_agency_id = t.to_agency_id, division_code = coalesce(t.new_place, c.division_code),
                        updated_at = p_now, version = version + 1
     WHERE c.id = t.case_id AND c.coordinator_agency_id = t.from_agency_id AND c.status <> 'closed'
       AND EXISTS (SELECT FROM agency a WHERE a.id = t.to_agency_id AND a.kind = 'union' AND a.status = 'active');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    handed := jsonb_build_object(
        'version', (SELECT c.version FROM "case" c WHERE c.id = t.case_id),
        'referrals', (SELECT coalesce(jsonb_agg(r.id ORDER BY r.id), '[]') FROM referral r WHERE r.case_id = t.case_id
                         AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')),
        'tasks', (SELECT count(*) FROM case_task k WHERE k.case_id = t.case_id AND k.status = 'open'),
        'requests', (SELECT count(*) FROM person_request q WHERE q.case_id = t.case_id
                        AND q.status IN ('received', 'in_review')));
    UPDATE participant SET until = clock_timestamp(), listed = false
     WHERE case_id = t.case_id AND role = 'coordinator' AND until IS NULL;
    UPDATE participant p SET listed = false WHERE p.case_id = t.case_id AND p.agency_id = t.to_agency_id AND p.listed;
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    SELECT p_participant, c.id, t.to_agency_id, 'coordinator', clock_timestamp(), true, t.to_agency_id, c.status,
           c.updated_at FROM "case" c WHERE c.id = t.case_id;
    UPDATE participant SET listed = true WHERE id = (
        SELECT p.id FROM participant p WHERE p.case_id = t.case_id AND p.agency_id = t.from_agency_id AND p.until IS NULL
         ORDER BY p.since, p.id LIMIT 1);
    UPDATE referral SET coordinator_agency_id = t.to_agency_id WHERE case_id = t.case_id;
    UPDATE escalation SET coordinator_agency_id = t.to_agency_id
     WHERE ended_at IS NULL AND referral_id IN (SELECT id FROM referral WHERE case_id = t.case_id);
    UPDATE case_need SET agency_id = t.to_agency_id, updated_at = p_now
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id
       AND NOT EXISTS (SELECT FROM referral r WHERE r.case_id = t.case_id AND r.need = case_need.need
                          AND r.to_agency_id = t.from_agency_id
                          AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold', 'completed'));
    UPDATE case_task SET agency_id = t.to_agency_id
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id AND status = 'open' AND kind <> 'possible_household';
    UPDATE case_task SET status = 'done', done_at = p_now
     WHERE t.case_id IN (case_id, other_case_id) AND status = 'open' AND kind = 'possible_household';
    UPDATE break_glass SET coordinator_agency_id = t.to_agency_id WHERE case_id = t.case_id;
    UPDATE person_request SET coordinator_agency_id = t.to_agency_id,
                              decider_agency_id = CASE WHEN decider_agency_id = t.from_agency_id AND kind <> 'correction'
                                                       THEN t.to_agency_id ELSE decider_agency_id END
     WHERE case_id = t.case_id;
    UPDATE sharing_basis SET agency_id = t.to_agency_id
     WHERE case_id = t.case_id AND agency_id = t.from_agency_id AND report_id IS NULL;
    RETURN handed;
END
$$;

REVOKE ALL ON FUNCTION transfer_case(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transfer_case(uuid, uuid, timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;
