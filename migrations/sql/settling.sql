-- What follows from links, records, reports and referrals: whose each record is, and the household, the parts and the needs
-- of a case. Merging, parting and undoing (merges.sql) work it out anew; nothing else writes these.

SET LOCAL ROLE tongli_linker;

-- Every record that standing assertions connect with one of these, and the person they are: the oldest that one of them
-- founded, null where what founded it was withdrawn.
CREATE OR REPLACE FUNCTION persons_by_links(p_records uuid[]) RETURNS TABLE (record_id uuid, person_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE reached (root, id) AS (
        SELECT r, r FROM unnest(p_records) r
        UNION
        SELECT reached.root, e.id
          FROM reached, LATERAL (
            SELECT coalesce(l.other_record_id, l.person_id) AS id, l.id AS link FROM link l
             WHERE l.record_id = reached.id AND l.verdict = 'same' AND l.undone_at IS NULL
             UNION ALL
            SELECT l.record_id, l.id FROM link l WHERE l.other_record_id = reached.id AND l.verdict = 'same' AND l.undone_at IS NULL
             UNION ALL
            SELECT l.record_id, l.id FROM link l
             WHERE l.person_id = reached.id AND l.other_record_id IS NULL AND l.verdict = 'same' AND l.undone_at IS NULL) e
         WHERE NOT EXISTS (SELECT FROM link w WHERE w.withdraws = e.link)),
    named AS (
        SELECT reached.root, (
            SELECT f.person_id FROM reached n JOIN link f ON f.person_id = n.id
             WHERE n.root = reached.root AND f.other_record_id IS NULL AND f.verdict = 'same' AND f.undone_at IS NULL
               AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = f.id)
             ORDER BY f.decided_at, f.id LIMIT 1) AS person_id
          FROM reached WHERE reached.id = reached.root)
    SELECT DISTINCT r.id, named.person_id
      FROM reached JOIN named ON named.root = reached.root JOIN person_record r ON r.id = reached.id
$$;

-- Makes records belong to whom the links say; corrections follow what they correct. Returns the records that changed.
CREATE OR REPLACE FUNCTION settle_persons(p_records uuid[]) RETURNS TABLE (record_id uuid, was uuid, is_now uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH meant AS (SELECT s.record_id, s.person_id FROM persons_by_links(p_records) s),
        changed AS (
            SELECT r.id, r.person_id AS was, meant.person_id AS is_now FROM meant
              JOIN person_record r ON r.id = meant.record_id OR r.corrects = meant.record_id
             WHERE r.person_id <> meant.person_id),
        written AS (
            UPDATE person_record r SET person_id = changed.is_now FROM changed WHERE r.id = changed.id RETURNING r.id)
        SELECT changed.id, changed.was, changed.is_now FROM changed JOIN written USING (id);
END
$$;

-- Whose file a case is: the main person of the first report in it, of those that did not join it as its household.
CREATE OR REPLACE FUNCTION main_person_of(p_case uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT r.person_id FROM person_record r JOIN report q ON q.id = r.report_id
     WHERE r.case_id = p_case AND r.main ORDER BY q.by_household, r.created_at, r.id LIMIT 1
$$;

-- Household, parts and needs of a case as its records, reports and referrals make them. `p_gone`: needs that what left
-- the case had brought.
CREATE OR REPLACE FUNCTION settle_case(p_case uuid, p_gone text[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    c "case";
    main_person uuid := main_person_of(p_case);
BEGIN
    SELECT * INTO c FROM "case" WHERE id = p_case;
    DELETE FROM household_member m WHERE m.case_id = p_case
       AND NOT EXISTS (SELECT FROM person_record r WHERE r.case_id = p_case AND r.person_id = m.person_id);
    UPDATE household_member SET role = 'member' WHERE case_id = p_case AND role = 'main' AND person_id <> main_person;
    INSERT INTO household_member AS m (case_id, person_id, record_id, role, relation, active, joined_at)
    SELECT DISTINCT ON (r.person_id) p_case, r.person_id, r.id, CASE WHEN r.person_id = main_person THEN 'main' ELSE 'member' END,
           r.relation, c.status <> 'closed', r.created_at
      FROM person_record r WHERE r.case_id = p_case AND r.corrects IS NULL ORDER BY r.person_id, r.created_at, r.id
        ON CONFLICT (case_id, person_id) DO UPDATE
       SET record_id = EXCLUDED.record_id, role = EXCLUDED.role, relation = EXCLUDED.relation, active = EXCLUDED.active
     WHERE (m.record_id, m.role, m.active) IS DISTINCT FROM (EXCLUDED.record_id, EXCLUDED.role, EXCLUDED.active);

    UPDATE participant p SET until = clock_timestamp(), listed = false
     WHERE p.case_id = p_case AND p.until IS NULL
       AND ((p.role = 'reporter' AND NOT EXISTS (
                SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = p.agency_id))
         OR (p.role = 'receiver' AND NOT EXISTS (
                SELECT FROM referral r WHERE r.case_id = p_case AND r.to_agency_id = p.agency_id
                   AND r.status IN ('accepted', 'in_progress', 'on_hold', 'completed'))));
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    SELECT gen_random_uuid(), p_case, g.agency_id, g.role, clock_timestamp(), false, c.coordinator_agency_id, c.status,
           c.updated_at
      FROM (SELECT DISTINCT r.agency_id, 'reporter' AS role FROM report r WHERE r.case_id = p_case AND r.erased_at IS NULL
             UNION
            SELECT r.to_agency_id, 'receiver' FROM referral r WHERE r.case_id = p_case AND r.to_agency_id IS NOT NULL
               AND r.status IN ('accepted', 'in_progress', 'on_hold', 'completed')) g
        ON CONFLICT (case_id, agency_id, role) WHERE until IS NULL DO NOTHING;
    UPDATE participant SET listed = true WHERE id IN (
        SELECT DISTINCT ON (p.agency_id) p.id FROM participant p WHERE p.case_id = p_case AND p.until IS NULL
           AND NOT EXISTS (SELECT FROM participant q WHERE q.case_id = p_case AND q.agency_id = p.agency_id
                                                       AND q.until IS NULL AND q.listed)
         ORDER BY p.agency_id, p.since, p.id);

    DELETE FROM case_need n WHERE n.case_id = p_case AND n.need = ANY (p_gone)
       AND NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND n.need = ANY (r.needs))
       AND NOT EXISTS (SELECT FROM referral r WHERE r.case_id = p_case AND r.need = n.need AND r.status <> 'draft');
    INSERT INTO case_need AS n (case_id, need, status, agency_id, referral_id, updated_at)
    SELECT p_case, w.need, coalesce(h.state, 'open'), coalesce(h.agency, c.coordinator_agency_id), h.id, p_now
      FROM (SELECT unnest(r.needs) AS need FROM report r WHERE r.case_id = p_case
             UNION SELECT r.need FROM referral r WHERE r.case_id = p_case AND r.status <> 'draft') w
      LEFT JOIN LATERAL (
            SELECT r.id, coalesce(r.to_agency_id, r.coordinator_agency_id) AS agency,
                   CASE WHEN r.status IN ('requested', 'returned') THEN 'referred'
                        WHEN r.status = 'completed' THEN r.outcome ELSE 'in_progress' END AS state
              FROM referral r
             WHERE r.case_id = p_case AND r.need = w.need
               AND r.status IN ('accepted', 'in_progress', 'on_hold', 'requested', 'returned', 'completed')
             ORDER BY CASE WHEN r.status IN ('accepted', 'in_progress', 'on_hold') THEN 1
                           WHEN r.status IN ('requested', 'returned') THEN 2 ELSE 3 END,
                      CASE WHEN r.status = 'completed' THEN r.ended_at END DESC, r.accepted_at, r.requested_at
             LIMIT 1) h ON true
        ON CONFLICT (case_id, need) DO UPDATE
       SET status = EXCLUDED.status, agency_id = EXCLUDED.agency_id, referral_id = EXCLUDED.referral_id,
           updated_at = EXCLUDED.updated_at
     WHERE (n.status, n.agency_id) IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.agency_id);
    UPDATE referral SET person_id = main_person
     WHERE case_id = p_case AND person_id <> main_person;
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = p_case;
END
$$;

-- Moves reports and referrals, with all that hangs on them, from one case into another. `p_others`: what hangs on the
-- case alone, by table. Returns the needs that left.
CREATE OR REPLACE FUNCTION move_facts(p_from uuid, p_to uuid, p_reports uuid[], p_referrals uuid[], p_others jsonb)
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    coordinator uuid := (SELECT c.coordinator_agency_id FROM "case" c WHERE c.id = p_to);
    gone text[];
BEGIN
    gone := ARRAY(SELECT unnest(r.needs) FROM report r WHERE r.id = ANY (p_reports)
                   UNION SELECT r.need FROM referral r WHERE r.id = ANY (p_referrals));
    UPDATE report SET case_id = p_to WHERE id = ANY (p_reports) AND case_id = p_from;
    UPDATE person_record SET case_id = p_to WHERE report_id = ANY (p_reports) AND case_id = p_from;
    UPDATE match_candidate m SET case_id = r.case_id FROM person_record r
     WHERE r.id = m.record_id AND r.report_id = ANY (p_reports) AND m.case_id <> r.case_id;
    UPDATE match_candidate m SET other_case_id = r.case_id FROM person_record r
     WHERE r.id = m.other_record_id AND r.report_id = ANY (p_reports) AND m.other_case_id <> r.case_id;
    UPDATE referral SET case_id = p_to, coordinator_agency_id = coordinator
     WHERE id = ANY (p_referrals) AND case_id = p_from;
    UPDATE result SET case_id = p_to WHERE referral_id = ANY (p_referrals) AND case_id = p_from;
    UPDATE assistance SET case_id = p_to WHERE case_id = p_from AND (
        referral_id = ANY (p_referrals) OR id IN (SELECT (jsonb_array_elements_text(p_others -> 'assistance'))::uuid));
    UPDATE adoption SET case_id = p_to WHERE case_id = p_from AND (
        report_id = ANY (p_reports) OR result_id IN (SELECT id FROM result WHERE referral_id = ANY (p_referrals)));
    UPDATE sharing_basis SET case_id = p_to WHERE case_id = p_from AND (
        report_id = ANY (p_reports) OR id IN (SELECT (jsonb_array_elements_text(p_others -> 'bases'))::uuid));
    UPDATE break_glass SET case_id = p_to, coordinator_agency_id = coordinator
     WHERE case_id = p_from AND id IN (SELECT (jsonb_array_elements_text(p_others -> 'break_glass'))::uuid);
    UPDATE person_request SET case_id = p_to, coordinator_agency_id = coordinator
     WHERE case_id = p_from AND id IN (SELECT (jsonb_array_elements_text(p_others -> 'requests'))::uuid);
    UPDATE case_task SET case_id = p_to, agency_id = coordinator
     WHERE case_id = p_from AND (referral_id = ANY (p_referrals)
        OR id IN (SELECT (jsonb_array_elements_text(p_others -> 'tasks'))::uuid));
    RETURN gone;
END
$$;

-- Requests of persons follow whom they are about, where that person is not of their case any more.
CREATE OR REPLACE FUNCTION rename_requesters(p_were uuid[], p_are uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE person_request q SET person_id = c.is_now FROM unnest(p_were, p_are) AS c (was, is_now)
     WHERE q.person_id = c.was
       AND NOT EXISTS (SELECT FROM person_record r WHERE r.case_id = q.case_id AND r.person_id = c.was)
       AND EXISTS (SELECT FROM person_record r WHERE r.case_id = q.case_id AND r.person_id = c.is_now)
$$;

-- Whether nothing was done in a case yet but reporting it: then joining it to another shows nobody's work to anybody.
CREATE OR REPLACE FUNCTION before_work(p_case uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.status = 'reported'
       AND NOT EXISTS (SELECT FROM referral r WHERE r.case_id = p_case)
       AND NOT EXISTS (SELECT FROM person_request q WHERE q.case_id = p_case)
       AND NOT EXISTS (SELECT FROM participant p
                        WHERE p.case_id = p_case AND p.until IS NULL AND p.role IN ('receiver', 'observer'))
      FROM "case" c WHERE c.id = p_case
$$;

-- The active cases whose main member each of these persons is: what a link between two of them would join.
CREATE OR REPLACE FUNCTION main_cases_of(p_persons uuid[])
RETURNS TABLE (person_id uuid, case_id uuid, coordinator_agency_id uuid, before_work boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.person_id, c.id, c.coordinator_agency_id, before_work(c.id)
      FROM household_member m JOIN "case" c ON c.id = m.case_id
     WHERE m.person_id = ANY (p_persons) AND m.role = 'main' AND m.active
$$;

REVOKE ALL ON FUNCTION persons_by_links(uuid[]), settle_persons(uuid[]), main_person_of(uuid),
    settle_case(uuid, text[], timestamptz), move_facts(uuid, uuid, uuid[], uuid[], jsonb),
    rename_requesters(uuid[], uuid[]), before_work(uuid), main_cases_of(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION persons_by_links(uuid[]), main_cases_of(uuid[]) TO tongli_app;

SET LOCAL ROLE tongli_owner;
