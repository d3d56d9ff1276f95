-- proposal: written by its union, seen by the addressee from the day it is sent, answered by it. The jobs watch its clock.

GRANT SELECT, INSERT ON proposal TO tongli_app;
GRANT UPDATE (title, need, object, means, subject, operating_mode, funding_source, addressee_agency_id, addressee_name,
              reply_days, status, evidence, sent_at, due_by, due_confirmed, next_due, decision, reply_reason, reply_text,
              replied_at, updated_at, version) ON proposal TO tongli_app;
GRANT SELECT (id, agency_id, addressee_agency_id, sent_at, reply_days, due_by, due_confirmed, next_due, version),
      UPDATE (due_by, due_confirmed, next_due, overdue, updated_at, version) ON proposal TO tongli_jobs;

ALTER TABLE proposal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON proposal;
CREATE POLICY party ON proposal FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR (addressee_agency_id = (SELECT acting_agency()) AND sent_at IS NOT NULL));
DROP POLICY IF EXISTS drafted ON proposal;
CREATE POLICY drafted ON proposal FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND status = 'draft');
DROP POLICY IF EXISTS party_update ON proposal;
CREATE POLICY party_update ON proposal FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR (addressee_agency_id = (SELECT acting_agency()) AND sent_at IS NOT NULL));
DROP POLICY IF EXISTS jobs_clocks ON proposal;
CREATE POLICY jobs_clocks ON proposal TO tongli_jobs USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- What a proposal rests on, as counts: open cases with the need that the acting union or a union below it coordinates, and
-- gaps by ground. Crosses the wall: a union knows how many stand behind it, not who they are.
CREATE OR REPLACE FUNCTION proposal_evidence(p_need text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT jsonb_build_object(
        'cases', (SELECT count(*) FROM "case" c JOIN case_need n ON n.case_id = c.id AND n.need = p_need
                   WHERE c.coordinator_agency_id IN (SELECT line_of_union()) AND c.status <> 'closed'),
        'gaps', (SELECT coalesce(jsonb_object_agg(g.ground, g.gaps), '{}') FROM (
                     SELECT c.ground, sum(c.gaps) AS gaps FROM policy_gap_counts(p_need) c GROUP BY c.ground) g))
$$;

REVOKE ALL ON FUNCTION proposal_evidence(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION proposal_evidence(text) TO tongli_app;

SET LOCAL ROLE tongli_owner;
