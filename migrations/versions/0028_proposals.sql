-- Policy gaps, proposals to those who could close them, consultations.

CREATE TABLE policy_gap (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    need VARCHAR NOT NULL,
    matter_code VARCHAR,
    ground VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    text BYTEA,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT policy_gap_need CHECK (need IN ('living', 'employment', 'training', 'schooling', 'medical', 'legal',
        'social_insurance', 'pension', 'housing', 'work_injury', 'wage', 'safety_health', 'work_environment',
        'democratic_rights', 'counselling')),
    CONSTRAINT policy_gap_ground CHECK (ground IN ('no_matter', 'no_competent_agency', 'disputed')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(matter_code) REFERENCES matter (code)
);
CREATE UNIQUE INDEX one_policy_gap_per_need ON policy_gap (case_id, need);
CREATE INDEX policy_gap_by_agency ON policy_gap (agency_id, need);

CREATE TABLE proposal (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    title VARCHAR NOT NULL,
    need VARCHAR NOT NULL,
    object VARCHAR,
    means VARCHAR,
    subject VARCHAR,
    operating_mode VARCHAR,
    funding_source VARCHAR,
    addressee_agency_id UUID,
    addressee_name VARCHAR,
    reply_days INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    evidence JSONB,
    sent_at TIMESTAMP WITH TIME ZONE,
    due_by TIMESTAMP WITH TIME ZONE,
    due_confirmed BOOLEAN NOT NULL,
    next_due TIMESTAMP WITH TIME ZONE,
    overdue BOOLEAN NOT NULL,
    decision VARCHAR,
    reply_reason VARCHAR,
    reply_text VARCHAR,
    replied_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT proposal_need CHECK (need IN ('living', 'employment', 'training', 'schooling', 'medical', 'legal',
        'social_insurance', 'pension', 'housing', 'work_injury', 'wage', 'safety_health', 'work_environment',
        'democratic_rights', 'counselling')),
    CONSTRAINT proposal_status CHECK (status IN ('draft', 'sent', 'replied', 'withdrawn')),
    CONSTRAINT proposal_decision CHECK (decision IN ('adopted', 'partly', 'not_adopted')),
    CONSTRAINT proposal_reply_reason CHECK (reply_reason IN ('settled_already', 'not_competent', 'no_funds',
        'against_law', 'needs_study', 'other')),
    CONSTRAINT proposal_one_addressee CHECK (addressee_agency_id IS NULL OR addressee_name IS NULL),
    CONSTRAINT proposal_evidence CHECK ((sent_at IS NULL) = (evidence IS NULL)),
    CONSTRAINT proposal_replied CHECK ((status = 'replied') = (decision IS NOT NULL)),
    CONSTRAINT proposal_reply_days CHECK (reply_days BETWEEN 1 AND 250),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(addressee_agency_id) REFERENCES agency (id)
);
CREATE INDEX proposal_by_addressee ON proposal (addressee_agency_id, id);
CREATE INDEX proposal_by_agency ON proposal (agency_id, id);
CREATE INDEX proposal_due ON proposal (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX proposal_provisional ON proposal (id) WHERE next_due IS NOT NULL AND NOT due_confirmed;

CREATE TABLE consultation (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    title VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    drafter_agency_id UUID,
    drafter_name VARCHAR,
    learned_on DATE NOT NULL,
    asked_on DATE,
    opinion_due DATE,
    attended BOOLEAN NOT NULL,
    opinion VARCHAR,
    opinion_on DATE,
    adoption VARCHAR,
    adoption_reason VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT consultation_kind CHECK (kind IN ('rule', 'plan', 'measure')),
    CONSTRAINT consultation_adoption CHECK (adoption IN ('adopted', 'partly', 'not_adopted')),
    CONSTRAINT consultation_one_drafter CHECK ((drafter_agency_id IS NULL) <> (drafter_name IS NULL)),
    CONSTRAINT consultation_opinion CHECK ((opinion IS NULL) = (opinion_on IS NULL)),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(drafter_agency_id) REFERENCES agency (id)
);
CREATE INDEX consultation_by_agency ON consultation (agency_id, id);
CREATE INDEX consultation_unasked ON consultation (agency_id, id) WHERE asked_on IS NULL;

-- policy_gap: recorded and read by the coordinator of its case; the unions above count it and see no row.

GRANT SELECT, INSERT ON policy_gap TO tongli_app;
GRANT SELECT (id, case_id, agency_id, need, ground, place), UPDATE (text) ON policy_gap TO tongli_linker;

ALTER TABLE policy_gap ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS coordinator ON policy_gap;
CREATE POLICY coordinator ON policy_gap FOR SELECT TO tongli_app USING (
    EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS recorded ON policy_gap;
CREATE POLICY recorded ON policy_gap FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency())
    AND EXISTS (SELECT FROM "case" c WHERE c.id = case_id AND c.coordinator_agency_id = agency_id));
DROP POLICY IF EXISTS linker ON policy_gap;
CREATE POLICY linker ON policy_gap TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The acting union and the unions below it, as a line; nothing for whoever is no union. A part of the two counts.
CREATE OR REPLACE FUNCTION line_of_union() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE line AS (
        SELECT a.id FROM agency a WHERE a.id = acting_agency() AND a.kind = 'union'
        UNION SELECT a.id FROM agency a JOIN line l ON a.parent_id = l.id WHERE a.kind = 'union')
    SELECT id FROM line
$$;

-- How many gaps a line of unions has, of one need or of all. Tells counts, no case.
CREATE OR REPLACE FUNCTION policy_gap_counts(p_need text)
RETURNS TABLE (need text, place text, ground text, gaps bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT g.need, g.place, g.ground, count(*) FROM policy_gap g
     WHERE g.agency_id IN (SELECT line_of_union()) AND (p_need IS NULL OR g.need = p_need)
     GROUP BY g.need, g.place, g.ground
$$;

REVOKE ALL ON FUNCTION line_of_union(), policy_gap_counts(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_gap_counts(text) TO tongli_app;

SET LOCAL ROLE tongli_owner;

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

-- consultation: a union's own register.

GRANT SELECT, INSERT ON consultation TO tongli_app;
GRANT UPDATE (title, kind, drafter_agency_id, drafter_name, asked_on, opinion_due, attended, opinion, opinion_on, adoption,
              adoption_reason, updated_at, version) ON consultation TO tongli_app;

ALTER TABLE consultation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON consultation;
CREATE POLICY own ON consultation TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));

GRANT SELECT (id, text), UPDATE (text) ON policy_gap TO tongli_keys;
DROP POLICY IF EXISTS keys ON policy_gap;
CREATE POLICY keys ON policy_gap TO tongli_keys USING (true) WITH CHECK (true);

SET LOCAL ROLE tongli_linker;

-- Erases a case, once: every sealed value with its wrapped key, every blind index, who its people were; what stands
-- elsewhere under those people stays. Tombstones stay: number, states, agencies, dates, codes that name nobody. For its
-- coordinator, and a case that is closed, or was entered in error and has no work under way. False where it was erased.
CREATE OR REPLACE FUNCTION erase_case(p_case uuid, p_in_error boolean, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    people uuid[];
    erased timestamptz;
BEGIN
    SELECT c.erased_at INTO erased FROM "case" c
     WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency() AND (c.status = 'closed' OR p_in_error);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a case this agency may erase' USING ERRCODE = 'TL002';
    END IF;
    IF erased IS NOT NULL THEN
        RETURN false;
    END IF;
    people := ARRAY(SELECT DISTINCT r.person_id FROM person_record r WHERE r.case_id = p_case);
    UPDATE idempotency_record SET answer = NULL WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    PERFORM forget_envelopes(ARRAY(SELECT id FROM report WHERE case_id = p_case),
                             ARRAY(SELECT id FROM referral WHERE case_id = p_case));
    UPDATE report SET body = NULL, body_sha256 = NULL, source_record = NULL, source_key = NULL, needs = '{}',
                      erased_at = p_now
     WHERE case_id = p_case;
    UPDATE referral_step SET body = NULL WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE answer_link SET clerk = NULL, answered_by = NULL
     WHERE referral_id IN (SELECT id FROM referral WHERE case_id = p_case);
    UPDATE referral SET note = NULL, age_band = 'unknown', person_id = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE case_transfer SET said = NULL, answer = NULL WHERE case_id = p_case;
    UPDATE letter SET said = NULL, answer = NULL
     WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    UPDATE policy_gap SET text = NULL WHERE case_id = p_case OR case_id IN (SELECT cases_merged_into(p_case));
    UPDATE result SET text = NULL, erased_at = p_now WHERE case_id = p_case;
    UPDATE adoption SET reason = NULL WHERE case_id = p_case;
    UPDATE assistance SET source = NULL WHERE case_id = p_case;
    UPDATE sharing_basis SET reference = '' WHERE case_id = p_case;
    UPDATE break_glass SET text = '', review_text = NULL WHERE case_id = p_case;
    UPDATE person_request SET said = NULL, answer = NULL, person_id = NULL WHERE case_id = p_case;
    PERFORM forget_case_links(p_case, p_now);
    PERFORM forget_links(ARRAY(SELECT r.id FROM person_record r WHERE r.case_id = p_case));
    DELETE FROM household_member WHERE case_id = p_case;
    DELETE FROM person_record WHERE case_id = p_case;
    PERFORM forget_unknown_people(people);
    DELETE FROM case_task WHERE kind = 'possible_household' AND p_case IN (case_id, other_case_id);
    UPDATE case_task SET status = 'done', done_at = p_now WHERE case_id = p_case AND status = 'open';
    UPDATE "case" SET main_birth_date = NULL, cause_primary = NULL, causes_secondary = '{}', difficulty_class = NULL,
                      employer_id = CASE WHEN kind = 'employer' THEN employer_id END, exit_reason = NULL,
                      exit_text = NULL, status = 'closed', closed_at = coalesce(closed_at, p_now), erased_at = p_now,
                      updated_at = p_now, version = version + 1
     WHERE id = p_case;
    UPDATE participant SET listed = false WHERE case_id = p_case AND listed;
    RETURN true;
END
$$;

SET LOCAL ROLE tongli_owner;
