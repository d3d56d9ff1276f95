-- What stood before revision 0026: no early warning.

SET LOCAL ROLE tongli_linker;

DROP FUNCTION state_signal(jsonb, jsonb, timestamptz), raise_alert(jsonb, timestamptz), union_line(text),
    new_cases(timestamptz, integer[], integer), name_of_subject(uuid, text),
    clear_alerts(timestamptz, timestamptz), late_alerts(timestamptz, integer);

SET LOCAL ROLE tongli_owner;

DROP TABLE signal, alert, warning_override;
DROP INDEX case_by_opening;
