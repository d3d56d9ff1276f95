"""Tasks of conferences, as members may see them, and the clocks of tasks and opinions. One statement each."""

from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_FIND = """SELECT t.*, c.agency_id AS convener_id, c.member_ids
  FROM conference_task t JOIN conference c ON c.id = t.conference_id WHERE t.id = $1"""


async def find_task(tx: Tx, task_id: UUID) -> asyncpg.Record | None:
    """The task with convener and members; None where the acting agency is no member."""
    return await tx.row(_FIND, task_id)


async def lock_task(tx: Tx, task_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked: owner and convener may; None for other members."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF t", task_id)


async def move_task(tx: Tx, task_id: UUID, status: str, *, answer: str | None, effect: str | None) -> None:
    """Writes to a locked row what a step did; counts its version up."""
    await tx.run(
        "UPDATE conference_task SET status = $2::varchar, answer = coalesce($3, answer),"
        "       effect = coalesce($4::varchar, effect),"
        "       done_at = CASE WHEN $2::varchar = 'done' THEN coalesce(done_at, $5) END,"
        "       confirmed_at = CASE WHEN $4::varchar IS NOT NULL THEN $5 ELSE confirmed_at END, updated_at = $5,"
        "       version = version + 1 WHERE id = $1",
        task_id,
        status,
        answer,
        effect,
        tx.now,
    )


_TASK = """SELECT t.id, t.conference_id, t.agenda_item_id, json_build_object('id', a.id, 'name', a.name) AS owner,
    t.text, rfc3339(t.due_by) AS due_by, t.status, t.overdue_at IS NOT NULL AS overdue, t.answer, t.effect,
    rfc3339(t.done_at) AS done_at, rfc3339(t.confirmed_at) AS confirmed_at,
    rfc3339(t.created_at) AS created_at, t.version
    FROM conference_task t JOIN agency a ON a.id = t.agency_id"""
_SHOW = f"SELECT to_json(r)::text FROM ({_TASK} WHERE t.id = $1) r"  # noqa: S608  constants
_LIST = f"""SELECT coalesce(json_agg(r), '[]')::text FROM ({_TASK}
 WHERE (t.due_by, t.id) > ($1, $2) AND ($4::uuid IS NULL OR t.agency_id = $4) AND ($5::text IS NULL OR t.status = $5)
   AND (NOT $6 OR (t.status = 'done' AND t.effect IS DISTINCT FROM 'seen'))
 ORDER BY t.due_by, t.id LIMIT $3) r"""  # noqa: S608  constants


async def show_task(tx: Tx, task_id: UUID) -> str:
    """JSON of a seen task."""
    return str(await tx.value(_SHOW, task_id))


async def list_tasks(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, own: bool, status: str | None, to_confirm: bool
) -> str:
    """JSON array of tasks of the acting agency's conferences, the earliest due first: `own` those it owes, `to_confirm`
    those that are done and whose effect was not seen yet."""
    return str(await tx.value(_LIST, *after, limit, tx.agency_id if own else None, status, to_confirm))


async def expire_tasks(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Marks tasks whose day has passed undone, each once; those, with their conveners."""
    return await raw.fetch(
        "WITH due AS (SELECT id FROM conference_task WHERE status IN ('open', 'in_progress') AND due_by <= $1"
        "              ORDER BY due_by LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED), "
        "told AS (UPDATE conference_task t SET status = 'overdue', overdue_at = $1, updated_at = $1,"
        "                                      version = version + 1 FROM due WHERE t.id = due.id"
        "         RETURNING t.id, t.agency_id, t.conference_id, t.version) "
        "SELECT told.*, c.agency_id AS convener_id FROM told JOIN conference c ON c.id = told.conference_id",
        now,
        limit,
    )


async def expire_opinions(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Marks opinions that did not come in time, each once; those, with their conveners."""
    return await raw.fetch(
        "WITH due AS (SELECT agenda_item_id, agency_id FROM opinion WHERE answered_at IS NULL AND overdue_at IS NULL"
        "               AND reply_by <= $1 ORDER BY reply_by LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED), "
        "told AS (UPDATE opinion o SET overdue_at = $1 FROM due"
        "          WHERE (o.agenda_item_id, o.agency_id) = (due.agenda_item_id, due.agency_id)"
        "         RETURNING o.agenda_item_id, o.agency_id, o.conference_id) "
        "SELECT told.*, c.agency_id AS convener_id FROM told JOIN conference c ON c.id = told.conference_id",
        now,
        limit,
    )
