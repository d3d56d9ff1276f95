-- Possible matches in people's hands: whose they are, requests for access, and who tries identities out.

ALTER TABLE match_candidate ADD COLUMN coordinator_agency_id UUID, ADD COLUMN holder_agency_id UUID;
GRANT UPDATE ON match_candidate TO tongli_linker;
SET LOCAL ROLE tongli_linker;
UPDATE match_candidate m SET coordinator_agency_id = mine.coordinator_agency_id,
                             holder_agency_id = theirs.coordinator_agency_id
  FROM "case" mine, "case" theirs WHERE mine.id = m.case_id AND theirs.id = m.other_case_id;
SET LOCAL ROLE tongli_owner;
ALTER TABLE match_candidate
    ALTER COLUMN coordinator_agency_id SET NOT NULL,
    ALTER COLUMN holder_agency_id SET NOT NULL,
    ADD FOREIGN KEY (coordinator_agency_id) REFERENCES agency (id),
    ADD FOREIGN KEY (holder_agency_id) REFERENCES agency (id);
CREATE INDEX match_candidate_by_coordinator ON match_candidate (coordinator_agency_id, due_at, id);
CREATE INDEX match_candidate_by_holder ON match_candidate (holder_agency_id, due_at, id);
CREATE INDEX match_candidate_lapsing ON match_candidate (until) WHERE status = 'not_duplicate' AND until IS NOT NULL;

CREATE TABLE probing_alarm (
    record_id UUID NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (record_id)
);

CREATE TABLE access_request (
    id UUID NOT NULL,
    candidate_id UUID NOT NULL,
    asking_agency_id UUID NOT NULL,
    holder_agency_id UUID NOT NULL,
    principal_id UUID NOT NULL,
    purpose VARCHAR NOT NULL,
    basis_kind VARCHAR NOT NULL,
    said BYTEA NOT NULL,
    status VARCHAR NOT NULL,
    field_classes TEXT[] NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    refusal VARCHAR,
    answer BYTEA,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_request_status CHECK (status IN ('open', 'granted', 'refused', 'revoked')),
    CONSTRAINT access_request_basis CHECK (basis_kind IN ('consent', 'statutory_duty', 'emergency')),
    CONSTRAINT access_request_refusal CHECK (refusal IN ('no_basis', 'purpose_not_needed', 'other_person', 'secrecy_by_law', 'person_objects', 'asked_elsewhere')),
    CONSTRAINT access_request_granted CHECK (status <> 'granted' OR (expires_at IS NOT NULL AND cardinality(field_classes) > 0)),
    FOREIGN KEY(candidate_id) REFERENCES match_candidate (id) ON DELETE CASCADE,
    FOREIGN KEY(asking_agency_id) REFERENCES agency (id),
    FOREIGN KEY(holder_agency_id) REFERENCES agency (id)
);

CREATE UNIQUE INDEX access_request_once ON access_request (candidate_id, asking_agency_id) WHERE status = 'open';
CREATE INDEX access_request_by_candidate ON access_request (candidate_id, asking_agency_id);
CREATE INDEX access_request_by_asker ON access_request (asking_agency_id, updated_at, id);
CREATE INDEX access_request_by_holder ON access_request (holder_agency_id, updated_at, id);

GRANT SELECT (id, said, answer), UPDATE (said, answer) ON access_request TO tongli_keys;
DROP POLICY IF EXISTS keys ON access_request;
CREATE POLICY keys ON access_request TO tongli_keys USING (true) WITH CHECK (true);

-- match_candidate, probing_alarm: what people decide about two records, and who tries identities out. The table itself
-- and its filling are in links.sql.

GRANT UPDATE ON match_candidate TO tongli_linker;
GRANT SELECT, INSERT, DELETE ON probing_alarm TO tongli_linker;
ALTER TABLE probing_alarm ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS linker ON probing_alarm;
CREATE POLICY linker ON probing_alarm TO tongli_linker USING (true) WITH CHECK (true);

-- Two coordinators: of the case that was there (the holder), and of the new one unless the other record is silent.
DROP POLICY IF EXISTS coordinated ON match_candidate;
CREATE POLICY coordinated ON match_candidate FOR SELECT TO tongli_app USING (
    holder_agency_id = (SELECT acting_agency())
    OR (coordinator_agency_id = (SELECT acting_agency()) AND NOT silent));
DROP POLICY IF EXISTS decided ON match_candidate;
CREATE POLICY decided ON match_candidate FOR UPDATE TO tongli_app USING (
    holder_agency_id = (SELECT acting_agency())
    OR (coordinator_agency_id = (SELECT acting_agency()) AND NOT silent));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Whose the two cases of a possible match are, copied when it is opened.
CREATE OR REPLACE FUNCTION copy_coordinators_to_match() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT c.coordinator_agency_id INTO NEW.coordinator_agency_id FROM "case" c WHERE c.id = NEW.case_id;
    SELECT c.coordinator_agency_id INTO NEW.holder_agency_id FROM "case" c WHERE c.id = NEW.other_case_id;
    RETURN NEW;
END
$$;

-- The copies follow their case.
CREATE OR REPLACE FUNCTION copy_coordinator_to_matches() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE match_candidate SET coordinator_agency_id = NEW.coordinator_agency_id WHERE case_id = NEW.id;
    UPDATE match_candidate SET holder_agency_id = NEW.coordinator_agency_id WHERE other_case_id = NEW.id;
    RETURN NULL;
END
$$;

-- Whose the cases are of possible matches that a report of the acting agency has just opened: for the events that tell
-- their coordinators, which the agency itself does not get.
CREATE OR REPLACE FUNCTION opened_matches(p_candidates uuid[])
RETURNS TABLE (id uuid, case_id uuid, other_case_id uuid, coordinator_agency_id uuid, holder_agency_id uuid,
               silent boolean, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.id, m.case_id, m.other_case_id, m.coordinator_agency_id, m.holder_agency_id, m.silent, m.version
      FROM match_candidate m JOIN person_record r ON r.id = m.record_id
     WHERE m.id = ANY (p_candidates) AND r.agency_id = acting_agency() AND m.status = 'open'
$$;

-- Opens a possible match again: what this decision said of the two records is withdrawn. The withdrawal itself asserts
-- nothing, so it is undone as it is made.
CREATE OR REPLACE FUNCTION withdraw_difference(p_candidate uuid, p_link uuid, p_by text, p_now timestamptz,
                                               p_due timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at, undone_at, other_record_id,
                      verdict, source, withdraws)
    SELECT p_link, l.kind, l.record_id, l.person_id, '[]', p_by, p_now, p_now, l.other_record_id, 'different', 'person',
           l.id
      FROM match_candidate m
      JOIN link l ON (l.record_id, l.other_record_id) IN ((m.record_id, m.other_record_id),
                                                          (m.other_record_id, m.record_id))
     WHERE m.id = p_candidate AND l.verdict = 'different' AND l.source = 'person' AND l.decided_at = m.decided_at
       AND l.undone_at IS NULL AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)
     LIMIT 1;
    UPDATE match_candidate SET status = 'open', until = NULL, due_at = p_due, decided_by_agency = NULL,
                               decided_by = NULL, decided_at = NULL, reason = NULL, version = version + 1
     WHERE id = p_candidate;
$$;

-- A coordinator of either side takes back that two records are different people, whichever of them said it.
CREATE OR REPLACE FUNCTION undo_not_duplicate(p_candidate uuid, p_link uuid, p_by text, p_now timestamptz,
                                              p_due timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM FROM match_candidate m
     WHERE m.id = p_candidate AND m.status = 'not_duplicate'
       AND (m.holder_agency_id = acting_agency() OR (m.coordinator_agency_id = acting_agency() AND NOT m.silent))
       FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a decision this agency may undo' USING ERRCODE = 'TL002';
    END IF;
    PERFORM withdraw_difference(p_candidate, p_link, p_by, p_now, p_due);
END
$$;

-- Decisions that were to hold until a day that has come, the earliest first: for the jobs.
CREATE OR REPLACE FUNCTION lapsed_matches(p_now timestamptz, p_limit integer) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.id FROM match_candidate m
     WHERE m.status = 'not_duplicate' AND m.until <= p_now ORDER BY m.until LIMIT p_limit
$$;

-- Opens one of them again; nothing where somebody else has, or has it at hand.
CREATE OR REPLACE FUNCTION lapse_match(p_candidate uuid, p_link uuid, p_now timestamptz, p_due timestamptz)
RETURNS TABLE (id uuid, case_id uuid, other_case_id uuid, coordinator_agency_id uuid, holder_agency_id uuid,
               silent boolean, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM FROM match_candidate m
     WHERE m.id = p_candidate AND m.status = 'not_duplicate' AND m.until <= p_now FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        PERFORM withdraw_difference(p_candidate, p_link, 'clock', p_now, p_due);
        RETURN QUERY SELECT m.id, m.case_id, m.other_case_id, m.coordinator_agency_id, m.holder_agency_id, m.silent,
                            m.version
                       FROM match_candidate m WHERE m.id = p_candidate;
    END IF;
END
$$;

-- Agencies that filed more than `p_most` identities for one person within a day, where something was filed since
-- `p_since`: the same person, number, or name and birthday, each time with something else beside it. Each is told once
-- a day, to the coordinator of the last case and to the union at the top. Ids of records tell when they were made.
CREATE OR REPLACE FUNCTION probing_suspects(p_since timestamptz, p_now timestamptz, p_most integer)
RETURNS TABLE (case_id uuid, agency_id uuid, guardian uuid, top_union uuid, contents bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    DELETE FROM probing_alarm a WHERE a.record_id < first_id_at(p_now - interval '2 days');
    WITH recent AS (
        SELECT r.agency_id, r.person_id, r.id_index, r.name_birth_index FROM person_record r
         WHERE r.id >= first_id_at(p_since)),
    tried AS (
        SELECT n.agency_id, n.person_id::text AS about, r.id
          FROM (SELECT DISTINCT c.agency_id, c.person_id FROM recent c) n
          JOIN person_record r ON r.person_id = n.person_id AND r.agency_id = n.agency_id
         UNION ALL
        SELECT n.agency_id, encode(n.id_index, 'hex'), r.id
          FROM (SELECT DISTINCT c.agency_id, c.id_index FROM recent c WHERE c.id_index IS NOT NULL) n
          JOIN person_record r ON r.id_index = n.id_index AND r.agency_id = n.agency_id
         UNION ALL
        SELECT n.agency_id, encode(n.name_birth_index, 'hex'), r.id
          FROM (SELECT DISTINCT c.agency_id, c.name_birth_index FROM recent c WHERE c.name_birth_index IS NOT NULL) n
          JOIN person_record r ON r.name_birth_index = n.name_birth_index AND r.agency_id = n.agency_id),
    suspects AS (
        SELECT t.agency_id, count(DISTINCT (r.id_index, r.name_birth_index)) AS contents,
               (array_agg(r.id ORDER BY r.id DESC))[1] AS last, array_agg(r.id) AS records
          FROM tried t JOIN person_record r ON r.id = t.id
         WHERE r.id >= first_id_at(p_now - interval '1 day')
         GROUP BY t.agency_id, t.about HAVING count(DISTINCT (r.id_index, r.name_birth_index)) > p_most),
    fresh AS (
        SELECT DISTINCT ON (s.last) s.* FROM suspects s
         WHERE NOT EXISTS (SELECT FROM probing_alarm a WHERE a.record_id = ANY (s.records))
         ORDER BY s.last, s.contents DESC),
    told AS (
        INSERT INTO probing_alarm (record_id, told_at) SELECT f.last, p_now FROM fresh f
            ON CONFLICT DO NOTHING RETURNING probing_alarm.record_id)
    SELECT r.case_id, f.agency_id, c.coordinator_agency_id,
           (SELECT u.id FROM agency u WHERE u.kind = 'union' AND NOT u.department AND u.status = 'active'
             ORDER BY array_position(ARRAY['national', 'province', 'city', 'county']::text[], u.level::text) NULLS LAST,
                      u.code LIMIT 1),
           f.contents
      FROM fresh f JOIN told t ON t.record_id = f.last JOIN person_record r ON r.id = f.last
      JOIN "case" c ON c.id = r.case_id
$$;

REVOKE ALL ON FUNCTION copy_coordinators_to_match(), copy_coordinator_to_matches(), opened_matches(uuid[]),
    withdraw_difference(uuid, uuid, text, timestamptz, timestamptz),
    undo_not_duplicate(uuid, uuid, text, timestamptz, timestamptz), lapsed_matches(timestamptz, integer),
    lapse_match(uuid, uuid, timestamptz, timestamptz),
    probing_suspects(timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION opened_matches(uuid[]), undo_not_duplicate(uuid, uuid, text, timestamptz, timestamptz)
    TO tongli_app;
GRANT EXECUTE ON FUNCTION lapsed_matches(timestamptz, integer), lapse_match(uuid, uuid, timestamptz, timestamptz),
    probing_suspects(timestamptz, timestamptz, integer) TO tongli_jobs;
GRANT EXECUTE ON FUNCTION copy_coordinators_to_match(), copy_coordinator_to_matches() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER match_copied BEFORE INSERT OR UPDATE OF case_id, other_case_id ON match_candidate
    FOR EACH ROW EXECUTE FUNCTION copy_coordinators_to_match();
CREATE OR REPLACE TRIGGER matches_copied AFTER UPDATE OF coordinator_agency_id ON "case"
    FOR EACH ROW EXECUTE FUNCTION copy_coordinator_to_matches();

-- access_request: asked by the coordinator of one side of a possible match, decided by that of the other. What a grant
-- shows leaves through shown_by_grant alone.

GRANT SELECT, INSERT ON access_request TO tongli_app;
GRANT UPDATE (status, field_classes, expires_at, refusal, answer, decided_by, decided_at, updated_at, version)
    ON access_request TO tongli_app;
GRANT SELECT ON access_request TO tongli_linker;

ALTER TABLE access_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS linker ON access_request;
CREATE POLICY linker ON access_request TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS party ON access_request;
CREATE POLICY party ON access_request FOR SELECT TO tongli_app USING (
    asking_agency_id = (SELECT acting_agency()) OR holder_agency_id = (SELECT acting_agency()));
-- Asked for oneself, of whoever coordinates the other side of a match that one may see.
DROP POLICY IF EXISTS asked ON access_request;
CREATE POLICY asked ON access_request FOR INSERT TO tongli_app WITH CHECK (
    asking_agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM match_candidate m
         WHERE m.id = access_request.candidate_id AND NOT m.silent
           AND (m.coordinator_agency_id, m.holder_agency_id) IN (
               (access_request.asking_agency_id, access_request.holder_agency_id),
               (access_request.holder_agency_id, access_request.asking_agency_id))));
DROP POLICY IF EXISTS answered ON access_request;
CREATE POLICY answered ON access_request FOR UPDATE TO tongli_app USING (
    holder_agency_id = (SELECT acting_agency()));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The record on the other side of a possible match, its corrections first, for whoever holds a grant that runs (in real
-- time: it is an access) while the match is open; sealed as it is, so that the application shows the granted classes only.
CREATE OR REPLACE FUNCTION shown_by_grant(p_candidate uuid)
RETURNS TABLE (id uuid, name bytea, id_type text, id_number bytea, contact bytea, details bytea, sex text,
               birth_date date, division_code text, employment_status text, employer_name text, person_id uuid,
               household_size bigint, case_id uuid, request_id uuid, purpose text, field_classes text[],
               expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.id, r.name, r.id_type::text, r.id_number, r.contact, r.details, r.sex::text, r.birth_date,
           r.division_code::text, r.employment_status::text, e.name::text, r.person_id,
           (SELECT count(*) FROM household_member h WHERE h.case_id = g.other_case), g.other_case, g.id,
           g.purpose, g.field_classes, g.expires_at
      FROM (SELECT q.id, q.purpose::text AS purpose, q.field_classes, q.expires_at,
                   CASE WHEN m.coordinator_agency_id = q.asking_agency_id THEN m.other_record_id ELSE m.record_id END
                       AS other_record,
                   CASE WHEN m.coordinator_agency_id = q.asking_agency_id THEN m.other_case_id ELSE m.case_id END
                       AS other_case
              FROM access_request q JOIN match_candidate m ON m.id = q.candidate_id
             WHERE q.candidate_id = p_candidate AND q.asking_agency_id = acting_agency()
               AND q.status = 'granted' AND q.expires_at > now() AND m.status = 'open' AND NOT m.silent
               AND (m.coordinator_agency_id, m.holder_agency_id) IN (
                   (q.asking_agency_id, q.holder_agency_id), (q.holder_agency_id, q.asking_agency_id))
             ORDER BY q.expires_at DESC LIMIT 1) g
      JOIN person_record r ON r.id = g.other_record OR r.corrects = g.other_record
      LEFT JOIN employer e ON e.id = r.employer_id
     ORDER BY (r.corrects IS NULL), r.created_at DESC
$$;

REVOKE ALL ON FUNCTION shown_by_grant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shown_by_grant(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;
