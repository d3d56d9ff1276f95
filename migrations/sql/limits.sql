-- rate_bucket: a process leases a block of requests for a principal; a token bucket refilled by time.
-- sign_in_attempt: tries to sign in, counted by keyed hash within a window. Neither holds personal data; both are
-- unlogged, so a crash merely refills the buckets and forgets the tries.

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

-- Counts one try under each key and says how many seconds to wait: 0 where every key is within its limit. Counted before
-- the proof is looked at, so that tries at once do not all pass. Name keys of accounts before those of addresses.
CREATE OR REPLACE FUNCTION take_try(p_keys bytea[], p_limits integer[], p_window_seconds integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    span interval := make_interval(secs => p_window_seconds);
    counted sign_in_attempt;
    wait integer := 0;
BEGIN
    FOR place IN 1 .. cardinality(p_keys) LOOP
        INSERT INTO sign_in_attempt AS a (key_hash, started_at, tries) VALUES (p_keys[place], moment, 1)
        ON CONFLICT (key_hash) DO UPDATE
           SET tries = CASE WHEN a.started_at <= moment - span THEN 1 ELSE a.tries + 1 END,
               started_at = CASE WHEN a.started_at <= moment - span THEN moment ELSE a.started_at END
        RETURNING a.* INTO counted;
        IF counted.tries > p_limits[place] THEN
            wait := greatest(wait, ceil(extract(epoch FROM counted.started_at + span - moment))::integer, 1);
        END IF;
    END LOOP;
    RETURN wait;
END
$$;

-- After a proof: the tries under one key are forgotten, the others get this one back; in the order of take_try.
CREATE OR REPLACE FUNCTION settle_tries(p_cleared bytea, p_returned bytea[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    returned bytea;
BEGIN
    UPDATE sign_in_attempt SET tries = 0 WHERE key_hash = p_cleared;
    FOREACH returned IN ARRAY p_returned LOOP
        UPDATE sign_in_attempt SET tries = greatest(tries - 1, 0) WHERE key_hash = returned;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION lease_requests(uuid, text, integer, integer, integer), take_try(bytea[], integer[], integer),
    settle_tries(bytea, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lease_requests(uuid, text, integer, integer, integer), take_try(bytea[], integer[], integer),
    settle_tries(bytea, bytea[]) TO tongli_app;

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
GRANT SELECT, INSERT, UPDATE ON rate_bucket, sign_in_attempt TO tongli_linker;
GRANT SELECT, DELETE ON sign_in_attempt TO tongli_jobs;
