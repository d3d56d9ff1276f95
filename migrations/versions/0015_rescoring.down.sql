-- What stood before revision 0015. Tasks about doubtful links are not kept.

DROP TRIGGER link_withdrawn ON link;
DROP TRIGGER link_forgotten ON link;
DROP TRIGGER record_moved ON person_record;
SET LOCAL ROLE tongli_linker;
DROP FUNCTION records_to_rescore(text, bigint, integer, timestamptz),
    candidates_to_rescore(jsonb, integer, integer, boolean), persons_to_rescore(uuid[]), links_to_rescore(uuid[]),
    pairs_in_review(uuid[], text), keep_rescored(jsonb, text, jsonb, jsonb, timestamptz), close_doubtful_link(),
    move_doubtful_links(), assertions_to_replay(), records_to_replay(), settle_replayed(uuid[], timestamptz);
REVOKE EXECUTE ON FUNCTION link_counts(bigint[]), linked_records(), link_differences(uuid[]) FROM tongli_rescore;
DELETE FROM case_task WHERE kind = 'doubtful_link';
SET LOCAL ROLE tongli_owner;
REVOKE UPDATE (keys, model_version) ON link_feature FROM tongli_linker;

ALTER TABLE case_task
    DROP CONSTRAINT case_task_link,
    DROP CONSTRAINT case_task_kind,
    ADD CONSTRAINT case_task_kind
        CHECK (kind IN ('reroute', 'possible_duplicate', 'dispute', 'retention_due', 'possible_household')),
    DROP COLUMN link_id;
