"""Signals and alerts, as the unions of the place and above may see them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.queries.divisions import ABOVE
from db.transaction import Tx

_OVERRIDES = f"""
WITH RECURSIVE {ABOVE}
SELECT o.thresholds::text FROM above u JOIN warning_override o ON o.division_code = u.code
 WHERE o.valid_from <= $2 ORDER BY u.distance DESC"""  # noqa: S608  constants


async def own_thresholds(connection: Tx | Raw, division_code: str, day: date) -> list[list[Mapping[str, object]]]:
    """What a division and those above it say of their own, highest first. One statement, as everything here."""
    ask = connection.rows if isinstance(connection, Tx) else connection.fetch
    return [json.loads(row["thresholds"]) for row in await ask(_OVERRIDES, division_code, day)]


async def put_thresholds(
    raw: Raw, division_code: str, thresholds: Sequence[Mapping[str, object]], *, source: str, valid_from: date
) -> None:
    """Sets a division's own, in place of those it had. As the owner role."""
    await raw.execute(
        "INSERT INTO warning_override (division_code, thresholds, source, valid_from) VALUES ($1, $2::jsonb, $3, $4) "
        "ON CONFLICT (division_code) DO UPDATE SET thresholds = EXCLUDED.thresholds, source = EXCLUDED.source,"
        "                                          valid_from = EXCLUDED.valid_from",
        division_code,
        json.dumps(thresholds, ensure_ascii=False),
        source,
        valid_from,
    )


async def state_signal(tx: Tx, signal: Mapping[str, object], alert: Mapping[str, object] | None) -> dict[str, Any]:
    """Keeps a signal, raises or worsens the alert of its subject; what became of that, empty where there is none."""
    done = await tx.value(
        "SELECT state_signal($1::jsonb, $2::jsonb, $3)::text",
        json.dumps(signal),
        None if alert is None else json.dumps(alert),
        tx.now,
    )
    return json.loads(done) if done else {}


async def raise_alert(raw: Raw, alert: Mapping[str, object], now: datetime) -> dict[str, Any]:
    """As `state_signal`, of the platform's own count."""
    done = await raw.fetchval("SELECT raise_alert($1::jsonb, $2)::text", json.dumps(alert), now)
    return json.loads(done) if done else {}


async def new_cases(raw: Raw, now: datetime, windows: Sequence[int], history: int) -> list[asyncpg.Record]:
    """New cases of each employer and county, by the number of windows that are too short for their age. Reads a year of
    cases, which takes longer than a statement of a request may. Two statements."""
    await raw.execute("SET LOCAL statement_timeout = '5min'")
    return await raw.fetch("SELECT * FROM new_cases($1, $2, $3)", now, list(windows), history)


async def name_of_subject(raw: Raw, employer: UUID | None, county: str | None) -> str:
    return str(await raw.fetchval("SELECT name_of_subject($1, $2)", employer, county))


async def clear_alerts(raw: Raw, until: datetime, now: datetime) -> list[asyncpg.Record]:
    """Resolves what only a cluster raised and had no cause since `until`."""
    return await raw.fetch("SELECT * FROM clear_alerts($1, $2)", until, now)


async def late_alerts(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Whose clock has passed, each once."""
    return await raw.fetch("SELECT * FROM late_alerts($1, $2)", now, limit)


_FIND = "SELECT a.*, u.name AS union_name FROM alert a JOIN agency u ON u.id = a.union_agency_id WHERE a.id = $1"


async def find_alert(tx: Tx, alert_id: UUID) -> asyncpg.Record | None:
    """None where the acting agency is not in its line."""
    return await tx.row(_FIND, alert_id)


async def lock_alert(tx: Tx, alert_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked; None also where the acting agency is not the union of the place."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF a", alert_id)


async def acknowledge_alert(tx: Tx, alert_id: UUID, reported_to: str) -> None:
    await tx.run(
        "UPDATE alert SET status = 'acknowledged', reported_to = $2, acknowledged_at = $3, updated_at = $3,"
        "       version = version + 1 WHERE id = $1",
        alert_id,
        reported_to,
        tx.now,
    )


async def resolve_alert(tx: Tx, alert_id: UUID, outcome: str) -> None:
    await tx.run(
        "UPDATE alert SET status = 'resolved', outcome = $2, resolved_at = $3, updated_at = $3, version = version + 1"
        " WHERE id = $1",
        alert_id,
        outcome,
        tx.now,
    )


_SIGNALS = """
SELECT s.id, s.kind, s.measured::text, s.source, s.observed_on, s.level, s.created_at, s.agency_id,
       a.name AS agency_name
  FROM signal s JOIN agency a ON a.id = s.agency_id
 WHERE s.alert_id = $1 ORDER BY s.created_at DESC, s.id DESC LIMIT 100"""


async def signals_of(tx: Tx, alert_id: UUID) -> list[asyncpg.Record]:
    """The last hundred, newest first."""
    return await tx.rows(_SIGNALS, alert_id)


_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT a.id, json_build_object('kind', a.subject_kind, 'name', a.subject_name, 'division_code', a.division_code)
               AS subject, a.level, a.causes, a.status, json_build_object('id', u.id, 'name', u.name) AS "union",
           a.cases, rfc3339(a.raised_at) AS raised_at, rfc3339(a.report_by) AS report_by, a.overdue, a.reported_to,
           rfc3339(a.acknowledged_at) AS acknowledged_at, a.outcome, rfc3339(a.resolved_at) AS resolved_at,
           rfc3339(a.updated_at) AS updated_at, a.version
      FROM alert a JOIN agency u ON u.id = a.union_agency_id
     WHERE $1 = ANY (a.line) AND (a.updated_at, a.id) < ($2, $3) AND ($5::text IS NULL OR a.status = $5)
       AND ($6::integer IS NULL OR a.level <= $6)
     ORDER BY a.updated_at DESC, a.id DESC LIMIT $4) r"""


async def list_alerts(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, status: str | None, level: int | None
) -> str:
    """JSON array of the alerts of the acting agency's line, newest change first; at `level` or graver."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, status, level))
