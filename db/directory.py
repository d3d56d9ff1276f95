"""Writes the directory and its first accounts on behalf of the operator: agencies, competence, clients, keys, staff.

Every function expects a transaction of `open_operator_transaction` and takes the role it needs, which costs a statement
or two more than it says.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.engine import Raw
from db.operator import act_as_owner, act_for
from rules.field_classes import FieldClass


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An entry of the directory; `parent` is the code of an agency that exists or stands in the same list."""

    code: str
    name: str
    name_en: str
    kind: str
    level: str
    division_code: str
    parent: str | None = None
    department: bool = False
    windows: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NewAssessment:
    """An impact assessment that covers the whole responsibility list."""

    title: str
    measures: str
    assessed_by: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class NewStaff:
    login: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewClient:
    """A machine account; `jwk` is a public key, `secret_hash` what crypto/client_secrets.py makes of a secret."""

    name: str
    scopes: tuple[str, ...]
    jwk: dict[str, str] | None = None
    secret_hash: bytes | None = field(default=None, repr=False)


async def agency_of_code(raw: Raw, code: str) -> asyncpg.Record | None:
    """The entry of that code. One statement, as every function here unless it says otherwise."""
    await act_as_owner(raw)
    return await raw.fetchrow("SELECT * FROM agency WHERE code = $1", code)


async def agencies_of_codes(raw: Raw, codes: Sequence[str]) -> list[asyncpg.Record]:
    await act_as_owner(raw)
    return await raw.fetch("SELECT * FROM agency WHERE code = ANY ($1)", list(codes))


async def directory_is_empty(raw: Raw) -> bool:
    """Whether there is no agency at all. No other transaction can add one before this ends."""
    await act_as_owner(raw)
    await raw.execute("LOCK TABLE agency IN SHARE ROW EXCLUSIVE MODE")
    return not await raw.fetchval("SELECT EXISTS (SELECT FROM agency)")


async def division_exists(raw: Raw, code: str) -> bool:
    return bool(await raw.fetchval("SELECT EXISTS (SELECT FROM division WHERE code = $1)", code))


async def unknown_matters(raw: Raw, codes: Sequence[str]) -> list[str]:
    """Those of the codes that the responsibility list has no row for."""
    rows = await raw.fetch(
        "SELECT given FROM unnest($1::text[]) AS given WHERE given NOT IN (SELECT code FROM matter)", list(codes)
    )
    return [row["given"] for row in rows]


async def add_agencies(raw: Raw, agencies: Sequence[NewAgency]) -> dict[str, UUID]:
    """Puts the entries into the directory; their ids by code."""
    await act_as_owner(raw)
    ids = {agency.code: new_id() for agency in agencies}
    rows = [asdict(agency) | {"id": str(ids[agency.code])} for agency in agencies]
    await raw.execute(_ADD_AGENCIES, json.dumps(rows), datetime.now(UTC))
    return ids


async def add_competence(raw: Raw, rows: Sequence[tuple[UUID, str, str]]) -> None:
    """Makes agencies competent: (agency, matter, division and everything below it). Raises for an unknown matter."""
    await act_as_owner(raw)
    await raw.executemany(
        "INSERT INTO competence (id, agency_id, matter_code, division_code) VALUES ($1, $2, $3, $4)",
        [(new_id(), *row) for row in rows],
    )


async def set_agency_status(raw: Raw, code: str, status: str) -> bool:
    """True where the agency exists. Its clients and staff are shut out from the next transaction on."""
    await act_as_owner(raw)
    tag = await raw.execute("UPDATE agency SET status = $2, version = version + 1 WHERE code = $1", code, status)
    return tag == "UPDATE 1"


async def set_answers_by_link(raw: Raw, code: str, *, answers: bool) -> None:
    """Says that an office has no system of its own and answers through links, or that it has. Links stand or fall at
    once. One statement."""
    await act_as_owner(raw)
    await raw.execute("UPDATE agency SET answers_by_link = $2, version = version + 1 WHERE code = $1", code, answers)


async def confirm_year(raw: Raw, year: int, notice: str, days: Sequence[tuple[date, bool]]) -> None:
    """Replaces a year's working days by those of its official notice: (day, whether people work). Three statements."""
    await act_as_owner(raw)
    await raw.execute(_CONFIRM_YEAR, year, notice, datetime.now(UTC))
    await raw.execute("DELETE FROM calendar_day WHERE year = $1", year)
    await raw.executemany(
        "INSERT INTO calendar_day (day, year, workday, source) VALUES ($1, $2, $3, $4)",
        [(day, year, works, notice) for day, works in sorted(days)],
    )


async def add_client(raw: Raw, agency_id: UUID, client: NewClient) -> UUID:
    """A new account of the agency; its id. One or two statements."""
    client_id = new_id()
    await act_for(raw, agency_id)
    await raw.execute(
        _ADD_CLIENT, client_id, agency_id, client.name, list(client.scopes), client.secret_hash, datetime.now(UTC)
    )
    if client.jwk is not None:
        await add_client_key(raw, agency_id, client_id, client.jwk)
    return client_id


async def add_client_key(raw: Raw, agency_id: UUID, client_id: UUID, jwk: dict[str, str]) -> None:
    """One more public key of a client."""
    await act_for(raw, agency_id)
    await raw.execute(_ADD_KEY, client_id, jwk["kid"], agency_id, json.dumps(jwk), datetime.now(UTC))


async def set_client_secret(raw: Raw, agency_id: UUID, client_id: UUID, secret_hash: bytes) -> None:
    """Replaces the secret: the old one no longer signs in."""
    await act_for(raw, agency_id)
    await raw.execute(
        "UPDATE client SET secret_hash = $2, secret_expires_at = NULL, version = version + 1 WHERE id = $1",
        client_id,
        secret_hash,
    )


async def active_client_named(raw: Raw, agency_id: UUID, name: str) -> UUID | None:
    """The agency's oldest active account of that name."""
    await act_for(raw, agency_id)
    found: UUID | None = await raw.fetchval(
        "SELECT id FROM client WHERE name = $1 AND status = 'active' ORDER BY id LIMIT 1", name
    )
    return found


async def add_staff(raw: Raw, agency_id: UUID, people: Sequence[NewStaff]) -> list[UUID]:
    """New human accounts; a login the agency has already is left as it is, and its id is missing from the answer."""
    await act_for(raw, agency_id)
    rows = [asdict(person) | {"id": str(new_id())} for person in people]
    return [row["id"] for row in await raw.fetch(_ADD_STAFF, json.dumps(rows), agency_id, datetime.now(UTC))]


async def add_assessment(raw: Raw, agency_id: UUID, assessment: NewAssessment) -> None:
    """An impact assessment of every matter and class, for the cases of this union and those below; once per title."""
    await act_for(raw, agency_id)
    await raw.execute(
        _ADD_ASSESSMENT,
        new_id(),
        agency_id,
        assessment.title,
        [name.value for name in FieldClass],
        assessment.measures,
        assessment.assessed_by,
        assessment.valid_from,
        assessment.valid_until,
        datetime.now(UTC),
    )


_ADD_ASSESSMENT = """
INSERT INTO impact_assessment (id, agency_id, title, matters, field_classes, measures, assessed_by, valid_from,
                               valid_until, recorded_at)
SELECT $1, $2, $3::text, ARRAY(SELECT code FROM matter ORDER BY code), $4, $5, $6, $7, $8, $9
 WHERE NOT EXISTS (SELECT FROM impact_assessment WHERE agency_id = $2 AND title = $3::text)"""


async def invite_staff(raw: Raw, agency_id: UUID, staff_id: UUID, *, code_hash: bytes, expires_at: datetime) -> None:
    """Voids password and second factor, signs every device out, waits for a new password. Three statements."""
    await act_for(raw, agency_id)
    await raw.execute(_INVITE_STAFF, staff_id, agency_id, code_hash, expires_at)
    await raw.execute(
        "UPDATE device SET revoked_at = now(), revoked_for = 'administrator' "
        "WHERE staff_id = $1 AND revoked_at IS NULL",
        staff_id,
    )
    await raw.execute("UPDATE recovery_code SET used_at = now() WHERE staff_id = $1 AND used_at IS NULL", staff_id)


async def staff_of_login(raw: Raw, agency_id: UUID, login: str) -> UUID | None:
    """The agency's active person of that login."""
    await act_for(raw, agency_id)
    found: UUID | None = await raw.fetchval(
        "SELECT id FROM staff WHERE agency_id = $1 AND login = $2 AND status = 'active'", agency_id, login
    )
    return found


async def add_app(raw: Raw, name: str, *, redirect_uris: Sequence[str], scopes: Sequence[str]) -> UUID | None:
    """Registers an app that people sign in through; its id, None where there is one of that name."""
    await act_as_owner(raw)
    added: UUID | None = await raw.fetchval(
        "INSERT INTO app_client (id, name, redirect_uris, scopes, status, created_at) "
        "VALUES ($1, $2, $3, $4, 'active', $5) ON CONFLICT (name) DO NOTHING RETURNING id",
        new_id(),
        name,
        list(redirect_uris),
        list(scopes),
        datetime.now(UTC),
    )
    return added


async def revoke_app(raw: Raw, app_id: UUID) -> bool:
    """True where there was such an app. Nobody signs in through it, or refreshes a token, from now on."""
    await act_as_owner(raw)
    tag = await raw.execute("UPDATE app_client SET status = 'revoked' WHERE id = $1 AND status = 'active'", app_id)
    return tag == "UPDATE 1"


_INVITE_STAFF = """
INSERT INTO staff_credential (staff_id, agency_id, totp_step, enrolment_hash, enrolment_expires_at, version)
VALUES ($1, $2, 0, $3, $4, 1)
    ON CONFLICT (staff_id) DO UPDATE
   SET password_hash = NULL, totp_secret = NULL, totp_pending = NULL, enrolment_hash = EXCLUDED.enrolment_hash,
       enrolment_expires_at = EXCLUDED.enrolment_expires_at, version = staff_credential.version + 1"""

_ADD_AGENCIES = """
INSERT INTO agency (id, code, name, name_en, kind, level, parent_id, department, division_code, windows, status,
                    created_at, version)
SELECT n.id, n.code, n.name, n.name_en, n.kind, n.level, coalesce(p.id, e.id), n.department, n.division_code,
       coalesce(n.windows, '[]'), 'active', $2, 1
  FROM jsonb_to_recordset($1::jsonb) AS n (id uuid, code text, name text, name_en text, kind text, level text,
       parent text, department boolean, division_code text, windows jsonb)
  LEFT JOIN jsonb_to_recordset($1::jsonb) AS p (id uuid, code text) ON p.code = n.parent
  LEFT JOIN agency e ON e.code = n.parent"""

_CONFIRM_YEAR = """
INSERT INTO calendar_year (year, notice, confirmed_at) VALUES ($1, $2, $3)
    ON CONFLICT (year) DO UPDATE SET (notice, confirmed_at) = (EXCLUDED.notice, EXCLUDED.confirmed_at)"""

_ADD_CLIENT = """
INSERT INTO client (id, agency_id, name, scopes, status, secret_hash, created_at, version)
VALUES ($1, $2, $3, $4, 'active', $5, $6, 1)"""

_ADD_KEY = "INSERT INTO client_key (client_id, kid, agency_id, jwk, created_at) VALUES ($1, $2, $3, $4::jsonb, $5)"

_ADD_STAFF = """
INSERT INTO staff (id, agency_id, login, name, roles, status, created_at, version)
SELECT n.id, $2, n.login, n.name, n.roles, 'active', $3, 1
  FROM jsonb_to_recordset($1::jsonb) AS n (id uuid, login text, name text, roles text[])
    ON CONFLICT ON CONSTRAINT staff_login DO NOTHING
RETURNING id"""


async def agency_codes(raw: Raw) -> list[asyncpg.Record]:
    """(id, code) of every agency."""
    return await raw.fetch("SELECT id, code FROM agency")
