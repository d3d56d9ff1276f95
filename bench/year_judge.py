"""The judge of a simulated year: triggers of the simulation's own database that look at every commit, and a look at
everything each week.

It is a superuser's, belongs to no migration and knows nothing of `rules/`: what it holds to is the domain model.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    Raw = asyncpg.Connection[asyncpg.Record]
else:  # generic for type checkers only
    Raw = asyncpg.Connection

_WRONG = """
    SELECT 'coordinator' AS what, c.id FROM "case" c WHERE {which} AND (
        SELECT count(*) <> 1 OR bool_or(p.agency_id <> c.coordinator_agency_id) FROM participant p
         WHERE p.case_id = c.id AND p.role = 'coordinator' AND p.until IS NULL)
    UNION ALL
    SELECT 'owner', c.id FROM "case" c JOIN case_need n ON n.case_id = c.id
     WHERE {which} AND n.agency_id <> c.coordinator_agency_id AND NOT EXISTS (
        SELECT FROM referral r WHERE r.case_id = c.id AND r.need = n.need AND r.to_agency_id = n.agency_id
           AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold', 'completed'))
    UNION ALL
    SELECT 'owner', r.case_id FROM referral r JOIN "case" c ON c.id = r.case_id
     WHERE {which} AND r.status <> 'draft'
       AND NOT EXISTS (SELECT FROM case_need n WHERE n.case_id = c.id AND n.need = r.need)"""
"""Cases without exactly one coordinator, needs that are neither the coordinator's nor an office's at work on them, and
referrals whose need is nobody's."""

_INSTALL = f"""
CREATE SCHEMA judge;
CREATE SEQUENCE judge.looks;
CREATE TABLE judge.fault (what text NOT NULL, id uuid NOT NULL, at timestamptz);
CREATE TABLE judge.label (id uuid PRIMARY KEY, label text NOT NULL);
CREATE FUNCTION judge.look_at_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    looked uuid;
BEGIN
    IF TG_TABLE_NAME = 'case' THEN looked := NEW.id; ELSE looked := NEW.case_id; END IF;
    PERFORM nextval('judge.looks');
    INSERT INTO judge.fault (what, id) {_WRONG.format(which="c.id = looked")};
    RETURN NULL;
END $$;
CREATE FUNCTION judge.note_running() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO judge.fault (what, id) VALUES ('runs_while_paused', NEW.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judged AFTER INSERT OR UPDATE OF coordinator_agency_id, version ON "case"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION judge.look_at_case();
CREATE CONSTRAINT TRIGGER judged AFTER INSERT OR UPDATE OF agency_id, role, until ON participant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.role = 'coordinator') EXECUTE FUNCTION judge.look_at_case();
CREATE CONSTRAINT TRIGGER judged AFTER UPDATE OF agency_id ON case_need DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.agency_id IS DISTINCT FROM NEW.agency_id) EXECUTE FUNCTION judge.look_at_case();
CREATE TRIGGER paused AFTER INSERT OR UPDATE ON referral FOR EACH ROW
    WHEN ((NEW.status = 'returned' OR NEW.clock_stopped_at IS NOT NULL)
          AND (NEW.next_due IS NOT NULL OR NEW.alarm_at IS NOT NULL))
    EXECUTE FUNCTION judge.note_running()"""

_EVERYTHING = f"""
INSERT INTO judge.fault (what, id, at)
SELECT what, id, $1::timestamptz FROM ({_WRONG.format(which="true")}
    UNION ALL SELECT 'due_and_not_fired', id FROM referral WHERE next_due <= $1 OR alarm_at <= $1) wrong"""

_KINDS = ("coordinator", "owner", "runs_while_paused", "due_and_not_fired")


async def install(raw: Raw) -> None:
    """Puts the judge into an empty database."""
    await raw.execute(_INSTALL)


async def judge_everything(raw: Raw, moment: datetime) -> None:
    """Looks at every case, and whether the clocks left anything that is due at this instant."""
    await raw.execute(_EVERYTHING, moment)


async def name_all(raw: Raw, known: Mapping[UUID, str]) -> None:
    """Which row is which of the lives: ids differ from run to run."""
    await raw.copy_records_to_table("label", schema_name="judge", records=list(known.items()))


async def faults(raw: Raw) -> dict[str, int]:
    """How often each kind of fault was seen."""
    seen = await raw.fetch("SELECT what, count(*) FROM judge.fault GROUP BY what")
    return dict.fromkeys(_KINDS, 0) | {row["what"]: row["count"] for row in seen}
