"""`./tongli admin`: the first agency, staff member and client of an installation. Agency admins do the rest by API.

Works on TONGLI_DATABASE_URL, or on the embedded database, also while `./tongli serve` runs it. Answers are JSON on
standard output; a secret or private key is shown this once and kept nowhere.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from actions.matters import override_clocks
from actions.retention import closed_before
from cli.admin_decoys import decoy_arguments, mark_decoy
from cli.admin_links import LINK_COMMANDS, set_links
from cli.admin_people import add_app, app_arguments, app_id_arguments, invite, revoke_app
from cli.admin_warnings import override_thresholds, threshold_arguments
from cli.entrances import EMBEDDED_DATABASE, CannotRun, or_give_up, read_settings, say
from cli.migrate import HEAD
from crypto.client_secrets import hash_secret, new_secret
from crypto.public_keys import generate_client_key, validate_public_jwk
from db import directory
from db.clock import business_clock
from db.directory import NewAgency, NewClient, NewStaff
from db.embedded import EmbeddedPostgres
from db.embedded_running import has_cluster, running_target
from db.engine import Raw
from db.models.agencies import LEVELS
from db.operator import leave_operator_mark, open_operator_transaction, revision_of
from db.queries.erasures import cases_past_retention
from rules.errors import ValidationFailed
from rules.matters import CLOCKS, AgencyKind
from rules.retention import RETENTION, kept_until
from rules.rights import STAFF_ROLES
from rules.scopes import AGENCY_SCOPES, BARRED_WITH_SECRET, SCOPES
from settings import Settings

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}")
DIVISION = re.compile(r"\d{6}(\d{3}){0,2}")

Answer = dict[str, object]
Work = Callable[[Raw, argparse.Namespace], Awaitable[Answer]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing an operator does."""
    parser.add_argument("--data-dir", type=Path, help="data directory of ./tongli serve (TONGLI_DATA_DIR)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _agency_arguments(commands.add_parser("create-agency", help="put an agency into the directory"))
    _staff_arguments(commands.add_parser("create-staff", help="create a human account"))
    _reset_arguments(commands.add_parser("reset-staff", help="let a person choose a password and second factor anew"))
    app_arguments(commands.add_parser("add-app", help="register an app that people sign in through"))
    app_id_arguments(commands.add_parser("revoke-app", help="shut an app out: nobody signs in through it any more"))
    _client_arguments(commands.add_parser("create-client", help="create a machine account"))
    suspending = {"suspend-agency": "shut an agency out at once", "resume-agency": "let a suspended agency in again"}
    for name, text in (suspending | LINK_COMMANDS).items():
        commands.add_parser(name, help=text).add_argument("--code", required=True, type=code)
    decoy_arguments(commands.add_parser("mark-decoy", help="have every touch of an invented person's case told"))
    _retention_arguments(commands.add_parser("retention", help="list the cases whose period of retention is over"))
    _calendar_arguments(commands.add_parser("confirm-calendar", help="enter a year's working days from their notice"))
    _clock_arguments(commands.add_parser("override-clocks", help="set a division's stricter clocks for a matter"))
    threshold_arguments(commands.add_parser("override-thresholds", help="set a division's own levels of early warning"))


def _retention_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", required=True, help="list only: coordinators decide")
    parser.add_argument("--limit", type=int, default=1_000, help="at most so many cases (1,000)")


def run(arguments: argparse.Namespace) -> int:
    """Do one thing and print what was made; 1 with the reason where it cannot be done, and then nothing is changed."""
    return or_give_up(lambda: _run(arguments))


def code(given: str) -> str:
    """An agency's code or a login. Raises ValueError, which argparse turns into a message."""
    if not CODE.fullmatch(given):
        raise argparse.ArgumentTypeError("2 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit")
    return given


def division(given: str) -> str:
    if not DIVISION.fullmatch(given):
        raise argparse.ArgumentTypeError("6, 9 or 12 digits of GB/T 2260")
    return given


def days(given: str) -> list[date]:
    """`2027-10-01` or `2027-10-01..2027-10-07`, both ends included."""
    first, _, last = given.partition("..")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise argparse.ArgumentTypeError("a date such as 2027-10-01, or 2027-10-01..2027-10-07") from None
    if not 0 <= (end - start).days < 60:
        raise argparse.ArgumentTypeError("a span goes forwards and is shorter than 60 days")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def text(given: str) -> str:
    cleaned = given.strip()
    if not 1 <= len(cleaned) <= 200 or not cleaned.isprintable():
        raise argparse.ArgumentTypeError("1 to 200 printable characters")
    return cleaned


def clocks(given: str) -> dict[str, object]:
    """A JSON object of clocks; what it holds is checked against the responsibility list."""
    try:
        read: object = json.loads(given)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise argparse.ArgumentTypeError('a JSON object such as {"accept": {"amount": 1, "unit": "working_day"}}')
    return read


def _agency_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", required=True, type=code, help="unique, readable: 340802-UNION")
    parser.add_argument("--name", required=True, type=text)
    parser.add_argument("--name-en", type=text, help="default: the name")
    parser.add_argument("--kind", required=True, choices=list(AgencyKind), metavar="KIND", help=", ".join(AgencyKind))
    parser.add_argument("--level", required=True, choices=LEVELS, metavar="LEVEL", help=", ".join(LEVELS))
    parser.add_argument("--division", required=True, type=division)
    parser.add_argument("--parent", type=code, help="code of the agency above it")
    parser.add_argument("--department", action="store_true", help="an internal department of its parent")
    parser.add_argument("--matter", nargs="+", default=[], metavar="MATTER", help="matters it is competent for there")


def _staff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agency", required=True, type=code)
    parser.add_argument("--login", required=True, type=code)
    parser.add_argument("--name", required=True, type=text)
    parser.add_argument(
        "--role", required=True, nargs="+", choices=STAFF_ROLES, metavar="ROLE", help=", ".join(STAFF_ROLES)
    )


def _reset_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agency", required=True, type=code)
    parser.add_argument("--login", required=True, type=code)


def _client_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agency", required=True, type=code)
    parser.add_argument("--name", required=True, type=text)
    parser.add_argument(
        "--scope", nargs="+", default=list(AGENCY_SCOPES), choices=list(SCOPES), metavar="SCOPE", help=", ".join(SCOPES)
    )
    proof = parser.add_mutually_exclusive_group(required=True)
    proof.add_argument("--public-jwk", type=Path, metavar="FILE", help="the partner's public key (P-256, with kid)")
    proof.add_argument("--generate-key", action="store_true", help="make a key pair and show the private half once")
    proof.add_argument("--with-secret", action="store_true", help="a client secret, for partners that cannot sign")


def _clock_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--matter", required=True, help="code of the responsibility list, such as LAB-09")
    parser.add_argument("--division", required=True, type=division)
    parser.add_argument("--clocks", required=True, type=clocks, help='{"accept": {"amount": 1, "unit": "working_day"}}')
    parser.add_argument("--source", required=True, type=text, help="the local rule it rests on")
    parser.add_argument("--valid-from", required=True, type=date.fromisoformat)


def _calendar_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("year", type=int)
    parser.add_argument("--notice", required=True, type=text, help="its reference, such as 国办发明电〔2025〕7号")
    parser.add_argument("--off", required=True, nargs="+", type=days, metavar="DATE[..DATE]", help="days off")
    parser.add_argument("--work", nargs="*", default=[], type=days, metavar="DATE", help="weekend days people work on")


def _run(arguments: argparse.Namespace) -> int:
    settings = read_settings(data_dir=arguments.data_dir)
    with administered(settings) as admin_url:
        answer = asyncio.run(_work(admin_url, arguments))
    if "client_id" in answer:
        answer |= {"issuer": settings.public_url, "token_endpoint": f"{settings.public_url}/oauth/token"}
    if "enrolment_code" in answer:
        answer |= {"enrolment_url": f"{settings.public_url}/oauth/enrol"}
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    return 0


@contextmanager
def administered(settings: Settings) -> Iterator[str]:
    """The administrator's URL: TONGLI_DATABASE_URL, a running `serve`, or a database started for the moment."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    if not settings.embedded or not has_cluster(settings.data_dir):
        raise CannotRun("no database here: set TONGLI_DATABASE_URL, or start ./tongli serve once")
    running = running_target(settings.data_dir, EMBEDDED_DATABASE)
    if running is not None:
        yield running.url()
        return
    with EmbeddedPostgres(settings.data_dir, say=say) as embedded:
        yield embedded.superuser_dsn(EMBEDDED_DATABASE).url()


async def _work(admin_url: str, arguments: argparse.Namespace) -> Answer:
    await require_tables(admin_url)
    async with open_operator_transaction(admin_url) as raw:
        return await _WORK[arguments.command](raw, arguments)


async def require_tables(admin_url: str) -> None:
    try:
        revision = await revision_of(admin_url)
    except asyncpg.InvalidParameterValueError:  # a role that does not exist
        revision = None
    if revision != HEAD.read_text(encoding="utf-8").strip():
        raise CannotRun("the database is not at this version: run ./tongli migrate (or ./tongli serve) first")


async def _create_agency(raw: Raw, given: argparse.Namespace) -> Answer:
    if given.parent and await directory.agency_of_code(raw, given.parent) is None:
        raise CannotRun(f"--parent: there is no agency {given.parent}")
    if given.department and not given.parent:
        raise CannotRun("--department needs --parent: the agency it belongs to")
    if await directory.agency_of_code(raw, given.code) is not None:
        raise CannotRun(f"--code: there is an agency {given.code} already")
    unknown = await directory.unknown_matters(raw, given.matter)
    if unknown:
        raise CannotRun(f"--matter: the responsibility list has no {', '.join(unknown)}")
    if not await directory.division_exists(raw, given.division):
        say(f"warning: division {given.division} is in no table; the agency is made nevertheless")
    agency = NewAgency(
        code=given.code,
        name=given.name,
        name_en=given.name_en or given.name,
        kind=given.kind,
        level=given.level,
        division_code=given.division,
        parent=given.parent,
        department=given.department,
    )
    agency_id = (await directory.add_agencies(raw, [agency]))[given.code]
    await directory.add_competence(raw, [(agency_id, matter, given.division) for matter in given.matter])
    await _mark(raw, agency_id, "agency.create", ("agency", agency_id))
    return {"agency_id": str(agency_id), "agency_code": given.code}


async def _create_staff(raw: Raw, given: argparse.Namespace) -> Answer:
    agency_id = await _agency_id(raw, given.agency)
    made = await directory.add_staff(raw, agency_id, [NewStaff(given.login, given.name, tuple(given.role))])
    if not made:
        raise CannotRun(f"--login: {given.agency} has a staff member {given.login} already")
    await _mark(raw, agency_id, "staff.create", ("staff", made[0]))
    invitation = await invite(raw, agency_id, made[0])
    known: Answer = {"staff_id": str(made[0]), "agency_id": str(agency_id), "login": given.login, "roles": given.role}
    return known | invitation


async def _reset_staff(raw: Raw, given: argparse.Namespace) -> Answer:
    agency_id = await _agency_id(raw, given.agency)
    staff_id = await directory.staff_of_login(raw, agency_id, given.login)
    if staff_id is None:
        raise CannotRun(f"--login: {given.agency} has no active staff member {given.login}")
    invitation = await invite(raw, agency_id, staff_id)
    await _mark(raw, agency_id, "staff.reset", ("staff", staff_id))
    return {"staff_id": str(staff_id), "agency_id": str(agency_id), "login": given.login, **invitation}


async def _create_client(raw: Raw, given: argparse.Namespace) -> Answer:
    barred = sorted(BARRED_WITH_SECRET.intersection(given.scope))
    if given.with_secret and barred:
        raise CannotRun(f"--scope: a client with a secret may not have {', '.join(barred)}; give it a key")
    agency_id = await _agency_id(raw, given.agency)
    public, secret, shown = _proof(given)
    client = NewClient(given.name, tuple(given.scope), public, hash_secret(secret) if secret else None)
    client_id = await directory.add_client(raw, agency_id, client)
    await _mark(raw, agency_id, "client.create", ("client", client_id))
    return {"client_id": str(client_id), "agency_id": str(agency_id), "scopes": given.scope, **shown}


def _proof(given: argparse.Namespace) -> tuple[dict[str, str] | None, str | None, Answer]:
    """How the client will prove itself: public key, secret, and what to show of it this once."""
    if given.with_secret:
        secret = new_secret()
        return None, secret, {"client_secret": secret}
    if given.generate_key:
        private, public = generate_client_key()
        return public, None, {"private_jwk": private, "kid": private["kid"]}
    public = _read_public_jwk(given.public_jwk)
    return public, None, {"kid": public["kid"]}


def _read_public_jwk(file: Path) -> dict[str, str]:
    try:
        jwk = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise CannotRun(f"--public-jwk: {file} cannot be read as JSON") from None
    if not isinstance(jwk, dict):
        raise CannotRun(f"--public-jwk: {file} does not hold one JSON Web Key")
    try:
        return validate_public_jwk(jwk)
    except ValidationFailed as refused:
        faults = ", ".join(f"{error.pointer} {error.code}" for error in refused.errors)
        raise CannotRun(f"--public-jwk: not a public P-256 key with kid: {faults}") from None


async def _set_status(raw: Raw, given: argparse.Namespace) -> Answer:
    verb, _, _ = given.command.partition("-")
    status = {"suspend": "suspended", "resume": "active"}[verb]
    agency_id = await _agency_id(raw, given.code)
    await directory.set_agency_status(raw, given.code, status)
    await _mark(raw, agency_id, f"agency.{verb}", ("agency", agency_id))
    return {"agency_id": str(agency_id), "agency_code": given.code, "status": status}


async def _confirm_calendar(raw: Raw, given: argparse.Namespace) -> Answer:
    off, work = ({day for span in spans for day in span} for spans in (given.off, given.work))
    if any(day.year != given.year for day in off | work):
        raise CannotRun(f"--off, --work: a day is not in {given.year}")
    if off & work or any(day.weekday() < 5 for day in work):
        raise CannotRun("--work: only weekend days that are not off")
    await directory.confirm_year(
        raw, given.year, given.notice, days=[*((d, False) for d in off), *((d, True) for d in work)]
    )
    return {"year": given.year, "notice": given.notice, "days_off": len(off), "make_up_days": len(work)}


async def _override_clocks(raw: Raw, given: argparse.Namespace) -> Answer:
    try:
        holding = await override_clocks(
            raw,
            code=given.matter,
            division_code=given.division,
            clocks=given.clocks,
            source=given.source,
            valid_from=given.valid_from,
        )
    except ValidationFailed as wrong:
        raise CannotRun("; ".join(f"{error.pointer}: {error.code}" for error in wrong.errors)) from None
    now = {name: period for name in CLOCKS if (period := getattr(holding, name)) is not None}
    return {
        "matter": given.matter,
        "division": given.division,
        "clocks": {name: {"amount": period.amount, "unit": period.unit.value} for name, period in now.items()},
    }


async def _agency_id(raw: Raw, agency_code: str) -> UUID:
    row = await directory.agency_of_code(raw, agency_code)
    if row is None:
        raise CannotRun(f"there is no agency {agency_code}; create it first")
    agency_id: UUID = row["id"]
    return agency_id


async def _mark(raw: Raw, agency_id: UUID, action: str, subject: tuple[str, UUID]) -> None:
    await leave_operator_mark(raw, agency_id, action, subject=subject, facts={})


async def _retention(raw: Raw, given: argparse.Namespace) -> Answer:
    """What the jobs ask the coordinators about: numbers and days, nobody's name."""
    now = business_clock(read_settings(data_dir=given.data_dir).clock)()
    rows = await cases_past_retention(raw, closed_before(now), given.limit, asked=True)
    coordinators = {agency["id"]: agency["code"] for agency in await directory.agency_codes(raw)}
    return {
        "closed_before": closed_before(now).isoformat(),
        "periods": {name.value: f"{kept.years} years ({kept.basis.value})" for name, kept in RETENTION.items()},
        "cases": [
            {
                "number": row["number"],
                "coordinator": coordinators.get(row["coordinator_agency_id"]),
                "closed_at": row["closed_at"].isoformat(),
                "kept_until": kept_until(row["closed_at"]).isoformat(),
            }
            for row in rows
        ],
    }


_WORK: dict[str, Work] = {
    "retention": _retention,
    "create-agency": _create_agency,
    "create-staff": _create_staff,
    "reset-staff": _reset_staff,
    "create-client": _create_client,
    "add-app": add_app,
    "revoke-app": revoke_app,
    "suspend-agency": _set_status,
    "resume-agency": _set_status,
    "open-links": set_links,
    "close-links": set_links,
    "mark-decoy": mark_decoy,
    "confirm-calendar": _confirm_calendar,
    "override-clocks": _override_clocks,
    "override-thresholds": override_thresholds,
}
