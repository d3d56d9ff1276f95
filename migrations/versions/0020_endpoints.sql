-- What events are selected by beside their type, in feeds and for endpoints.

ALTER TABLE feed_entry ADD COLUMN case_kind VARCHAR, ADD COLUMN county VARCHAR;
ALTER TABLE webhook_endpoint
    ADD COLUMN case_kinds TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN divisions TEXT[] DEFAULT '{}' NOT NULL;

SET LOCAL ROLE tongli_linker;

-- Kind and county of cases, for the numbering alone: what an agency may select its events by, where it knows the case.
CREATE OR REPLACE FUNCTION places_of_cases(p_cases uuid[]) RETURNS TABLE (case_id uuid, kind text, county text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id, c.kind, left(c.division_code, 6) FROM "case" c WHERE c.id = ANY (p_cases)
$$;

REVOKE ALL ON FUNCTION places_of_cases(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION places_of_cases(uuid[]) TO tongli_jobs;

SET LOCAL ROLE tongli_owner;
