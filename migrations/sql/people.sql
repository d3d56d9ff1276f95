-- person, person_record, link, household_member: who is meant. Content is sealed by the application;
-- rows are seen by the agency that reported them, the case's coordinator and its receivers.

GRANT SELECT, INSERT ON person_record, link TO tongli_app;
GRANT SELECT ON household_member TO tongli_app;
GRANT SELECT, INSERT ON person, person_record, link TO tongli_linker;
GRANT SELECT, INSERT, UPDATE ON household_member TO tongli_linker;

ALTER TABLE person ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE person_record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE household_member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS linker ON person;
CREATE POLICY linker ON person TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON person_record;
CREATE POLICY linker ON person_record TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON link;
CREATE POLICY linker ON link TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON household_member;
CREATE POLICY linker ON household_member TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = person_record.case_id
                  AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]))
    OR EXISTS (SELECT FROM break_glass b
                WHERE b.case_id = person_record.case_id AND b.agency_id = (SELECT acting_agency())
                  AND b.ends_at > now() AND b.verdict IS DISTINCT FROM 'not_justified'));
DROP POLICY IF EXISTS own ON person_record;
CREATE POLICY own ON person_record FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));

-- On which field a record matched is the coordinator's business: to a reporter it would tell of a hidden record.
DROP POLICY IF EXISTS coordinated ON link;
CREATE POLICY coordinated ON link FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM person_record r JOIN "case" c ON c.id = r.case_id
     WHERE r.id = link.record_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON link;
CREATE POLICY own ON link FOR INSERT TO tongli_app WITH CHECK (withdraws IS NULL AND EXISTS (
    SELECT FROM person_record r WHERE r.id = link.record_id AND r.agency_id = (SELECT acting_agency())));
-- What people decided is said by a coordinator of either record's case; it alone withdraws what was said before.
DROP POLICY IF EXISTS decided ON link;
CREATE POLICY decided ON link FOR INSERT TO tongli_app WITH CHECK (source <> 'model' AND EXISTS (
    SELECT FROM person_record r JOIN "case" c ON c.id = r.case_id
     WHERE r.id IN (link.record_id, link.other_record_id) AND c.coordinator_agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS seen ON household_member;
CREATE POLICY seen ON household_member FOR SELECT TO tongli_app
    USING (EXISTS (SELECT FROM person_record r WHERE r.id = household_member.record_id));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Creates a person. Holds nothing but an id.
CREATE OR REPLACE FUNCTION new_person(p_id uuid, p_now timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$ INSERT INTO person (id, created_at) VALUES (p_id, p_now) $$;

-- Puts the people of one report of the acting agency into the household of its case.
CREATE OR REPLACE FUNCTION add_household_member(
    p_case uuid, p_person uuid, p_record uuid, p_role text, p_relation text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM person_record r WHERE r.id = p_record AND r.agency_id = acting_agency()
                                                 AND r.case_id = p_case AND r.person_id = p_person) THEN
        RAISE EXCEPTION 'not a record of this agency in this case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO household_member (case_id, person_id, record_id, role, relation, active, joined_at)
    VALUES (p_case, p_person, p_record, p_role, p_relation, true, p_now)
    ON CONFLICT (case_id, person_id) DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION new_person(uuid, timestamptz),
    add_household_member(uuid, uuid, uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION new_person(uuid, timestamptz),
    add_household_member(uuid, uuid, uuid, text, text, timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;
