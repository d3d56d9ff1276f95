-- employer, employer_name: by which numbers and names an employer is known. Nobody but these functions reads the names:
-- they tell who reported where. A number is an anchor; a name and a county find at most one employer; names are never
-- followed from one employer to another.

GRANT SELECT ON employer TO tongli_app;
GRANT SELECT, INSERT ON employer TO tongli_linker;
GRANT UPDATE (organisation, registration, credit_code) ON employer TO tongli_linker;
GRANT SELECT, INSERT, UPDATE (source, valid_to) ON employer_name TO tongli_linker;

ALTER TABLE employer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE employer_name ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS linker ON employer;
CREATE POLICY linker ON employer TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON employer_name;
CREATE POLICY linker ON employer_name TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS seen ON employer;
CREATE POLICY seen ON employer FOR SELECT TO tongli_app USING (
    EXISTS (SELECT FROM "case" c WHERE c.employer_id = employer.id)
    OR EXISTS (SELECT FROM person_record r WHERE r.employer_id = employer.id));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

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
