-- alert, signal: seen by the union of the place and the unions above it; a signal also by who stated it. One open alert of a
-- subject, raised and worsened by functions only; the union of the place acknowledges and resolves.

GRANT SELECT ON alert, signal, warning_override TO tongli_app;
GRANT SELECT ON warning_override TO tongli_jobs;
GRANT UPDATE (status, reported_to, acknowledged_at, outcome, resolved_at, updated_at, version) ON alert TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON alert TO tongli_linker;
GRANT SELECT, INSERT ON signal TO tongli_linker;

ALTER TABLE alert ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE signal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS line ON alert;
CREATE POLICY line ON alert FOR SELECT TO tongli_app USING ((SELECT acting_agency()) = ANY (line));
DROP POLICY IF EXISTS handled ON alert;
CREATE POLICY handled ON alert FOR UPDATE TO tongli_app USING (union_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON alert;
CREATE POLICY linker ON alert TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS line ON signal;
CREATE POLICY line ON signal FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR (SELECT acting_agency()) = ANY (line));
DROP POLICY IF EXISTS linker ON signal;
CREATE POLICY linker ON signal TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The active unions of a division and of those above it, nearest first; the highest there are where it has none.
CREATE OR REPLACE FUNCTION union_line(p_division text) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE above (code, distance) AS (
        SELECT p_division, 0
         UNION ALL
        SELECT coalesce(
            (SELECT d.parent_code FROM division d WHERE d.code = a.code ORDER BY d.valid_from DESC LIMIT 1),
            CASE WHEN length(a.code) > 6 THEN left(a.code, length(a.code) - 3)
                 WHEN right(a.code, 2) = '00' THEN left(a.code, 2) || '0000'
                 ELSE left(a.code, 4) || '00' END), a.distance + 1
          FROM above a WHERE a.code NOT LIKE '__0000' AND a.distance < 5)
    SELECT coalesce(array_agg(g.id ORDER BY u.distance NULLS LAST, array_position('{county,city,province,national}', g.level), g.code), '{}')
      FROM agency g LEFT JOIN above u ON u.code = g.division_code
     WHERE g.kind = 'union' AND NOT g.department AND g.status = 'active'
       AND g.level IN ('county', 'city', 'province', 'national') AND (u.code IS NOT NULL OR g.level = 'national')
$$;

-- Raises the alert of a subject, or worsens or renews the one that is not resolved: {"id", "subject_kind", "subject_key",
-- "subject_name", "division_code", "level", "cause", "cases", "report_by"}. A worse level is to be acknowledged anew, by its
-- own clock. What became of it: {"id", "version", "level", "line", "did": raised, worsened or renewed}; null where no union
-- could be told. For the jobs, and for state_signal.
CREATE OR REPLACE FUNCTION raise_alert(p_said jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    standing alert;
    did text := 'renewed';
    told uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_said ->> 'subject_kind' || '|' || (p_said ->> 'subject_key'), 7));
    SELECT * INTO standing FROM alert a
     WHERE a.subject_kind = p_said ->> 'subject_kind' AND a.subject_key = p_said ->> 'subject_key'
       AND a.status <> 'resolved' FOR UPDATE;
    IF NOT FOUND THEN
        told := union_line(p_said ->> 'division_code');
        IF cardinality(told) = 0 THEN
            RETURN NULL;
        END IF;
        INSERT INTO alert (id, subject_kind, subject_key, subject_name, division_code, level, causes, status,
                           union_agency_id, line, cases, raised_at, report_by, overdue, last_cause_at, updated_at, version)
        VALUES ((p_said ->> 'id')::uuid, p_said ->> 'subject_kind', p_said ->> 'subject_key', p_said ->> 'subject_name',
                p_said ->> 'division_code', (p_said ->> 'level')::integer, ARRAY[p_said ->> 'cause'], 'open', told[1],
                told, (p_said ->> 'cases')::integer, p_now, (p_said ->> 'report_by')::timestamptz, false, p_now, p_now, 1)
        RETURNING * INTO standing;
        did := 'raised';
    ELSIF (p_said ->> 'level')::integer < standing.level THEN
        UPDATE alert SET level = (p_said ->> 'level')::integer, status = 'open', reported_to = NULL, acknowledged_at = NULL,
                         report_by = (p_said ->> 'report_by')::timestamptz, overdue = false, last_cause_at = p_now,
                         causes = CASE WHEN p_said ->> 'cause' = ANY (causes) THEN causes
                                       ELSE causes || (p_said ->> 'cause') END,
                         cases = coalesce((p_said ->> 'cases')::integer, cases), updated_at = p_now, version = version + 1
         WHERE id = standing.id RETURNING * INTO standing;
        did := 'worsened';
    ELSE
        UPDATE alert SET last_cause_at = p_now, cases = coalesce((p_said ->> 'cases')::integer, cases),
                         causes = CASE WHEN p_said ->> 'cause' = ANY (causes) THEN causes
                                       ELSE causes || (p_said ->> 'cause') END
         WHERE id = standing.id;
    END IF;
    RETURN jsonb_build_object('id', standing.id, 'version', standing.version, 'level', standing.level, 'line', standing.line,
                              'did', did);
END
$$;

-- Keeps a signal of the acting agency and, where it reaches a level, raises the alert of its subject: p_signal is {"id",
-- "kind", "subject_kind", "subject_key", "subject_name", "division_code", "measured", "source", "observed_on"}, p_alert as
-- raise_alert has it, or null. What became of the alert.
CREATE OR REPLACE FUNCTION state_signal(p_signal jsonb, p_alert jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    done jsonb;
BEGIN
    IF acting_agency() IS NULL THEN
        RAISE EXCEPTION 'nobody acts' USING ERRCODE = 'TL002';
    END IF;
    IF p_alert IS NOT NULL THEN
        done := raise_alert(p_alert, p_now);
    END IF;
    INSERT INTO signal (id, agency_id, kind, subject_kind, subject_key, subject_name, division_code, measured, source,
                        observed_on, level, alert_id, line, created_at)
    VALUES ((p_signal ->> 'id')::uuid, acting_agency(), p_signal ->> 'kind', p_signal ->> 'subject_kind',
            p_signal ->> 'subject_key', p_signal ->> 'subject_name', p_signal ->> 'division_code', p_signal -> 'measured',
            p_signal ->> 'source', (p_signal ->> 'observed_on')::date, (p_alert ->> 'level')::integer,
            (done ->> 'id')::uuid, union_line(p_signal ->> 'division_code'), p_now);
    RETURN done;
END
$$;

-- How many new cases named each employer, then how many each county had, by age, with the outermost places: `window_at` is
-- how many windows are too short for the age, all of them for what is history. A case counts once, on the day it was opened,
-- for every employer its people were reported with.
CREATE OR REPLACE FUNCTION new_cases(p_now timestamptz, p_windows integer[], p_history integer)
RETURNS TABLE (employer uuid, county text, window_at integer, cases integer, first_place text, last_place text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH opened AS MATERIALIZED (
        SELECT c.id, left(c.division_code, 6) AS place, c.employer_id,
               width_bucket((extract(epoch FROM p_now - c.opened_at) / 86400)::float8, p_windows::float8[]) AS age
          FROM "case" c
         WHERE c.opened_at > p_now - make_interval(days => p_windows[cardinality(p_windows)] + p_history)
           AND c.opened_at <= p_now AND c.merged_into IS NULL),
    named AS (
        SELECT o.id, o.place, o.age, o.employer_id AS employer FROM opened o WHERE o.employer_id IS NOT NULL
         UNION
        SELECT o.id, o.place, o.age, r.employer_id FROM opened o JOIN person_record r ON r.case_id = o.id
         WHERE r.employer_id IS NOT NULL)
    SELECT n.employer, NULL, n.age, count(*)::integer, min(n.place), max(n.place) FROM named n GROUP BY n.employer, n.age
     UNION ALL
    SELECT NULL, o.place, o.age, count(*)::integer, o.place, o.place FROM opened o GROUP BY o.place, o.age
$$;

-- What an employer or a county is called.
CREATE OR REPLACE FUNCTION name_of_subject(p_employer uuid, p_county text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT coalesce((SELECT e.name FROM employer e WHERE e.id = p_employer),
                    (SELECT d.name FROM division d WHERE d.code = p_county ORDER BY d.valid_from DESC LIMIT 1), p_county)
$$;

-- Alerts that only a cluster raised and that had no cause since: resolved as subsided. Those of which it is to be told.
CREATE OR REPLACE FUNCTION clear_alerts(p_until timestamptz, p_now timestamptz)
RETURNS TABLE (id uuid, version integer, line uuid[])
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE alert a SET status = 'resolved', outcome = 'subsided', resolved_at = p_now, updated_at = p_now,
                       version = a.version + 1
     WHERE a.status <> 'resolved' AND a.causes = '{cluster}' AND a.last_cause_at <= p_until
    RETURNING a.id, a.version, a.line
$$;

-- Alerts whose clock has passed unacknowledged, from now on told of: each once at its level. At most p_limit.
CREATE OR REPLACE FUNCTION late_alerts(p_now timestamptz, p_limit integer)
RETURNS TABLE (id uuid, version integer, level integer, line uuid[])
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    UPDATE alert a SET overdue = true
     WHERE a.id IN (SELECT l.id FROM alert l WHERE l.status = 'open' AND NOT l.overdue AND l.report_by <= p_now
                     ORDER BY l.report_by LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING a.id, a.version, a.level, a.line
$$;

REVOKE ALL ON FUNCTION union_line(text), raise_alert(jsonb, timestamptz), state_signal(jsonb, jsonb, timestamptz),
    new_cases(timestamptz, integer[], integer), name_of_subject(uuid, text), clear_alerts(timestamptz, timestamptz),
    late_alerts(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION state_signal(jsonb, jsonb, timestamptz) TO tongli_app;
GRANT EXECUTE ON FUNCTION raise_alert(jsonb, timestamptz), new_cases(timestamptz, integer[], integer), name_of_subject(uuid, text),
    clear_alerts(timestamptz, timestamptz), late_alerts(timestamptz, integer) TO tongli_jobs;

SET LOCAL ROLE tongli_owner;
