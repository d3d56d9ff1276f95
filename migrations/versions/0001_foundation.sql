-- Tables as of this revision.

CREATE TABLE agency (
    id UUID NOT NULL,
    code VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    name_en VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    parent_id UUID,
    department BOOLEAN NOT NULL,
    division_code VARCHAR NOT NULL,
    windows JSONB NOT NULL,
    status VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT agency_kind CHECK (kind IN ('union', 'labour', 'finance', 'judicial', 'civil_affairs', 'medical_insurance', 'education', 'health', 'housing', 'disabled_federation', 'emergency', 'court', 'procuratorate', 'leadership', 'charity', 'enterprise')),
    CONSTRAINT agency_level CHECK (level IN ('national', 'province', 'city', 'county', 'township', 'enterprise', 'workplace')),
    CONSTRAINT agency_status CHECK (status IN ('active', 'suspended')),
    UNIQUE (code),
    FOREIGN KEY(parent_id) REFERENCES agency (id)
);

CREATE INDEX agency_by_parent ON agency (parent_id);

CREATE INDEX agency_by_place ON agency (kind, division_code);

CREATE TABLE audit_leaf (
    id UUID NOT NULL,
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    agency_id UUID NOT NULL,
    principal_kind VARCHAR NOT NULL,
    principal_id UUID NOT NULL,
    actor VARCHAR,
    action VARCHAR NOT NULL,
    subject_type VARCHAR NOT NULL,
    subject_id UUID,
    case_id UUID,
    field_classes TEXT[] NOT NULL,
    purpose VARCHAR,
    request_id VARCHAR NOT NULL,
    facts JSONB NOT NULL,
    salt BYTEA NOT NULL,
    algorithm VARCHAR NOT NULL,
    commitment BYTEA NOT NULL,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX audit_leaf_by_agency ON audit_leaf (agency_id, id);

CREATE INDEX audit_leaf_by_case ON audit_leaf (case_id, id);

CREATE INDEX audit_leaf_unsealed ON audit_leaf (position);

CREATE TABLE calendar_year (
    year INTEGER NOT NULL,
    notice VARCHAR,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (year)
);

CREATE TABLE code (
    system VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    zh VARCHAR NOT NULL,
    en VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (system, code)
);

CREATE TABLE division (
    code VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    name VARCHAR NOT NULL,
    parent_code VARCHAR,
    level VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    as_of DATE NOT NULL,
    PRIMARY KEY (code, valid_from)
);

CREATE INDEX division_by_parent ON division (parent_code);

CREATE TABLE employer (
    id UUID NOT NULL,
    name VARCHAR NOT NULL,
    credit_code VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX employer_by_credit_code ON employer (credit_code) WHERE credit_code IS NOT NULL;

CREATE INDEX employer_by_name ON employer (name);

CREATE TABLE event (
    id UUID NOT NULL,
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    type VARCHAR NOT NULL,
    subject_type VARCHAR NOT NULL,
    subject_id UUID NOT NULL,
    subject_version INTEGER NOT NULL,
    case_id UUID,
    actor_agency_id UUID NOT NULL,
    parties JSONB NOT NULL,
    correlation_id VARCHAR NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    numbered_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX event_by_actor ON event (actor_agency_id);

CREATE INDEX event_by_case ON event (case_id, position);

CREATE INDEX event_unnumbered ON event (position) WHERE numbered_at IS NULL;

CREATE TABLE feed_entry (
    agency_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    type VARCHAR NOT NULL,
    subject_id UUID NOT NULL,
    payload JSONB NOT NULL,
    numbered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agency_id, sequence)
);

CREATE TABLE matter (
    code VARCHAR NOT NULL,
    title_zh VARCHAR NOT NULL,
    title_en VARCHAR NOT NULL,
    lead_kind VARCHAR NOT NULL,
    needs TEXT[] NOT NULL,
    definition JSONB NOT NULL,
    PRIMARY KEY (code)
);

CREATE TABLE person (
    id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNLOGGED TABLE rate_bucket (
    principal_id UUID NOT NULL,
    policy VARCHAR NOT NULL,
    tokens INTEGER NOT NULL,
    refilled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (principal_id, policy)
);

CREATE TABLE calendar_day (
    day DATE NOT NULL,
    year INTEGER NOT NULL,
    workday BOOLEAN NOT NULL,
    name VARCHAR,
    source VARCHAR NOT NULL,
    PRIMARY KEY (day),
    FOREIGN KEY(year) REFERENCES calendar_year (year)
);

CREATE INDEX ix_calendar_day_year ON calendar_day (year);

CREATE TABLE "case" (
    id UUID NOT NULL,
    number VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    coordinator_agency_id UUID NOT NULL,
    division_code VARCHAR NOT NULL,
    employer_id UUID,
    main_birth_date DATE,
    cause_primary VARCHAR,
    causes_secondary TEXT[] NOT NULL,
    difficulty_class VARCHAR,
    urgency VARCHAR NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    exit_reason VARCHAR,
    exit_text BYTEA,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT case_kind CHECK (kind IN ('household', 'employer')),
    CONSTRAINT case_status CHECK (status IN ('reported', 'assessing', 'active', 'closing', 'closed')),
    CONSTRAINT case_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    UNIQUE (number),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id),
    FOREIGN KEY(employer_id) REFERENCES employer (id)
);

CREATE INDEX case_by_coordinator ON "case" (coordinator_agency_id);

CREATE INDEX case_by_employer ON "case" (employer_id);

CREATE TABLE client (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    scopes TEXT[] NOT NULL,
    status VARCHAR NOT NULL,
    secret_hash BYTEA,
    secret_expires_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT client_status CHECK (status IN ('active', 'revoked')),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX client_by_agency ON client (agency_id, id);

CREATE TABLE competence (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    matter_code VARCHAR NOT NULL,
    division_code VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(matter_code) REFERENCES matter (code)
);

CREATE INDEX competence_by_agency ON competence (agency_id);

CREATE INDEX competence_by_matter ON competence (matter_code, division_code);

CREATE TABLE feed_head (
    agency_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (agency_id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE idempotency_record (
    agency_id UUID NOT NULL,
    key_hash BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER,
    answer BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agency_id, key_hash),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX idempotency_record_by_age ON idempotency_record (created_at);

CREATE TABLE matter_override (
    matter_code VARCHAR NOT NULL,
    division_code VARCHAR NOT NULL,
    clocks JSONB NOT NULL,
    source VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    PRIMARY KEY (matter_code, division_code),
    FOREIGN KEY(matter_code) REFERENCES matter (code)
);

CREATE TABLE staff (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    login VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    roles TEXT[] NOT NULL,
    status VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT staff_status CHECK (status IN ('active', 'revoked')),
    CONSTRAINT staff_login UNIQUE (agency_id, login),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE webhook_endpoint (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    url VARCHAR NOT NULL,
    types TEXT[] NOT NULL,
    status VARCHAR NOT NULL,
    status_reason VARCHAR,
    keys BYTEA NOT NULL,
    previous_keys BYTEA,
    previous_keys_until TIMESTAMP WITH TIME ZONE,
    public_key VARCHAR NOT NULL,
    challenge VARCHAR NOT NULL,
    activated_at TIMESTAMP WITH TIME ZONE,
    failing_since TIMESTAMP WITH TIME ZONE,
    not_before TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT webhook_endpoint_status CHECK (status IN ('pending', 'active', 'disabled')),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX webhook_endpoint_by_agency ON webhook_endpoint (agency_id, id);

CREATE TABLE case_need (
    case_id UUID NOT NULL,
    need VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    agency_id UUID NOT NULL,
    referral_id UUID,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (case_id, need),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE case_task (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    referral_id UUID,
    need VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT case_task_kind CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute')),
    CONSTRAINT case_task_status CHECK (status IN ('open', 'done')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX case_task_by_agency ON case_task (agency_id, status, id);

CREATE INDEX case_task_by_case ON case_task (case_id);

CREATE TABLE client_assertion (
    client_id UUID NOT NULL,
    token_id VARCHAR NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (client_id, token_id),
    FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE INDEX client_assertion_by_expiry ON client_assertion (expires_at);

CREATE TABLE client_key (
    client_id UUID NOT NULL,
    kid VARCHAR NOT NULL,
    agency_id UUID NOT NULL,
    jwk JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (client_id, kid),
    FOREIGN KEY(client_id) REFERENCES client (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX client_key_by_agency ON client_key (agency_id);

CREATE TABLE delivery (
    id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    event_id UUID NOT NULL,
    event_type VARCHAR NOT NULL,
    subject_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    body VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    lease_token UUID,
    leased_until TIMESTAMP WITH TIME ZONE,
    replay BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT delivery_status CHECK (status IN ('pending', 'succeeded', 'dead')),
    FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX delivery_by_agency ON delivery (agency_id, id);

CREATE INDEX delivery_by_endpoint ON delivery (endpoint_id, status, id);

CREATE INDEX delivery_due ON delivery (endpoint_id, due_at, sequence) WHERE status = 'pending';

CREATE INDEX delivery_leased ON delivery (endpoint_id) WHERE lease_token IS NOT NULL;

CREATE INDEX delivery_order ON delivery (endpoint_id, subject_id, sequence) WHERE status = 'pending' AND attempts = 0;

CREATE TABLE participant (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    listed BOOLEAN NOT NULL,
    coordinator_agency_id UUID NOT NULL,
    case_status VARCHAR NOT NULL,
    case_updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT participant_role CHECK (role IN ('coordinator', 'reporter', 'receiver', 'observer')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id)
);

CREATE UNIQUE INDEX one_coordinator_per_case ON participant (case_id) WHERE role = 'coordinator' AND until IS NULL;

CREATE INDEX participant_by_coordinator ON participant (coordinator_agency_id);

CREATE INDEX participant_list ON participant (agency_id, case_updated_at, case_id) WHERE until IS NULL AND listed;

CREATE INDEX participant_list_by_status ON participant (agency_id, case_status, case_updated_at, case_id) WHERE until IS NULL AND listed;

CREATE UNIQUE INDEX participant_once ON participant (case_id, agency_id, role) WHERE until IS NULL;

CREATE TABLE referral (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    person_id UUID,
    matter_code VARCHAR NOT NULL,
    need VARCHAR NOT NULL,
    sender_agency_id UUID NOT NULL,
    coordinator_agency_id UUID NOT NULL,
    to_agency_id UUID,
    pooled BOOLEAN NOT NULL,
    joint BOOLEAN NOT NULL,
    status VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    age_band VARCHAR NOT NULL,
    note BYTEA,
    part_of UUID,
    reopens UUID,
    requested_at TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE,
    accepted_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    clock_stopped_at TIMESTAMP WITH TIME ZONE,
    acknowledge_by TIMESTAMP WITH TIME ZONE,
    accept_by TIMESTAMP WITH TIME ZONE,
    resolve_by TIMESTAMP WITH TIME ZONE,
    due_confirmed BOOLEAN NOT NULL,
    next_due TIMESTAMP WITH TIME ZONE,
    overdue TEXT[] NOT NULL,
    return_count INTEGER NOT NULL,
    extended BOOLEAN NOT NULL,
    outcome VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT referral_status CHECK (status IN ('draft', 'requested', 'returned', 'accepted', 'in_progress', 'on_hold', 'completed', 'rejected', 'cancelled', 'failed', 'expired', 'entered_in_error')),
    CONSTRAINT referral_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    CONSTRAINT referral_not_to_oneself CHECK (to_agency_id IS NULL OR to_agency_id <> sender_agency_id),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(matter_code) REFERENCES matter (code),
    FOREIGN KEY(sender_agency_id) REFERENCES agency (id),
    FOREIGN KEY(coordinator_agency_id) REFERENCES agency (id),
    FOREIGN KEY(to_agency_id) REFERENCES agency (id),
    FOREIGN KEY(part_of) REFERENCES referral (id),
    FOREIGN KEY(reopens) REFERENCES referral (id)
);

CREATE INDEX referral_by_case ON referral (case_id);

CREATE INDEX referral_by_coordinator ON referral (coordinator_agency_id);

CREATE INDEX referral_by_parent ON referral (part_of);

CREATE INDEX referral_by_person ON referral (person_id, matter_code);

CREATE INDEX referral_due ON referral (next_due) WHERE next_due IS NOT NULL;

CREATE INDEX referral_inbox ON referral (to_agency_id, updated_at, id);

CREATE INDEX referral_inbox_due ON referral (to_agency_id, next_due, id) WHERE next_due IS NOT NULL;

CREATE INDEX referral_outbox ON referral (sender_agency_id, updated_at, id);

CREATE INDEX referral_provisional ON referral (id) WHERE NOT due_confirmed;

CREATE INDEX referral_unanswered ON referral (accept_by) WHERE status = 'requested';

CREATE TABLE report (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    case_id UUID NOT NULL,
    source_system VARCHAR NOT NULL,
    source_record BYTEA NOT NULL,
    aware_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_by UUID NOT NULL,
    channel VARCHAR NOT NULL,
    urgency VARCHAR NOT NULL,
    body BYTEA NOT NULL,
    body_sha256 BYTEA NOT NULL,
    leaf_id UUID NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT report_channel CHECK (channel IN ('visit', 'hotline', 'app', 'hall', 'system', 'other')),
    CONSTRAINT report_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(case_id) REFERENCES "case" (id)
);

CREATE INDEX report_by_agency ON report (agency_id, id);

CREATE INDEX report_by_case ON report (case_id);

CREATE UNIQUE INDEX report_source_once ON report (agency_id, source_system, source_record);

CREATE TABLE assistance (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    referral_id UUID,
    agency_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    depth VARCHAR NOT NULL,
    amount_fen BIGINT,
    quantity INTEGER,
    unit VARCHAR,
    period_from DATE,
    period_to DATE,
    source BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT assistance_kind CHECK (kind IN ('living', 'employment', 'training', 'schooling', 'medical', 'legal', 'warmth', 'counselling')),
    CONSTRAINT assistance_depth CHECK (depth IN ('emergency', 'recovery', 'root_cause')),
    CONSTRAINT assistance_measured CHECK (num_nonnulls(amount_fen, quantity) >= 1),
    CONSTRAINT assistance_amount CHECK (amount_fen >= 0),
    CONSTRAINT assistance_quantity CHECK (quantity > 0),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX assistance_by_agency ON assistance (agency_id);

CREATE INDEX assistance_by_case ON assistance (case_id);

CREATE TABLE delivery_attempt (
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    agency_id UUID NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    status_code INTEGER,
    PRIMARY KEY (delivery_id, number),
    FOREIGN KEY(delivery_id) REFERENCES delivery (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX delivery_attempt_by_agency ON delivery_attempt (agency_id);

CREATE TABLE person_record (
    id UUID NOT NULL,
    report_id UUID NOT NULL,
    case_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    person_id UUID NOT NULL,
    name BYTEA NOT NULL,
    id_type VARCHAR NOT NULL,
    id_number BYTEA,
    id_index BYTEA,
    name_birth_index BYTEA,
    phone_indexes BYTEA[] NOT NULL,
    contact BYTEA NOT NULL,
    sex VARCHAR NOT NULL,
    birth_date DATE,
    division_code VARCHAR,
    employment_status VARCHAR,
    employer_id UUID,
    details BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT person_record_id_type CHECK (id_type IN ('resident_id', 'hk_mo_tw', 'foreign_pr', 'passport', 'unverified', 'none')),
    CONSTRAINT person_record_sex CHECK (sex IN ('male', 'female', 'unknown')),
    FOREIGN KEY(report_id) REFERENCES report (id),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(employer_id) REFERENCES employer (id)
);

CREATE INDEX person_record_by_agency ON person_record (agency_id);

CREATE INDEX person_record_by_case ON person_record (case_id);

CREATE INDEX person_record_by_employer ON person_record (employer_id);

CREATE INDEX person_record_by_identity ON person_record (id_index);

CREATE INDEX person_record_by_name_birth ON person_record (name_birth_index);

CREATE INDEX person_record_by_person ON person_record (person_id);

CREATE INDEX person_record_by_report ON person_record (report_id);

CREATE TABLE referral_pool (
    referral_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    sender_agency_id UUID NOT NULL,
    PRIMARY KEY (referral_id, agency_id),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(sender_agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_referral_pool_sender_agency_id ON referral_pool (sender_agency_id);

CREATE INDEX referral_pool_by_agency ON referral_pool (agency_id, referral_id);

CREATE TABLE referral_step (
    id UUID NOT NULL,
    referral_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    step VARCHAR NOT NULL,
    from_status VARCHAR NOT NULL,
    to_status VARCHAR NOT NULL,
    reason VARCHAR,
    body BYTEA,
    deadlines JSONB NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX referral_step_by_referral ON referral_step (referral_id, taken_at);

CREATE TABLE result (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    matter_code VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    text BYTEA,
    sensitive VARCHAR,
    valid_from DATE,
    valid_to DATE,
    shared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT result_kind CHECK (kind IN ('recognition', 'decision', 'benefit', 'placement', 'mediation', 'award', 'other')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(referral_id) REFERENCES referral (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX result_by_agency ON result (agency_id);

CREATE INDEX result_by_case ON result (case_id);

CREATE INDEX result_by_referral ON result (referral_id);

CREATE TABLE sharing_basis (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    report_id UUID,
    agency_id UUID NOT NULL,
    recipient_agency_id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    reference BYTEA NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT sharing_basis_kind CHECK (kind IN ('consent', 'statutory_duty', 'emergency')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(report_id) REFERENCES report (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(recipient_agency_id) REFERENCES agency (id)
);

CREATE INDEX sharing_basis_by_agency ON sharing_basis (agency_id);

CREATE INDEX sharing_basis_by_case ON sharing_basis (case_id, recipient_agency_id);

CREATE INDEX sharing_basis_by_recipient ON sharing_basis (recipient_agency_id);

CREATE TABLE adoption (
    id UUID NOT NULL,
    case_id UUID NOT NULL,
    result_id UUID,
    report_id UUID,
    agency_id UUID NOT NULL,
    decision VARCHAR NOT NULL,
    reason BYTEA,
    adopted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT adoption_decision CHECK (decision IN ('adopted', 'partly', 'not_adopted')),
    CONSTRAINT adoption_of_one_thing CHECK (num_nonnulls(result_id, report_id) = 1),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(result_id) REFERENCES result (id),
    FOREIGN KEY(report_id) REFERENCES report (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX adoption_by_agency ON adoption (agency_id);

CREATE INDEX adoption_by_case ON adoption (case_id);

CREATE UNIQUE INDEX adoption_of_report ON adoption (report_id, agency_id) WHERE report_id IS NOT NULL;

CREATE UNIQUE INDEX adoption_of_result ON adoption (result_id, agency_id) WHERE result_id IS NOT NULL;

CREATE TABLE household_member (
    case_id UUID NOT NULL,
    person_id UUID NOT NULL,
    record_id UUID NOT NULL,
    role VARCHAR NOT NULL,
    relation VARCHAR NOT NULL,
    active BOOLEAN NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (case_id, person_id),
    CONSTRAINT household_member_role CHECK (role IN ('main', 'member')),
    FOREIGN KEY(case_id) REFERENCES "case" (id),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(record_id) REFERENCES person_record (id)
);

CREATE INDEX household_member_by_person ON household_member (person_id);

CREATE INDEX household_member_by_record ON household_member (record_id);

CREATE UNIQUE INDEX one_active_case_per_main_member ON household_member (person_id) WHERE role = 'main' AND active;

CREATE TABLE link (
    id UUID NOT NULL,
    kind VARCHAR NOT NULL,
    record_id UUID NOT NULL,
    person_id UUID NOT NULL,
    evidence JSONB NOT NULL,
    decided_by VARCHAR NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    undone_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT link_kind CHECK (kind IN ('same_person')),
    FOREIGN KEY(record_id) REFERENCES person_record (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE INDEX link_by_person ON link (person_id);

CREATE INDEX link_by_record ON link (record_id);

CREATE TABLE event_default PARTITION OF event DEFAULT;

ALTER TABLE event_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE event_default IS 'catches ids outside the months made ahead, so that nothing is lost';

CREATE TABLE audit_leaf_default PARTITION OF audit_leaf DEFAULT;

ALTER TABLE audit_leaf_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE audit_leaf_default IS 'catches ids outside the months made ahead, so that nothing is lost';

-- Policies and functions as of this revision.

-- client, client_key, client_assertion: row security, sign-in and the entrance of every transaction.

CREATE OR REPLACE FUNCTION acting_agency() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('tongli.agency', true), '')::uuid;

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Checks that the principal and its agency are alive and sets who acts, for this transaction only.
-- No row: not alive. Crosses the wall because the context it would need does not exist yet.
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

-- What the token endpoint needs to know of a client before anybody acts. No row: unknown, revoked or suspended.
CREATE OR REPLACE FUNCTION client_for_sign_in(p_client uuid)
RETURNS TABLE (agency_id uuid, scopes text[], secret_hash bytea, secret_expires_at timestamptz, keys jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.agency_id, c.scopes, c.secret_hash, c.secret_expires_at,
           coalesce((SELECT jsonb_agg(k.jwk) FROM client_key k WHERE k.client_id = c.id AND k.revoked_at IS NULL), '[]')
      FROM client c JOIN agency a ON a.id = c.agency_id
     WHERE c.id = p_client AND c.status = 'active' AND a.status = 'active'
$$;

-- True the first time a client's assertion id is used; false for a replay.
CREATE OR REPLACE FUNCTION use_assertion(p_client uuid, p_token_id text, p_expires_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH used AS (
        INSERT INTO client_assertion (client_id, token_id, expires_at) VALUES (p_client, p_token_id, p_expires_at)
        ON CONFLICT DO NOTHING RETURNING 1)
    SELECT EXISTS (SELECT FROM used)
$$;

REVOKE ALL ON FUNCTION enter(text, uuid, uuid, text, text), client_for_sign_in(uuid),
    use_assertion(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter(text, uuid, uuid, text, text), client_for_sign_in(uuid),
    use_assertion(uuid, text, timestamptz) TO tongli_app;

SET LOCAL ROLE tongli_owner;

GRANT SELECT, INSERT, UPDATE ON client, client_key TO tongli_app;
GRANT SELECT ON client, client_key TO tongli_linker;
GRANT SELECT, INSERT ON client_assertion TO tongli_linker;
GRANT SELECT, DELETE ON client_assertion TO tongli_jobs;

ALTER TABLE client ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE client_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE client_assertion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON client;
CREATE POLICY own ON client TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON client;
CREATE POLICY linker ON client FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS own ON client_key;
CREATE POLICY own ON client_key TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON client_key;
CREATE POLICY linker ON client_key FOR SELECT TO tongli_linker USING (true);

DROP POLICY IF EXISTS linker ON client_assertion;
CREATE POLICY linker ON client_assertion TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_forget ON client_assertion;
CREATE POLICY jobs_forget ON client_assertion TO tongli_jobs USING (expires_at < now());

-- staff: each agency sees and manages its own.

GRANT SELECT, INSERT, UPDATE ON staff TO tongli_app;
GRANT SELECT ON staff TO tongli_linker;
ALTER TABLE staff ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON staff;
CREATE POLICY own ON staff TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON staff;
CREATE POLICY linker ON staff FOR SELECT TO tongli_linker USING (true);

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

SET LOCAL ROLE tongli_owner;
GRANT SELECT, INSERT, UPDATE ON rate_bucket TO tongli_linker;

-- idempotency_record: answers of one agency's own requests.

GRANT SELECT, INSERT, UPDATE ON idempotency_record TO tongli_app;
GRANT SELECT, DELETE ON idempotency_record TO tongli_jobs;
ALTER TABLE idempotency_record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON idempotency_record;
CREATE POLICY own ON idempotency_record TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_forget ON idempotency_record;
CREATE POLICY jobs_forget ON idempotency_record TO tongli_jobs USING (created_at < now() - interval '14 days');

-- report: seen by the agency that filed it and by the case's coordinator; never changed.

GRANT SELECT, INSERT ON report TO tongli_app;
GRANT SELECT ON report TO tongli_linker;
ALTER TABLE report ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON report;
CREATE POLICY seen ON report FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = report.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON report;
CREATE POLICY own ON report FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON report;
CREATE POLICY linker ON report FOR SELECT TO tongli_linker USING (true);

-- person, person_record, link, household_member, employer: who is meant. Content is sealed by the application;
-- rows are seen by the agency that reported them, the case's coordinator and its receivers.

GRANT SELECT, INSERT ON person_record, link TO tongli_app;
GRANT SELECT ON household_member, employer TO tongli_app;
GRANT SELECT, INSERT ON person, person_record, link, employer TO tongli_linker;
GRANT SELECT, INSERT, UPDATE ON household_member TO tongli_linker;

ALTER TABLE person ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE person_record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE household_member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE employer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS linker ON person;
CREATE POLICY linker ON person TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON person_record;
CREATE POLICY linker ON person_record TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON link;
CREATE POLICY linker ON link TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON household_member;
CREATE POLICY linker ON household_member TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS linker ON employer;
CREATE POLICY linker ON employer TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS seen ON person_record;
CREATE POLICY seen ON person_record FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = person_record.case_id AND p.agency_id = (SELECT acting_agency())
                  AND p.role IN ('coordinator', 'receiver') AND p.until IS NULL));
DROP POLICY IF EXISTS own ON person_record;
CREATE POLICY own ON person_record FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));

-- On which field a record matched is the coordinator's business: to a reporter it would tell of a hidden record.
DROP POLICY IF EXISTS coordinated ON link;
CREATE POLICY coordinated ON link FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM person_record r JOIN "case" c ON c.id = r.case_id
     WHERE r.id = link.record_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON link;
CREATE POLICY own ON link FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM person_record r WHERE r.id = link.record_id AND r.agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS seen ON household_member;
CREATE POLICY seen ON household_member FOR SELECT TO tongli_app
    USING (EXISTS (SELECT FROM person_record r WHERE r.id = household_member.record_id));

DROP POLICY IF EXISTS seen ON employer;
CREATE POLICY seen ON employer FOR SELECT TO tongli_app USING (
    EXISTS (SELECT FROM "case" c WHERE c.employer_id = employer.id)
    OR EXISTS (SELECT FROM person_record r WHERE r.employer_id = employer.id));

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The person these identifiers already belong to; callers hold the locks of the identifiers, so that two reports of one
-- person at once meet and do not make two. Crosses the wall; tells the application an id and how it matched.
CREATE OR REPLACE FUNCTION find_person(p_id_indexes bytea[], p_name_births bytea[], p_phones bytea[])
RETURNS TABLE (person_id uuid, matched_on text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN QUERY
        SELECT r.person_id, 'identity_number' FROM person_record r
         WHERE r.id_index = ANY (p_id_indexes) ORDER BY r.created_at LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT r.person_id, 'name_birth_date_phone' FROM person_record r
         WHERE r.name_birth_index = ANY (p_name_births) AND r.phone_indexes && p_phones
           AND (r.id_index IS NULL OR cardinality(p_id_indexes) = 0)
         ORDER BY r.created_at LIMIT 1;
END
$$;

-- Creates a person. Holds nothing but an id.
CREATE OR REPLACE FUNCTION new_person(p_id uuid, p_now timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$ INSERT INTO person (id, created_at) VALUES (p_id, p_now) $$;

-- Puts the people of one report of the acting agency into the household of its case.
CREATE OR REPLACE FUNCTION add_household_member(
    p_case uuid, p_person uuid, p_record uuid, p_role text, p_relation text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM person_record r WHERE r.id = p_record AND r.agency_id = acting_agency()
                                                 AND r.case_id = p_case AND r.person_id = p_person) THEN
        RAISE EXCEPTION 'not a record of this agency in this case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO household_member (case_id, person_id, record_id, role, relation, active, joined_at)
    VALUES (p_case, p_person, p_record, p_role, p_relation, true, p_now)
    ON CONFLICT (case_id, person_id) DO NOTHING;
END
$$;

-- The employer of this credit code, or of this name where no code is known; created when new.
CREATE OR REPLACE FUNCTION employer_for(p_id uuid, p_name text, p_code text, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    found_id uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(coalesce(p_code, p_name), 2));
    IF p_code IS NOT NULL THEN
        SELECT e.id INTO found_id FROM employer e WHERE e.credit_code = p_code;
    ELSE
        SELECT e.id INTO found_id FROM employer e WHERE e.name = p_name AND e.credit_code IS NULL
         ORDER BY e.created_at LIMIT 1;
    END IF;
    IF found_id IS NULL THEN
        INSERT INTO employer (id, name, credit_code, created_at) VALUES (p_id, p_name, p_code, p_now);
        found_id := p_id;
    END IF;
    RETURN found_id;
END
$$;

REVOKE ALL ON FUNCTION find_person(bytea[], bytea[], bytea[]), new_person(uuid, timestamptz),
    add_household_member(uuid, uuid, uuid, text, text, timestamptz), employer_for(uuid, text, text, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_person(bytea[], bytea[], bytea[]), new_person(uuid, timestamptz),
    add_household_member(uuid, uuid, uuid, text, text, timestamptz), employer_for(uuid, text, text, timestamptz)
    TO tongli_app;

SET LOCAL ROLE tongli_owner;

-- sharing_basis: seen by who recorded it, the case's coordinator and the recipient.

GRANT SELECT, INSERT ON sharing_basis TO tongli_app;
ALTER TABLE sharing_basis ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON sharing_basis;
CREATE POLICY seen ON sharing_basis FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR recipient_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = sharing_basis.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON sharing_basis;
CREATE POLICY own ON sharing_basis FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = sharing_basis.case_id));

-- referral, referral_pool, referral_step: seen by sender, addressee, the case's coordinator, and, while it waits in the
-- pool, by the offices it was offered to. A draft is its sender's alone.

GRANT SELECT, INSERT, UPDATE ON referral TO tongli_app;
GRANT SELECT, INSERT ON referral_pool, referral_step TO tongli_app;
GRANT SELECT ON referral, referral_pool TO tongli_linker;
GRANT UPDATE (status, outcome, ended_at, next_due, updated_at, version) ON referral TO tongli_linker;
GRANT SELECT (id, case_id, person_id, matter_code, need, sender_agency_id, coordinator_agency_id, to_agency_id, pooled,
              joint, status, urgency, place, part_of, requested_at, received_at, clock_stopped_at, acknowledge_by,
              accept_by, resolve_by, due_confirmed, next_due, overdue, version, return_count, extended, outcome)
    ON referral TO tongli_jobs;
GRANT UPDATE (status, outcome, ended_at, acknowledge_by, accept_by, resolve_by, due_confirmed, next_due, overdue,
              updated_at, version) ON referral TO tongli_jobs;
GRANT SELECT ON referral_pool TO tongli_jobs;
GRANT INSERT, SELECT (referral_id, step, reason, taken_at) ON referral_step TO tongli_jobs;

ALTER TABLE referral ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE referral_pool ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE referral_step ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS party ON referral;
CREATE POLICY party ON referral FOR SELECT TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))));
DROP POLICY IF EXISTS party_update ON referral;
CREATE POLICY party_update ON referral FOR UPDATE TO tongli_app USING (
    sender_agency_id = (SELECT acting_agency())
    OR (status <> 'draft' AND (to_agency_id = (SELECT acting_agency())
                               OR coordinator_agency_id = (SELECT acting_agency())))
    OR (pooled AND to_agency_id IS NULL AND status = 'requested' AND EXISTS (
        SELECT FROM referral_pool o WHERE o.referral_id = referral.id AND o.agency_id = (SELECT acting_agency()))))
    WITH CHECK (
    sender_agency_id = (SELECT acting_agency()) OR to_agency_id = (SELECT acting_agency())
    OR coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS sent ON referral;
CREATE POLICY sent ON referral FOR INSERT TO tongli_app WITH CHECK (
    sender_agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = referral.case_id));
DROP POLICY IF EXISTS linker ON referral;
CREATE POLICY linker ON referral FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS linker_joint ON referral;
CREATE POLICY linker_joint ON referral FOR UPDATE TO tongli_linker USING (joint) WITH CHECK (joint);
DROP POLICY IF EXISTS jobs_clocks ON referral;
CREATE POLICY jobs_clocks ON referral TO tongli_jobs USING (status NOT IN ('draft')) WITH CHECK (true);

-- referral_pool has no sub-select on referral: referral's own policy reads it, and two policies may not read each other.
DROP POLICY IF EXISTS offered ON referral_pool;
CREATE POLICY offered ON referral_pool FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS offer ON referral_pool;
CREATE POLICY offer ON referral_pool FOR INSERT TO tongli_app WITH CHECK (sender_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON referral_pool;
CREATE POLICY linker ON referral_pool FOR SELECT TO tongli_linker USING (true);
DROP POLICY IF EXISTS jobs_audience ON referral_pool;
CREATE POLICY jobs_audience ON referral_pool FOR SELECT TO tongli_jobs USING (true);

DROP POLICY IF EXISTS party ON referral_step;
CREATE POLICY party ON referral_step FOR SELECT TO tongli_app
    USING (EXISTS (SELECT FROM referral r WHERE r.id = referral_step.referral_id));
DROP POLICY IF EXISTS taken ON referral_step;
CREATE POLICY taken ON referral_step FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM referral r WHERE r.id = referral_step.referral_id));
DROP POLICY IF EXISTS jobs_clocks ON referral_step;
CREATE POLICY jobs_clocks ON referral_step FOR INSERT TO tongli_jobs WITH CHECK (step IN ('expire', 'recalculate'));
DROP POLICY IF EXISTS jobs_recalculation ON referral_step;
CREATE POLICY jobs_recalculation ON referral_step FOR SELECT TO tongli_jobs USING (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- Carries a referral's new state into its case: whose the need is now, a task for the coordinator where it came back,
-- the end of a receiver's part that has no work left, and the case's own date and version. Not granted to anybody.
CREATE OR REPLACE FUNCTION carry_into_case(
    r referral, p_task uuid, p_task_kind text, p_now timestamptz, OUT case_version integer, OUT receiver_left boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    holder uuid;
    state text;
BEGIN
    SELECT o.to_agency_id, 'in_progress' INTO holder, state FROM referral o
     WHERE o.case_id = r.case_id AND o.need = r.need AND o.to_agency_id IS NOT NULL
       AND o.status IN ('accepted', 'in_progress', 'on_hold') ORDER BY o.accepted_at LIMIT 1;
    IF holder IS NULL THEN
        SELECT coalesce(o.to_agency_id, o.coordinator_agency_id), 'referred' INTO holder, state FROM referral o
         WHERE o.case_id = r.case_id AND o.need = r.need AND o.status IN ('requested', 'returned')
         ORDER BY o.requested_at LIMIT 1;
    END IF;
    IF holder IS NULL AND r.status = 'completed' THEN
        holder := coalesce(r.to_agency_id, r.coordinator_agency_id);
        state := r.outcome;
    END IF;
    INSERT INTO case_need (case_id, need, status, agency_id, referral_id, updated_at)
    VALUES (r.case_id, r.need, coalesce(state, 'open'), coalesce(holder, r.coordinator_agency_id), r.id, p_now)
    ON CONFLICT (case_id, need) DO UPDATE SET status = EXCLUDED.status, agency_id = EXCLUDED.agency_id,
        referral_id = EXCLUDED.referral_id, updated_at = EXCLUDED.updated_at;
    IF p_task_kind IS NOT NULL THEN
        INSERT INTO case_task (id, case_id, agency_id, kind, status, referral_id, need, created_at)
        VALUES (p_task, r.case_id, r.coordinator_agency_id, p_task_kind, 'open', r.id, r.need, p_now);
    END IF;
    receiver_left := false;
    IF r.to_agency_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM referral o WHERE o.case_id = r.case_id AND o.to_agency_id = r.to_agency_id
           AND o.status IN ('accepted', 'in_progress', 'on_hold', 'completed')) THEN
        UPDATE participant SET until = clock_timestamp(), listed = false
         WHERE case_id = r.case_id AND agency_id = r.to_agency_id AND role = 'receiver' AND until IS NULL;
        receiver_left := FOUND;
        UPDATE participant SET listed = true WHERE receiver_left AND id = (
            SELECT id FROM participant WHERE case_id = r.case_id AND agency_id = r.to_agency_id AND until IS NULL
               AND NOT EXISTS (SELECT FROM participant q WHERE q.case_id = r.case_id AND q.agency_id = r.to_agency_id
                                                           AND q.until IS NULL AND q.listed)
             ORDER BY since LIMIT 1);
    END IF;
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = r.case_id RETURNING version INTO case_version;
END
$$;

-- The same for a party of the referral, and for the clock.
CREATE OR REPLACE FUNCTION note_referral(
    p_referral uuid, p_task uuid, p_task_kind text, p_now timestamptz,
    OUT case_version integer, OUT receiver_left boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    r referral;
BEGIN
    SELECT * INTO r FROM referral WHERE id = p_referral;
    IF (session_user = 'tongli_jobs'
        OR acting_agency() IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)) IS NOT TRUE THEN
        RAISE EXCEPTION 'not a party of the referral' USING ERRCODE = 'TL002';
    END IF;
    SELECT c.case_version, c.receiver_left INTO case_version, receiver_left
      FROM carry_into_case(r, p_task, p_task_kind, p_now) c;
END
$$;

-- Status and outcome of a joint referral's children, for a party of one of them: who ends the last one sees the others
-- no more than this.
CREATE OR REPLACE FUNCTION children_of_joint(p_parent uuid) RETURNS TABLE (status text, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT o.status, o.outcome FROM referral o WHERE o.part_of = p_parent AND EXISTS (
        SELECT FROM referral mine WHERE mine.part_of = p_parent
           AND acting_agency() IN (mine.sender_agency_id, mine.to_agency_id, mine.coordinator_agency_id))
$$;

-- Completes a joint referral under way whose children have all ended, for a party of one of them; no row otherwise.
CREATE OR REPLACE FUNCTION complete_joint(p_parent uuid, p_outcome text, p_now timestamptz)
RETURNS TABLE (referral_version integer, coordinator uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    r referral;
BEGIN
    IF NOT EXISTS (SELECT FROM children_of_joint(p_parent)) OR EXISTS (
        SELECT FROM children_of_joint(p_parent) c
         WHERE c.status IN ('draft', 'requested', 'returned', 'accepted', 'in_progress', 'on_hold')) THEN
        RETURN;
    END IF;
    UPDATE referral SET status = 'completed', outcome = p_outcome, ended_at = p_now, next_due = NULL,
                        updated_at = p_now, version = version + 1
     WHERE id = p_parent AND joint AND status = 'in_progress' RETURNING * INTO r;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM carry_into_case(r, NULL, NULL, p_now);
    referral_version := r.version;
    coordinator := r.coordinator_agency_id;
    RETURN NEXT;
END
$$;

-- Whether an open referral of this person and matter exists that the acting agency may not see.
-- The answer goes to the coordinator as a task, never to the sender: a 409 would betray the hidden one.
CREATE OR REPLACE FUNCTION hidden_duplicate_exists(p_referral uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT EXISTS (
        SELECT FROM referral mine JOIN referral o ON o.person_id = mine.person_id AND o.matter_code = mine.matter_code
         WHERE mine.id = p_referral AND mine.sender_agency_id = acting_agency() AND o.id <> mine.id
           AND o.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')
           AND o.id IS DISTINCT FROM mine.part_of AND o.part_of IS DISTINCT FROM mine.id
           AND (mine.part_of IS NULL OR o.part_of IS DISTINCT FROM mine.part_of)
           AND acting_agency() NOT IN (o.sender_agency_id, coalesce(o.to_agency_id, o.sender_agency_id),
                                       o.coordinator_agency_id))
$$;

-- The offices a pooled referral was offered to, for a party of it: all must learn that it is taken.
CREATE OR REPLACE FUNCTION offices_offered(p_referral uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT o.agency_id FROM referral_pool o JOIN referral r ON r.id = o.referral_id
     WHERE o.referral_id = p_referral
       AND acting_agency() IN (r.sender_agency_id, r.to_agency_id, r.coordinator_agency_id)
$$;

REVOKE ALL ON FUNCTION offices_offered(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offices_offered(uuid) TO tongli_app;
REVOKE ALL ON FUNCTION carry_into_case(referral, uuid, text, timestamptz), children_of_joint(uuid),
    complete_joint(uuid, text, timestamptz), note_referral(uuid, uuid, text, timestamptz), hidden_duplicate_exists(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_referral(uuid, uuid, text, timestamptz) TO tongli_app, tongli_jobs;
GRANT EXECUTE ON FUNCTION children_of_joint(uuid), complete_joint(uuid, text, timestamptz),
    hidden_duplicate_exists(uuid) TO tongli_app;

SET LOCAL ROLE tongli_owner;

-- case, participant, case_need, case_task: the need-to-know wall. Participants are the only source of row access;
-- the application cannot write them itself, it asks these functions, which check what the acting agency may do.

GRANT SELECT, UPDATE ON "case" TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON case_need TO tongli_app;
GRANT SELECT ON participant TO tongli_app;
GRANT SELECT, UPDATE ON case_task TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON "case", participant, case_need, case_task TO tongli_linker;
GRANT SELECT (id, case_id, agency_id, role, since, until) ON participant TO tongli_jobs;

ALTER TABLE "case" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE participant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE case_need ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE case_task ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The cheap column first: a plain EXISTS makes the planner hash all rows of the agency on every list.
DROP POLICY IF EXISTS seen ON "case";
CREATE POLICY seen ON "case" FOR SELECT TO tongli_app USING (
    coordinator_agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM participant p
                WHERE p.case_id = "case".id AND p.agency_id = (SELECT acting_agency()) AND p.until IS NULL));
DROP POLICY IF EXISTS coordinated ON "case";
CREATE POLICY coordinated ON "case" FOR UPDATE TO tongli_app
    USING (coordinator_agency_id = (SELECT acting_agency()))
    WITH CHECK (coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON "case";
CREATE POLICY linker ON "case" TO tongli_linker USING (true) WITH CHECK (true);

-- Everybody sees its own part and who coordinates; the coordinator sees all parts. Copied column: no recursion.
DROP POLICY IF EXISTS seen ON participant;
CREATE POLICY seen ON participant FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR coordinator_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON participant;
CREATE POLICY linker ON participant TO tongli_linker USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS jobs_audience ON participant;
CREATE POLICY jobs_audience ON participant FOR SELECT TO tongli_jobs USING (true);

-- Which office handles which need is the coordinator's and the reporters' business.
DROP POLICY IF EXISTS seen ON case_need;
CREATE POLICY seen ON case_need FOR SELECT TO tongli_app USING (EXISTS (
    SELECT FROM participant p WHERE p.case_id = case_need.case_id AND p.agency_id = (SELECT acting_agency())
                                AND p.role IN ('coordinator', 'reporter') AND p.until IS NULL));
DROP POLICY IF EXISTS coordinated_insert ON case_need;
CREATE POLICY coordinated_insert ON case_need FOR INSERT TO tongli_app WITH CHECK (EXISTS (
    SELECT FROM "case" c WHERE c.id = case_need.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS coordinated_update ON case_need;
CREATE POLICY coordinated_update ON case_need FOR UPDATE TO tongli_app USING (EXISTS (
    SELECT FROM "case" c WHERE c.id = case_need.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS linker ON case_need;
CREATE POLICY linker ON case_need TO tongli_linker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON case_task;
CREATE POLICY own ON case_task TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS linker ON case_task;
CREATE POLICY linker ON case_task TO tongli_linker USING (true) WITH CHECK (true);

-- Functions of the linker role: it alone crosses the wall, in these ways.
SET LOCAL ROLE tongli_linker;

-- The participants' copies follow their case.
CREATE OR REPLACE FUNCTION copy_case_to_participants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE participant SET case_updated_at = NEW.updated_at, case_status = NEW.status,
                           coordinator_agency_id = NEW.coordinator_agency_id
     WHERE case_id = NEW.id AND until IS NULL;
    IF (NEW.status = 'closed') <> (OLD.status = 'closed') THEN
        UPDATE household_member SET active = NEW.status <> 'closed' WHERE case_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

-- The active case a person belongs to, as main member first. Crosses the wall: linking must find hidden cases.
CREATE OR REPLACE FUNCTION active_case_of(p_person uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT m.case_id FROM household_member m
     WHERE m.person_id = p_person AND m.active ORDER BY m.role, m.joined_at LIMIT 1
$$;

-- The active employer case of an employer, or null. A bare name opens a case of the same place only: anybody may guess it.
CREATE OR REPLACE FUNCTION active_case_of_employer(p_employer uuid, p_division text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT c.id FROM "case" c JOIN employer e ON e.id = c.employer_id
     WHERE c.employer_id = p_employer AND c.kind = 'employer' AND c.status <> 'closed'
       AND (e.credit_code IS NOT NULL OR c.division_code = p_division) ORDER BY c.opened_at LIMIT 1
$$;

-- Opens a case under the union that coordinates it, whoever reported.
CREATE OR REPLACE FUNCTION open_case(
    p_id uuid, p_participant uuid, p_number text, p_kind text, p_coordinator uuid, p_division text, p_employer uuid,
    p_birth_date date, p_cause text, p_causes text[], p_urgency text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM agency WHERE id = p_coordinator AND kind = 'union' AND status = 'active') THEN
        RAISE EXCEPTION 'a case is coordinated by an active union' USING ERRCODE = 'TL001';
    END IF;
    INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, employer_id, main_birth_date,
                        cause_primary, causes_secondary, difficulty_class, urgency, opened_at, updated_at, version)
    VALUES (p_id, p_number, p_kind, 'reported', p_coordinator, p_division, p_employer, p_birth_date, p_cause, p_causes,
            NULL, p_urgency, p_now, p_now, 1);
    INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                             case_updated_at)
    VALUES (p_participant, p_id, p_coordinator, 'coordinator', clock_timestamp(), true, p_coordinator, 'reported', p_now);
END
$$;

-- Lets an agency join a case: the reporter of a report in it, the receiver of an accepted referral in it, or whom the
-- coordinator invites to observe. False where it stands there already.
CREATE OR REPLACE FUNCTION join_case(p_id uuid, p_case uuid, p_agency uuid, p_role text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    entitled boolean;
    joined boolean;
BEGIN
    entitled := CASE p_role
        WHEN 'reporter' THEN p_agency = acting_agency() AND EXISTS (
            SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = p_agency)
        WHEN 'receiver' THEN p_agency = acting_agency() AND EXISTS (
            SELECT FROM referral r WHERE r.case_id = p_case AND r.to_agency_id = p_agency AND r.accepted_at IS NOT NULL)
        WHEN 'observer' THEN EXISTS (
            SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())
        ELSE false END;
    IF entitled IS NOT TRUE THEN
        RAISE EXCEPTION 'not entitled to join' USING ERRCODE = 'TL002';
    END IF;
    WITH added AS (
        INSERT INTO participant (id, case_id, agency_id, role, since, listed, coordinator_agency_id, case_status,
                                 case_updated_at)
        SELECT p_id, c.id, p_agency, p_role, clock_timestamp(),
               NOT EXISTS (SELECT FROM participant q WHERE q.case_id = c.id AND q.agency_id = p_agency
                                                       AND q.until IS NULL AND q.listed),
               c.coordinator_agency_id, c.status, c.updated_at
          FROM "case" c WHERE c.id = p_case
        ON CONFLICT (case_id, agency_id, role) WHERE until IS NULL DO NOTHING RETURNING 1)
    SELECT EXISTS (SELECT FROM added) INTO joined;
    RETURN joined;
END
$$;

-- Ends a part: the coordinator ends an observer's, anybody but the coordinator ends its own. A receiver's part ends with
-- its work (note_referral).
CREATE OR REPLACE FUNCTION leave_case(p_case uuid, p_agency uuid, p_role text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    entitled boolean;
    left_now boolean;
BEGIN
    entitled := p_role <> 'coordinator' AND (p_agency = acting_agency() OR (p_role = 'observer' AND EXISTS (
        SELECT FROM "case" c WHERE c.id = p_case AND c.coordinator_agency_id = acting_agency())));
    IF entitled IS NOT TRUE THEN
        RAISE EXCEPTION 'not entitled to end this part' USING ERRCODE = 'TL002';
    END IF;
    UPDATE participant SET until = clock_timestamp(), listed = false
     WHERE case_id = p_case AND agency_id = p_agency AND role = p_role AND until IS NULL;
    left_now := FOUND;
    UPDATE participant SET listed = true WHERE id = (
        SELECT id FROM participant WHERE case_id = p_case AND agency_id = p_agency AND until IS NULL
           AND NOT EXISTS (SELECT FROM participant q WHERE q.case_id = p_case AND q.agency_id = p_agency
                                                       AND q.until IS NULL AND q.listed) LIMIT 1);
    RETURN left_now;
END
$$;

-- What a report brings to a case it joins: needs that were not there yet, and the later date. The reporter must have a
-- report in it. Returns the case's new version.
CREATE OR REPLACE FUNCTION add_report_to_case(p_case uuid, p_needs text[], p_now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    new_version integer;
BEGIN
    IF NOT EXISTS (SELECT FROM report r WHERE r.case_id = p_case AND r.agency_id = acting_agency()) THEN
        RAISE EXCEPTION 'no report of this agency in the case' USING ERRCODE = 'TL002';
    END IF;
    INSERT INTO case_need (case_id, need, status, agency_id, updated_at)
    SELECT c.id, n, 'open', c.coordinator_agency_id, p_now FROM "case" c, unnest(p_needs) n WHERE c.id = p_case
    ON CONFLICT (case_id, need) DO NOTHING;
    UPDATE "case" SET updated_at = p_now, version = version + 1 WHERE id = p_case RETURNING version INTO new_version;
    RETURN new_version;
END
$$;

REVOKE ALL ON FUNCTION copy_case_to_participants(), active_case_of(uuid), active_case_of_employer(uuid, text),
    open_case(uuid, uuid, text, text, uuid, text, uuid, date, text, text[], text, timestamptz),
    join_case(uuid, uuid, uuid, text), leave_case(uuid, uuid, text), add_report_to_case(uuid, text[], timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION active_case_of(uuid), active_case_of_employer(uuid, text),
    open_case(uuid, uuid, text, text, uuid, text, uuid, date, text, text[], text, timestamptz),
    join_case(uuid, uuid, uuid, text), leave_case(uuid, uuid, text), add_report_to_case(uuid, text[], timestamptz)
    TO tongli_app;
GRANT EXECUTE ON FUNCTION copy_case_to_participants() TO tongli_owner;

SET LOCAL ROLE tongli_owner;

CREATE OR REPLACE TRIGGER case_copied AFTER UPDATE ON "case"
    FOR EACH ROW EXECUTE FUNCTION copy_case_to_participants();

-- result, adoption, assistance: a result is seen by every live participant of its case; assistance by who gave it and
-- the coordinator; an adoption by who adopted, who decided or reported, and the coordinator.

GRANT SELECT, INSERT ON result, adoption, assistance TO tongli_app;
ALTER TABLE result ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE adoption ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE assistance ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS shared ON result;
CREATE POLICY shared ON result FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR EXISTS (SELECT FROM "case" c WHERE c.id = result.case_id));
-- Only the office that holds the referral writes its result: a union never writes another agency's decision.
DROP POLICY IF EXISTS decided ON result;
CREATE POLICY decided ON result FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (
        SELECT FROM referral r WHERE r.id = result.referral_id AND r.to_agency_id = (SELECT acting_agency())));

DROP POLICY IF EXISTS seen ON adoption;
CREATE POLICY seen ON adoption FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = adoption.case_id AND c.coordinator_agency_id = (SELECT acting_agency()))
    OR EXISTS (SELECT FROM result r WHERE r.id = adoption.result_id AND r.agency_id = (SELECT acting_agency()))
    OR EXISTS (SELECT FROM report r WHERE r.id = adoption.report_id AND r.agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON adoption;
CREATE POLICY own ON adoption FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = adoption.case_id));

DROP POLICY IF EXISTS seen ON assistance;
CREATE POLICY seen ON assistance FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency())
    OR EXISTS (SELECT FROM "case" c
                WHERE c.id = assistance.case_id AND c.coordinator_agency_id = (SELECT acting_agency())));
DROP POLICY IF EXISTS own ON assistance;
CREATE POLICY own ON assistance FOR INSERT TO tongli_app WITH CHECK (
    agency_id = (SELECT acting_agency()) AND EXISTS (SELECT FROM "case" c WHERE c.id = assistance.case_id));

-- event, feed_entry, feed_head: facts are written by who acted; the sequencer numbers them; each agency reads its feed.

GRANT SELECT, INSERT ON event TO tongli_app;
GRANT SELECT, INSERT ON event TO tongli_jobs;
GRANT UPDATE (numbered_at) ON event TO tongli_jobs;
GRANT SELECT ON feed_entry TO tongli_app;
GRANT SELECT, INSERT, DELETE ON feed_entry TO tongli_jobs;
GRANT SELECT ON feed_head TO tongli_app;
GRANT SELECT, INSERT, UPDATE ON feed_head TO tongli_jobs;

ALTER TABLE event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE feed_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE feed_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS seen ON event;
CREATE POLICY seen ON event FOR SELECT TO tongli_app USING (
    actor_agency_id = (SELECT acting_agency()) OR EXISTS (SELECT FROM "case" c WHERE c.id = event.case_id));
DROP POLICY IF EXISTS acted ON event;
CREATE POLICY acted ON event FOR INSERT TO tongli_app WITH CHECK (actor_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON event;
CREATE POLICY jobs_numbering ON event TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON feed_entry;
CREATE POLICY own ON feed_entry FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON feed_entry;
CREATE POLICY jobs_numbering ON feed_entry TO tongli_jobs USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON feed_head;
CREATE POLICY own ON feed_head FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_numbering ON feed_head;
CREATE POLICY jobs_numbering ON feed_head TO tongli_jobs USING (true) WITH CHECK (true);

-- webhook_endpoint, delivery, delivery_attempt: each agency sees its own; the jobs deliver.

GRANT SELECT, INSERT, UPDATE ON webhook_endpoint TO tongli_app;
GRANT SELECT, INSERT ON delivery TO tongli_app;
GRANT UPDATE (status, due_at, attempts, replay, finished_at, lease_token, leased_until) ON delivery TO tongli_app;
GRANT SELECT ON delivery_attempt TO tongli_app;
GRANT SELECT ON webhook_endpoint TO tongli_jobs;
GRANT UPDATE (status, status_reason, challenge, activated_at, failing_since, not_before, version)
    ON webhook_endpoint TO tongli_jobs;
GRANT SELECT, INSERT, UPDATE ON delivery TO tongli_jobs;
GRANT SELECT, INSERT ON delivery_attempt TO tongli_jobs;

ALTER TABLE webhook_endpoint ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery_attempt ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON webhook_endpoint;
CREATE POLICY own ON webhook_endpoint TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON webhook_endpoint;
CREATE POLICY jobs_delivery ON webhook_endpoint TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON delivery;
CREATE POLICY own ON delivery TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON delivery;
CREATE POLICY jobs_delivery ON delivery TO tongli_jobs USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS own ON delivery_attempt;
CREATE POLICY own ON delivery_attempt FOR SELECT TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_delivery ON delivery_attempt;
CREATE POLICY jobs_delivery ON delivery_attempt TO tongli_jobs USING (true) WITH CHECK (true);

-- audit_leaf: written by everybody who acts, read by nobody through the application yet, changed by nobody.
-- Partitions of event and audit_leaf: months are made ahead; no grants on partitions, since reading one directly would
-- bypass the parent's policy.

GRANT INSERT ON audit_leaf TO tongli_app, tongli_jobs;
ALTER TABLE audit_leaf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS acted ON audit_leaf;
CREATE POLICY acted ON audit_leaf FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_acted ON audit_leaf;
CREATE POLICY jobs_acted ON audit_leaf FOR INSERT TO tongli_jobs WITH CHECK (principal_kind = 'system');

-- The least UUIDv7 of a moment.
CREATE OR REPLACE FUNCTION first_id_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (rpad(lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0'))::uuid;

-- Makes the monthly partitions from this month to `p_months` ahead. Owned by tongli_owner: only an owner may.
CREATE OR REPLACE FUNCTION make_partitions(p_months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    made integer := 0;
    parent text;
    child text;
    starts timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(7461001);
    FOREACH parent IN ARRAY ARRAY['event', 'audit_leaf'] LOOP
        FOR i IN 0..p_months LOOP
            starts := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => i);
            child := parent || '_' || to_char(starts AT TIME ZONE 'UTC', 'YYYYMM');
            IF to_regclass(quote_ident(child)) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                    first_id_at(starts),
                    first_id_at((starts AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', child);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION make_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions(integer) TO tongli_jobs;

SELECT make_partitions(3);
