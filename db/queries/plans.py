"""Plans, activations and tasks, as those may see them whose they are."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.queries.divisions import ABOVE
from db.transaction import Tx
from rules.plans import PlannedAction


class NewTask(NamedTuple):
    """A task that an activation gives to an agency."""

    id: UUID
    agency_id: UUID
    title: str
    due_at: datetime


_NEAREST = f"""
WITH RECURSIVE {ABOVE},
of_kind AS (
    SELECT DISTINCT ON (g.kind) g.kind AS key, g.id
      FROM above u JOIN agency g ON g.division_code = u.code LEFT JOIN agency p ON p.id = g.parent_id
     WHERE g.kind = ANY ($2) AND NOT g.department AND g.status = 'active'
     ORDER BY g.kind, u.distance, coalesce(p.kind = g.kind AND p.division_code = g.division_code, false), g.code),
competent AS (
    SELECT DISTINCT ON (c.matter_code) c.matter_code AS key, g.id
      FROM above u JOIN competence c ON c.division_code = u.code JOIN agency g ON g.id = c.agency_id
     WHERE c.matter_code = ANY ($3) AND g.status = 'active' ORDER BY c.matter_code, u.distance, g.code)
SELECT key, id FROM of_kind UNION ALL SELECT key, id FROM competent"""  # noqa: S608  constants


async def nearest_agencies(
    tx: Tx, division_code: str, kinds: Collection[str], matters: Collection[str]
) -> dict[str, UUID]:
    """By kind the head office of a division, or else of the one above it that has one; by matter the competent one
    likewise. One statement, as everything here."""
    rows = await tx.rows(_NEAREST, division_code, list(kinds), list(matters))
    return {row["key"]: row["id"] for row in rows}


async def unknown_matters(tx: Tx, codes: Collection[str]) -> set[str]:
    """Those that the responsibility list does not have."""
    rows = await tx.rows("SELECT code FROM matter WHERE code = ANY ($1)", list(codes))
    return set(codes) - {row["code"] for row in rows}


async def insert_plan(
    tx: Tx, plan_id: UUID, *, title: str, level: int, signals: Sequence[str], actions: Sequence[PlannedAction]
) -> None:
    said = [
        {
            "title": each.title,
            "agency_kind": each.agency_kind.value,
            "matter": each.matter,
            "within_hours": each.within_hours,
        }
        for each in actions
    ]
    await tx.run(
        "INSERT INTO plan (id, agency_id, title, level, signals, actions, status, created_at, updated_at, version) "
        "VALUES ($1, $2, $3, $4, $5, $6::jsonb, 'active', $7, $7, 1)",
        plan_id,
        tx.agency_id,
        title,
        level,
        list(signals),
        json.dumps(said, ensure_ascii=False),
        tx.now,
    )


_PLAN = "SELECT p.*, p.actions::text AS said FROM plan p WHERE p.id = $1"


async def find_plan(tx: Tx, plan_id: UUID) -> asyncpg.Record | None:
    return await tx.row(_PLAN, plan_id)


async def lock_plan(tx: Tx, plan_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_PLAN} FOR NO KEY UPDATE", plan_id)


async def retire_plan(tx: Tx, plan_id: UUID) -> None:
    await tx.run(
        "UPDATE plan SET status = 'retired', updated_at = $2, version = version + 1 WHERE id = $1", plan_id, tx.now
    )


async def insert_activation(tx: Tx, activation_id: UUID, plan_id: UUID, *, alert_id: UUID | None, title: str) -> None:
    """Raises asyncpg.UniqueViolationError while the plan is active already."""
    await tx.run(
        "INSERT INTO plan_activation (id, plan_id, agency_id, alert_id, drill, title, status, activated_at, updated_at,"
        "                             version) "
        "VALUES ($1, $2, $3, $4, $4::uuid IS NULL, $5, 'active', $6, $6, 1)",
        activation_id,
        plan_id,
        tx.agency_id,
        alert_id,
        title,
        tx.now,
    )


async def insert_tasks(tx: Tx, activation_id: UUID, tasks: Sequence[NewTask], *, occasion: str | None) -> None:
    """All of an activation; without an occasion those of a drill."""
    await tx.run(
        "INSERT INTO plan_task (id, activation_id, agency_id, owner_agency_id, title, occasion, drill, due_at, status,"
        "                       overdue, created_at, updated_at, version) "
        "SELECT t.id, $1, t.agency, $2, t.title, $3::text, $3::text IS NULL, t.due, 'open', false, $4, $4, 1"
        "  FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[]) AS t (id, agency, title, due)",
        activation_id,
        tx.agency_id,
        occasion,
        tx.now,
        [task.id for task in tasks],
        [task.agency_id for task in tasks],
        [task.title for task in tasks],
        [task.due_at for task in tasks],
    )


_ACTIVATION = "SELECT * FROM plan_activation a WHERE a.id = $1"


async def find_activation(tx: Tx, activation_id: UUID) -> asyncpg.Record | None:
    return await tx.row(_ACTIVATION, activation_id)


async def lock_activation(tx: Tx, activation_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_ACTIVATION} FOR NO KEY UPDATE", activation_id)


async def end_activation(tx: Tx, activation_id: UUID, lesson: str | None) -> None:
    await tx.run(
        "UPDATE plan_activation SET status = 'stood_down', lesson = $2, ended_at = $3, updated_at = $3,"
        "       version = version + 1 WHERE id = $1",
        activation_id,
        lesson,
        tx.now,
    )


async def cancel_tasks(tx: Tx, activation_id: UUID) -> None:
    """Those that are not done yet."""
    await tx.run(
        "UPDATE plan_task SET status = 'cancelled', updated_at = $2, version = version + 1"
        " WHERE activation_id = $1 AND status = 'open'",
        activation_id,
        tx.now,
    )


_TASK = """SELECT t.*, g.name AS agency_name, o.name AS owner_name
  FROM plan_task t JOIN agency g ON g.id = t.agency_id JOIN agency o ON o.id = t.owner_agency_id"""


async def tasks_of(tx: Tx, activation_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(f"{_TASK} WHERE t.activation_id = $1 ORDER BY t.due_at, t.id", activation_id)


async def find_task(tx: Tx, task_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_TASK} WHERE t.id = $1", task_id)


async def lock_task(tx: Tx, task_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_TASK} WHERE t.id = $1 FOR NO KEY UPDATE OF t", task_id)


async def finish_task(tx: Tx, task_id: UUID) -> None:
    await tx.run(
        "UPDATE plan_task SET status = 'done', done_at = $2, updated_at = $2, version = version + 1 WHERE id = $1",
        task_id,
        tx.now,
    )


async def late_tasks(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Tasks past their date that nobody was told of, from now on told of."""
    return await raw.fetch(
        "UPDATE plan_task SET overdue = true WHERE id IN ("
        "    SELECT id FROM plan_task WHERE status = 'open' AND NOT overdue AND due_at <= $1"
        "     ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, agency_id, owner_agency_id, version",
        now,
        limit,
    )


_PLANS = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT p.id, p.title, p.level, p.signals, p.actions, p.status, rfc3339(p.created_at) AS created_at,
           rfc3339(p.updated_at) AS updated_at, p.version
      FROM plan p WHERE p.agency_id = $1 AND (p.updated_at, p.id) < ($2, $3) AND ($5::text IS NULL OR p.status = $5)
     ORDER BY p.updated_at DESC, p.id DESC LIMIT $4) r"""
_ACTIVATIONS = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT a.id, a.plan_id, a.alert_id, a.drill, a.title, a.status, a.lesson, rfc3339(a.activated_at) AS activated_at,
           rfc3339(a.ended_at) AS ended_at, rfc3339(a.updated_at) AS updated_at, a.version
      FROM plan_activation a
     WHERE a.agency_id = $1 AND (a.updated_at, a.id) < ($2, $3) AND ($5::text IS NULL OR a.status = $5)
     ORDER BY a.updated_at DESC, a.id DESC LIMIT $4) r"""
_TASKS = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT t.id, t.activation_id, json_build_object('id', g.id, 'name', g.name) AS agency,
           json_build_object('id', o.id, 'name', o.name) AS owner, t.title, t.occasion, t.drill,
           rfc3339(t.due_at) AS due_at, t.status, t.overdue, rfc3339(t.done_at) AS done_at,
           rfc3339(t.updated_at) AS updated_at, t.version
      FROM plan_task t JOIN agency g ON g.id = t.agency_id JOIN agency o ON o.id = t.owner_agency_id
     WHERE t.agency_id = $1 AND (t.updated_at, t.id) < ($2, $3) AND ($5::text IS NULL OR t.status = $5)
     ORDER BY t.updated_at DESC, t.id DESC LIMIT $4) r"""


async def list_plans(tx: Tx, *, after: tuple[datetime, UUID], limit: int, status: str | None) -> str:
    """JSON array of the acting union's plans, newest change first."""
    return str(await tx.value(_PLANS, tx.agency_id, *after, limit, status))


async def list_activations(tx: Tx, *, after: tuple[datetime, UUID], limit: int, status: str | None) -> str:
    """JSON array of the acting union's activations, newest change first."""
    return str(await tx.value(_ACTIVATIONS, tx.agency_id, *after, limit, status))


async def list_tasks(tx: Tx, *, after: tuple[datetime, UUID], limit: int, status: str | None) -> str:
    """JSON array of the acting agency's tasks, newest change first."""
    return str(await tx.value(_TASKS, tx.agency_id, *after, limit, status))
