-- What stood before revision 0005.

DROP POLICY IF EXISTS seen ON "case";
CREATE POLICY seen ON "case" FOR SELECT TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = "case".id AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL));
DROP POLICY IF EXISTS seen ON participant;
CREATE POLICY seen ON participant FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS seen ON case_need;
CREATE POLICY seen ON case_need FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM participant p WHERE p.case_id = case_need.case_id AND p.agency_id = (SELECT acting_agency())
                                AND p.role IN ('coordinator', 'reporter') AND p.until IS NULL));
DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL));
DROP POLICY IF EXISTS party ON referral;
CREATE POLICY party ON referral FOR SELECT TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))));

SET LOCAL ROLE tongli_linker;
DROP FUNCTION enter(text, uuid, uuid, text, text, uuid, text);
-- Checks that the principal and its agency are alive and sets who acts, for this transaction only.
-- A person also needs a live device; none is named only while the program itself signs somebody in.
-- No row: not alive. Crosses the wall because the context it would need does not exist yet.
CREATE OR REPLACE FUNCTION enter(p_kind text, p_principal uuid, p_agency uuid, p_purpose text, p_request text,
                                 p_session uuid DEFAULT NULL)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
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
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true),
            set_config('tongli.principal', p_principal::text, true),
            set_config('tongli.purpose', coalesce(p_purpose, ''), true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text, uuid) TO tongli_app;
SET LOCAL ROLE tongli_owner;

DROP FUNCTION acting_below();
DROP TABLE qualification;
