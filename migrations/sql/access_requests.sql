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
