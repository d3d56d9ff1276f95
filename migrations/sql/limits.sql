-- rate_bucket: a process leases a block of requests for a principal; a token bucket refilled by time.
-- Holds no personal data; unlogged, so a crash merely refills the buckets.

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

CREATE OR REPLACE FUNCTION lease_requests(
    p_principal uuid, p_policy text, p_wanted integer, p_per_minute integer, p_burst integer)
RETURNS TABLE (granted integer, remaining integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    bucket rate_bucket;
    available integer;
    refill integer;
BEGIN
    INSERT INTO rate_bucket AS b (principal_id, policy, tokens, refilled_at)
    VALUES (p_principal, p_policy, p_burst, moment)
    ON CONFLICT (principal_id, policy) DO UPDATE SET policy = b.policy RETURNING b.* INTO bucket;
    refill := floor(extract(epoch FROM moment - bucket.refilled_at) * p_per_minute / 60)::integer;
    available := least(p_burst, bucket.tokens + greatest(refill, 0));
    granted := least(available, p_wanted);
    remaining := available - granted;
    UPDATE rate_bucket SET tokens = remaining,
           refilled_at = CASE WHEN refill > 0 THEN moment ELSE bucket.refilled_at END
     WHERE principal_id = p_principal AND policy = p_policy;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION lease_requests(uuid, text, integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lease_requests(uuid, text, integer, integer, integer) TO tongli_app;

-- Takes one token of a sensitive operation's bucket: what is left, or -1 where it is empty.
CREATE OR REPLACE FUNCTION spend_budget(p_principal uuid, p_policy text, p_per_hour integer, p_burst integer)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    bucket rate_bucket;
    refill integer;
    available integer;
BEGIN
    INSERT INTO rate_bucket AS b (principal_id, policy, tokens, refilled_at)
    VALUES (p_principal, p_policy, p_burst, moment)
    ON CONFLICT (principal_id, policy) DO UPDATE SET policy = b.policy RETURNING b.* INTO bucket;
    refill := floor(extract(epoch FROM moment - bucket.refilled_at) * p_per_hour / 3600)::integer;
    available := least(p_burst, bucket.tokens + greatest(refill, 0));
    UPDATE rate_bucket SET tokens = greatest(available - 1, 0),
           refilled_at = CASE WHEN refill > 0 THEN moment ELSE bucket.refilled_at END
     WHERE principal_id = p_principal AND policy = p_policy;
    RETURN available - 1;
END
$$;
REVOKE ALL ON FUNCTION spend_budget(uuid, text, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION spend_budget(uuid, text, integer, integer) TO tongli_app;

SET LOCAL ROLE tongli_owner;
GRANT SELECT, INSERT, UPDATE ON rate_bucket TO tongli_linker;
