-- case, participant, case_need, case_task: the need-to-know wall. Participants are the only source of row access;
-- the application cannot write them itself, it asks these functions, which check what the acting agency may do.

GRANT SELECT, UPDATE ON "case" TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON case_need TO tongli_app;
GRANT SELECT ON participant TO tongli_app;
GRANT SELECT, UPDATE ON case_task TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON "case", participant, case_need, case_task TO tongli_linker;
GRANT DELETE ON case_task TO tongli_linker;
GRANT SELECT (id, case_id, agency_id, role, since, until) ON participant TO tongli_jobs;

ALTER TABLE "case" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE participant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE case_need ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE case_task ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The cheap column first: a plain EXISTS makes the planner hash all rows of the agency on every list.
DROP POLICY IF EXISTS seen ON "case";
CREATE POLICY seen ON "case" FOR SELECT TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = "case".id AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL)
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS coordinated ON "case";
CREATE POLICY coordinated ON "case" FOR UPDATE TO tongli_app
    USING (coordinator_agency_id = (SELECT acting_agency()))
    WITH CHECK (coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON "case";
CREATE POLICY linker ON "case" TO tongli_linker USING (true) WITH CHECK (true);

-- Everybody sees its own part and who coordinates; the coordinator sees all parts. Copied column: no recursion.
DROP POLICY IF EXISTS seen ON participant;
CREATE POLICY seen ON participant FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS linker ON participant;
CREATE POLICY linker ON participant TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_audience ON participant;
CREATE POLICY jobs_audience ON participant FOR SELECT TO tongli_jobs USING (true);

-- Which office handles which need is the coordinator's and the reporters' business.
DROP POLICY IF EXISTS seen ON case_need;
CREATE POLICY seen ON case_need FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM participant p WHERE p.case_id = case_need.case_id AND p.agency_id = (SELECT acting_agency())
                                AND p.role IN ('coordinator', 'reporter') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = case_need.case_id AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])));
DROP POLICY IF EXISTS coordinated_insert ON case_need;
CREATE POLICY coordinated_insert ON case_need FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM "case" c WHERE c.id = case_need.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS coordinated_update ON case_need;
CREATE POLICY coordinated_update ON case_need FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM "case" c WHERE c.id = case_need.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS linker ON case_need;
CREATE POLICY linker ON case_need TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON case_task;
CREATE POLICY own ON case_task TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON case_task;
CREATE POLICY linker ON case_task TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The participants' copies follow their case; what is asked of its household ends and
-- begins again with it.
CREATE OR REPLACE FUNCTION copy_case_to_participants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE participant SET case_updated_at = NEW.updated_at, case_status = NEW.status,
                           coordinator_agency_id = NEW.coordinator_agency_id
     WHERE case_id = NEW.id AND until IS NULL;
    IF (NEW.status = 'closed') <> (OLD.status = 'closed') THEN
        UPDATE household_member SET active = NEW.status <> 'closed' WHERE case_id = NEW.id;
        UPDATE case_task t SET status = 'done', done_at = clock_timestamp()
         WHERE t.kind = 'possible_household' AND t.status = 'open' AND NEW.status = 'closed'
           AND (t.case_id = NEW.id OR t.other_case_id = NEW.id
                OR (t.case_id = NEW.merged_into AND t.other_case_id = NEW.merged_into));
        UPDATE case_task t SET status = 'open', done_at = NULL
         WHERE t.kind = 'possible_household' AND t.status = 'done' AND NEW.status <> 'closed'
           AND (t.case_id = NEW.id OR t.other_case_id = NEW.id
                OR (t.case_id = OLD.merged_into AND t.other_case_id = OLD.merged_into))
           AND NOT EXISTS (SELECT FROM "case" c WHERE c.id IN (t.case_id, t.other_case_id) AND c.id <> NEW.id
                              AND c.status = 'closed')
           AND NOT EXISTS (SELECT FROM case_link l WHERE l.kind = 'same_household' AND l.undone_at IS NULL
                              AND l.case_id = least(t.case_id, t.other_case_id)
                              AND l.other_case_id = greatest(t.case_id, t.other_case_id));
    END IF;
    RETURN NULL;
END
$$;

-- The active case a person belongs to, as main member first. Crosses the wall: linking must find hidden cases.
CREATE OR REPLACE FUNCTION active_case_of(p_person uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.case_id FROM household_member m
     WHERE m.person_id = p_person AND m.active ORDER BY m.role, m.joined_at LIMIT 1
$$;

-- The active employer case of an employer, or null. Who names no number reaches a case of the same place only: anybody may
-- guess a name.
CREATE OR REPLACE FUNCTION active_case_of_employer(p_employer uuid, p_division text, p_by_number boolean) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id FROM "case" c
     WHERE c.employer_id = p_employer AND c.kind = 'employer' AND c.status <> 'closed'
       AND (p_by_number OR c.division_code = p_division) ORDER BY c.opened_at LIMIT 1
$$;

-- Opens a case under the union that coordinates it, whoever reported.
CREATE OR REPLACE FUNCTION open_case(
    p_id uuid, p_participant uuid, p_number text, p_kind text, p_coordinator uuid, p_division text, p_employer uuid,
    p_birth_date date, p_cause text, p_causes text[], p_urgency text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM agency WHERE id = p_coordinator AND kind = 'union' AND status = 'active') THEN
        RAISE EXCEPTION 'a case is coordinated by an active union' USING ERRCODE = 'TL001';
    END IF;
    INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, employer_id, main_birth_date,
                        cause_primary, causes_secondary, difficulty_class, urgency, opened_at, updated_at, version)
    VALUES (p_id, p_number, p_kind, 'reported', p_coordinator, p_division, p_employer, p_birth_date, p_cause, p_causes,
            NULL, p_urgency, p_now, p_now, 1);
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    VALUES (p_participant, p_id, p_coordinator, 'coordinator', clock_timestamp(), true, p_coordinator, 'reported', p_now);
END
$$;

-- Lets an agency join a case: the reporter of a report in it, the receiver of an accepted referral in it, or whom the
-- coordinator invites to observe. False where it stands there already.
CREATE OR REPLACE FUNCTION join_case(p_id uuid, p_case uuid, p_agency uuid, p_role text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    entitled boolean;
    joined boolean;
BEGIN
    entitled := CASE p_role
        WHEN 'reporter' THEN p_agency = acting_agency() AND EXISTS (
            SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = p_agency)
        WHEN 'receiver' THEN p_agency = acting_agency() AND EXISTS (
            SELECT FROM referral r WHERE r.case_id = p_case AND r.to_agency_id = p_agency AND r.accepted_at IS NOT NULL)
        WHEN 'observer' THEN EXISTS (
            SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())
        ELSE false END;
    IF entitled IS NOT TRUE THEN
        RAISE EXCEPTION 'not entitled to join' USING ERRCODE = 'TL002';
    END IF;
    WITH added AS (
        INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                                 case_updated_at)
        SELECT p_id, c.id, p_agency, p_role, clock_timestamp(),
               NOT EXISTS (SELECT FROM participant q WHERE q.case_id = c.id AND q.agency_id = p_agency
                                                       AND q.until IS NULL AND q.listed),
               c.coordinator_agency_id, c.status, c.updated_at
          FROM "case" c WHERE c.id = p_case
        ON CONFLICT (case_id, agency_id, role) WHERE until IS NULL DO NOTHING RETURNING 1)
    SELECT EXISTS (SELECT FROM added) INTO joined;
    RETURN joined;
END
$$;

-- Ends a part: the coordinator ends an observer's, anybody but the coordinator ends its own. A receiver's part ends with
-- its work (note_referral).
CREATE OR REPLACE FUNCTION leave_case(p_case uuid, p_agency uuid, p_role text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    entitled boolean;
    left_now boolean;
BEGIN
    entitled := p_role <> 'coordinator' AND (p_agency = acting_agency() OR (p_role = 'observer' AND EXISTS (
        SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())));
    IF entitled IS NOT TRUE THEN
        RAISE EXCEPTION 'not entitled to end this part' USING ERRCODE = 'TL002';
    END IF;
    UPDATE participant SET until = clock_timestamp(), listed = false
     WHERE case_id = p_case AND agency_id = p_agency AND role = p_role AND until IS NULL;
    left_now := FOUND;
    UPDATE participant SET listed = true WHERE id = (
        SELECT id FROM participant WHERE case_id = p_case AND agency_id = p_agency AND until IS NULL
           AND NOT EXISTS (SELECT FROM participant q WHERE q.case_id = p_case AND q.agency_id = p_agency
                                                       AND q.until IS NULL AND q.listed) LIMIT 1);
    RETURN left_now;
END
$$;

-- What a report brings to a case it joins: needs that were not there yet, and the later date. The reporter must have a
-- report in it. Returns the case's new version.
CREATE OR REPLACE FUNCTION add_report_to_case(p_case uuid, p_needs text[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    new_version integer;
BEGIN
    IF NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'no report of this agency in the case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO case_need (case_id, need, status, agency_id, updated_at)
    SELECT c.id, n, 'open', c.coordinator_agency_id, p_now FROM "case" c, unnest(p_needs) n WHERE c.id = p_case
    ON CONFLICT (case_id, need) DO NOTHING;
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = p_case RETURNING version INTO new_version;
    RETURN new_version;
END
$$;

REVOKE ALL ON FUNCTION copy_case_to_participants(), active_case_of(uuid), active_case_of_employer(uuid, text, boolean),
    open_case(uuid, uuid, text, text, uuid, text, uuid, date, text, text[], text, timestamptz),
    join_case(uuid, uuid, uuid, text), leave_case(uuid, uuid, text), add_report_to_case(uuid, text[], timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION active_case_of(uuid), active_case_of_employer(uuid, text, boolean),
    open_case(uuid, uuid, text, text, uuid, text, uuid, date, text, text[], text, timestamptz),
    join_case(uuid, uuid, uuid, text), leave_case(uuid, uuid, text), add_report_to_case(uuid, text[], timestamptz)
    TO tongli_app;
GRANT EXECUTE ON FUNCTION copy_case_to_participants() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

-- Not for every update: a walk that re-seals texts must not touch, and wait for, the participants.
CREATE OR REPLACE TRIGGER case_copied AFTER UPDATE OF updated_at, status, coordinator_agency_id ON "case"
    FOR EACH ROW EXECUTE FUNCTION copy_case_to_participants();
