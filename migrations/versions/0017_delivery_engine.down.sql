-- What stood before revision 0017. What a replay had queued stays as deliveries.

ALTER TABLE delivery RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay);
DROP INDEX feed_entry_by_event, delivery_dead, delivery_dead_by_agency, delivery_leased;
CREATE INDEX delivery_leased ON delivery (endpoint_id) WHERE lease_token IS NOT NULL;
ALTER TABLE delivery DROP COLUMN replay_id;
DROP TABLE webhook_replay;
ALTER TABLE webhook_endpoint
    DROP CONSTRAINT webhook_endpoint_ordering,
    DROP COLUMN host,
    DROP COLUMN notices,
    DROP COLUMN next_probe_at,
    DROP COLUMN failed_probes,
    DROP COLUMN consecutive_failures,
    DROP COLUMN ordering;
