-- Whoever joins or parts cases learns which version each of them is, for the event that tells of it.

SET LOCAL ROLE tongli_linker;

DROP FUNCTION follow_link(uuid, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz),
    rehouse_reports(uuid, uuid, uuid[], timestamptz);

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

REVOKE ALL ON FUNCTION follow_link(uuid, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz),
    rehouse_reports(uuid, uuid, uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION follow_link(uuid, timestamptz), follow_withdrawal(uuid, uuid, uuid, timestamptz),
    rehouse_reports(uuid, uuid, uuid[], timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;
