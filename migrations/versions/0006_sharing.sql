-- Sharing: what a consent says, its withdrawal, impact assessments, and broken glass.

ALTER TABLE sharing_basis
    ADD COLUMN purpose VARCHAR NOT NULL DEFAULT 'assistance',
    ADD COLUMN field_classes TEXT[],
    ADD COLUMN text_version VARCHAR,
    ADD COLUMN channel VARCHAR,
    ADD COLUMN given_by VARCHAR,
    ADD COLUMN withdrawn_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN withdrawn_by VARCHAR;
ALTER TABLE sharing_basis
    ALTER COLUMN purpose DROP DEFAULT,
    ADD CONSTRAINT sharing_basis_purpose CHECK (purpose IN ('assistance', 'referral', 'eligibility', 'payment', 'counselling', 'follow_up', 'emergency', 'supervision', 'recognition', 'person_request')),
    ADD CONSTRAINT sharing_basis_channel CHECK (channel IN ('paper', 'app', 'hall', 'recorded_call', 'other')),
    ADD CONSTRAINT sharing_basis_given_by CHECK (given_by IN ('person', 'guardian')),
    ADD CONSTRAINT sharing_basis_withdrawn_by CHECK (withdrawn_by IN ('person', 'guardian', 'agency'));

CREATE TABLE impact_assessment (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    title VARCHAR NOT NULL,
    matters TEXT[] NOT NULL,
    field_classes TEXT[] NOT NULL,
    measures VARCHAR NOT NULL,
    assessed_by VARCHAR NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX impact_assessment_by_agency ON impact_assessment (agency_id, valid_until);

CREATE TABLE break_glass (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    coordinator_agency_id UUID NOT NULL,
    principal_id UUID NOT NULL,
    danger VARCHAR NOT NULL,
    text BYTEA NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    review_by TIMESTAMP WITH TIME ZONE NOT NULL,
    reminded BOOLEAN NOT NULL,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    verdict VARCHAR,
    review_text BYTEA,
    PRIMARY KEY (id),
    CONSTRAINT break_glass_danger CHECK (danger IN ('life', 'health', 'minor', 'property')),
    CONSTRAINT break_glass_verdict CHECK (verdict IN ('justified', 'not_justified')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id)
);

CREATE INDEX break_glass_by_agency ON break_glass (agency_id);

CREATE INDEX break_glass_by_case ON break_glass (case_id, agency_id);

CREATE INDEX break_glass_by_coordinator ON break_glass (coordinator_agency_id);

CREATE INDEX break_glass_unreviewed ON break_glass (review_by) WHERE reviewed_at IS NULL AND NOT reminded;

-- sharing_basis: seen by who recorded it, the case's coordinator and the recipient; withdrawn by the first two.
-- impact_assessment: read by everybody, like the responsibility list; written by the agency that assessed.

GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by) ON sharing_basis TO tongli_app;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON impact_assessment TO tongli_app;
ALTER TABLE sharing_basis ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE impact_assessment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON sharing_basis;
CREATE POLICY seen ON sharing_basis FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR recipient_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON sharing_basis;
CREATE POLICY own ON sharing_basis FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = sharing_basis.case_id));
DROP POLICY IF EXISTS withdrawn ON sharing_basis;
CREATE POLICY withdrawn ON sharing_basis FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS read ON impact_assessment;
CREATE POLICY read ON impact_assessment FOR SELECT TO tongli_app USING (true);
DROP POLICY IF EXISTS own ON impact_assessment;
CREATE POLICY own ON impact_assessment FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own_end ON impact_assessment;
CREATE POLICY own_end ON impact_assessment FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));

-- Whether an assessment of this matter and these classes is in force for a union's cases: its own, or of a union above.
CREATE OR REPLACE FUNCTION assessment_in_force(p_union uuid, p_matter text, p_classes text[], p_now timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    WITH RECURSIVE above AS (
        SELECT a.id, a.parent_id FROM agency a WHERE a.id = p_union
        UNION SELECT a.id, a.parent_id FROM agency a JOIN above b ON a.id = b.parent_id)
    SELECT EXISTS (
        SELECT FROM impact_assessment i JOIN above b ON b.id = i.agency_id
         WHERE i.revoked_at IS NULL AND i.valid_from <= p_now AND i.valid_until > p_now
           AND p_matter = ANY (i.matters) AND i.field_classes @> p_classes)
$$;

-- break_glass: seen by who opened, by the case's coordinator and the supervisors above it; judged by the latter two.

GRANT SELECT, INSERT, UPDATE (reviewed_at, verdict, review_text) ON break_glass TO tongli_app;
GRANT SELECT (id, case_id, agency_id, coordinator_agency_id, review_by, reviewed_at, reminded), UPDATE (reminded)
    ON break_glass TO tongli_jobs;
ALTER TABLE break_glass ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON break_glass;
CREATE POLICY seen ON break_glass FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS opened ON break_glass;
CREATE POLICY opened ON break_glass FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM participant p WHERE p.case_id = break_glass.case_id AND p.agency_id = (SELECT acting_agency())
                                    AND p.until IS NULL));
DROP POLICY IF EXISTS reviewed ON break_glass;
CREATE POLICY reviewed ON break_glass FOR UPDATE TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]));
DROP POLICY IF EXISTS jobs_reminding ON break_glass;
CREATE POLICY jobs_reminding ON break_glass TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL)
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = person_record.case_id
                  AND c.coordinator_agency_id = ANY ((SELECT acting_below())::uuid[]))
    OR EXISTS (SELECT FROM break_glass b
                WHERE b.case_id = person_record.case_id AND b.agency_id = (SELECT acting_agency())
                  AND b.ends_at > now() AND b.verdict IS DISTINCT FROM 'not_justified'));

SET LOCAL ROLE tongli_linker;

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

GRANT SELECT (id, text, review_text), UPDATE (text, review_text) ON break_glass TO tongli_keys;
DROP POLICY IF EXISTS keys ON break_glass;
CREATE POLICY keys ON break_glass TO tongli_keys USING (true) WITH CHECK (true);
