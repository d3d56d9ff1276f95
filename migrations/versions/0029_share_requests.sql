-- Data sharing: a catalogue, and requests under the clocks of the regulation.

CREATE TABLE catalogue_item (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    name VARCHAR NOT NULL,
    items TEXT[] NOT NULL,
    format VARCHAR NOT NULL,
    update_frequency VARCHAR NOT NULL,
    share_type VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    conditions VARCHAR,
    legal_citation VARCHAR,
    classification VARCHAR NOT NULL,
    approved_by VARCHAR NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT catalogue_item_share_type CHECK (share_type IN ('unconditional', 'conditional', 'not_shared')),
    CONSTRAINT catalogue_item_mode CHECK (mode IN ('api', 'batch', 'file')),
    CONSTRAINT catalogue_item_conditions CHECK ((share_type = 'conditional') = (conditions IS NOT NULL)),
    CONSTRAINT catalogue_item_citation CHECK ((share_type = 'not_shared') = (legal_citation IS NOT NULL)),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);
CREATE INDEX catalogue_item_by_agency ON catalogue_item (agency_id, id);

CREATE TABLE share_request (
    id UUID NOT NULL,
    catalogue_item_id UUID NOT NULL,
    item_version INTEGER NOT NULL,
    item JSONB NOT NULL,
    share_type VARCHAR NOT NULL,
    agency_id UUID NOT NULL,
    provider_agency_id UUID NOT NULL,
    basis_kind VARCHAR NOT NULL,
    basis_reference VARCHAR NOT NULL,
    consents INTEGER NOT NULL,
    persons INTEGER NOT NULL,
    scene VARCHAR NOT NULL,
    scope TEXT[] NOT NULL,
    mode VARCHAR NOT NULL,
    until DATE NOT NULL,
    approved_by VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    supplemented BOOLEAN NOT NULL,
    extended BOOLEAN NOT NULL,
    missing TEXT[] NOT NULL,
    refusal VARCHAR,
    dispute VARCHAR,
    steps JSONB NOT NULL,
    delivered INTEGER,
    sha256 VARCHAR,
    wrong INTEGER,
    certificate VARCHAR,
    counted_from TIMESTAMP WITH TIME ZONE,
    counted_days INTEGER,
    due_at TIMESTAMP WITH TIME ZONE,
    due_confirmed BOOLEAN NOT NULL,
    paused_at TIMESTAMP WITH TIME ZONE,
    overdue_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT share_request_status CHECK (status IN ('requested', 'supplement_asked', 'agreed', 'refused', 'delivered', 'correcting', 'disposed', 'withdrawn')),
    CONSTRAINT share_request_share_type CHECK (share_type IN ('unconditional', 'conditional', 'not_shared')),
    CONSTRAINT share_request_basis CHECK (basis_kind IN ('consent', 'statutory_duty', 'emergency')),
    CONSTRAINT share_request_mode CHECK (mode IN ('api', 'batch', 'file')),
    CONSTRAINT share_request_refusal CHECK (refusal IN ('not_held', 'purpose_outside_conditions', 'scope_too_wide', 'not_shared_by_law', 'no_duty_of_asker')),
    CONSTRAINT share_request_dispute CHECK (dispute IN ('talk', 'authority', 'government')),
    CONSTRAINT share_request_to_another CHECK (agency_id <> provider_agency_id),
    CONSTRAINT share_request_disposed CHECK ((status = 'disposed') = (certificate IS NOT NULL)),
    CONSTRAINT share_request_clock CHECK ((status IN ('requested', 'supplement_asked', 'agreed', 'correcting')) = (due_at IS NOT NULL)),
    CONSTRAINT share_request_paused CHECK ((status = 'supplement_asked') = (paused_at IS NOT NULL)),
    CONSTRAINT share_request_counted CHECK ((due_at IS NULL) = (counted_from IS NULL) AND (due_at IS NULL) = (counted_days IS NULL)),
    FOREIGN KEY(catalogue_item_id) REFERENCES catalogue_item (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(provider_agency_id) REFERENCES agency (id)
);
CREATE INDEX share_request_by_asker ON share_request (agency_id, updated_at, id);
CREATE INDEX share_request_by_item ON share_request (catalogue_item_id);
CREATE INDEX share_request_by_provider ON share_request (provider_agency_id, updated_at, id);
CREATE INDEX share_request_due ON share_request (due_at) WHERE due_at IS NOT NULL AND paused_at IS NULL AND overdue_at IS NULL;
CREATE INDEX share_request_provisional ON share_request (id) WHERE due_at IS NOT NULL AND NOT due_confirmed;

-- catalogue_item: read by everybody, kept by whose data it is. share_request: seen and moved by its two sides.

GRANT SELECT, INSERT ON catalogue_item, share_request TO tongli_app;
GRANT UPDATE (name, items, format, update_frequency, share_type, mode, conditions, legal_citation, classification,
              approved_by, retired_at, updated_at, version) ON catalogue_item TO tongli_app;
GRANT UPDATE (status, consents, supplemented, extended, missing, refusal, dispute, steps, delivered, sha256, wrong,
              certificate, counted_from, counted_days, due_at, due_confirmed, paused_at, overdue_at, updated_at, version) ON share_request TO tongli_app;
GRANT SELECT (id, agency_id, provider_agency_id, status, counted_from, counted_days, due_at, due_confirmed, paused_at,
              overdue_at, version),
      UPDATE (due_at, due_confirmed, overdue_at, updated_at, version) ON share_request TO tongli_jobs;

ALTER TABLE catalogue_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE share_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS everybody ON catalogue_item;
CREATE POLICY everybody ON catalogue_item FOR SELECT TO tongli_app USING (true);
DROP POLICY IF EXISTS own_insert ON catalogue_item;
CREATE POLICY own_insert ON catalogue_item FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own_update ON catalogue_item;
CREATE POLICY own_update ON catalogue_item FOR UPDATE TO tongli_app USING (agency_id = (SELECT acting_agency()));

DROP POLICY IF EXISTS side ON share_request;
CREATE POLICY side ON share_request FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR provider_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS asked ON share_request;
CREATE POLICY asked ON share_request FOR INSERT TO tongli_app WITH CHECK (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS moved ON share_request;
CREATE POLICY moved ON share_request FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR provider_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON share_request;
CREATE POLICY jobs_clocks ON share_request TO tongli_jobs USING (true) WITH CHECK (true);
