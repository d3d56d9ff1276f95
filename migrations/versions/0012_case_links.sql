-- Links of a case beyond its persons: own numbers, other cases, cases elsewhere.

CREATE TABLE case_link (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    other_case_id UUID,
    coordinator_agency_id UUID NOT NULL,
    other_coordinator_agency_id UUID,
    agency_id UUID,
    said_by UUID,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    system VARCHAR,
    number BYTEA,
    number_index BYTEA,
    index_key VARCHAR,
    division_code VARCHAR,
    level VARCHAR,
    authority VARCHAR,
    url BYTEA,
    reason BYTEA,
    undone_at TIMESTAMP WITH TIME ZONE,
    undone_by UUID,
    undone_agency_id UUID,
    undo_reason BYTEA,
    erased_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT case_link_kind CHECK (kind IN ('own_number', 'same_household', 'same_employer', 'same_root_cause', 'elsewhere')),
    CONSTRAINT case_link_source CHECK (source IN ('agency', 'model')),
    CONSTRAINT case_link_level CHECK (level IN ('national', 'province', 'city', 'county')),
    CONSTRAINT case_link_said_by_somebody CHECK ((source = 'model') = (agency_id IS NULL)),
    CONSTRAINT case_link_of_two CHECK (
        (kind IN ('same_household', 'same_employer', 'same_root_cause')) = (other_case_id IS NOT NULL)
        AND (other_case_id IS NULL) = (other_coordinator_agency_id IS NULL)
        AND coalesce(case_id < other_case_id, true)),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(other_case_id) REFERENCES "case" (id),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id),
    FOREIGN KEY(other_coordinator_agency_id) REFERENCES agency (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(undone_agency_id) REFERENCES agency (id)
);

CREATE UNIQUE INDEX case_link_own_once ON case_link (agency_id, system, number_index)
    WHERE kind = 'own_number' AND undone_at IS NULL AND erased_at IS NULL;
CREATE UNIQUE INDEX case_link_pair_once ON case_link (case_id, other_case_id, kind)
    WHERE other_case_id IS NOT NULL AND undone_at IS NULL AND erased_at IS NULL;
CREATE UNIQUE INDEX case_link_elsewhere_once ON case_link (case_id, division_code, number_index)
    WHERE kind = 'elsewhere' AND undone_at IS NULL AND erased_at IS NULL;
CREATE INDEX case_link_by_number ON case_link (number_index) WHERE number_index IS NOT NULL;
CREATE INDEX case_link_by_case ON case_link (case_id, said_at, id);
CREATE INDEX case_link_by_other_case ON case_link (other_case_id, said_at, id) WHERE other_case_id IS NOT NULL;
CREATE INDEX case_link_by_agency ON case_link (agency_id);
CREATE INDEX case_link_by_coordinator ON case_link (coordinator_agency_id);
CREATE INDEX case_link_by_other_coordinator ON case_link (other_coordinator_agency_id);

-- case_link: an agency's own number of a case, another case, a case elsewhere. Said and undone, never changed.

GRANT SELECT, INSERT ON case_link TO tongli_app;
GRANT UPDATE (undone_at, undone_by, undone_agency_id, undo_reason, version) ON case_link TO tongli_app;
GRANT SELECT, INSERT, DELETE ON case_link TO tongli_linker;
GRANT UPDATE (case_id, other_case_id, coordinator_agency_id, other_coordinator_agency_id, system, number, number_index, index_key, division_code,
              level, authority, url, reason, undo_reason, erased_at) ON case_link TO tongli_linker;

ALTER TABLE case_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- An own number: its agency, and who coordinates the case. A pair: either coordinator, those above them, and whoever works
-- in both cases; which case the other one is, the application shows to whom may see that.
DROP POLICY IF EXISTS seen ON case_link;
CREATE POLICY seen ON case_link FOR SELECT TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR other_coordinator_agency_id = (SELECT acting_agency())
    OR (kind = 'own_number' AND agency_id = (SELECT acting_agency()))
    OR (kind <> 'own_number' AND (coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])
                                  OR other_coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])))
    OR (other_case_id IS NOT NULL
        AND EXISTS (SELECT FROM participant p WHERE p.case_id = case_link.case_id AND p.until IS NULL
                       AND p.agency_id = (SELECT acting_agency()) AND p.role <> 'observer')
        AND EXISTS (SELECT FROM participant p WHERE p.case_id = case_link.other_case_id AND p.until IS NULL
                       AND p.agency_id = (SELECT acting_agency()) AND p.role <> 'observer')));

-- Its own number says who takes part; what is elsewhere, the coordinator; a pair, a coordinator who takes part in both.
DROP POLICY IF EXISTS said ON case_link;
CREATE POLICY said ON case_link FOR INSERT TO tongli_app WITH CHECK (
    source = 'agency' AND agency_id = (SELECT acting_agency())
    AND (kind = 'own_number' OR coordinator_agency_id = (SELECT acting_agency())
         OR other_coordinator_agency_id = (SELECT acting_agency()))
    AND EXISTS (SELECT FROM "case" c JOIN participant p ON p.case_id = c.id
                 WHERE c.id = case_link.case_id AND c.coordinator_agency_id = case_link.coordinator_agency_id
                   AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL)
    AND (other_case_id IS NULL
         OR EXISTS (SELECT FROM "case" c JOIN participant p ON p.case_id = c.id
                     WHERE c.id = case_link.other_case_id
                       AND c.coordinator_agency_id = case_link.other_coordinator_agency_id
                       AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL)));

DROP POLICY IF EXISTS undone ON case_link;
CREATE POLICY undone ON case_link FOR UPDATE TO tongli_app USING (
    CASE WHEN kind = 'own_number' THEN agency_id = (SELECT acting_agency())
         ELSE coordinator_agency_id = (SELECT acting_agency())
              OR coalesce(other_coordinator_agency_id = (SELECT acting_agency()), false) END);

DROP POLICY IF EXISTS linker ON case_link;
CREATE POLICY linker ON case_link TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Says that a household's case and an active case of the employer its main member was reported with are of one employer:
-- in one county, under one coordinator, who sees both anyway; elsewhere it would tell of a hidden case. Not again where it
-- was undone. The acting agency must have reported into the case. The link's id, null where nothing was said.
CREATE OR REPLACE FUNCTION link_employer_case(p_case uuid, p_id uuid, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    made uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'no report of this agency in the case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO case_link (id, case_id, kind, source, other_case_id, coordinator_agency_id, other_coordinator_agency_id,
                           said_at, version)
    SELECT p_id, least(c.id, e.id), 'same_employer', 'model', greatest(c.id, e.id), c.coordinator_agency_id,
           e.coordinator_agency_id, p_now, 1
      FROM "case" c JOIN household_member m ON m.case_id = c.id AND m.role = 'main'
      JOIN person_record r ON r.case_id = c.id AND r.person_id = m.person_id AND r.agency_id = acting_agency()
      JOIN "case" e ON e.employer_id = r.employer_id AND e.kind = 'employer' AND e.status <> 'closed'
           AND e.coordinator_agency_id = c.coordinator_agency_id
           AND left(e.division_code, 6) = left(c.division_code, 6)
     WHERE c.id = p_case AND c.kind = 'household'
       AND NOT EXISTS (SELECT FROM case_link l WHERE l.kind = 'same_employer'
                          AND l.case_id = least(c.id, e.id) AND l.other_case_id = greatest(c.id, e.id))
     ORDER BY e.opened_at LIMIT 1
    ON CONFLICT (case_id, other_case_id, kind)
          WHERE other_case_id IS NOT NULL AND undone_at IS NULL AND erased_at IS NULL DO NOTHING
    RETURNING id INTO made;
    RETURN made;
END
$$;

-- The copies of both coordinators follow their cases.
CREATE OR REPLACE FUNCTION copy_case_to_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE case_link SET coordinator_agency_id = NEW.coordinator_agency_id WHERE case_id = NEW.id;
    UPDATE case_link SET other_coordinator_agency_id = NEW.coordinator_agency_id WHERE other_case_id = NEW.id;
    RETURN NULL;
END
$$;

-- For erase_case: numbers and words of the case's links go; a pair goes whole, for it would say who the erased people
-- live or worked with.
CREATE OR REPLACE FUNCTION forget_case_links(p_case uuid, p_now timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    DELETE FROM case_link WHERE other_case_id IS NOT NULL AND p_case IN (case_id, other_case_id);
    UPDATE case_link SET system = NULL, number = NULL, number_index = NULL, index_key = NULL, division_code = NULL,
                         level = NULL, authority = NULL, url = NULL, reason = NULL, undo_reason = NULL, erased_at = p_now
     WHERE case_id = p_case;
$$;

-- For cases that become one, and part again: links of one become those of the other, all or `p_ids`. What the other has
-- already, or would link it with itself, stays. Returns what moved.
CREATE OR REPLACE FUNCTION move_case_links(p_from uuid, p_to uuid, p_ids uuid[]) RETURNS uuid[]
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH meant AS (
        SELECT l.id, l.kind, l.number_index, l.division_code, CASE l.case_id WHEN p_from THEN p_to ELSE l.case_id END AS one,
               CASE l.other_case_id WHEN p_from THEN p_to ELSE l.other_case_id END AS other
          FROM case_link l
         WHERE p_from IN (l.case_id, l.other_case_id) AND (p_ids IS NULL OR l.id = ANY (p_ids))),
    moved AS (
        UPDATE case_link l
           SET case_id = least(m.one, m.other), other_case_id = CASE WHEN m.other IS NOT NULL THEN greatest(m.one, m.other) END,
               coordinator_agency_id = c.coordinator_agency_id, other_coordinator_agency_id = o.coordinator_agency_id
          FROM meant m
          JOIN "case" c ON c.id = least(m.one, m.other)
          LEFT JOIN "case" o ON m.other IS NOT NULL AND o.id = greatest(m.one, m.other)
         WHERE l.id = m.id AND m.one IS DISTINCT FROM m.other
           AND NOT EXISTS (SELECT FROM case_link had
                            WHERE had.case_id = least(m.one, m.other) AND had.kind = m.kind AND had.id <> m.id
                              AND had.undone_at IS NULL AND had.erased_at IS NULL AND CASE WHEN m.other IS NULL
                                  THEN m.kind = 'elsewhere' AND had.number_index = m.number_index
                                       AND had.division_code = m.division_code
                                  ELSE had.other_case_id = greatest(m.one, m.other) END)
        RETURNING l.id)
    SELECT coalesce(array_agg(id), '{}') FROM moved
$$;

REVOKE ALL ON FUNCTION link_employer_case(uuid, uuid, timestamptz), copy_case_to_links(),
    forget_case_links(uuid, timestamptz), move_case_links(uuid, uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION link_employer_case(uuid, uuid, timestamptz) TO tongli_app;
GRANT EXECUTE ON FUNCTION copy_case_to_links() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER case_copied_to_links AFTER UPDATE OF coordinator_agency_id ON "case"
    FOR EACH ROW WHEN (OLD.coordinator_agency_id IS DISTINCT FROM NEW.coordinator_agency_id)
    EXECUTE FUNCTION copy_case_to_links();

SET LOCAL ROLE tongli_linker;

-- Erases a case, once: every sealed value with its wrapped key, every blind index, who its people were; what stands
-- elsewhere under those people stays. Tombstones stay: number, states, agencies, dates, codes that name nobody. For its
-- coordinator, and a case that is closed, or was entered in error and has no work under way. False where it was erased.
CREATE OR REPLACE FUNCTION erase_case(p_case uuid, p_in_error boolean, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    people uuid[];
    erased timestamptz;
BEGIN
    SELECT c.erased_at INTO erased FROM "case" c
     WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency() AND (c.status = 'closed' OR p_in_error);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a case this agency may erase' USING ERRCODE = 'TL002';
    END IF;
    IF erased IS NOT NULL THEN
        RETURN false;
    END IF;
    people := ARRAY(SELECT DISTINCT r.person_id FROM person_record r WHERE r.case_id = p_case);
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, needs = '{}',
                      erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE result SET text = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE adoption SET reason = NULL WHERE case_id = p_case;
    UPDATE assistance SET source = NULL WHERE case_id = p_case;
    UPDATE sharing_basis SET reference = '' WHERE case_id = p_case;
    UPDATE break_glass SET text = '', review_text = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL WHERE case_id = p_case;
    PERFORM forget_case_links(p_case, p_now);
    PERFORM forget_links(ARRAY(SELECT r.id FROM person_record r WHERE r.case_id = p_case));
    DELETE FROM household_member WHERE case_id = p_case;
    DELETE FROM person_record WHERE case_id = p_case;
    PERFORM forget_unknown_people(people);
    UPDATE case_task SET status = 'done', done_at = p_now WHERE case_id = p_case AND status = 'open';
    UPDATE "case" SET main_birth_date = NULL, cause_primary = NULL, causes_secondary = '{}', difficulty_class = NULL,
                      employer_id = CASE WHEN kind = 'employer' THEN employer_id END, exit_reason = NULL,
                      exit_text = NULL, status = 'closed', closed_at = coalesce(closed_at, p_now), erased_at = p_now,
                      updated_at = p_now, version = version + 1
     WHERE id = p_case;
    UPDATE participant SET listed = false WHERE case_id = p_case AND listed;
    RETURN true;
END
$$;

SET LOCAL ROLE tongli_owner;

GRANT SELECT (id, kind, agency_id, case_id, number, number_index, index_key, url, reason, undo_reason),
      UPDATE (number, number_index, index_key, url, reason, undo_reason) ON case_link TO tongli_keys;
CREATE POLICY keys ON case_link TO tongli_keys USING (true) WITH CHECK (true);
