"""What `./tongli admin` does for people's sign-in: invitations, and the apps they sign in through."""

import argparse
from datetime import UTC, datetime
from uuid import UUID

from cli.entrances import CannotRun
from crypto.grants import hash_grant
from crypto.second_factors import new_paper_code
from db import directory
from db.engine import Raw
from rules.redirects import may_be_registered
from rules.scopes import SCOPES
from rules.sign_in import ENROLMENT_LIFE

Answer = dict[str, object]


def app_arguments(parser: argparse.ArgumentParser) -> None:
    """A name people see, and where the app may be answered."""
    parser.add_argument("--name", required=True, type=_name, help="as people see it on the sign-in page")
    parser.add_argument(
        "--redirect-uri",
        required=True,
        nargs="+",
        type=redirect_uri,
        metavar="URI",
        help="https://…, com.example.app:/…, or http://127.0.0.1/… (any port)",
    )
    parser.add_argument(
        "--scope", nargs="+", default=list(SCOPES), choices=list(SCOPES), metavar="SCOPE", help=", ".join(SCOPES)
    )


def app_id_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--app-id", required=True, type=UUID)


def redirect_uri(given: str) -> str:
    """Raises ArgumentTypeError for a place that no app can call its own."""
    if not may_be_registered(given):
        raise argparse.ArgumentTypeError(
            "https, a private scheme named like a reversed domain (com.example.app:/done), or http on 127.0.0.1 or "
            "[::1] without a port; no fragment, at most 255 characters"
        )
    return given


async def add_app(raw: Raw, given: argparse.Namespace) -> Answer:
    """Registers an app; its id is what it names itself with. It has no secret: what is in an app is in every hand."""
    app_id = await directory.add_app(raw, given.name, redirect_uris=given.redirect_uri, scopes=given.scope)
    if app_id is None:
        raise CannotRun(f"--name: there is an app {given.name} already")
    return {"client_id": str(app_id), "name": given.name, "redirect_uris": given.redirect_uri, "scopes": given.scope}


async def revoke_app(raw: Raw, given: argparse.Namespace) -> Answer:
    """Nobody signs in or refreshes through it any more; access tokens already out live for ten minutes at most."""
    if not await directory.revoke_app(raw, given.app_id):
        raise CannotRun("--app-id: there is no such app, or it was revoked before")
    return {"client_id": str(given.app_id), "status": "revoked"}


async def invite(raw: Raw, agency_id: UUID, staff_id: UUID) -> Answer:
    """A code with which the person chooses its password at /oauth/enrol, shown this once."""
    code, expires_at = new_paper_code(4), datetime.now(UTC) + ENROLMENT_LIFE
    await directory.invite_staff(raw, agency_id, staff_id, code_hash=hash_grant(code), expires_at=expires_at)
    return {"enrolment_code": code, "expires_at": expires_at.isoformat()}


def _name(given: str) -> str:
    cleaned = given.strip()
    if not 1 <= len(cleaned) <= 100 or not cleaned.isprintable():
        raise argparse.ArgumentTypeError("1 to 100 printable characters")
    return cleaned
