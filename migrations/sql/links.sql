-- link_feature, link_key, link_key_heavy, link_value, match_candidate: what the linker knows of records, and what it
-- thinks people should look at. Nobody but its functions reads the first four: they tell of records of every agency.

GRANT SELECT, INSERT, DELETE ON link_feature, link_key TO tongli_linker;
GRANT UPDATE (person_id, features) ON link_feature TO tongli_linker;
GRANT SELECT ON SEQUENCE link_feature_number_seq TO tongli_linker;
GRANT SELECT, INSERT ON link_key_heavy TO tongli_linker;
GRANT SELECT, INSERT, UPDATE ON link_value TO tongli_linker;
GRANT SELECT, INSERT, DELETE ON match_candidate TO tongli_linker;
GRANT SELECT ON match_candidate TO tongli_app;
GRANT UPDATE (status, until, due_at, decided_by_agency, decided_by, decided_at, reason, version)
    ON match_candidate TO tongli_app;

ALTER TABLE link_feature ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE link_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE link_key_heavy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE link_value ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE match_candidate ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS linker ON link_feature;
CREATE POLICY linker ON link_feature TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON link_key;
CREATE POLICY linker ON link_key TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON link_key_heavy;
CREATE POLICY linker ON link_key_heavy TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON link_value;
CREATE POLICY linker ON link_value TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON match_candidate;
CREATE POLICY linker ON match_candidate TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The records that share a key with the people of a report, and all records of the persons these belong to: candidates
-- by the person's position in the report. `p_keys`: [[position, "key"], …]. Locks every key until the transaction ends,
-- in one order, so that two reports of one person meet; reads after waiting. A key with more than `p_cap` records says
-- nothing and is not asked again. Of a person the `p_growth` oldest records.
CREATE OR REPLACE FUNCTION link_candidates(p_keys jsonb, p_cap integer, p_growth integer)
RETURNS TABLE ("position" integer, number bigint, record_id uuid, person_id uuid, agency_kind text, features bytea,
               at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    asked bigint[];
    positions integer[];
    keys bigint[];
    hit_keys bigint[];
    hit_numbers bigint[];
    heavy bigint[];
BEGIN
    IF acting_agency() IS NULL THEN
        RAISE EXCEPTION 'nobody acts' USING ERRCODE = 'TL002';
    END IF;
    SELECT array_agg((e ->> 0)::integer), array_agg((e ->> 1)::bigint) INTO positions, keys
      FROM jsonb_array_elements(p_keys) e;
    asked := ARRAY(SELECT DISTINCT k FROM unnest(keys) k
                    WHERE NOT EXISTS (SELECT FROM link_key_heavy h WHERE h.key = k) ORDER BY k);
    PERFORM pg_advisory_xact_lock(k) FROM unnest(asked) k;
    SELECT array_agg(k.key), array_agg(k.number) INTO hit_keys, hit_numbers
      FROM unnest(asked) a,
           LATERAL (SELECT i.key, i.number FROM link_key i WHERE i.key = a LIMIT p_cap + 1) k;
    heavy := ARRAY(SELECT k FROM unnest(hit_keys) k GROUP BY k HAVING count(*) > p_cap);
    IF cardinality(heavy) > 0 THEN
        INSERT INTO link_key_heavy (key) SELECT k FROM unnest(heavy) k ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY
        SELECT p.position, f.number, f.record_id, f.person_id, a.kind::text, f.features, f.at
          FROM (SELECT DISTINCT n.position, f.person_id
                  FROM (SELECT DISTINCT s.position, h.number
                          FROM unnest(positions, keys) s (position, key)
                          JOIN unnest(hit_keys, hit_numbers) h (key, number) ON h.key = s.key
                         WHERE s.key <> ALL (heavy)) n
                  JOIN link_feature f ON f.number = n.number) p,
               LATERAL (SELECT f.number, f.record_id, f.person_id, f.agency_id, f.features, f.at FROM link_feature f
                         WHERE f.person_id = p.person_id ORDER BY f.at, f.number LIMIT p_growth) f
          JOIN agency a ON a.id = f.agency_id;
END
$$;

-- In how many persons each of these values occurs; nothing for one that nobody has.
CREATE OR REPLACE FUNCTION link_counts(p_values bigint[]) RETURNS TABLE (value bigint, people integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$ SELECT v.value, v.people FROM link_value v WHERE v.value = ANY (p_values) $$;

-- How many records the linker has been given so far, those taken back and those erased among them.
CREATE OR REPLACE FUNCTION linked_records() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$ SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM link_feature_number_seq $$;

-- Whether people are asked already whether these two persons are one, or it was said that they are not: one question, and
-- one answer, for however many records.
CREATE OR REPLACE FUNCTION asked_or_apart(p_one uuid, p_other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT EXISTS (
        SELECT FROM person_record r JOIN match_candidate m ON m.record_id = r.id AND m.status = 'open'
          JOIN person_record o ON o.id = m.other_record_id
         WHERE r.person_id IN (p_one, p_other) AND o.person_id IN (p_one, p_other) AND r.person_id <> o.person_id)
        OR EXISTS (
        SELECT FROM person_record r
          JOIN link l ON l.record_id = r.id AND l.verdict = 'different' AND l.undone_at IS NULL
          JOIN person_record o ON o.id = l.other_record_id
         WHERE r.person_id IN (p_one, p_other) AND o.person_id IN (p_one, p_other) AND r.person_id <> o.person_id
           AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id))
$$;

-- Keeps what the linker made of records of the acting agency: `p_records` [{"record_id", "features" in hexadecimal,
-- "keys" as text, "model_version"}], one more person for each of `p_values`, and `p_candidates` for people to look at.
-- Values are counted in one order, and wait for each other until the transaction ends: take every other lock before.
CREATE OR REPLACE FUNCTION keep_links(p_records jsonb, p_values bigint[], p_candidates jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF acting_agency() IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(p_records || p_candidates) e
         WHERE NOT EXISTS (SELECT FROM person_record r
                            WHERE r.id = (e ->> 'record_id')::uuid AND r.agency_id = acting_agency())) THEN
        RAISE EXCEPTION 'not records of this agency' USING ERRCODE = 'TL002';
    END IF;
    WITH kept AS (
        INSERT INTO link_feature (record_id, person_id, agency_id, at, features, keys, model_version)
        SELECT r.id, r.person_id, r.agency_id, r.created_at, decode(t.features, 'hex'), t.keys, t.model_version
          FROM jsonb_to_recordset(p_records) AS t (record_id uuid, features text, keys bigint[], model_version text)
          JOIN person_record r ON r.id = t.record_id
        RETURNING link_feature.number, link_feature.keys)
    INSERT INTO link_key (key, number)
    SELECT DISTINCT k, kept.number FROM kept, unnest(kept.keys) k
     WHERE NOT EXISTS (SELECT FROM link_key_heavy h WHERE h.key = k);
    INSERT INTO link_value (value, people)
    SELECT v, count(*) FROM unnest(p_values) v GROUP BY v ORDER BY v
        ON CONFLICT (value) DO UPDATE SET people = link_value.people + EXCLUDED.people;
    INSERT INTO match_candidate (id, record_id, other_record_id, case_id, other_case_id, silent, weight, band, terms,
                                 guards, model_version, status, due_at, created_at, version)
    SELECT c.id, r.id, o.id, r.case_id, o.case_id, a.kind IN ('judicial', 'court', 'procuratorate'), c.weight, 'review',
           c.terms, c.guards, c.model_version, 'open', c.due_at, c.created_at, 1
      FROM jsonb_to_recordset(p_candidates) AS c (id uuid, record_id uuid, other_record_id uuid, weight float8, terms jsonb,
           guards text[], model_version text, due_at timestamptz, created_at timestamptz)
      JOIN person_record r ON r.id = c.record_id
      JOIN person_record o ON o.id = c.other_record_id
      JOIN agency a ON a.id = o.agency_id
     WHERE r.person_id <> o.person_id AND NOT asked_or_apart(r.person_id, o.person_id)
        ON CONFLICT (record_id, other_record_id) WHERE status = 'open' DO NOTHING;
END
$$;

-- Which of these persons were said to be different, and it was not withdrawn: pairs, the lower id first.
CREATE OR REPLACE FUNCTION link_differences(p_persons uuid[]) RETURNS TABLE (one uuid, other uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT DISTINCT least(r.person_id, o.person_id), greatest(r.person_id, o.person_id)
      FROM person_record r
      JOIN link l ON l.record_id = r.id AND l.verdict = 'different' AND l.undone_at IS NULL
      JOIN person_record o ON o.id = l.other_record_id
     WHERE r.person_id = ANY (p_persons) AND o.person_id = ANY (p_persons) AND o.person_id <> r.person_id
       AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)
$$;

-- The linker's copy of whose a record is follows the record.
CREATE OR REPLACE FUNCTION copy_person_to_features() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE link_feature SET person_id = NEW.person_id WHERE record_id = NEW.id;
    RETURN NULL;
END
$$;

-- Before an erasure: lets whoever reports somebody of this case wait, and then find them gone. Every key of every record
-- of its persons, since a candidate is found through any of them. For the coordinator; does nothing for others.
CREATE OR REPLACE FUNCTION lock_links_of_case(p_case uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT unnest(f.keys) AS key FROM link_feature f
         WHERE f.person_id IN (
            SELECT m.person_id FROM person_record m JOIN "case" c ON c.id = m.case_id
             WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())
         ORDER BY key) k
$$;

-- What the records of a case are compared by, for whoever must take a person out of it. For the coordinator; nothing
-- for others.
CREATE OR REPLACE FUNCTION features_of_case(p_case uuid) RETURNS TABLE (record_id uuid, person_id uuid, features bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT f.record_id, f.person_id, f.features
      FROM person_record r JOIN link_feature f ON f.record_id = r.id JOIN "case" c ON c.id = r.case_id
     WHERE r.case_id = p_case AND c.coordinator_agency_id = acting_agency()
$$;

-- Features of records of a case without somebody, sealed anew: [{"record_id", "features" in hexadecimal}]. For the
-- coordinator; does nothing for others.
CREATE OR REPLACE FUNCTION change_features(p_case uuid, p_features jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE link_feature f SET features = decode(t.features, 'hex')
      FROM jsonb_to_recordset(p_features) AS t (record_id uuid, features text)
      JOIN person_record r ON r.id = t.record_id JOIN "case" c ON c.id = r.case_id
     WHERE f.record_id = t.record_id AND r.case_id = p_case AND c.coordinator_agency_id = acting_agency()
$$;

REVOKE ALL ON FUNCTION asked_or_apart(uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION link_candidates(jsonb, integer, integer), link_counts(bigint[]), linked_records(),
    keep_links(jsonb, bigint[], jsonb), link_differences(uuid[]), lock_links_of_case(uuid),
    features_of_case(uuid), change_features(uuid, jsonb), copy_person_to_features() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION link_candidates(jsonb, integer, integer), link_counts(bigint[]), linked_records(),
    keep_links(jsonb, bigint[], jsonb), link_differences(uuid[]), lock_links_of_case(uuid),
    features_of_case(uuid), change_features(uuid, jsonb) TO tongli_app;
GRANT EXECUTE ON FUNCTION copy_person_to_features() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER record_copied AFTER UPDATE OF person_id ON person_record
    FOR EACH ROW EXECUTE FUNCTION copy_person_to_features();
