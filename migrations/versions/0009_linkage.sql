-- The linker: what it knows of records, what was asserted of two records, what people should look at.

CREATE TABLE link_feature (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    record_id UUID NOT NULL,
    person_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    features BYTEA NOT NULL,
    keys BIGINT[] NOT NULL,
    model_version VARCHAR NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (record_id),
    FOREIGN KEY(record_id) REFERENCES person_record (id)
);

CREATE INDEX link_feature_by_person ON link_feature (person_id, at, number);

-- Twelve rows a record: no foreign key, which would be asked twelve times an intake. keep_links alone writes them.
CREATE TABLE link_key (
    key BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (key, number)
);

CREATE TABLE link_key_heavy (
    key BIGINT NOT NULL,
    PRIMARY KEY (key)
);

CREATE TABLE link_value (
    value BIGINT NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITH (fillfactor = 80);

CREATE TABLE match_candidate (
    id UUID NOT NULL,
    record_id UUID NOT NULL,
    other_record_id UUID NOT NULL,
    case_id UUID NOT NULL,
    other_case_id UUID NOT NULL,
    silent BOOLEAN NOT NULL,
    weight DOUBLE PRECISION NOT NULL,
    band VARCHAR NOT NULL,
    terms JSONB NOT NULL,
    guards TEXT[] NOT NULL,
    model_version VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by_agency UUID,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    reason VARCHAR,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT match_candidate_band CHECK (band IN ('review')),
    CONSTRAINT match_candidate_status CHECK (status IN ('open', 'confirmed', 'not_duplicate', 'undone')),
    FOREIGN KEY(record_id) REFERENCES person_record (id),
    FOREIGN KEY(other_record_id) REFERENCES person_record (id),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(other_case_id) REFERENCES "case" (id),
    FOREIGN KEY(decided_by_agency) REFERENCES agency (id)
);

CREATE UNIQUE INDEX match_candidate_once ON match_candidate (record_id, other_record_id) WHERE status = 'open';
CREATE INDEX match_candidate_by_record ON match_candidate (record_id);
CREATE INDEX match_candidate_by_other_record ON match_candidate (other_record_id);
CREATE INDEX match_candidate_by_case ON match_candidate (case_id);
CREATE INDEX match_candidate_by_other_case ON match_candidate (other_case_id);
CREATE INDEX match_candidate_due ON match_candidate (due_at) WHERE status = 'open';

-- The defaults keep the writers of the previous release working.
ALTER TABLE link
    ADD COLUMN other_record_id UUID,
    ADD COLUMN verdict VARCHAR NOT NULL DEFAULT 'same',
    ADD COLUMN source VARCHAR NOT NULL DEFAULT 'model',
    ADD COLUMN weight DOUBLE PRECISION,
    ADD COLUMN model_version VARCHAR,
    ADD COLUMN terms JSONB,
    ADD COLUMN reason VARCHAR,
    ADD COLUMN withdraws UUID,
    ADD CONSTRAINT link_verdict CHECK (verdict IN ('same', 'different')),
    ADD CONSTRAINT link_source CHECK (source IN ('model', 'person', 'agency')),
    ADD CONSTRAINT link_of_two CHECK (other_record_id <> record_id AND (verdict = 'same' OR other_record_id IS NOT NULL)),
    ADD CONSTRAINT link_of_record UNIQUE (id, record_id),
    ADD FOREIGN KEY (other_record_id) REFERENCES person_record (id),
    ADD FOREIGN KEY (withdraws, record_id) REFERENCES link (id, record_id);
CREATE INDEX link_by_other_record ON link (other_record_id) WHERE other_record_id IS NOT NULL;
CREATE INDEX link_by_withdrawn ON link (withdraws) WHERE withdraws IS NOT NULL;

DROP POLICY IF EXISTS own ON link;
CREATE POLICY own ON link FOR INSERT TO tongli_app WITH CHECK (withdraws IS NULL AND EXISTS (
    SELECT FROM person_record r WHERE r.id = link.record_id AND r.agency_id = (SELECT acting_agency())));
-- What people decided is said by a coordinator of either record's case; it alone withdraws what was said before.
DROP POLICY IF EXISTS decided ON link;
CREATE POLICY decided ON link FOR INSERT TO tongli_app WITH CHECK (source <> 'model' AND EXISTS (
    SELECT FROM person_record r JOIN "case" c ON c.id = r.case_id
     WHERE r.id IN (link.record_id, link.other_record_id) AND c.coordinator_agency_id = (SELECT acting_agency())));

GRANT SELECT (number, record_id, features), UPDATE (features) ON link_feature TO tongli_keys;
DROP POLICY IF EXISTS keys ON link_feature;
CREATE POLICY keys ON link_feature TO tongli_keys USING (true) WITH CHECK (true);

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

-- Two coordinators: of the case that was there (the holder), and of the new one unless the other record is silent.
DROP POLICY IF EXISTS coordinated ON match_candidate;
CREATE POLICY coordinated ON match_candidate FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM "case" c
     WHERE (c.id = match_candidate.other_case_id OR (c.id = match_candidate.case_id AND NOT match_candidate.silent))
       AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS decided ON match_candidate;
CREATE POLICY decided ON match_candidate FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM "case" c
     WHERE (c.id = match_candidate.other_case_id OR (c.id = match_candidate.case_id AND NOT match_candidate.silent))
       AND c.coordinator_agency_id = (SELECT acting_agency())));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Its work is link_candidates' now.
DROP FUNCTION find_person(bytea[], bytea[], bytea[]);

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

-- Erasure takes these along.

GRANT UPDATE (other_record_id, withdraws, weight, terms) ON link TO tongli_linker;

SET LOCAL ROLE tongli_linker;

-- What the linker made of these records: it finds them by nothing any more.
CREATE OR REPLACE FUNCTION forget_features(p_records uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    DELETE FROM link_key k USING link_feature f, unnest(f.keys) AS of_record (key)
     WHERE f.record_id = ANY (p_records) AND k.key = of_record.key AND k.number = f.number;
    DELETE FROM link_feature f WHERE f.record_id = ANY (p_records);
$$;

-- Everything the linker holds on records that are about to go. Of what was said of other records, as compared with
-- these, it stays to which person they belong, and nothing of the comparison. Counts of values stay until they are
-- counted anew: a keyed hash and a number tell of nobody.
CREATE OR REPLACE FUNCTION forget_links(p_records uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    gone uuid[];
BEGIN
    PERFORM forget_features(p_records);
    DELETE FROM match_candidate WHERE record_id = ANY (p_records) OR other_record_id = ANY (p_records);
    gone := ARRAY(
        SELECT l.id FROM link l
         WHERE l.record_id = ANY (p_records)
            OR (l.other_record_id = ANY (p_records)
                AND (l.verdict = 'different' OR EXISTS (SELECT FROM link w WHERE w.withdraws = l.id))));
    UPDATE link SET withdraws = NULL WHERE withdraws = ANY (gone);
    DELETE FROM link WHERE id = ANY (gone);
    UPDATE link SET other_record_id = NULL, weight = NULL, terms = NULL WHERE other_record_id = ANY (p_records);
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
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE result SET text = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE adoption SET reason = NULL WHERE case_id = p_case;
    UPDATE assistance SET source = NULL WHERE case_id = p_case;
    UPDATE sharing_basis SET reference = '' WHERE case_id = p_case;
    UPDATE break_glass SET text = '', review_text = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL WHERE case_id = p_case;
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

-- Erases one member of a case's household who was entered in error; `p_bodies` are the case's reports without that
-- member, sealed anew: [{"id", "body" in hexadecimal}]. For the coordinator. The main member goes with the case only.
CREATE OR REPLACE FUNCTION erase_member(p_case uuid, p_person uuid, p_bodies jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())
       OR EXISTS (SELECT FROM household_member m
                   WHERE m.case_id = p_case AND m.person_id = p_person AND m.role = 'main') THEN
        RAISE EXCEPTION 'not a member this agency may erase' USING ERRCODE = 'TL002';
    END IF;
    UPDATE report r SET body = decode(b.body, 'hex'), body_sha256 = NULL
      FROM jsonb_to_recordset(p_bodies) AS b (id uuid, body text) WHERE r.id = b.id AND r.case_id = p_case;
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL
     WHERE case_id = p_case AND person_id = p_person;
    PERFORM forget_links(ARRAY(
        SELECT r.id FROM person_record r WHERE r.case_id = p_case AND r.person_id = p_person));
    DELETE FROM household_member WHERE case_id = p_case AND person_id = p_person;
    DELETE FROM person_record WHERE case_id = p_case AND person_id = p_person;
    PERFORM forget_unknown_people(ARRAY[p_person]);
    RETURN true;
END
$$;

-- Takes from a closed case what no duty to keep reaches: contacts, health, words of compartments. `p_records` are its
-- person records without these, sealed anew: [{"id", "contact", "details"}] in hexadecimal; `p_matters`, those whose
-- words belong to a compartment. What is only kept is not compared any more. For the coordinator.
CREATE OR REPLACE FUNCTION trim_case(p_case uuid, p_records jsonb, p_matters text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM "case" c
                    WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency() AND c.status = 'closed') THEN
        RAISE EXCEPTION 'not a case this agency may trim' USING ERRCODE = 'TL002';
    END IF;
    UPDATE person_record r SET contact = decode(t.contact, 'hex'), details = decode(t.details, 'hex'), phone_indexes = '{}'
      FROM jsonb_to_recordset(p_records) AS t (id uuid, contact text, details text)
     WHERE r.id = t.id AND r.case_id = p_case;
    PERFORM forget_features(ARRAY(SELECT r.id FROM person_record r WHERE r.case_id = p_case));
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case;
    UPDATE result SET text = NULL WHERE case_id = p_case AND sensitive IS NOT NULL;
    UPDATE referral_step SET body = NULL
     WHERE step = 'complete'
       AND referral_id IN (SELECT id FROM referral WHERE case_id = p_case AND matter_code = ANY (p_matters));
END
$$;

REVOKE ALL ON FUNCTION forget_features(uuid[]), forget_links(uuid[]) FROM PUBLIC;

SET LOCAL ROLE tongli_owner;
