-- Public reference: the directory, the responsibility list, calendar, divisions, codes. They name no person and no case.

GRANT SELECT ON agency, division, code, calendar_year, calendar_day, matter, matter_override, competence
    TO tongli_app, tongli_jobs, tongli_linker;
GRANT INSERT, UPDATE (name, name_en, windows, version) ON agency TO tongli_app;
ALTER TABLE agency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- An instant as it crosses the wire, for JSON that PostgreSQL builds.
CREATE OR REPLACE FUNCTION rfc3339(moment timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

DROP POLICY IF EXISTS directory ON agency;
CREATE POLICY directory ON agency FOR SELECT TO tongli_app, tongli_jobs, tongli_linker USING (true);
-- An agency keeps its own entry and opens departments below it; everything else comes from the operator's migrations.
DROP POLICY IF EXISTS own_entry ON agency;
CREATE POLICY own_entry ON agency FOR UPDATE TO tongli_app
    USING (id = (SELECT acting_agency())) WITH CHECK (id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own_department ON agency;
CREATE POLICY own_department ON agency FOR INSERT TO tongli_app
    WITH CHECK (parent_id = (SELECT acting_agency()) AND department);
DROP POLICY IF EXISTS operator ON agency;
CREATE POLICY operator ON agency TO tongli_owner USING (true) WITH CHECK (true);
