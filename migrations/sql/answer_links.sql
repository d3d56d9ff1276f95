-- answer_link: seen by the parties of its referral; made and revoked by sender and coordinator, spent by the addressee's
-- link itself, which enters through a function of its own.

GRANT SELECT, INSERT, UPDATE (revoked_at, answered_at, step, answered_by) ON answer_link TO tongli_app;
GRANT SELECT (id, referral_id, to_agency_id, token_hash, expires_at, revoked_at), UPDATE (clerk, answered_by) ON answer_link
    TO tongli_linker;

ALTER TABLE answer_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON answer_link;
CREATE POLICY party ON answer_link FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM referral r WHERE r.id = answer_link.referral_id
       AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
DROP POLICY IF EXISTS made ON answer_link;
CREATE POLICY made ON answer_link FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM referral r WHERE r.id = answer_link.referral_id AND r.to_agency_id = answer_link.to_agency_id
           AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
DROP POLICY IF EXISTS ended ON answer_link;
CREATE POLICY ended ON answer_link FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM referral r WHERE r.id = answer_link.referral_id
       AND (SELECT acting_agency()) IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)));
DROP POLICY IF EXISTS linker ON answer_link;
CREATE POLICY linker ON answer_link FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS linker_erase ON answer_link;
CREATE POLICY linker_erase ON answer_link FOR UPDATE TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The office that a link acts for, before anybody acts. Null: no such link.
CREATE OR REPLACE FUNCTION answer_link_addressee(p_link uuid, p_token_hash bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT l.to_agency_id FROM answer_link l WHERE l.id = p_link AND l.token_hash = p_token_hash
$$;

-- As `enter`, for a link: its addressee acts, with the rights of a caseworker on referrals. No row where the link was
-- revoked or has run out, where its office is suspended, has a system of its own, or is not the addressee any more, and
-- where the referral was erased. A spent link enters, to be told what it was spent on.
CREATE OR REPLACE FUNCTION enter_by_link(p_link uuid, p_agency uuid, p_request text)
RETURNS TABLE (scopes text[], roles text[], agency_kind text, agency_level text, division_code text, below uuid[],
               qualifications text[], known_actor boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT '{referrals:read,referrals:write}'::text[],
           CASE WHEN a.kind = 'union' THEN '{union_coordinator}' ELSE '{agency_caseworker}' END::text[],
           a.kind, a.level, a.division_code, '{}'::uuid[], '{}'::text[], false
      INTO enter_by_link.scopes, enter_by_link.roles, enter_by_link.agency_kind, enter_by_link.agency_level,
           enter_by_link.division_code, enter_by_link.below, enter_by_link.qualifications, enter_by_link.known_actor
      FROM answer_link l JOIN referral r ON r.id = l.referral_id JOIN agency a ON a.id = l.to_agency_id
     WHERE l.id = p_link AND l.to_agency_id = p_agency AND r.to_agency_id = p_agency AND r.erased_at IS NULL
       AND l.revoked_at IS NULL AND l.expires_at > now() AND a.status = 'active' AND a.answers_by_link;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('tongli.agency', p_agency::text, true), set_config('tongli.principal', p_link::text, true),
            set_config('tongli.below', '', true), set_config('tongli.purpose', '', true),
            set_config('tongli.request', p_request, true);
    RETURN NEXT;
END
$$;

REVOKE ALL ON FUNCTION answer_link_addressee(uuid, bytea), enter_by_link(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION answer_link_addressee(uuid, bytea), enter_by_link(uuid, uuid, text) TO tongli_app;

SET LOCAL ROLE tongli_owner;
