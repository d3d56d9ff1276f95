-- Rights: qualifications, supervisors of unions, what enter() tells of whoever acts.

CREATE TABLE qualification (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    area VARCHAR NOT NULL,
    result VARCHAR NOT NULL,
    certificate VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    valid_until DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT qualification_area CHECK (area IN ('union_business', 'law', 'policy', 'service')),
    CONSTRAINT qualification_result CHECK (result IN ('passed', 'failed')),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE INDEX qualification_by_agency ON qualification (agency_id);

CREATE INDEX qualification_by_staff ON qualification (staff_id);

-- qualification: each agency records and sees its own staff's certificates; enter() reads those of whoever acts.

GRANT SELECT, INSERT, UPDATE (revoked_at) ON qualification TO tongli_app;
GRANT SELECT ON qualification TO tongli_linker;
ALTER TABLE qualification ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON qualification;
CREATE POLICY own ON qualification TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON qualification;
CREATE POLICY linker ON qualification FOR SELECT TO tongli_linker USING (true);

-- The unions below a supervisor's own; empty for everybody else.
CREATE OR REPLACE FUNCTION acting_below() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(string_to_array(nullif(current_setting('tongli.below', true), ''), ',')::uuid[], '{}'::uuid[]);

SET LOCAL ROLE tongli_linker;
DROP FUNCTION enter(text, uuid, uuid, text, text, uuid);
-- Checks that the principal and its agency are alive and sets who acts, for this transaction only; for a supervisor of
-- unions also the unions below. `qualifications`: areas in which whoever acts holds a certificate today, for a machine the
-- staff member it names as its actor. A person also needs a live device; none is named only while the program itself
-- signs somebody in. No row: not alive. Crosses the wall because the context it would need does not
-- exist yet.
CREATE OR REPLACE FUNCTION enter(p_kind text, p_principal uuid, p_agency uuid, p_purpose text, p_request text,
                                 p_session uuid DEFAULT NULL, p_actor text DEFAULT NULL)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text, below uuid[],
               qualifications text[], known_actor boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    person uuid;
BEGIN
    IF p_kind = 'client' THEN
        SELECT c.scopes, '{integration}'::text[], a.kind, a.level, a.division_code
          INTO enter.scopes, enter.roles, enter.agency_kind, enter.agency_level, enter.division_code
          FROM client c JOIN agency a ON a.id = c.agency_id
         WHERE c.id = p_principal AND c.agency_id = p_agency AND c.status = 'active' AND a.status = 'active';
    ELSE
        SELECT '{}'::text[], s.roles, a.kind, a.level, a.division_code
          INTO enter.scopes, enter.roles, enter.agency_kind, enter.agency_level, enter.division_code
          FROM staff s JOIN agency a ON a.id = s.agency_id
         WHERE s.id = p_principal AND s.agency_id = p_agency AND s.status = 'active' AND a.status = 'active'
           AND (p_session IS NULL OR EXISTS (
                SELECT FROM device d WHERE d.id = p_session AND d.staff_id = p_principal
                   AND d.revoked_at IS NULL AND d.expires_at > now()));
        person := p_principal;
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_kind = 'client' AND p_actor IS NOT NULL THEN
        SELECT s.id INTO person FROM staff s
         WHERE s.agency_id = p_agency AND s.login = p_actor AND s.status = 'active';
    END IF;
    known_actor := person IS NOT NULL;
    qualifications := '{}';
    IF known_actor THEN
        qualifications := ARRAY(
            SELECT DISTINCT q.area FROM qualification q
             WHERE q.staff_id = person AND q.result = 'passed' AND q.revoked_at IS NULL
               AND (now() AT TIME ZONE 'Asia/Shanghai')::date BETWEEN q.valid_from AND q.valid_until);
    END IF;
    below := '{}';
    IF p_kind = 'staff' AND enter.agency_kind = 'union' AND 'union_supervisor' = ANY (enter.roles) THEN
        below := ARRAY(
            WITH RECURSIVE under AS (
                SELECT a.id, a.kind FROM agency a WHERE a.parent_id = p_agency
                UNION SELECT a.id, a.kind FROM agency a JOIN under u ON a.parent_id = u.id)
            SELECT u.id FROM under u WHERE u.kind = 'union');
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true),
            set_config('tongli.principal', p_principal::text, true),
            set_config('tongli.below', array_to_string(below, ','), true),
            set_config('tongli.purpose', coalesce(p_purpose, ''), true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text, uuid, text) TO tongli_app;
SET LOCAL ROLE tongli_owner;

DROP POLICY IF EXISTS seen ON "case";
CREATE POLICY seen ON "case" FOR SELECT TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = "case".id AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL)
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS seen ON participant;
CREATE POLICY seen ON participant FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS seen ON case_need;
CREATE POLICY seen ON case_need FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM participant p WHERE p.case_id = case_need.case_id AND p.agency_id = (SELECT acting_agency())
                                AND p.role IN ('coordinator', 'reporter') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = case_need.case_id AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])));
DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = person_record.case_id
                  AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])));
DROP POLICY IF EXISTS party ON referral;
CREATE POLICY party ON referral FOR SELECT TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[])))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))));
