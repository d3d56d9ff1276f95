-- Employers by number, and by the names they were reported by in a county. Frozen.

ALTER TABLE employer ADD COLUMN organisation varchar, ADD COLUMN registration varchar, ADD COLUMN parent_id uuid,
    ADD COLUMN branch varchar;
ALTER TABLE employer ADD CONSTRAINT employer_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES employer (id);
DROP INDEX employer_by_credit_code;
DROP INDEX employer_by_name;
CREATE TABLE employer_name (
    employer_id uuid NOT NULL REFERENCES employer (id),
    key varchar NOT NULL,
    division varchar NOT NULL,
    name varchar NOT NULL,
    source varchar NOT NULL CONSTRAINT employer_name_source CHECK (source IN ('reported', 'former')),
    valid_from timestamptz,
    valid_to timestamptz,
    PRIMARY KEY (employer_id, key, division)
);

GRANT UPDATE (organisation, registration, credit_code) ON employer TO tongli_linker;
GRANT SELECT, INSERT, UPDATE (source, valid_to) ON employer_name TO tongli_linker;

ALTER TABLE employer_name ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY linker ON employer_name TO tongli_linker USING (true) WITH CHECK (true);

-- What stood here before has its number from its credit code, once for each organisation, and the names it was reported by
-- where it was reported; without notes and places taken apart, which the application does.
SET LOCAL ROLE tongli_linker;
UPDATE employer e SET organisation = o.organisation
  FROM (SELECT DISTINCT ON (2) id, substr(regexp_replace(upper(normalize(credit_code, NFKC)), '[^0-9A-Z]', '', 'g'), 9, 9)
          FROM employer WHERE credit_code IS NOT NULL ORDER BY 2, created_at, id) o (id, organisation)
 WHERE o.id = e.id AND length(o.organisation) = 9;
INSERT INTO employer_name (employer_id, key, division, name, source, valid_from)
SELECT e.id, replace(upper(regexp_replace(normalize(e.name, NFKC), '[\s()\[\]【】]', '', 'g')), '有限责任公司', '有限公司'), s.division,
       e.name, 'reported', e.created_at
  FROM employer e JOIN (
    SELECT r.employer_id, left(r.division_code, 6) FROM person_record r WHERE r.division_code IS NOT NULL
     UNION SELECT c.employer_id, left(c.division_code, 6) FROM "case" c) s (employer_id, division) ON s.employer_id = e.id;

SET LOCAL ROLE tongli_owner;

CREATE UNIQUE INDEX employer_by_organisation ON employer (organisation) WHERE organisation IS NOT NULL;
CREATE UNIQUE INDEX employer_by_registration ON employer (registration) WHERE registration IS NOT NULL;
CREATE INDEX employer_by_parent ON employer (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX employer_name_by_key ON employer_name (key, division);

SET LOCAL ROLE tongli_linker;
DROP FUNCTION employer_for(uuid, text, text, timestamptz);
DROP FUNCTION active_case_of_employer(uuid, text);
-- The active employer case of an employer, or null. Who names no number reaches a case of the same place only: anybody may
-- guess a name.
CREATE OR REPLACE FUNCTION active_case_of_employer(p_employer uuid, p_division text, p_by_number boolean) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id FROM "case" c
     WHERE c.employer_id = p_employer AND c.kind = 'employer' AND c.status <> 'closed'
       AND (p_by_number OR c.division_code = p_division) ORDER BY c.opened_at LIMIT 1
$$;

REVOKE ALL ON FUNCTION active_case_of_employer(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION active_case_of_employer(uuid, text, boolean) TO tongli_app;

-- The employer of a name in a county: the only one with a number, where the name is firm; else the only one without that
-- was reported by it, or else was called so before. Null where nobody is, and where several are.
CREATE OR REPLACE FUNCTION employer_of_name(p_key text, p_division text, p_firm boolean) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH bearers AS (
        SELECT e.id, n.source, (e.organisation IS NOT NULL OR e.registration IS NOT NULL) AS anchored
          FROM employer_name n JOIN employer e ON e.id = n.employer_id
         WHERE n.key = p_key AND n.division = p_division),
    sorted AS (
        SELECT array_agg(id) FILTER (WHERE anchored AND p_firm) AS anchored,
               array_agg(id) FILTER (WHERE NOT anchored AND source = 'reported') AS reported,
               array_agg(id) FILTER (WHERE NOT anchored AND source = 'former') AS former
          FROM bearers)
    SELECT CASE WHEN s.bearers[2] IS NULL THEN s.bearers[1] END
      FROM (SELECT coalesce(anchored, reported, former) AS bearers FROM sorted) s
$$;

-- The employer that a number reported with a name belongs to, which was known by name alone, or by a number of the other
-- kind: the only one of that name in the county. The number is written down. Null where there is none.
CREATE OR REPLACE FUNCTION anchor_employer(p_key text, p_division text, p_organisation text, p_registration text,
                                           p_credit_code text) RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE employer e
       SET organisation = coalesce(e.organisation, p_organisation), registration = coalesce(e.registration, p_registration),
           credit_code = coalesce(e.credit_code, p_credit_code)
     WHERE e.id = (SELECT CASE WHEN count(*) = 1 THEN (array_agg(n.employer_id) FILTER (WHERE n.source = 'reported'))[1] END
                     FROM employer_name n WHERE n.key = p_key AND n.division = p_division)
       AND (p_organisation IS NULL OR e.organisation IS NULL) AND (p_registration IS NULL OR e.registration IS NULL)
    RETURNING e.id
$$;

-- Writes down an employer and the name it was reported by. `p_said`: organisation, registration, credit_code.
CREATE OR REPLACE FUNCTION found_employer(p_id uuid, p_name jsonb, p_division text, p_said jsonb, p_parent uuid, p_branch text,
                                          p_now timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    INSERT INTO employer (id, name, credit_code, organisation, registration, parent_id, branch, created_at)
    VALUES (p_id, p_name ->> 'name', p_said ->> 'credit_code', p_said ->> 'organisation', p_said ->> 'registration', p_parent,
            p_branch, p_now);
    INSERT INTO employer_name (employer_id, key, division, name, source, valid_from)
    VALUES (p_id, p_name ->> 'key', p_division, p_name ->> 'name', 'reported', p_now);
    SELECT p_id
$$;

-- The employer a report names, found by its number or by name and county, or founded: `p_said` as `employers_for` has it.
-- A branch is an employer of its own below the whole: never the whole itself, whichever number it came with.
CREATE OR REPLACE FUNCTION employer_for(p_said jsonb, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    it_is uuid := (p_said ->> 'id')::uuid;
    whole_id uuid := (p_said ->> 'whole_id')::uuid;
    organisation_said text := p_said ->> 'organisation';
    registration_said text := p_said ->> 'registration';
    county text := p_said ->> 'county';
    firm boolean := (p_said ->> 'firm')::boolean;
    name jsonb := p_said -> 'name';
    whole jsonb := p_said -> 'whole';
    branch_said text := nullif(p_said ->> 'branch', '');
    numbered boolean := coalesce(organisation_said, registration_said) IS NOT NULL;
    numbers jsonb := '{}';
    found employer;
    parent uuid;
    found_id uuid;
BEGIN
    IF numbered THEN
        SELECT * INTO found FROM employer e
         WHERE e.organisation = organisation_said OR e.registration = registration_said LIMIT 1;
        IF found.id IS NOT NULL AND (whole IS NULL OR found.branch IS NOT NULL) THEN
            found_id := found.id;
        ELSIF found.id IS NOT NULL THEN
            parent := found.id;
        ELSIF whole IS NOT NULL AND NOT (p_said ->> 'own_code')::boolean THEN
            parent := coalesce(
                CASE WHEN firm THEN anchor_employer(whole ->> 'key', county, organisation_said, registration_said,
                                                    p_said ->> 'credit_code') END,
                found_employer(whole_id, whole, county, p_said, NULL, NULL, p_now));
        ELSE
            numbers := p_said;
            found_id := CASE WHEN firm THEN anchor_employer(name ->> 'key', county, organisation_said, registration_said,
                                                            p_said ->> 'credit_code') END;
        END IF;
        IF parent IS NOT NULL THEN
            SELECT e.id INTO found_id FROM employer e WHERE e.parent_id = parent AND e.branch = branch_said
             ORDER BY e.created_at, e.id LIMIT 1;
        END IF;
    ELSE
        found_id := employer_of_name(name ->> 'key', county, firm);
    END IF;
    IF found_id IS NOT NULL AND NOT numbered THEN
        RETURN found_id;
    END IF;
    IF found_id IS NULL THEN
        IF whole IS NOT NULL AND parent IS NULL THEN
            parent := employer_of_name(whole ->> 'key', county, firm);
            IF parent IS NULL AND NOT EXISTS (
                SELECT FROM employer_name n WHERE n.key = whole ->> 'key' AND n.division = county) THEN
                parent := found_employer(whole_id, whole, county, '{}', NULL, NULL, p_now);
            END IF;
        END IF;
        found_id := found_employer(it_is, name, county, numbers, parent, branch_said, p_now);
    ELSE
        INSERT INTO employer_name (employer_id, key, division, name, source, valid_from)
        VALUES (found_id, name ->> 'key', county, name ->> 'name', 'reported', p_now) ON CONFLICT DO NOTHING;
        UPDATE employer e SET credit_code = p_said ->> 'credit_code'
         WHERE e.id = found_id AND e.credit_code IS NULL AND e.organisation = organisation_said
           AND p_said ->> 'credit_code' IS NOT NULL;
    END IF;
    INSERT INTO employer_name AS n (employer_id, key, division, name, source, valid_to)
    SELECT found_id, f ->> 'key', county, f ->> 'name', 'former', p_now FROM jsonb_array_elements(p_said -> 'former') f
        ON CONFLICT (employer_id, key, division) DO UPDATE SET source = 'former', valid_to = p_now
     WHERE n.source = 'reported';
    RETURN found_id;
END
$$;

-- The employers of one report: [{"id", "whole_id", "name": {"name", "key"}, "whole", "county", "firm", "organisation",
-- "registration", "credit_code", "branch", "own_code", "former": […]}]. Locks every number and every name with its county,
-- in one order, until the transaction ends, then each employer that a number may be written to; reads after waiting.
CREATE OR REPLACE FUNCTION employers_for(p_said jsonb, p_now timestamptz) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF acting_agency() IS NULL THEN
        RAISE EXCEPTION 'nobody acts' USING ERRCODE = 'TL002';
    END IF;
    PERFORM pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT hashtextextended(t.said, 2) AS key
          FROM jsonb_array_elements(p_said) e, LATERAL (
            SELECT 'organisation|' || (e ->> 'organisation') UNION ALL SELECT 'registration|' || (e ->> 'registration')
             UNION ALL SELECT 'name|' || (e ->> 'county') || '|' || (n ->> 'key')
              FROM jsonb_array_elements(jsonb_build_array(e -> 'name', e -> 'whole') || (e -> 'former')) n) t (said)
         WHERE t.said IS NOT NULL ORDER BY key) k;
    PERFORM FROM (
        SELECT e.id FROM jsonb_array_elements(p_said) s
          JOIN employer_name n ON n.key = ANY (ARRAY[s -> 'name' ->> 'key', s -> 'whole' ->> 'key']) AND n.division = s ->> 'county'
          JOIN employer e ON e.id = n.employer_id
         WHERE (s ->> 'organisation' IS NOT NULL AND e.organisation IS NULL)
            OR (s ->> 'registration' IS NOT NULL AND e.registration IS NULL)
         ORDER BY e.id FOR NO KEY UPDATE OF e) locked;
    RETURN QUERY SELECT employer_for(e.said, p_now) FROM jsonb_array_elements(p_said) WITH ORDINALITY AS e (said, at)
                  ORDER BY e.at;
END
$$;

REVOKE ALL ON FUNCTION employer_of_name(text, text, boolean), anchor_employer(text, text, text, text, text),
    found_employer(uuid, jsonb, text, jsonb, uuid, text, timestamptz), employer_for(jsonb, timestamptz),
    employers_for(jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION employers_for(jsonb, timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;

-- Which reports stand in a case because their people are its household.
ALTER TABLE report ADD COLUMN by_household boolean NOT NULL DEFAULT false;
ALTER TABLE case_task ADD COLUMN other_case_id uuid, DROP CONSTRAINT case_task_kind;
ALTER TABLE case_task ADD CONSTRAINT case_task_kind
    CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute', 'retention_due', 'possible_household'));
ALTER TABLE case_task ADD CONSTRAINT case_task_other_case_id_fkey FOREIGN KEY (other_case_id) REFERENCES "case" (id);
CREATE INDEX case_task_by_other_case ON case_task (other_case_id) WHERE other_case_id IS NOT NULL;
GRANT DELETE ON case_task TO tongli_linker;
SET LOCAL ROLE tongli_linker;
-- Whose file a case is: the main person of the first report in it, of those that did not join it as its household.
CREATE OR REPLACE FUNCTION main_person_of(p_case uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.person_id FROM person_record r JOIN report q ON q.id = r.report_id
     WHERE r.case_id = p_case AND r.main ORDER BY q.by_household, r.created_at, r.id LIMIT 1
$$;

-- Reports in a case that only a withdrawn link had brought there: their main person is known there from nothing else, and
-- did not come as one of the household.
CREATE OR REPLACE FUNCTION stray_reports(p_record uuid)
RETURNS TABLE (case_id uuid, person_id uuid, report_ids uuid[], division_code text, birth_date date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT s.case_id, s.person_id, array_agg(r.report_id ORDER BY r.created_at, r.id),
           (array_agg(r.division_code ORDER BY r.created_at, r.id))[1],
           (array_agg(r.birth_date ORDER BY r.created_at, r.id))[1]
      FROM person_record s JOIN "case" c ON c.id = s.case_id AND c.coordinator_agency_id = acting_agency()
      JOIN person_record r ON r.case_id = s.case_id AND r.person_id = s.person_id AND r.main
     WHERE s.id = p_record AND main_person_of(s.case_id) <> s.person_id
       AND NOT EXISTS (SELECT FROM person_record o JOIN person_record om ON om.report_id = o.report_id AND om.main
                        WHERE o.case_id = s.case_id AND o.person_id = s.person_id AND om.person_id <> s.person_id)
       AND NOT EXISTS (SELECT FROM person_record h JOIN report q ON q.id = h.report_id AND q.by_household
                        WHERE h.case_id = s.case_id AND h.person_id = s.person_id AND h.main)
     GROUP BY s.case_id, s.person_id
$$;

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
    DELETE FROM case_task WHERE kind = 'possible_household' AND p_case IN (case_id, other_case_id);
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

-- All records of the active cases in whose households these persons stand, the fifty latest cases: linking must find
-- hidden households.
CREATE OR REPLACE FUNCTION households_of(p_persons uuid[])
RETURNS TABLE (case_id uuid, person_id uuid, record_id uuid, relation text, features bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF acting_agency() IS NULL THEN
        RAISE EXCEPTION 'nobody acts' USING ERRCODE = 'TL002';
    END IF;
    RETURN QUERY
        SELECT r.case_id, r.person_id, r.id, r.relation::text, f.features
          FROM (SELECT DISTINCT m.case_id FROM household_member m JOIN "case" c ON c.id = m.case_id
                 WHERE m.person_id = ANY (p_persons) AND m.active AND c.kind = 'household' AND c.status <> 'closed'
                 ORDER BY m.case_id DESC LIMIT 50) h
          JOIN person_record r ON r.case_id = h.case_id
          JOIN link_feature f ON f.record_id = r.id
         ORDER BY r.case_id, r.created_at, r.id;
END
$$;

-- Asks who coordinates a case whether others hold the same household: cases of that coordinator's alone, who sees both
-- anyway. For whoever reported into the case.
CREATE OR REPLACE FUNCTION ask_of_household(p_case uuid, p_others uuid[], p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'no report of this agency in the case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO case_task (id, case_id, agency_id, kind, status, other_case_id, created_at)
    SELECT t.id, c.id, c.coordinator_agency_id, 'possible_household', 'open', o.id, p_now
      FROM unnest(p_others, p_ids) t (other, id)
      JOIN "case" c ON c.id = p_case
      JOIN "case" o ON o.id = t.other AND o.coordinator_agency_id = c.coordinator_agency_id AND o.status <> 'closed';
END
$$;

-- Who says that two cases hold one household has answered.
CREATE OR REPLACE FUNCTION answer_household_task() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE case_task SET status = 'done', done_at = NEW.said_at
     WHERE kind = 'possible_household' AND status = 'open'
       AND ((case_id = NEW.case_id AND other_case_id = NEW.other_case_id)
            OR (case_id = NEW.other_case_id AND other_case_id = NEW.case_id));
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION households_of(uuid[]), ask_of_household(uuid, uuid[], uuid[], timestamptz), answer_household_task()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION households_of(uuid[]), ask_of_household(uuid, uuid[], uuid[], timestamptz) TO tongli_app;
GRANT EXECUTE ON FUNCTION answer_household_task() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER household_answered AFTER INSERT ON case_link
    FOR EACH ROW WHEN (NEW.kind = 'same_household') EXECUTE FUNCTION answer_household_task();
