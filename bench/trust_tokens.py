"""What hostile tokens, stolen refresh tokens and revoked accounts get from a running service.

`python -m bench.trust_tokens` starts one on loopback with a database of its own, sends the corpus of
`tests/crypto/hostile.py`, and prints a dictionary of figures. Seconds are those until a request is refused after the
answer to a revocation has arrived, the longest of all that were tried.
"""

import asyncio
import itertools
import json
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import uvicorn

from api.main import create_app
from cli.demo_province import prepare_demo_province
from crypto.client_secrets import hash_secret, new_secret
from crypto.public_keys import generate_client_key
from crypto.tokens import sign_client_assertion
from crypto.vault import Vault
from db import names
from db.bootstrap import prepare_roles, role_url
from db.directory import NewClient, add_client, agency_of_code
from db.embedded import EmbeddedPostgres
from db.engine import open_database
from db.migration import upgrade
from db.operator import open_operator_transaction
from db.reference_data import load_reference_data
from rules.errors import NotAuthenticated
from rules.scopes import AGENCY_SCOPES
from rules.sign_in import TRIES_PER_ACCOUNT
from settings import Settings
from tests.api.people import Person, Phone, enrolment_code, new_app, new_person
from tests.builders import ASSERTION_TYPE, Agency, Api
from tests.crypto.forge import AGENCY, AUTHORITY, CLIENT, ISSUER, KEYRING, PRINCIPAL
from tests.crypto.hostile import (
    CLIENT_ID,
    OTHER_PUBLIC,
    PRIVATE,
    PUBLIC,
    Corpus,
    good_token,
    hostile_assertions,
    hostile_tokens,
)

Figures = dict[str, int | float]

FAMILIES = 100
REVOCATIONS = 20
GIVE_UP_S = 30.0
_addresses = itertools.count()
SLACK_S = 300  # the corpus takes some seconds to send


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that runs, with the accounts that the corpus names."""

    http: httpx.AsyncClient
    port: int
    admin_url: str
    union: Api
    app_id: UUID


async def trust_tokens(*, families: int = FAMILIES, revocations: int = REVOCATIONS) -> Figures:
    """All figures: how many hostile tokens and assertions were tried and accepted, families killed, seconds."""
    async with _stage() as stage:
        figures = await _hostile_tokens(stage) | await _hostile_assertions(stage)
        person = await _person(stage)
        killed = [await _reuse_kills(stage, person) for _ in range(families)]
        figures |= {"families_tried": families, "families_killed": sum(killed)}
        figures |= await _revocations(stage, person, revocations)
        return figures | await _times_of_refusal(stage)


async def _hostile_tokens(stage: Stage) -> Figures:
    """Each token once to our verifier, and once over HTTP where a header can carry it at all."""
    now = datetime.now(UTC)
    assert (await _with_token(stage, good_token(int(now.timestamp())))).status_code == 200, "the control is accepted"
    corpus = hostile_tokens(int(now.timestamp()), slack_s=SLACK_S)
    taken = sum(_verifies(token, now) for _, token in corpus.values())
    sent = [(await _with_token(stage, token)).status_code for token in _sendable(corpus)]
    return {
        "tokens_tried": len(corpus),
        "tokens_sent_over_http": len(sent),
        "tokens_accepted": taken + sum(status != 401 for status in sent),
    }


async def _hostile_assertions(stage: Stage) -> Figures:
    """Each assertion at the token endpoint; then a good one twice, and one for another deployment."""
    now = datetime.now(UTC)
    corpus = hostile_assertions(int(now.timestamp()), slack_s=SLACK_S)
    answers = [await _with_assertion(stage, assertion) for _, assertion in corpus.values()]
    good = sign_client_assertion(PRIVATE, client_id=CLIENT_ID, audience=ISSUER, now=now)
    assert (await _with_assertion(stage, good)) == 200, "the control is accepted"
    foreign = sign_client_assertion(PRIVATE, client_id=CLIENT_ID, audience="https://other.example", now=now)
    answers += [await _with_assertion(stage, good), await _with_assertion(stage, foreign)]
    return {"assertions_tried": len(answers), "assertions_accepted": answers.count(200)}


async def _reuse_kills(stage: Stage, person: Person) -> bool:
    """A thief has an old refresh token: its use ends the newest one and the access token as well."""
    phone = await _signed_in(stage, person)
    old = phone.tokens["refresh_token"]
    for _ in range(2):
        assert (await phone.refresh()).status_code == 200
    assert (await phone.get("/v1/me")).status_code == 200
    stolen = await phone.refresh(old)
    newest, access = await phone.refresh(), await phone.get("/v1/me")
    await phone.http.aclose()
    return (stolen.status_code, newest.status_code, access.status_code) == (400, 400, 401)


async def _revocations(stage: Stage, person: Person, times: int) -> Figures:
    """Device, account of a person, client: how long a token lives on after each."""
    devices, people, clients = [], [], []
    for _ in range(times):
        phone, other = await _signed_in(stage, person), await _signed_in(stage, person)
        device = (await phone.get("/v1/me")).json()["device_id"]
        devices.append(await _until_refused(partial(other.post, f"/v1/me/devices/{device}/revoke"), phone.get))
        client = Api(stage.http, await _client(stage.admin_url, "DEMO-340802-UNION"))
        await client.token()
        revoke = f"/v1/clients/{client.agency.client_id}/revoke"
        clients.append(await _until_refused(partial(stage.union.post, revoke, if_match=1), client.get))
    for _ in range(max(1, times // 4)):
        leaver = await _person(stage)
        phone = await _signed_in(stage, leaver)
        path = f"/v1/staff/{leaver.id}/revoke"
        people.append(await _until_refused(partial(stage.union.post, path, if_match=1), phone.get))
    return {
        "revocations": len(devices) + len(people) + len(clients),
        "device_revoked_after_s": round(max(devices), 4),
        "person_revoked_after_s": round(max(people), 4),
        "client_revoked_after_s": round(max(clients), 4),
    }


async def _times_of_refusal(stage: Stage, people: int = 10) -> Figures:
    """Median seconds of a wrong password for accounts that exist, over that for accounts that do not, in turns."""
    known, unknown = [], []
    for _ in range(people):
        person = replace(await _person(stage), password="a wrong guess")
        nobody = replace(person, login=f"{person.login}x")
        for _ in range(TRIES_PER_ACCOUNT):
            known.append(await _refused_after(stage, person))
            unknown.append(await _refused_after(stage, nobody))
    return {"known_over_unknown_account": round(statistics.median(known) / statistics.median(unknown), 3)}


async def _refused_after(stage: Stage, person: Person) -> float:
    phone = _phone(stage)
    page = await phone.open_page()
    fields = {"agency": person.agency_code, "login": person.login, "password": person.password}
    started = time.perf_counter()
    answer = await phone.send(page, **fields)
    seconds = time.perf_counter() - started
    assert answer.status_code == 403, answer.text
    await phone.http.aclose()
    return seconds


async def _until_refused(
    revoke: Callable[[], Awaitable[httpx.Response]], get: Callable[[str], Awaitable[httpx.Response]]
) -> float:
    assert (await get("/v1/me")).status_code == 200
    answer = await revoke()
    assert answer.status_code in (200, 204), answer.text
    started = time.perf_counter()
    while (await get("/v1/me")).status_code != 401:
        assert time.perf_counter() - started < GIVE_UP_S, "still accepted"
    return time.perf_counter() - started


def _verifies(token: str, now: datetime) -> bool:
    try:
        AUTHORITY.verify(token, now)
    except NotAuthenticated:
        return False
    return True


def _sendable(corpus: Corpus) -> list[str]:
    """Those that HTTP lets through: visible ASCII without blanks at the ends, and no megabytes in a header."""
    tokens = [token for _, token in corpus.values() if token.isascii() and token.isprintable()]
    return [token for token in tokens if token and token == token.strip() and len(token) < 16_000]


async def _with_token(stage: Stage, token: str) -> httpx.Response:
    return await stage.http.get("/v1/cases", headers={"authorization": f"Bearer {token}"})


async def _with_assertion(stage: Stage, assertion: str) -> int:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return (await stage.http.post("/oauth/token", data=form)).status_code


async def _person(stage: Stage) -> Person:
    person = await new_person(stage.union, "union_coordinator")
    phone = _phone(stage)
    done = await phone.enrol(await enrolment_code(stage.union, person), person.password)
    assert done.status_code == 200, done.text
    await phone.http.aclose()
    return person


async def _signed_in(stage: Stage, person: Person) -> Phone:
    phone = _phone(stage)
    assert (await phone.exchange(await phone.sign_in(person))).status_code == 200
    return phone


def _phone(stage: Stage) -> Phone:
    """Cookies and, as the proxy says, an address of its own."""
    return Phone(_caller(stage.port), stage.app_id)


class _Loopback(httpx.AsyncHTTPTransport):
    """Takes every request to a port of this machine, as a proxy that ends TLS would; the name stays in `Host`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        moved = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await super().handle_async_request(moved)


def _caller(port: int) -> httpx.AsyncClient:
    headers = {"x-forwarded-for": f"10.{next(_addresses) // 250}.{next(_addresses) % 250}.1"}
    return httpx.AsyncClient(transport=_Loopback(port), base_url=ISSUER, timeout=60, trust_env=False, headers=headers)


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="tongli-trust-"))
    postgres = EmbeddedPostgres(folder, fast_and_unsafe=True)
    postgres.start()
    try:
        admin_url = await _seeded(postgres)
        async with _serving(admin_url) as port, _caller(port) as http:
            union = Api(http, await _client(admin_url, "DEMO-340802-UNION"))
            yield Stage(http, port, admin_url, union, await new_app(admin_url))
    finally:
        postgres.discard()
        shutil.rmtree(folder, ignore_errors=True)


async def _seeded(postgres: EmbeddedPostgres) -> str:
    """Tables, the demo province, and the two accounts that the corpus speaks of."""
    postgres.create_database("trust")
    url = postgres.superuser_dsn("trust").url()
    await prepare_roles(url, KEYRING)
    await asyncio.to_thread(upgrade, url)
    await load_reference_data(url)
    await prepare_demo_province(url, file=postgres.data_dir / "credentials.json", public_url=ISSUER)
    raw = await asyncpg.connect(url)
    try:
        await raw.execute(_AGENCY, AGENCY)
        for client_id in (PRINCIPAL, CLIENT, UUID(CLIENT_ID)):
            await raw.execute(_CLIENT, client_id, AGENCY, list(AGENCY_SCOPES))
        for jwk in (PUBLIC, OTHER_PUBLIC):
            await raw.execute(_KEY, UUID(CLIENT_ID), jwk["kid"], AGENCY, json.dumps(jwk))
    finally:
        await raw.close()
    return url


@asynccontextmanager
async def _serving(admin_url: str) -> AsyncIterator[int]:
    settings = Settings(
        env="development",
        public_url=ISSUER,
        trusted_proxies="127.0.0.1",
        rate_limit_per_minute=600_000,
        rate_limit_burst=100_000,
        report_limit_per_minute=600_000,
        report_limit_burst=100_000,
    )
    database = open_database(role_url(admin_url, names.APP, KEYRING), vault=Vault.of(KEYRING))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(settings, database), log_config=None, access_log=False))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        yield listening.getsockname()[1]
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running


async def _client(admin_url: str, code: str) -> Agency:
    private, public = generate_client_key()
    secret = new_secret()
    async with open_operator_transaction(admin_url) as raw:
        row = await agency_of_code(raw, code)
        assert row is not None, code
        client_id = await add_client(raw, row["id"], NewClient("trust", AGENCY_SCOPES, public, hash_secret(secret)))
    return Agency(
        id=row["id"],
        code=code,
        kind=row["kind"],
        division=row["division_code"],
        client_id=client_id,
        private_jwk=private,
        client_secret=secret,
        scopes=AGENCY_SCOPES,
    )


_AGENCY = """
INSERT INTO agency (id, code, name, name_en, kind, level, department, division_code, windows, status, created_at,
                    version)
SELECT $1, 'TRUST', 'TRUST', 'TRUST', kind, level, false, division_code, '[]', 'active', now(), 1
  FROM agency WHERE code = 'DEMO-340802-LABOUR'"""
_CLIENT = """
INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)
VALUES ($1, $2, 'trust', $3, 'active', now(), 1)"""
_KEY = "INSERT INTO client_key (client_id, kid, agency_id, jwk, created_at) VALUES ($1, $2, $3, $4::jsonb, now())"


def main() -> int:
    """Prints the figures; 1 where anything was accepted, a family lived on, or a revocation took more than 5 s."""
    from logs import configure_logging  # noqa: PLC0415  only as a program

    configure_logging("ERROR")
    figures = asyncio.run(trust_tokens())
    print(json.dumps(figures, indent=2))
    accepted = figures["tokens_accepted"] + figures["assertions_accepted"]
    slowest = max(figures[f"{what}_revoked_after_s"] for what in ("device", "person", "client"))
    alive = figures["families_tried"] - figures["families_killed"]
    return 1 if accepted or alive or slowest > 5 else 0


if __name__ == "__main__":
    sys.exit(main())
