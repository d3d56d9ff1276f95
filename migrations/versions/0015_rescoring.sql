-- What another linkage model would say of what is linked and what is not: review items, and tasks about links.

ALTER TABLE case_task
    ADD COLUMN link_id UUID REFERENCES link (id) ON DELETE CASCADE,
    DROP CONSTRAINT case_task_kind,
    ADD CONSTRAINT case_task_kind
        CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute', 'retention_due', 'possible_household',
                        'doubtful_link')),
    ADD CONSTRAINT case_task_link CHECK ((kind = 'doubtful_link') = (link_id IS NOT NULL));
CREATE INDEX case_task_by_link ON case_task (link_id) WHERE link_id IS NOT NULL;
CREATE UNIQUE INDEX case_task_of_link ON case_task (link_id) WHERE status = 'open' AND link_id IS NOT NULL;

-- Rescoring: what ./tongli linkage sees and opens as tongli_rescore while it asks what another model would say of what is
-- linked and what is not. That role holds no table; it joins and parts nobody. Nobody logs in as it.

GRANT UPDATE (keys, model_version) ON link_feature TO tongli_linker;

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The next records after a number that were last compared under another model than `p_version`; all of them where that
-- is null. `filed_in`: the case that the record was filed in, whatever that went into since.
CREATE OR REPLACE FUNCTION records_to_rescore(p_version text, p_after bigint, p_limit integer, p_since timestamptz)
RETURNS TABLE (number bigint, record_id uuid, main boolean, filed_in uuid, features bytea, main_record uuid,
               main_features bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT f.number, f.record_id, r.main,
           coalesce((SELECT g.merged_case_id FROM case_merge g
                      WHERE g.merged_case_id IN (SELECT cases_merged_into(r.case_id)) AND g.undone_at IS NULL
                        AND g.moved -> 'reports' ? r.report_id::text ORDER BY g.merged_at LIMIT 1), r.case_id),
           f.features, m.record_id, m.features
      FROM (SELECT * FROM link_feature i
             WHERE i.number > p_after AND (p_version IS NULL OR i.model_version <> p_version)
               AND (p_since IS NULL OR i.at >= p_since)
             ORDER BY i.number LIMIT p_limit) f
      JOIN person_record r ON r.id = f.record_id
      LEFT JOIN person_record o ON o.report_id = r.report_id AND o.main
      LEFT JOIN link_feature m ON m.record_id = o.id
     ORDER BY f.number
$$;

-- As link_candidates, for records of any agency: `p_lock` lets reports of the same people wait until the transaction
-- ends, in the order in which reports lock. Marks no key as too common.
CREATE OR REPLACE FUNCTION candidates_to_rescore(p_keys jsonb, p_cap integer, p_growth integer, p_lock boolean)
RETURNS TABLE ("position" integer, record_id uuid, person_id uuid, features bytea, at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    positions integer[];
    keys bigint[];
    asked bigint[];
    hit_keys bigint[];
    hit_numbers bigint[];
    heavy bigint[];
BEGIN
    SELECT array_agg((e ->> 0)::integer), array_agg((e ->> 1)::bigint) INTO positions, keys
      FROM jsonb_array_elements(p_keys) e;
    asked := ARRAY(SELECT DISTINCT k FROM unnest(keys) k
                    WHERE NOT EXISTS (SELECT FROM link_key_heavy h WHERE h.key = k) ORDER BY k);
    IF p_lock THEN
        PERFORM pg_advisory_xact_lock(k) FROM unnest(asked) k;
    END IF;
    SELECT array_agg(k.key), array_agg(k.number) INTO hit_keys, hit_numbers
      FROM unnest(asked) a,
           LATERAL (SELECT i.key, i.number FROM link_key i WHERE i.key = a LIMIT p_cap + 1) k;
    heavy := ARRAY(SELECT k FROM unnest(hit_keys) k GROUP BY k HAVING count(*) > p_cap);
    RETURN QUERY
        SELECT p.position, f.record_id, f.person_id, f.features, f.at
          FROM (SELECT DISTINCT n.position, f.person_id
                  FROM (SELECT DISTINCT s.position, h.number
                          FROM unnest(positions, keys) s (position, key)
                          JOIN unnest(hit_keys, hit_numbers) h (key, number) ON h.key = s.key
                         WHERE s.key <> ALL (heavy)) n
                  JOIN link_feature f ON f.number = n.number) p,
               LATERAL (SELECT f.record_id, f.person_id, f.features, f.at FROM link_feature f
                         WHERE f.person_id = p.person_id ORDER BY f.at, f.number LIMIT p_growth) f;
END
$$;

-- All records of the persons of these records, and what they are compared by.
CREATE OR REPLACE FUNCTION persons_to_rescore(p_records uuid[])
RETURNS TABLE (record_id uuid, person_id uuid, features bytea, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT f.record_id, f.person_id, f.features, f.at FROM link_feature f
     WHERE f.person_id IN (SELECT o.person_id FROM link_feature o WHERE o.record_id = ANY (p_records))
     ORDER BY f.at, f.number
$$;

-- What makes these persons: every standing assertion that a record is the same as another, or founded a person.
CREATE OR REPLACE FUNCTION links_to_rescore(p_persons uuid[])
RETURNS TABLE (id uuid, record_id uuid, person_id uuid, other_record_id uuid, source text, weight float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT l.id, l.record_id, l.person_id, l.other_record_id, l.source::text, l.weight
      FROM person_record r JOIN link l ON l.record_id = r.id
     WHERE r.person_id = ANY (p_persons) AND l.verdict = 'same' AND l.undone_at IS NULL
       AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)
     ORDER BY l.decided_at, l.id
$$;

-- Pairs of these persons, the lower id first, of whom people are asked, or were asked under this model.
CREATE OR REPLACE FUNCTION pairs_in_review(p_persons uuid[], p_version text) RETURNS TABLE (one uuid, other uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT DISTINCT least(r.person_id, o.person_id), greatest(r.person_id, o.person_id)
      FROM person_record r
      JOIN match_candidate m ON m.record_id = r.id
      JOIN person_record o ON o.id = m.other_record_id
     WHERE (m.status = 'open' OR m.model_version = p_version)
       AND r.person_id = ANY (p_persons) AND o.person_id = ANY (p_persons) AND o.person_id <> r.person_id
$$;

-- Keeps what rescoring found: `p_records` [{"number", "keys" as text or null}] were compared under `p_version`,
-- `p_candidates` as of keep_links are for people to decide, `p_doubts` [{"task_id", "link_id"}] for the coordinator of
-- the link's record to look at. Returns what it opened that was not open before: a match, or a link with its task.
CREATE OR REPLACE FUNCTION keep_rescored(p_records jsonb, p_version text, p_candidates jsonb, p_doubts jsonb,
                                         p_now timestamptz)
RETURNS TABLE (kind text, id uuid, case_id uuid, other_case_id uuid, coordinator_agency_id uuid, holder_agency_id uuid,
               silent boolean, version integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM link_key k USING jsonb_to_recordset(p_records) AS t (number bigint, keys bigint[]), link_feature f
     WHERE f.number = t.number AND f.keys <> t.keys AND k.key = ANY (f.keys) AND k.number = f.number;
    INSERT INTO link_key (key, number)
    SELECT DISTINCT k, f.number
      FROM jsonb_to_recordset(p_records) AS t (number bigint, keys bigint[])
      JOIN link_feature f ON f.number = t.number AND f.keys <> t.keys, unnest(t.keys) k
     WHERE NOT EXISTS (SELECT FROM link_key_heavy h WHERE h.key = k)
        ON CONFLICT DO NOTHING;
    UPDATE link_feature f SET keys = coalesce(t.keys, f.keys), model_version = p_version
      FROM jsonb_to_recordset(p_records) AS t (number bigint, keys bigint[])
     WHERE f.number = t.number AND (f.model_version <> p_version OR f.keys <> t.keys);
    RETURN QUERY
        INSERT INTO match_candidate AS m (id, record_id, other_record_id, case_id, other_case_id, silent, weight, band,
                                          terms, guards, model_version, status, due_at, created_at, version)
        SELECT c.id, r.id, o.id, r.case_id, o.case_id, a.kind IN ('judicial', 'court', 'procuratorate'), c.weight,
               'review', c.terms, c.guards, p_version, 'open', c.due_at, p_now, 1
          FROM jsonb_to_recordset(p_candidates) AS c (id uuid, record_id uuid, other_record_id uuid, weight float8,
               terms jsonb, guards text[], due_at timestamptz)
          JOIN person_record r ON r.id = c.record_id
          JOIN person_record o ON o.id = c.other_record_id AND o.person_id <> r.person_id
          JOIN agency a ON a.id = o.agency_id
            ON CONFLICT (record_id, other_record_id) WHERE status = 'open' DO NOTHING
        RETURNING 'match', m.id, m.case_id, m.other_case_id, m.coordinator_agency_id, m.holder_agency_id, m.silent,
                  m.version;
    RETURN QUERY
        INSERT INTO case_task AS n (id, case_id, agency_id, kind, status, link_id, created_at)
        SELECT d.task_id, r.case_id, c.coordinator_agency_id, 'doubtful_link', 'open', l.id, p_now
          FROM jsonb_to_recordset(p_doubts) AS d (task_id uuid, link_id uuid)
          JOIN link l ON l.id = d.link_id AND l.verdict = 'same' AND l.other_record_id IS NOT NULL
          JOIN person_record r ON r.id = l.record_id
          JOIN "case" c ON c.id = r.case_id
         WHERE NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)
            ON CONFLICT (link_id) WHERE status = 'open' AND link_id IS NOT NULL DO NOTHING
        RETURNING 'link', n.link_id, n.case_id, NULL::uuid, n.agency_id, NULL::uuid, false, 1;
END
$$;

-- A link that stands no more, or has nothing left that it could be compared with, is not looked at any more.
CREATE OR REPLACE FUNCTION close_doubtful_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE case_task SET status = 'done', done_at = NEW.decided_at
     WHERE status = 'open' AND link_id = coalesce(NEW.withdraws, NEW.id);
    RETURN NULL;
END
$$;

-- A doubted link is looked at by whoever coordinates the case its record stands in.
CREATE OR REPLACE FUNCTION move_doubtful_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE case_task t SET case_id = NEW.case_id, agency_id = c.coordinator_agency_id
      FROM link l, "case" c WHERE l.record_id = NEW.id AND t.link_id = l.id AND c.id = NEW.case_id;
    RETURN NULL;
END
$$;

-- Every assertion about records, in the order in which they were made: from these alone persons can be worked out anew.
-- Reads the whole table.
CREATE OR REPLACE FUNCTION assertions_to_replay()
RETURNS TABLE (id uuid, record_id uuid, person_id uuid, other_record_id uuid, verdict text, undone boolean,
               withdraws uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT l.id, l.record_id, l.person_id, l.other_record_id, l.verdict::text, l.undone_at IS NOT NULL, l.withdraws
      FROM link l ORDER BY l.decided_at, l.id
$$;

-- Whose each record is, as it is kept: on the record and on what it is compared by. A correction follows what it
-- corrects. Reads the whole table.
CREATE OR REPLACE FUNCTION records_to_replay()
RETURNS TABLE (record_id uuid, corrects uuid, person_id uuid, compared_as uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.id, r.corrects, r.person_id, f.person_id
      FROM person_record r LEFT JOIN link_feature f ON f.record_id = r.id
$$;

-- Makes these records belong to whom the assertions say, and their households follow; joins and parts no case. Reports
-- of these people wait. Returns the records that changed.
CREATE OR REPLACE FUNCTION settle_replayed(p_records uuid[], p_now timestamptz)
RETURNS TABLE (record_id uuid, was uuid, is_now uuid, case_id uuid, coordinator_agency_id uuid, version integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    changed uuid[];
    were uuid[];
    are uuid[];
    touched uuid;
BEGIN
    PERFORM lock_links_of(p_records);
    PERFORM pg_advisory_xact_lock(k.key)
       FROM (SELECT DISTINCT hashtextextended(r.case_id::text, 4) AS key FROM person_record r
              WHERE r.id = ANY (p_records) ORDER BY key) k;
    SELECT array_agg(s.record_id), array_agg(s.was), array_agg(s.is_now) INTO changed, were, are
      FROM settle_persons(p_records) s;
    UPDATE link_feature f SET person_id = r.person_id FROM person_record r
     WHERE r.id = ANY (p_records) AND f.record_id = r.id AND f.person_id <> r.person_id;
    FOR touched IN SELECT DISTINCT r.case_id FROM person_record r WHERE r.id = ANY (changed) ORDER BY 1 LOOP
        PERFORM settle_case(touched, '{}', p_now);
    END LOOP;
    RETURN QUERY
        SELECT s.id, s.was, s.is_now, r.case_id, c.coordinator_agency_id, c.version
          FROM unnest(changed, were, are) AS s (id, was, is_now)
          JOIN person_record r ON r.id = s.id JOIN "case" c ON c.id = r.case_id;
END
$$;

REVOKE ALL ON FUNCTION records_to_rescore(text, bigint, integer, timestamptz),
    candidates_to_rescore(jsonb, integer, integer, boolean), persons_to_rescore(uuid[]), links_to_rescore(uuid[]),
    pairs_in_review(uuid[], text), keep_rescored(jsonb, text, jsonb, jsonb, timestamptz), close_doubtful_link(),
    move_doubtful_links(), assertions_to_replay(), records_to_replay(), settle_replayed(uuid[], timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records_to_rescore(text, bigint, integer, timestamptz),
    candidates_to_rescore(jsonb, integer, integer, boolean), persons_to_rescore(uuid[]), links_to_rescore(uuid[]),
    pairs_in_review(uuid[], text), keep_rescored(jsonb, text, jsonb, jsonb, timestamptz), link_counts(bigint[]),
    linked_records(), link_differences(uuid[]), assertions_to_replay(), records_to_replay(),
    settle_replayed(uuid[], timestamptz) TO tongli_rescore;
GRANT EXECUTE ON FUNCTION close_doubtful_link(), move_doubtful_links() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER link_withdrawn AFTER INSERT ON link
    FOR EACH ROW WHEN (NEW.withdraws IS NOT NULL) EXECUTE FUNCTION close_doubtful_link();
CREATE OR REPLACE TRIGGER link_forgotten AFTER UPDATE OF other_record_id ON link
    FOR EACH ROW WHEN (NEW.other_record_id IS NULL) EXECUTE FUNCTION close_doubtful_link();
CREATE OR REPLACE TRIGGER record_moved AFTER UPDATE OF case_id ON person_record
    FOR EACH ROW WHEN (NEW.case_id <> OLD.case_id) EXECUTE FUNCTION move_doubtful_links();
