"""Conferences and their sessions, as their members may see them. One statement each."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.transaction import Tx


class ConferenceRules(NamedTuple):
    """What a conference is called, who belongs to it, and its own periods."""

    name: str
    member_ids: list[UUID]
    months_between: int
    notice_working_days: int
    reply_working_days: int
    quorum: int


class NewSession(NamedTuple):
    id: UUID
    conference_id: UUID
    kind: str
    starts_at: datetime
    venue: str
    invited_ids: list[UUID]


_FIND = "SELECT * FROM conference WHERE id = $1"
_NAMED = """(SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name) ORDER BY a.name, a.id), '[]')
    FROM agency a"""
_MEMBERS = f"{_NAMED} WHERE a.id = ANY (c.member_ids))"
_INVITED = f"{_NAMED} WHERE a.id = ANY (s.invited_ids))"
_ATTENDED = f"{_NAMED} WHERE a.id = ANY (s.attended_ids))"
_CONFERENCE = f"""SELECT c.id, json_build_object('id', v.id, 'name', v.name) AS convener, c.name, c.division_code,
    {_MEMBERS} AS members, c.months_between, c.notice_working_days,
    c.reply_working_days, c.quorum, rfc3339(c.created_at) AS created_at, rfc3339(c.updated_at) AS updated_at, c.version
    FROM conference c JOIN agency v ON v.id = c.agency_id"""  # noqa: S608  constants
_SESSION = f"""SELECT s.id, s.conference_id, s.number, s.kind, s.status, rfc3339(s.starts_at) AS starts_at, s.venue,
    {_INVITED} AS invited, {_ATTENDED} AS attended,
    rfc3339(s.called_at) AS called_at, rfc3339(s.opened_at) AS opened_at, rfc3339(s.closed_at) AS closed_at,
    rfc3339(s.updated_at) AS updated_at, s.version
    FROM conference_session s"""  # noqa: S608  constants

_SHOW = f"SELECT to_json(r)::text FROM ({_CONFERENCE} WHERE c.id = $1) r"  # noqa: S608  constants
_LIST = f"""SELECT coalesce(json_agg(r), '[]')::text FROM ({_CONFERENCE}
 WHERE (c.updated_at, c.id) < ($1, $2) ORDER BY c.updated_at DESC, c.id DESC LIMIT $3) r"""  # noqa: S608  constants
_SHOW_SESSION = f"""SELECT to_json(r)::text FROM (SELECT x.*, s.minutes
  FROM ({_SESSION} WHERE s.id = $1) x JOIN conference_session s ON s.id = x.id) r"""  # noqa: S608  constants
_LIST_SESSIONS = f"""SELECT coalesce(json_agg(r), '[]')::text FROM ({_SESSION}
 WHERE s.conference_id = $1 AND (s.called_at, s.id) < ($2, $3)
 ORDER BY s.called_at DESC, s.id DESC LIMIT $4) r"""  # noqa: S608  constants


async def find_conference(tx: Tx, conference_id: UUID) -> asyncpg.Record | None:
    """The conference, or None where the acting agency is no member."""
    return await tx.row(_FIND, conference_id)


async def lock_conference(tx: Tx, conference_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked; only its convener may."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE", conference_id)


async def insert_conference(tx: Tx, conference_id: UUID, division_code: str, rules: ConferenceRules) -> None:
    await tx.run(
        "INSERT INTO conference (id, agency_id, division_code, name, member_ids, months_between, notice_working_days,"
        "                        reply_working_days, quorum, created_at, updated_at, version) "
        "VALUES ($1, $2, $3, $5, $6, $7, $8, $9, $10, $4, $4, 1)",
        conference_id,
        tx.agency_id,
        division_code,
        tx.now,
        *rules,
    )


async def change_conference(tx: Tx, conference_id: UUID, rules: ConferenceRules) -> None:
    await tx.run(
        "UPDATE conference SET name = $3, member_ids = $4, months_between = $5, notice_working_days = $6,"
        "       reply_working_days = $7, quorum = $8, updated_at = $2, version = version + 1 WHERE id = $1",
        conference_id,
        tx.now,
        *rules,
    )


async def show_conference(tx: Tx, conference_id: UUID) -> str:
    """JSON of a seen conference with the names of its members."""
    return str(await tx.value(_SHOW, conference_id))


async def list_conferences(tx: Tx, *, after: tuple[datetime, UUID], limit: int) -> str:
    """JSON array of the conferences of the acting agency, newest change first."""
    return str(await tx.value(_LIST, *after, limit))


async def insert_session(tx: Tx, row: NewSession) -> None:
    """With the next number of its conference, whose row is locked."""
    await tx.run(
        "INSERT INTO conference_session (id, conference_id, number, kind, status, starts_at, venue, invited_ids,"
        "                                attended_ids, called_at, updated_at, version) "
        "SELECT $1, $2, coalesce(max(number), 0) + 1, $3, 'called', $4, $5, $6, '{}', $7, $7, 1"
        "  FROM conference_session WHERE conference_id = $2",
        *row,
        tx.now,
    )


async def find_session(tx: Tx, session_id: UUID) -> asyncpg.Record | None:
    """The session with convener, members and rules of its conference."""
    return await tx.row(_FIND_SESSION, session_id)


async def lock_session(tx: Tx, session_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked; only the convener may."""
    return await tx.row(f"{_FIND_SESSION} FOR NO KEY UPDATE OF s", session_id)


_FIND_SESSION = """SELECT s.*, c.agency_id AS convener_id, c.member_ids, c.quorum, c.reply_working_days,
       (SELECT count(*) FROM agenda_item i WHERE i.session_id = s.id AND i.status = 'open') AS open_items
  FROM conference_session s JOIN conference c ON c.id = s.conference_id WHERE s.id = $1"""


async def move_session(
    tx: Tx, session_id: UUID, status: str, *, attended: list[UUID] | None, minutes: str | None
) -> None:
    """Writes to a locked row what a step did; counts its version up."""
    await tx.run(
        "UPDATE conference_session SET status = $2::varchar, attended_ids = coalesce($3, attended_ids), minutes = $4,"
        "       opened_at = CASE WHEN $2::varchar = 'in_session' THEN $5 ELSE opened_at END,"
        "       closed_at = CASE WHEN $2::varchar IN ('closed', 'cancelled') THEN $5 END, updated_at = $5,"
        "       version = version + 1 WHERE id = $1",
        session_id,
        status,
        attended,
        minutes,
        tx.now,
    )


async def show_session(tx: Tx, session_id: UUID) -> str:
    """JSON of a seen session with its minutes; its agenda is read beside it."""
    return str(await tx.value(_SHOW_SESSION, session_id))


async def list_sessions(tx: Tx, conference_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> str:
    """JSON array of the sessions of a conference, the latest called first."""
    return str(await tx.value(_LIST_SESSIONS, conference_id, *after, limit))


async def participation(tx: Tx, conference_id: UUID, since: datetime, until: datetime) -> str:
    """JSON array of what each member did, present or past: sessions it was called to and attended, opinions asked,
    answered and in time, tasks, done and overdue; of what was called, asked and given within the span."""
    return str(await tx.value(_PARTICIPATION, conference_id, since, until))


_PARTICIPATION = """
WITH sat AS (
    SELECT m AS agency_id, count(*) AS called, count(*) FILTER (WHERE m = ANY (s.attended_ids)) AS attended
      FROM conference_session s, unnest(s.invited_ids) m
     WHERE s.conference_id = $1 AND s.opened_at >= $2 AND s.opened_at < $3 GROUP BY m),
said AS (
    SELECT o.agency_id, count(*) AS asked, count(o.answered_at) AS answered,
           count(*) FILTER (WHERE o.answered_at <= o.reply_by) AS in_time
      FROM opinion o WHERE o.conference_id = $1 AND o.asked_at >= $2 AND o.asked_at < $3 GROUP BY o.agency_id),
did AS (
    SELECT t.agency_id, count(*) AS tasks, count(t.done_at) AS done, count(t.overdue_at) AS overdue
      FROM conference_task t WHERE t.conference_id = $1 AND t.created_at >= $2 AND t.created_at < $3
     GROUP BY t.agency_id)
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT json_build_object('id', a.id, 'name', a.name) AS agency, coalesce(sat.called, 0) AS sessions_called,
           coalesce(sat.attended, 0) AS sessions_attended, coalesce(said.asked, 0) AS opinions_asked,
           coalesce(said.answered, 0) AS opinions_answered, coalesce(said.in_time, 0) AS opinions_in_time,
           coalesce(did.tasks, 0) AS tasks, coalesce(did.done, 0) AS tasks_done,
           coalesce(did.overdue, 0) AS tasks_overdue
      FROM agency a LEFT JOIN sat ON sat.agency_id = a.id LEFT JOIN said ON said.agency_id = a.id
      LEFT JOIN did ON did.agency_id = a.id
     WHERE a.id IN (SELECT unnest(c.member_ids) FROM conference c WHERE c.id = $1)
        OR a.id IN (SELECT agency_id FROM sat) OR a.id IN (SELECT agency_id FROM said)
        OR a.id IN (SELECT agency_id FROM did)
     ORDER BY a.name, a.id) r"""
