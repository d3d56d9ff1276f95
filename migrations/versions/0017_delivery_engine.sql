-- Breakers, notices and order of endpoints; replays; what claims of many deliveries need.

ALTER TABLE webhook_endpoint
    ADD COLUMN ordering VARCHAR NOT NULL DEFAULT 'subject',
    ADD COLUMN consecutive_failures INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN failed_probes INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN next_probe_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN notices INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN host VARCHAR GENERATED ALWAYS AS (split_part(url, '/', 3)) STORED,
    ADD CONSTRAINT webhook_endpoint_ordering CHECK (ordering IN ('subject', 'none'));

CREATE TABLE webhook_replay (
    id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    selection VARCHAR NOT NULL,
    event_ids UUID[] NOT NULL,
    types TEXT[] NOT NULL,
    since TIMESTAMP WITH TIME ZONE,
    before TIMESTAMP WITH TIME ZONE,
    state VARCHAR NOT NULL,
    looked_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    matched INTEGER,
    queued INTEGER NOT NULL,
    succeeded INTEGER,
    failed INTEGER,
    next_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT webhook_replay_selection CHECK (selection IN ('events', 'sequences', 'times', 'types', 'failed')),
    CONSTRAINT webhook_replay_state CHECK (state IN ('waiting', 'running', 'finished', 'cancelled')),
    FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX webhook_replay_by_endpoint ON webhook_replay (endpoint_id, id);
CREATE INDEX webhook_replay_by_agency ON webhook_replay (agency_id);
CREATE INDEX webhook_replay_due ON webhook_replay (next_at) WHERE next_at IS NOT NULL;

ALTER TABLE delivery ADD COLUMN replay_id UUID, ADD FOREIGN KEY(replay_id) REFERENCES webhook_replay (id);
DROP INDEX delivery_leased;
CREATE INDEX delivery_leased ON delivery (endpoint_id, leased_until) WHERE lease_token IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (endpoint_id, sequence) WHERE status = 'dead';
CREATE INDEX delivery_dead_by_agency ON delivery (agency_id, id) WHERE status = 'dead';
CREATE UNIQUE INDEX delivery_once_a_replay ON delivery (replay_id, sequence) WHERE replay_id IS NOT NULL;
CREATE INDEX delivery_of_replay ON delivery (replay_id, status) WHERE replay_id IS NOT NULL;
CREATE INDEX feed_entry_by_event ON feed_entry (agency_id, event_id);

-- Each delivery is rewritten two or three times within seconds, and what it leaves behind stands at the head of its queue.
ALTER TABLE delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

GRANT UPDATE (failing_since, consecutive_failures, failed_probes, next_probe_at, notices, not_before)
    ON webhook_endpoint TO tongli_jobs;
GRANT SELECT, INSERT ON webhook_replay TO tongli_app;
GRANT UPDATE (state, next_at, finished_at) ON webhook_replay TO tongli_app;
GRANT SELECT, UPDATE, DELETE ON webhook_replay TO tongli_jobs;

ALTER TABLE webhook_replay ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook_replay TO tongli_app
    USING (agency_id = (SELECT acting_agency())) WITH CHECK (agency_id = (SELECT acting_agency()));
CREATE POLICY jobs_delivery ON webhook_replay TO tongli_jobs USING (true) WITH CHECK (true);
