"""Arranges somebody who is signed in, without the pages: an account, its device, and a token of that device."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from crypto.tokens import TokenAuthority
from rules.scopes import SCOPES


async def signed_in(
    raw: asyncpg.Connection, tokens: TokenAuthority, agency: UUID, roles: Iterable[str], *, login: str = ""
) -> tuple[UUID, UUID, str]:
    """(account, device, token) of a new person of the agency, who used a second factor. Written behind the API, which
    would refuse some roles."""
    staff_id, device_id = new_id(), new_id()
    await raw.execute(_PERSON, staff_id, agency, login or f"s{staff_id}", list(roles), device_id)
    return staff_id, device_id, token_of(tokens, staff_id, agency, device_id)


def token_of(
    tokens: TokenAuthority, staff_id: UUID, agency: UUID, device_id: UUID, scopes: Iterable[str] = tuple(SCOPES)
) -> str:
    return tokens.mint(
        principal_kind="staff",
        principal_id=staff_id,
        client_id=staff_id,
        agency_id=agency,
        scopes=frozenset(scopes),
        now=datetime.now(UTC),
        lifetime_s=600,
        session_id=device_id,
        second_factor=True,
    )


_PERSON = """
WITH app AS (INSERT INTO app_client (id, name, redirect_uris, scopes, status, created_at)
             VALUES ($1, $3, '{}', '{}', 'active', now())),
person AS (INSERT INTO staff (id, agency_id, login, name, roles, status, created_at, version)
           VALUES ($1, $2, $3, '周立新', $4, 'active', now(), 1))
INSERT INTO device (id, agency_id, staff_id, app_id, name, client, scopes, auth_time, second_factor, created_at,
                    seen_at, expires_at)
VALUES ($5, $2, $1, $1, 'test', 'test', '{}', now(), true, now(), now(), now() + interval '1 day')"""
