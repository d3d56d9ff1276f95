"""Agenda items, the opinions asked about them and the tasks decided with them, as members may see them. One statement
each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.transaction import Tx


class RaisedItem(NamedTuple):
    """An item that a member raises. Of a referral it sees it may say so; what is told of it is read from there."""

    id: UUID
    session_id: UUID
    kind: str
    title: str | None
    referral_id: UUID | None
    matter_code: str | None


class NewTask(NamedTuple):
    id: UUID
    agency_id: UUID
    text: str
    due_by: datetime


_NEXT = "(SELECT coalesce(max(position), 0) FROM agenda_item WHERE session_id = $1)"


async def draft(tx: Tx, session_id: UUID, conference_id: UUID, ids: Sequence[UUID]) -> int:
    """Drafts the agenda of a session that was just called: what earlier ones put off, referrals that stand still,
    matters asked for ever more often; how many. Three statements. `ids` are used up in turn, and are as many as are
    drafted of a kind at most."""
    drafted = 0
    for sql in (_CARRY, _STUCK, _HOT):
        made = _count(await tx.run(sql, session_id, conference_id, tx.agency_id, tx.now, list(ids[drafted:])))
        drafted += made
    return drafted


async def put_off(tx: Tx, session_id: UUID) -> None:
    """What a session that is not held leaves open comes before the next one."""
    await tx.run(
        "UPDATE agenda_item SET status = 'deferred', settled_at = $2, updated_at = $2, version = version + 1 "
        " WHERE session_id = $1 AND status = 'open'",
        session_id,
        tx.now,
    )


async def lock_agenda(tx: Tx, session_id: UUID) -> None:
    """Members raise items one after another, so that each has a place of its own."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 9))", session_id)


_CARRY = f"""
INSERT INTO agenda_item (id, conference_id, session_id, position, kind, status, raised_by_agency_id, title, referral_id,
                         matter_code, need, place, office_agency_id, coordinator_agency_id, since, figures,
                         carried_from, support_ids, created_at, updated_at, version)
SELECT ($5::uuid[])[row_number() OVER w], $2, $1, {_NEXT} + row_number() OVER w, i.kind, 'open', $3, i.title,
       i.referral_id, i.matter_code, i.need, i.place, i.office_agency_id, i.coordinator_agency_id, i.since, i.figures,
       i.id, '{{}}', $4, $4, 1
  FROM agenda_item i WHERE i.conference_id = $2 AND i.session_id <> $1 AND i.status = 'deferred'
   AND NOT EXISTS (SELECT FROM agenda_item n WHERE n.carried_from = i.id)
WINDOW w AS (ORDER BY i.created_at, i.id) ORDER BY i.created_at, i.id LIMIT cardinality($5::uuid[])"""  # noqa: S608  constants
_STUCK = f"""
INSERT INTO agenda_item (id, conference_id, session_id, position, kind, status, raised_by_agency_id, referral_id,
                         matter_code, need, place, office_agency_id, coordinator_agency_id, since, support_ids,
                         created_at, updated_at, version)
SELECT ($5::uuid[])[row_number() OVER w], $2, $1, {_NEXT} + row_number() OVER w, s.kind, 'open', $3, s.referral_id,
       s.matter_code, s.need, s.place, s.office_agency_id, s.coordinator_agency_id, s.since, '{{}}', $4, $4, 1
  FROM stuck_referrals($2) s
WINDOW w AS (ORDER BY s.since, s.referral_id) ORDER BY s.since, s.referral_id LIMIT cardinality($5::uuid[])"""  # noqa: S608  constants
_HOT = f"""
INSERT INTO agenda_item (id, conference_id, session_id, position, kind, status, raised_by_agency_id, matter_code,
                         figures, support_ids, created_at, updated_at, version)
SELECT ($5::uuid[])[row_number() OVER w], $2, $1, {_NEXT} + row_number() OVER w, 'hot_issue', 'open', $3,
       h.matter_code, jsonb_build_object('days', 90, 'asked', h.asked, 'before', h.before), '{{}}', $4, $4, 1
  FROM hot_matters($2, $4) h
WINDOW w AS (ORDER BY h.asked DESC, h.matter_code) ORDER BY h.asked DESC, h.matter_code"""  # noqa: S608  constants


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])


async def raise_item(tx: Tx, row: RaisedItem) -> None:
    """At the end of the agenda of a session whose row is locked; of a referral with what is told upwards of one."""
    await tx.run(
        _RAISE,
        row.session_id,
        row.id,
        row.kind,
        row.title,
        row.referral_id,
        row.matter_code,
        tx.agency_id,
        tx.now,
    )


_RAISE = f"""
INSERT INTO agenda_item (id, conference_id, session_id, position, kind, status, raised_by_agency_id, title, referral_id,
                         matter_code, need, place, office_agency_id, coordinator_agency_id, since, support_ids,
                         created_at, updated_at, version)
SELECT $2, s.conference_id, s.id, {_NEXT} + 1, $3, 'open', $7, $4, $5, coalesce(r.matter_code, $6), r.need, r.place,
       r.to_agency_id, r.coordinator_agency_id, CASE WHEN r.id IS NOT NULL THEN $8::timestamptz END, '{{}}', $8, $8, 1
  FROM conference_session s LEFT JOIN referral r ON r.id = $5 WHERE s.id = $1"""  # noqa: S608  constants
_FIND = """SELECT i.*, s.status AS session_status, s.attended_ids, c.agency_id AS convener_id, c.member_ids,
       c.reply_working_days
  FROM agenda_item i JOIN conference_session s ON s.id = i.session_id JOIN conference c ON c.id = i.conference_id
 WHERE i.id = $1"""


async def find_item(tx: Tx, item_id: UUID) -> asyncpg.Record | None:
    """The item with the status of its session, convener and members; None where the acting agency is no member."""
    return await tx.row(_FIND, item_id)


async def lock_item(tx: Tx, item_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked: convener and who raised it may; None for other members."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF i", item_id)


async def is_before_a_session(tx: Tx, referral_id: UUID) -> bool:
    """Whether an open item of a conference of the acting agency is about the referral already."""
    found = await tx.value("SELECT true FROM agenda_item WHERE referral_id = $1 AND status = 'open'", referral_id)
    return found is not None


async def settle_item(
    tx: Tx, item_id: UUID, status: str, *, text: str, lead: UUID | None, support: Sequence[UUID]
) -> None:
    """Writes to a locked row how it ended; counts its version up."""
    await tx.run(
        "UPDATE agenda_item SET status = $2, text = $3, lead_agency_id = $4, support_ids = $5, settled_at = $6,"
        "       updated_at = $6, version = version + 1 WHERE id = $1",
        item_id,
        status,
        text,
        lead,
        list(support),
        tx.now,
    )


async def assign(tx: Tx, item_id: UUID, lead: UUID, task_id: UUID) -> asyncpg.Record:
    """Carries the assignment of an open item into its case: whether the referral is bound, and what is to be told."""
    found = await tx.row("SELECT * FROM assign_referral($1, $2, $3, $4)", item_id, lead, task_id, tx.now)
    assert found is not None
    return found


async def ask_opinions(
    tx: Tx, item: asyncpg.Record, agencies: Sequence[UUID], *, reply_by: datetime, confirmed: bool
) -> list[UUID]:
    """Asks those of these agencies that were not asked yet; which."""
    rows = await tx.rows(
        "INSERT INTO opinion (agenda_item_id, agency_id, conference_id, asked_at, reply_by, due_confirmed) "
        "SELECT $1, a, $2, $4, $5, $6 FROM unnest($3::uuid[]) a ON CONFLICT DO NOTHING RETURNING agency_id",
        item["id"],
        item["conference_id"],
        list(agencies),
        tx.now,
        reply_by,
        confirmed,
    )
    return [row["agency_id"] for row in rows]


async def give_opinion(tx: Tx, item_id: UUID, *, stance: str, text: str | None) -> bool:
    """Writes the acting agency's own opinion down; whether it was asked and had not answered."""
    tag = await tx.run(
        "UPDATE opinion SET stance = $3, text = $4, answered_at = $5 "
        " WHERE agenda_item_id = $1 AND agency_id = $2 AND answered_at IS NULL",
        item_id,
        tx.agency_id,
        stance,
        text,
        tx.now,
    )
    return _count(tag) == 1


async def insert_tasks(tx: Tx, item: asyncpg.Record, tasks: Sequence[NewTask]) -> None:
    await tx.run(
        "INSERT INTO conference_task (id, conference_id, agenda_item_id, agency_id, text, due_by, status, created_at,"
        "                             updated_at, version) "
        "SELECT t.id, $1, $2, t.agency_id, t.text, t.due_by, 'open', $7, $7, 1"
        "  FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[]) AS t (id, agency_id, text, due_by)",
        item["conference_id"],
        item["id"],
        *([task[at] for task in tasks] for at in range(4)),
        tx.now,
    )


_ITEM = """SELECT i.id, i.session_id, i.position, i.kind, i.status,
    json_build_object('id', b.id, 'name', b.name) AS raised_by, i.title, i.referral_id,
    CASE WHEN m.code IS NOT NULL THEN
        json_build_object('code', m.code, 'title_zh', m.title_zh, 'title_en', m.title_en) END AS matter,
    i.need, i.place, CASE WHEN o.id IS NOT NULL THEN json_build_object('id', o.id, 'name', o.name) END AS office,
    CASE WHEN k.id IS NOT NULL THEN json_build_object('id', k.id, 'name', k.name) END AS coordinator,
    rfc3339(i.since) AS since, i.figures, i.carried_from, i.text,
    CASE WHEN l.id IS NOT NULL THEN json_build_object('id', l.id, 'name', l.name) END AS lead,
    (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name) ORDER BY a.name, a.id), '[]')
       FROM agency a WHERE a.id = ANY (i.support_ids)) AS support,
    (SELECT coalesce(json_agg(json_build_object('agency', json_build_object('id', a.id, 'name', a.name),
                'asked_at', rfc3339(p.asked_at), 'reply_by', rfc3339(p.reply_by), 'due_confirmed', p.due_confirmed,
                'stance', p.stance, 'text', p.text, 'answered_at', rfc3339(p.answered_at),
                'overdue', p.overdue_at IS NOT NULL) ORDER BY p.asked_at, a.name), '[]')
       FROM opinion p JOIN agency a ON a.id = p.agency_id WHERE p.agenda_item_id = i.id) AS opinions,
    (SELECT coalesce(json_agg(t.id ORDER BY t.due_by, t.id), '[]')
       FROM conference_task t WHERE t.agenda_item_id = i.id) AS tasks,
    (SELECT coalesce(json_agg(json_build_object('status', e.status, 'outcome', e.outcome)), '[]')
       FROM effects_of_session(i.session_id) e WHERE e.agenda_item_id = i.id) AS effects,
    rfc3339(i.settled_at) AS settled_at, rfc3339(i.created_at) AS created_at, i.version
    FROM agenda_item i JOIN agency b ON b.id = i.raised_by_agency_id LEFT JOIN matter m ON m.code = i.matter_code
    LEFT JOIN agency o ON o.id = i.office_agency_id LEFT JOIN agency k ON k.id = i.coordinator_agency_id
    LEFT JOIN agency l ON l.id = i.lead_agency_id"""

_SHOW = f"SELECT to_json(r)::text FROM ({_ITEM} WHERE i.id = $1) r"  # noqa: S608  constants
_AGENDA = f"""SELECT coalesce(json_agg(r), '[]')::text
  FROM ({_ITEM} WHERE i.session_id = $1 ORDER BY i.position) r"""  # noqa: S608  constants


async def show_item(tx: Tx, item_id: UUID) -> str:
    """JSON of a seen item, with opinions, tasks, and what became of what it assigned."""
    return str(await tx.value(_SHOW, item_id))


async def agenda_of(tx: Tx, session_id: UUID) -> str:
    """JSON array of a session's items in their order."""
    return str(await tx.value(_AGENDA, session_id))
