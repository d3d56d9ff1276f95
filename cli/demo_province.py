"""The demo province: invented agencies with machine accounts, so that somebody who has just started can call the API.

Offices stand in db/reference/demo_province.json, once in the invented division 99 and once in 34 (安徽), where a worker
with a real address lives; the latter say 演示 in their names. Seeded only into an empty directory, never in production.
Keys and secrets are random and stand in one file of mode 0600.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NotRequired, TypedDict
from uuid import UUID

from crypto.client_secrets import hash_secret, new_secret
from crypto.public_keys import generate_client_key
from db import directory
from db.directory import NewAgency, NewClient, NewStaff
from db.engine import Raw
from db.operator import open_operator_transaction
from rules.scopes import AGENCY_SCOPES

SOURCE = Path(__file__).resolve().parent.parent / "db" / "reference" / "demo_province.json"
CLIENT_NAME = "演示接入"


class Credentials(TypedDict):
    """One entry of credentials.json."""

    agency_id: str
    agency_code: str
    agency_kind: str
    agency_name: str
    client_id: str
    client_secret: str
    private_jwk: dict[str, str]
    kid: str
    scopes: list[str]
    issuer: str
    token_endpoint: str


MEMBERS = Credentials.__annotations__.keys()


@dataclass(frozen=True, slots=True)
class Office:
    """One agency of the demo: its entry, the matters it is competent for in its division, its people."""

    agency: NewAgency
    matters: tuple[str, ...]
    staff: tuple[NewStaff, ...]

    @property
    def has_client(self) -> bool:
        """A department works with its agency's account."""
        return not self.agency.department


async def prepare_demo_province(admin_url: str, *, file: Path, public_url: str) -> bool:
    """Seeds an empty directory and keeps `file` true; false where the directory is not the demo's.

    A missing file, or one of another database, is made anew with further keys and other secrets for the same clients; a
    changed `public_url` is written into it. Safe to repeat after a crash at any point.
    """
    plan = offices()
    async with open_operator_transaction(admin_url) as raw:
        if await directory.directory_is_empty(raw):
            await _seed(raw, plan)
        found = await directory.agencies_of_codes(raw, [office.agency.code for office in plan])
        agencies = {row["code"]: row["id"] for row in found if row["status"] == "active"}
        if not agencies:
            return False
        on_file = read_credentials(file)
        known = on_file
        if {entry["agency_id"] for entry in on_file} != _ids_with_client(plan, agencies):
            known = await _open_accounts(raw, plan, agencies)
    wanted = [_addressed(entry, public_url) for entry in known]
    if wanted != on_file:
        write_credentials(file, wanted)
    return True


def offices() -> list[Office]:
    """Every agency of the demo, parents before children."""
    described: _Described = json.loads(SOURCE.read_text(encoding="utf-8"))
    return [
        _office(office, place, described)
        for office in described["offices"]
        for place in described["places"]
        if _exists(office, place)
    ]


def read_credentials(file: Path) -> list[Credentials]:
    """What the file holds; nothing where it is missing or damaged, so that it is made anew."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    whole = isinstance(entries, list) and all(isinstance(one, dict) and one.keys() == MEMBERS for one in entries)
    return entries if whole else []


def write_credentials(file: Path, entries: Sequence[Credentials]) -> None:
    """Replaces the file as a whole; it is 0600 before it holds anything."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(entries, opened, ensure_ascii=False, indent=2)
        opened.write("\n")
        opened.flush()
        os.fsync(descriptor)
    draft.replace(file)


async def _seed(raw: Raw, plan: Sequence[Office]) -> None:
    ids = await directory.add_agencies(raw, [office.agency for office in plan])
    await directory.add_competence(
        raw,
        [
            (ids[office.agency.code], matter, office.agency.division_code)
            for office in plan
            for matter in office.matters
        ],
    )
    for office in plan:
        if office.agency.kind == "union" and office.agency.parent is None and office.agency.code in ids:
            await directory.add_assessment(raw, ids[office.agency.code], _assessment())


def _assessment() -> directory.NewAssessment:
    """So that the demo may share at all; a real union assesses its own."""
    described: _Described = json.loads(SOURCE.read_text(encoding="utf-8"))
    said = described["assessment"]
    return directory.NewAssessment(
        title=said["title"],
        measures=said["measures"],
        assessed_by=said["assessed_by"],
        valid_from=datetime.fromisoformat(said["valid_from"]),
        valid_until=datetime.fromisoformat(said["valid_until"]),
    )


def _ids_with_client(plan: Sequence[Office], agencies: Mapping[str, UUID]) -> set[str]:
    return {str(agencies[o.agency.code]) for o in plan if o.has_client and o.agency.code in agencies}


async def _open_accounts(raw: Raw, plan: Sequence[Office], agencies: Mapping[str, UUID]) -> list[Credentials]:
    """Staff and one client for each agency. Agency by agency, because row security wants it so."""
    opened = []
    for office in plan:
        agency_id = agencies.get(office.agency.code)
        if agency_id is None:
            continue
        await directory.add_staff(raw, agency_id, office.staff)
        if office.has_client:
            opened.append(await _open_client(raw, office, agency_id))
    return opened


async def _open_client(raw: Raw, office: Office, agency_id: UUID) -> Credentials:
    private, public = generate_client_key()
    secret = new_secret()
    client_id = await directory.active_client_named(raw, agency_id, CLIENT_NAME)
    if client_id is None:
        client = NewClient(CLIENT_NAME, AGENCY_SCOPES, public, hash_secret(secret))
        client_id = await directory.add_client(raw, agency_id, client)
    else:
        await directory.add_client_key(raw, agency_id, client_id, public)
        await directory.set_client_secret(raw, agency_id, client_id, hash_secret(secret))
    return Credentials(
        agency_id=str(agency_id),
        agency_code=office.agency.code,
        agency_kind=office.agency.kind,
        agency_name=office.agency.name,
        client_id=str(client_id),
        client_secret=secret,
        private_jwk=private,
        kid=private["kid"],
        scopes=list(AGENCY_SCOPES),
        issuer="",
        token_endpoint="",
    )


def _addressed(entry: Credentials, public_url: str) -> Credentials:
    return {**entry, "issuer": public_url, "token_endpoint": f"{public_url}/oauth/token"}


class _Place(TypedDict):
    division: str
    level: str
    name: str
    name_en: str
    mark: NotRequired[str]


class _Description(TypedDict):
    """An office wherever it exists: at its `levels`, or in some `divisions` only.

    `parent` is an office of the same place, `below` one of the place above; `names` gives a level's own name.
    """

    key: str
    kind: str
    name: str
    name_en: str
    levels: list[str]
    matters: list[str]
    roles: list[str]
    divisions: NotRequired[list[str]]
    names: NotRequired[dict[str, str]]
    own_level: NotRequired[str]
    parent: NotRequired[str]
    below: NotRequired[str]
    department: NotRequired[bool]
    windows: NotRequired[list[dict[str, str]]]


class _Assessment(TypedDict):
    """Instants with offset."""

    title: str
    measures: str
    assessed_by: str
    valid_from: str
    valid_until: str


class _Described(TypedDict):
    assessment: _Assessment
    places: list[_Place]
    offices: list[_Description]


def _exists(office: _Description, place: _Place) -> bool:
    return place["level"] in office["levels"] and place["division"] in office.get("divisions", [place["division"]])


def _office(office: _Description, place: _Place, described: _Described) -> Office:
    mark = place.get("mark", "")
    agency = NewAgency(
        code=_code(place["division"], office["key"]),
        name=place["name"] + office.get("names", {}).get(place["level"], office["name"]) + mark,
        name_en=f"{office['name_en']}, {place['name_en']}" + (" (demo)" if mark else ""),
        kind=office["kind"],
        level=office.get("own_level", place["level"]),
        division_code=place["division"],
        parent=_parent(office, place, described),
        department=office.get("department", False),
        windows=tuple(office.get("windows", [])),
    )
    staff = [NewStaff("worker", "演示经办员", tuple(office["roles"]))]
    if not agency.department:
        staff.append(NewStaff("admin", "演示管理员", ("agency_admin", "auditor")))
    return Office(agency, tuple(office["matters"]), tuple(staff))


def _parent(office: _Description, place: _Place, described: _Described) -> str | None:
    if "parent" in office:
        return _code(place["division"], office["parent"])
    if place["level"] == "province":
        return None
    above = [other for other in described["places"] if other["division"] == _division_above(place)]
    upper = [other for other in described["offices"] if other["key"] == office.get("below")]
    codes = [_code(place["division"], one["key"]) for place in above for one in upper if _exists(one, place)]
    return codes[0] if codes else None


def _division_above(place: _Place) -> str:
    return place["division"][:4] + "00" if place["level"] == "county" else place["division"][:2] + "0000"


def _code(division: str, key: str) -> str:
    return f"DEMO-{division}-{key}"
