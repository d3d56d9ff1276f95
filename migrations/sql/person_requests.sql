-- person_request: seen by who filed it, who decides it and who coordinates its case. The jobs watch its clock.

GRANT SELECT, INSERT ON person_request TO tongli_app;
GRANT UPDATE (status, decider_agency_id, person_id, answer, due_by, due_confirmed, next_due, prolonged, reason,
              possible_from, decided_at, updated_at, version) ON person_request TO tongli_app;
GRANT SELECT (id, case_id, agency_id, decider_agency_id, coordinator_agency_id, kind, status, received_at, due_by,
              due_confirmed, next_due, overdue, prolonged, version),
      UPDATE (due_by, due_confirmed, next_due, overdue, updated_at, version) ON person_request TO tongli_jobs;

ALTER TABLE person_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON person_request;
CREATE POLICY party ON person_request FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR decider_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = (SELECT acting_agency()));
-- Whoever decides is the coordinator, unless the filing agency's own record is to be corrected, or the coordinator itself
-- files and names whose record it is.
DROP POLICY IF EXISTS filed ON person_request;
CREATE POLICY filed ON person_request FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency())
    AND EXISTS (SELECT FROM "case" c
                 WHERE c.id = person_request.case_id
                   AND c.coordinator_agency_id = person_request.coordinator_agency_id)
    AND (decider_agency_id IN (coordinator_agency_id, agency_id)
         OR (kind = 'correction' AND coordinator_agency_id = (SELECT acting_agency()))));
DROP POLICY IF EXISTS party_update ON person_request;
CREATE POLICY party_update ON person_request FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR decider_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON person_request;
CREATE POLICY jobs_clocks ON person_request TO tongli_jobs USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The person a request is about: the one named if it lives in the case's household, the main member where none is named.
-- Null for an agency that takes no part in the case. Crosses the wall: a reporter does not see the household.
CREATE OR REPLACE FUNCTION person_of_case(p_case uuid, p_person uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.person_id FROM household_member m
     WHERE m.case_id = p_case AND (m.person_id = p_person OR (p_person IS NULL AND m.role = 'main'))
       AND EXISTS (SELECT FROM participant p WHERE p.case_id = p_case AND p.agency_id = acting_agency() AND p.until IS NULL)
     ORDER BY m.joined_at LIMIT 1
$$;

-- Carries a corrected birth date of the main member into the case, which shows its age band. The correction is the acting
-- agency's own.
CREATE OR REPLACE FUNCTION carry_birth_date(p_record uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM person_record r
                    WHERE r.id = p_record AND r.agency_id = acting_agency() AND r.corrects IS NOT NULL
                      AND r.birth_date IS NOT NULL) THEN
        RAISE EXCEPTION 'no correction of this agency' USING ERRCODE = 'TL002';
    END IF;
    UPDATE "case" c SET main_birth_date = r.birth_date FROM person_record r
     WHERE r.id = p_record AND c.id = r.case_id AND EXISTS (
           SELECT FROM household_member m WHERE m.case_id = c.id AND m.person_id = r.person_id AND m.role = 'main');
END
$$;

REVOKE ALL ON FUNCTION person_of_case(uuid, uuid), carry_birth_date(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_of_case(uuid, uuid), carry_birth_date(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
