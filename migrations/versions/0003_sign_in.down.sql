-- What 0003 replaced, as it was before.

SET LOCAL ROLE tongli_linker;

CREATE OR REPLACE FUNCTION enter(p_kind text, p_principal uuid, p_agency uuid, p_purpose text, p_request text)
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
         WHERE s.id = p_principal AND s.agency_id = p_agency AND s.status = 'active' AND a.status = 'active';
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

REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text) TO tongli_app;

SET LOCAL ROLE tongli_owner;
