-- expected_adoption: what an agency has still to say of a report or result that was sent to it. Seen by whoever must say
-- it, the coordinator and those above; written by the functions below alone, and by the clock, which says what is late.

GRANT SELECT ON expected_adoption TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON expected_adoption TO tongli_linker;
GRANT SELECT (id, case_id, agency_id, status, amount, unit, arisen_at, due_at, due_confirmed, overdue_at),
      UPDATE (due_at, due_confirmed, overdue_at) ON expected_adoption TO tongli_jobs;
GRANT SELECT (agency_id, kind, code, valid_from, valid_to, erased_at, withdrawn_at) ON result TO tongli_linker;
GRANT SELECT (agency_id) ON adoption TO tongli_linker;

ALTER TABLE expected_adoption ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON expected_adoption;
CREATE POLICY seen ON expected_adoption FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c WHERE c.id = expected_adoption.case_id
                  AND (c.coordinator_agency_id = (SELECT acting_agency())
                       OR c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]))));
DROP POLICY IF EXISTS linker ON expected_adoption;
CREATE POLICY linker ON expected_adoption TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_clocks ON expected_adoption;
CREATE POLICY jobs_clocks ON expected_adoption TO tongli_jobs USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Expects of each agency that what the acting one just sent came to that it says whether it adopts it: a report of its
-- own, of the coordinator; a result of its own, of all who take part; and of itself, where it accepted a referral, the
-- reports that named the need and the standing recognitions of the same person that its work rests on.
CREATE OR REPLACE FUNCTION expect_adoptions(
    p_report uuid, p_result uuid, p_referral uuid, p_recognitions text[], p_amount integer, p_unit text,
    p_due timestamptz, p_confirmed boolean, p_now timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH sent AS (
        SELECT r.case_id, c.coordinator_agency_id AS agency_id, r.agency_id AS from_agency_id, NULL::uuid AS result_id,
               r.id AS report_id
          FROM report r JOIN "case" c ON c.id = r.case_id WHERE r.id = p_report AND r.agency_id = acting_agency()
         UNION
        SELECT r.case_id, p.agency_id, r.agency_id, r.id, NULL
          FROM result r JOIN participant p ON p.case_id = r.case_id AND p.until IS NULL
         WHERE r.id = p_result AND r.agency_id = acting_agency()
         UNION
        SELECT f.case_id, f.to_agency_id, r.agency_id, NULL, r.id
          FROM referral f JOIN report r ON r.case_id = f.case_id AND f.need = ANY (r.needs)
         WHERE f.id = p_referral AND f.to_agency_id = acting_agency()
         UNION
        SELECT f.case_id, f.to_agency_id, r.agency_id, r.id, NULL
          FROM referral f JOIN result r ON r.case_id = f.case_id
         WHERE f.id = p_referral AND f.to_agency_id = acting_agency() AND f.person_id IS NOT NULL
           AND r.kind = 'recognition' AND r.code = ANY (p_recognitions)
           AND r.withdrawn_at IS NULL AND r.erased_at IS NULL
           AND (p_now AT TIME ZONE 'Asia/Shanghai')::date
               BETWEEN coalesce(r.valid_from, '-infinity') AND coalesce(r.valid_to, 'infinity'))
    INSERT INTO expected_adoption AS e (id, case_id, agency_id, from_agency_id, result_id, report_id, status, amount,
                                        unit, arisen_at, due_at, due_confirmed)
    SELECT gen_random_uuid(), s.case_id, s.agency_id, s.from_agency_id, s.result_id, s.report_id, 'waiting', p_amount,
           p_unit, p_now, p_due, p_confirmed
      FROM sent s
     WHERE s.agency_id <> s.from_agency_id
       AND NOT EXISTS (SELECT FROM adoption d WHERE d.agency_id = s.agency_id
                          AND (d.result_id = s.result_id OR d.report_id = s.report_id))
        ON CONFLICT (agency_id, result_id, report_id) DO UPDATE
       SET case_id = EXCLUDED.case_id, status = 'waiting', amount = EXCLUDED.amount, unit = EXCLUDED.unit,
           arisen_at = EXCLUDED.arisen_at, due_at = EXCLUDED.due_at, due_confirmed = EXCLUDED.due_confirmed,
           overdue_at = NULL
     WHERE e.status = 'left'
$$;

-- An adoption ends what was expected, and so does the end of what was sent; both move with it into another case.
CREATE OR REPLACE FUNCTION follow_adopted_thing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_TABLE_NAME = 'adoption' THEN
        UPDATE expected_adoption SET status = NEW.decision
         WHERE agency_id = NEW.agency_id AND (result_id = NEW.result_id OR report_id = NEW.report_id);
    ELSIF TG_TABLE_NAME = 'report' THEN
        UPDATE expected_adoption SET case_id = NEW.case_id,
               status = CASE WHEN status = 'waiting' AND NEW.erased_at IS NOT NULL THEN 'withdrawn' ELSE status END
         WHERE report_id = NEW.id;
    ELSE
        UPDATE expected_adoption SET case_id = NEW.case_id,
               status = CASE WHEN status = 'waiting' AND coalesce(NEW.erased_at, NEW.withdrawn_at) IS NOT NULL
                             THEN 'withdrawn' ELSE status END
         WHERE result_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

-- What the coordinator had still to say goes with its role; of what it sent itself, the new one has nothing to say.
CREATE OR REPLACE FUNCTION hand_over_expected_adoptions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE expected_adoption e SET agency_id = NEW.coordinator_agency_id
     WHERE e.case_id = NEW.id AND e.agency_id = OLD.coordinator_agency_id AND e.status = 'waiting'
       AND e.from_agency_id <> NEW.coordinator_agency_id
       AND NOT EXISTS (SELECT FROM expected_adoption o WHERE o.agency_id = NEW.coordinator_agency_id
                          AND (o.result_id = e.result_id OR o.report_id = e.report_id));
    RETURN NULL;
END
$$;

-- Whoever takes no part any more has nothing to say.
CREATE OR REPLACE FUNCTION end_expected_adoptions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE expected_adoption SET status = 'left'
     WHERE case_id = NEW.case_id AND agency_id = NEW.agency_id AND status = 'waiting'
       AND NOT EXISTS (SELECT FROM participant p
                        WHERE p.case_id = NEW.case_id AND p.agency_id = NEW.agency_id AND p.until IS NULL);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION expect_adoptions(uuid, uuid, uuid, text[], integer, text, timestamptz, boolean, timestamptz),
    follow_adopted_thing(), hand_over_expected_adoptions(), end_expected_adoptions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    expect_adoptions(uuid, uuid, uuid, text[], integer, text, timestamptz, boolean, timestamptz) TO tongli_app;
GRANT EXECUTE ON FUNCTION follow_adopted_thing(), hand_over_expected_adoptions(), end_expected_adoptions()
    TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER adoption_said AFTER INSERT ON adoption
    FOR EACH ROW EXECUTE FUNCTION follow_adopted_thing();
CREATE OR REPLACE TRIGGER report_followed AFTER UPDATE OF case_id, erased_at ON report
    FOR EACH ROW EXECUTE FUNCTION follow_adopted_thing();
CREATE OR REPLACE TRIGGER result_followed AFTER UPDATE OF case_id, erased_at, withdrawn_at ON result
    FOR EACH ROW EXECUTE FUNCTION follow_adopted_thing();
CREATE OR REPLACE TRIGGER expectations_handed_over AFTER UPDATE OF coordinator_agency_id ON "case"
    FOR EACH ROW WHEN (OLD.coordinator_agency_id IS DISTINCT FROM NEW.coordinator_agency_id)
    EXECUTE FUNCTION hand_over_expected_adoptions();
-- At the end of the transaction: a merge ends the parts in one case before it moves what was sent into the other.
DROP TRIGGER IF EXISTS expectations_ended ON participant;
CREATE CONSTRAINT TRIGGER expectations_ended AFTER UPDATE OF until ON participant DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.until IS NOT NULL AND OLD.until IS NULL) EXECUTE FUNCTION end_expected_adoptions();
