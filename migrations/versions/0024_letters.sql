-- Letters of supervision (一函两书): hint, opinion, proposal, with their clocks.

CREATE TABLE letter (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    follows UUID,
    ground VARCHAR,
    employer VARCHAR NOT NULL,
    to_agency_id UUID,
    copied_agency_id UUID,
    place VARCHAR NOT NULL,
    violations TEXT[] NOT NULL,
    workers INTEGER NOT NULL,
    said BYTEA,
    answer BYTEA,
    filing_number VARCHAR,
    due_by TIMESTAMP WITH TIME ZONE,
    due_confirmed BOOLEAN NOT NULL,
    overdue_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT letter_kind CHECK (kind IN ('hint', 'opinion', 'proposal')),
    CONSTRAINT letter_status CHECK (status IN ('sent', 'replied', 'refused', 'corrected', 'not_corrected', 'filed', 'declined', 'withdrawn')),
    CONSTRAINT letter_ground CHECK (ground IN ('refused_to_take', 'no_reply', 'not_corrected')),
    CONSTRAINT letter_ground_of_proposal CHECK ((kind = 'proposal') = (ground IS NOT NULL)),
    CONSTRAINT letter_addressee CHECK ((kind = 'proposal') = (to_agency_id IS NOT NULL)),
    CONSTRAINT letter_clock CHECK ((kind = 'hint') = (due_by IS NULL)),
    CONSTRAINT letter_filing CHECK ((status = 'filed') = (filing_number IS NOT NULL)),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(follows) REFERENCES letter (id),
    FOREIGN KEY(to_agency_id) REFERENCES agency (id),
    FOREIGN KEY(copied_agency_id) REFERENCES agency (id)
);
CREATE INDEX letter_by_addressee ON letter (to_agency_id, updated_at, id);
CREATE INDEX letter_by_case ON letter (case_id);
CREATE INDEX letter_by_copy ON letter (copied_agency_id, updated_at, id);
CREATE INDEX letter_by_union ON letter (agency_id, updated_at, id);
CREATE INDEX letter_due ON letter (due_by) WHERE status = 'sent' AND overdue_at IS NULL;
CREATE UNIQUE INDEX letter_one_proposal ON letter (follows) WHERE kind = 'proposal' AND status NOT IN ('declined', 'withdrawn');
CREATE UNIQUE INDEX letter_number_of_union ON letter (agency_id, number);

GRANT SELECT (id, said, answer), UPDATE (said, answer) ON letter TO tongli_keys;
DROP POLICY IF EXISTS keys ON letter;
CREATE POLICY keys ON letter TO tongli_keys USING (true) WITH CHECK (true);

-- letter: seen by the union that wrote it, by whoever coordinates its case now, and, a proposal, by the labour department
-- it went to and the office that has a copy.

GRANT SELECT, INSERT ON letter TO tongli_app;
GRANT UPDATE (status, answer, filing_number, answered_at, updated_at, version) ON letter TO tongli_app;
GRANT SELECT (id, case_id), UPDATE (said, answer) ON letter TO tongli_linker;
GRANT SELECT (id, case_id, agency_id, to_agency_id, status, due_by, overdue_at, version),
      UPDATE (overdue_at, updated_at, version) ON letter TO tongli_jobs;

ALTER TABLE letter ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON letter;
CREATE POLICY party ON letter FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR copied_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c WHERE c.id = letter.case_id
                                      AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS written ON letter;
CREATE POLICY written ON letter FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM "case" c WHERE c.id = letter.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS answered ON letter;
CREATE POLICY answered ON letter FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c WHERE c.id = letter.case_id
                                      AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS linker ON letter;
CREATE POLICY linker ON letter TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_clocks ON letter;
CREATE POLICY jobs_clocks ON letter TO tongli_jobs USING (true) WITH CHECK (true);

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
