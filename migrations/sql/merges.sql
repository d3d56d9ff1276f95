-- case_merge: which case went into which, and what must go back if the link that joined their people is undone. Nobody
-- but its functions reads it. Persons, households, parts and needs are projections: of links, records, reports and
-- referrals; what moves here moves with these, and is worked out anew from them.

GRANT SELECT, INSERT, UPDATE (undone_at) ON case_merge TO tongli_linker;
ALTER TABLE case_merge ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS linker ON case_merge;
CREATE POLICY linker ON case_merge TO tongli_linker USING (true) WITH CHECK (true);

GRANT UPDATE (person_id, case_id) ON person_record TO tongli_linker;
GRANT UPDATE (case_id) ON report, result, adoption, assistance, sharing_basis TO tongli_linker;
GRANT UPDATE (case_id, coordinator_agency_id) ON referral, break_glass, person_request TO tongli_linker;
GRANT SELECT (id, report_id) ON sharing_basis TO tongli_linker;
GRANT SELECT (id, result_id, report_id) ON adoption TO tongli_linker;
GRANT SELECT (id, referral_id) ON assistance TO tongli_linker;
GRANT SELECT (id) ON break_glass TO tongli_linker;
GRANT DELETE ON case_need TO tongli_linker;
GRANT UPDATE (case_id, other_case_id, status, decided_at, version) ON match_candidate TO tongli_linker;
GRANT UPDATE (silent, confirmed_by_agency) ON match_candidate TO tongli_app;

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Puts one case into another: its reports, referrals and all that hangs on it; whoever took part takes part there, who
-- coordinated it observes. The case that is left keeps its number and says where it went.
CREATE OR REPLACE FUNCTION merge_case(p_merged uuid, p_kept uuid, p_link uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    merged "case";
    kept "case";
    moved jsonb;
    gone text[];
BEGIN
    SELECT * INTO merged FROM "case" WHERE id = p_merged;
    SELECT * INTO kept FROM "case" WHERE id = p_kept;
    moved := jsonb_build_object(
        'reports', (SELECT coalesce(jsonb_agg(id), '[]') FROM report WHERE case_id = p_merged),
        'referrals', (SELECT coalesce(jsonb_agg(id), '[]') FROM referral WHERE case_id = p_merged),
        'bases', (SELECT coalesce(jsonb_agg(id), '[]') FROM sharing_basis WHERE case_id = p_merged AND report_id IS NULL),
        'assistance', (SELECT coalesce(jsonb_agg(id), '[]') FROM assistance
                        WHERE case_id = p_merged AND referral_id IS NULL),
        'break_glass', (SELECT coalesce(jsonb_agg(id), '[]') FROM break_glass WHERE case_id = p_merged),
        'requests', (SELECT coalesce(jsonb_agg(id), '[]') FROM person_request WHERE case_id = p_merged),
        'requesters', (SELECT coalesce(jsonb_object_agg(id, person_id), '{}') FROM person_request
                        WHERE case_id = p_merged AND person_id IS NOT NULL),
        'tasks', (SELECT coalesce(jsonb_agg(id), '[]') FROM case_task WHERE case_id = p_merged AND referral_id IS NULL),
        'status', merged.status, 'closed_at', merged.closed_at, 'exit_reason', merged.exit_reason,
        'needs', (SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]') FROM case_need n WHERE n.case_id = p_merged),
        'observers', (SELECT coalesce(jsonb_agg(p.agency_id), '[]') FROM participant p
                       WHERE p.case_id = p_merged AND p.until IS NULL AND p.role = 'observer'));
    WITH added AS (
        INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                                 case_updated_at)
        SELECT gen_random_uuid(), p_kept, o.agency_id, 'observer', clock_timestamp(), false, kept.coordinator_agency_id,
               kept.status, kept.updated_at
          FROM (SELECT DISTINCT p.agency_id FROM participant p
                 WHERE p.case_id = p_merged AND p.until IS NULL AND p.role IN ('observer', 'coordinator')
                   AND p.agency_id <> kept.coordinator_agency_id) o
            ON CONFLICT (case_id, agency_id, role) WHERE until IS NULL DO NOTHING RETURNING agency_id)
    SELECT moved || jsonb_build_object('observing', coalesce(jsonb_agg(agency_id), '[]')) INTO moved FROM added;
    moved := moved || jsonb_build_object('case_links', to_jsonb(move_case_links(p_merged, p_kept, NULL)));
    UPDATE participant SET until = clock_timestamp(), listed = false WHERE case_id = p_merged AND until IS NULL;
    gone := move_facts(p_merged, p_kept, ARRAY(SELECT jsonb_array_elements_text(moved -> 'reports'))::uuid[],
                       ARRAY(SELECT jsonb_array_elements_text(moved -> 'referrals'))::uuid[], moved);
    DELETE FROM household_member WHERE case_id = p_merged;
    DELETE FROM case_need WHERE case_id = p_merged;
    UPDATE "case" SET status = 'closed', exit_reason = 'merged', closed_at = p_now, merged_into = p_kept,
                      updated_at = p_now, version = version + 1 WHERE id = p_merged;
    INSERT INTO case_merge (id, link_id, kept_case_id, merged_case_id, moved, merged_at)
    VALUES (gen_random_uuid(), p_link, p_kept, p_merged, moved, p_now);
END
$$;

-- After a link was asserted: records, households and cases follow. Where one person is now the main member of two active
-- cases, the later one is put into the earlier. The acting agency coordinates one of the two, or nothing was done in
-- either and one union coordinates both. Returns each pair of cases that became one, and which version the one that went is.
CREATE OR REPLACE FUNCTION follow_link(p_link uuid, p_now timestamptz)
RETURNS TABLE (kept uuid, merged uuid, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    changed uuid[];
    were uuid[];
    are uuid[];
    touched uuid[];
    persons uuid[];
    earlier record;
    later record;
    kept_ids uuid[] := '{}';
    merged_ids uuid[] := '{}';
    touched_case uuid;
BEGIN
    SELECT array_agg(s.record_id), array_agg(s.was), array_agg(s.is_now) INTO changed, were, are
      FROM link l, settle_persons(ARRAY[l.record_id]) s WHERE l.id = p_link;
    IF changed IS NULL THEN
        RETURN;
    END IF;
    persons := were || are;
    touched := ARRAY(SELECT DISTINCT r.case_id FROM person_record r WHERE r.id = ANY (changed));
    LOOP
        SELECT c.*, main_person_of(c.id) AS main INTO later
          FROM "case" c WHERE c.kind = 'household' AND c.status <> 'closed' AND c.id IN (
            SELECT r.case_id FROM person_record r WHERE r.person_id = ANY (persons))
           AND EXISTS (SELECT FROM "case" o WHERE o.kind = 'household' AND o.status <> 'closed'
                          AND (o.opened_at, o.id) < (c.opened_at, c.id)
                          AND o.id IN (SELECT r.case_id FROM person_record r WHERE r.person_id = ANY (persons))
                          AND main_person_of(o.id) = main_person_of(c.id))
         ORDER BY c.opened_at DESC, c.id DESC LIMIT 1;
        EXIT WHEN NOT FOUND;
        SELECT o.* INTO earlier FROM "case" o
         WHERE o.kind = 'household' AND o.status <> 'closed' AND o.id <> later.id
           AND o.id IN (SELECT r.case_id FROM person_record r WHERE r.person_id = ANY (persons))
           AND main_person_of(o.id) = later.main ORDER BY o.opened_at, o.id LIMIT 1;
        IF (acting_agency() IN (earlier.coordinator_agency_id, later.coordinator_agency_id)
            OR (earlier.coordinator_agency_id = later.coordinator_agency_id
                AND before_work(earlier.id) AND before_work(later.id))) IS NOT TRUE THEN
            RAISE EXCEPTION 'not cases this agency may join' USING ERRCODE = 'TL002';
        END IF;
        PERFORM merge_case(later.id, earlier.id, p_link, p_now);
        touched := array_remove(touched, later.id) || earlier.id;
        kept_ids := kept_ids || earlier.id;
        merged_ids := merged_ids || later.id;
    END LOOP;
    PERFORM rename_requesters(were, are);
    FOR touched_case IN SELECT DISTINCT t FROM unnest(touched) t ORDER BY t LOOP
        PERFORM settle_case(touched_case, '{}', p_now);
    END LOOP;
    RETURN QUERY SELECT p.kept, p.merged, c.version FROM unnest(kept_ids, merged_ids) WITH ORDINALITY AS p (kept, merged, at)
                   JOIN "case" c ON c.id = p.merged ORDER BY p.at;
END
$$;

-- Takes one case out of another again: what went in, and what was reported since of the same people. Not where another
-- link still says that they are one.
CREATE OR REPLACE FUNCTION part_case(m case_merge, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    went uuid[] := ARRAY(SELECT jsonb_array_elements_text(m.moved -> 'reports'));
    stands_in uuid := m.kept_case_id;
    next_case uuid;
    people uuid[];
    reports uuid[];
    referrals uuid[];
    gone text[];
    merged "case";
BEGIN
    LOOP
        SELECT c.merged_into INTO next_case FROM "case" c WHERE c.id = stands_in;
        EXIT WHEN next_case IS NULL;
        stands_in := next_case;
    END LOOP;
    people := ARRAY(SELECT DISTINCT r.person_id FROM person_record r WHERE r.report_id = ANY (went) AND r.main);
    IF EXISTS (SELECT FROM person_record r WHERE r.case_id = stands_in AND r.main AND r.report_id <> ALL (went)
                  AND r.created_at <= m.merged_at AND r.person_id = ANY (people)) THEN
        RETURN false;
    END IF;
    reports := ARRAY(SELECT r.report_id FROM person_record r
                      WHERE r.case_id = stands_in AND r.main AND r.person_id = ANY (people)
                      UNION SELECT f.id FROM report f WHERE f.case_id = stands_in AND f.id = ANY (went));
    referrals := ARRAY(SELECT jsonb_array_elements_text(m.moved -> 'referrals'));
    UPDATE "case" SET status = m.moved ->> 'status', closed_at = (m.moved ->> 'closed_at')::timestamptz,
                      exit_reason = m.moved ->> 'exit_reason', merged_into = NULL
     WHERE id = m.merged_case_id RETURNING * INTO merged;
    gone := move_facts(stands_in, m.merged_case_id, reports, referrals, m.moved);
    PERFORM move_case_links(stands_in, m.merged_case_id,
                            ARRAY(SELECT jsonb_array_elements_text(m.moved -> 'case_links'))::uuid[]);
    UPDATE person_request q SET person_id = w.value::uuid FROM jsonb_each_text(m.moved -> 'requesters') w
     WHERE q.id = w.key::uuid AND q.case_id = m.merged_case_id AND EXISTS (
        SELECT FROM person_record r WHERE r.case_id = q.case_id AND r.person_id = w.value::uuid);
    INSERT INTO case_need SELECT * FROM jsonb_populate_recordset(NULL::case_need, m.moved -> 'needs')
        ON CONFLICT DO NOTHING;
    UPDATE participant p SET until = clock_timestamp(), listed = false
     WHERE p.case_id = stands_in AND p.until IS NULL AND p.role = 'observer'
       AND p.agency_id IN (SELECT (jsonb_array_elements_text(m.moved -> 'observing'))::uuid);
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    SELECT gen_random_uuid(), merged.id, b.agency_id, b.role, clock_timestamp(), false, merged.coordinator_agency_id,
           merged.status, p_now
      FROM (SELECT merged.coordinator_agency_id AS agency_id, 'coordinator' AS role
             UNION SELECT (jsonb_array_elements_text(m.moved -> 'observers'))::uuid, 'observer') b
        ON CONFLICT (case_id, agency_id, role) WHERE until IS NULL DO NOTHING;
    PERFORM settle_case(stands_in, gone, p_now);
    PERFORM settle_case(m.merged_case_id, '{}', p_now);
    UPDATE case_merge SET undone_at = p_now WHERE id = m.id;
    RETURN true;
END
$$;

-- After a link was withdrawn: records and households follow, and the cases that it had joined part. Where nobody founded
-- whom one side is now, that record founds `p_person`. For a coordinator of one of the two records' cases. Returns each
-- pair of cases that parted, and which version the one that stands for itself again is.
CREATE OR REPLACE FUNCTION follow_withdrawal(p_link uuid, p_person uuid, p_founding uuid, p_now timestamptz)
RETURNS TABLE (kept uuid, parted uuid, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    founder uuid;
    changed uuid[];
    were uuid[];
    are uuid[];
    m case_merge;
    kept_ids uuid[] := '{}';
    parted_ids uuid[] := '{}';
    touched_case uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM link l JOIN link w ON w.withdraws = l.id
                     JOIN person_record r ON r.id IN (l.record_id, l.other_record_id)
                     JOIN "case" c ON c.id = r.case_id
                    WHERE l.id = p_link AND c.coordinator_agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'not a withdrawn link of a case of this agency' USING ERRCODE = 'TL002';
    END IF;
    SELECT r INTO founder
      FROM link l, unnest(array_remove(ARRAY[l.record_id, l.other_record_id], NULL)) r
     WHERE l.id = p_link AND (SELECT p.person_id FROM persons_by_links(ARRAY[r]) p LIMIT 1) IS NULL LIMIT 1;
    IF founder IS NOT NULL THEN
        INSERT INTO person (id, created_at) VALUES (p_person, p_now);
        INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at, verdict, source)
        SELECT p_founding, 'same_person', founder, p_person, '[]', w.decided_by, p_now, 'same', w.source
          FROM link w WHERE w.withdraws = p_link LIMIT 1;
    END IF;
    SELECT array_agg(s.record_id), array_agg(s.was), array_agg(s.is_now) INTO changed, were, are
      FROM link l, settle_persons(array_remove(ARRAY[l.record_id, l.other_record_id], NULL)) s WHERE l.id = p_link;
    FOR m IN SELECT * FROM case_merge WHERE link_id = p_link AND undone_at IS NULL ORDER BY merged_at DESC, id LOOP
        IF part_case(m, p_now) THEN
            kept_ids := kept_ids || m.kept_case_id;
            parted_ids := parted_ids || m.merged_case_id;
        END IF;
    END LOOP;
    PERFORM rename_requesters(were, are);
    FOR touched_case IN SELECT DISTINCT r.case_id FROM person_record r WHERE r.id = ANY (changed) ORDER BY 1 LOOP
        PERFORM settle_case(touched_case, '{}', p_now);
    END LOOP;
    RETURN QUERY SELECT p.kept, p.parted, c.version FROM unnest(kept_ids, parted_ids) WITH ORDINALITY AS p (kept, parted, at)
                   JOIN "case" c ON c.id = p.parted ORDER BY p.at;
END
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

-- Puts stray reports into the case of their main person, and returns that case's version. For the coordinator of the
-- case where they do not belong.
CREATE OR REPLACE FUNCTION rehouse_reports(p_from uuid, p_to uuid, p_reports uuid[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    gone text[];
BEGIN
    IF NOT EXISTS (SELECT FROM "case" c WHERE c.id = p_from AND c.coordinator_agency_id = acting_agency())
       OR EXISTS (SELECT FROM person_record r WHERE r.report_id = ANY (p_reports) AND r.main
                     AND r.person_id = main_person_of(p_from)) THEN
        RAISE EXCEPTION 'not reports this agency may move' USING ERRCODE = 'TL002';
    END IF;
    gone := move_facts(p_from, p_to, p_reports, '{}', '{}');
    PERFORM settle_case(p_from, gone, p_now);
    PERFORM settle_case(p_to, '{}', p_now);
    RETURN (SELECT c.version FROM "case" c WHERE c.id = p_to);
END
$$;

-- Where the facts of a merged case stand now, for whoever took part in it or coordinated it.
CREATE OR REPLACE FUNCTION merged_into(p_case uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE way (id, next) AS (
        SELECT c.id, c.merged_into FROM "case" c
         WHERE c.id = p_case AND c.merged_into IS NOT NULL AND (
            c.coordinator_agency_id = acting_agency() OR c.coordinator_agency_id = ANY (acting_below()::uuid[])
            OR EXISTS (SELECT FROM participant p WHERE p.case_id = p_case AND p.agency_id = acting_agency()))
         UNION ALL
        SELECT c.id, c.merged_into FROM way JOIN "case" c ON c.id = way.next)
    SELECT id FROM way WHERE next IS NULL
$$;

-- The cases that went into this one, however far back: their members' keys still find them.
CREATE OR REPLACE FUNCTION cases_merged_into(p_case uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE way (id) AS (
        SELECT c.id FROM "case" c WHERE c.merged_into = p_case
         UNION
        SELECT c.id FROM way JOIN "case" c ON c.merged_into = way.id)
    SELECT id FROM way
$$;

-- Before persons are joined or parted: whoever reports one of them waits, and then finds them as they are.
CREATE OR REPLACE FUNCTION lock_links_of(p_records uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT unnest(f.keys) AS key FROM link_feature f
         WHERE f.person_id IN (SELECT r.person_id FROM person_record r WHERE r.id = ANY (p_records))
         ORDER BY key) k
$$;

-- The persons of these records, all their records, the cases these stand in, and what each is compared by.
CREATE OR REPLACE FUNCTION records_of_persons(p_records uuid[])
RETURNS TABLE (record_id uuid, person_id uuid, case_id uuid, features bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.id, r.person_id, r.case_id, f.features
      FROM person_record r LEFT JOIN link_feature f ON f.record_id = r.id
     WHERE r.corrects IS NULL
       AND r.person_id IN (SELECT o.person_id FROM person_record o WHERE o.id = ANY (p_records))
$$;

-- Counts these values in so many persons more, or fewer, under locks taken in one order.
CREATE OR REPLACE FUNCTION count_values(p_values bigint[], p_by integer[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    INSERT INTO link_value AS had (value, people)
    SELECT v, sum(n) FROM unnest(p_values, p_by) AS given (v, n) GROUP BY v HAVING sum(n) <> 0 ORDER BY v
        ON CONFLICT (value) DO UPDATE SET people = greatest(had.people + EXCLUDED.people, 0)
$$;

-- Possible matches between records that are one person now are settled with it.
CREATE OR REPLACE FUNCTION close_candidates(p_records uuid[], p_now timestamptz) RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE match_candidate m SET status = 'confirmed', decided_at = p_now, version = version + 1
      FROM person_record r, person_record o
     WHERE m.status = 'open' AND r.id = m.record_id AND o.id = m.other_record_id AND r.person_id = o.person_id
       AND r.person_id IN (SELECT q.person_id FROM person_record q WHERE q.id = ANY (p_records))
    RETURNING m.id
$$;

REVOKE ALL ON FUNCTION merge_case(uuid, uuid, uuid, timestamptz), follow_link(uuid, timestamptz),
    part_case(case_merge, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz), stray_reports(uuid),
    rehouse_reports(uuid, uuid, uuid[], timestamptz), merged_into(uuid), cases_merged_into(uuid),
    lock_links_of(uuid[]), records_of_persons(uuid[]), count_values(bigint[], integer[]),
    close_candidates(uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION follow_link(uuid, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz),
    stray_reports(uuid), rehouse_reports(uuid, uuid, uuid[], timestamptz), merged_into(uuid),
    cases_merged_into(uuid), lock_links_of(uuid[]), records_of_persons(uuid[]), count_values(bigint[], integer[]),
    close_candidates(uuid[], timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;
