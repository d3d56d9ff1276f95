"""`./tongli migrate` and `./tongli admin`: from an empty database of somebody's own to a client that signs in.

The administrator here is no superuser: it may create roles and owns the database, as hosted PostgreSQL gives it.
"""

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from cli.__main__ import main
from cli.entrances import database_for, read_settings
from crypto.keys import create_keyring
from crypto.public_keys import generate_client_key
from db import names
from db.embedded import EmbeddedPostgres
from tests.api.people import REDIRECT, Person, Phone
from tests.builders import Agency, report_body, token_for

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "https://tongli.example.org"


@dataclass(frozen=True, slots=True)
class Installation:
    """A production installation: its environment, and the administrator's and a superuser's way in."""

    environment: dict[str, str]
    admin_url: str
    superuser_url: str

    def run(self, *words: str) -> tuple[int, str, str]:
        """A command in this process: exit code, standard output, standard error."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name in [name for name in os.environ if name.startswith("TONGLI_")]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            with ThreadPoolExecutor(1) as aside:  # a command starts a loop of its own
                code = aside.submit(_exit_code, list(words)).result()
        return code, out.getvalue(), err.getvalue()

    def admin(self, *words: str) -> dict[str, Any]:
        """An admin command that must succeed; its answer."""
        code, out, err = self.run("admin", *words)
        assert code == 0, err
        answer: dict[str, Any] = json.loads(out)
        return answer

    def refusal(self, *words: str) -> str:
        """An admin command that must fail; its message."""
        code, out, err = self.run("admin", *words)
        assert code in (1, 2), out
        assert "Traceback" not in err
        return err

    async def value(self, sql: str, *values: object) -> Any:
        connection = await asyncpg.connect(self.superuser_url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()


def _exit_code(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.fixture(scope="module")
def empty_installation() -> Iterator[Installation]:
    """A server of its own, because roles belong to a whole server."""
    folder = Path(tempfile.mkdtemp(prefix="tongli-"))
    bin_dir = os.environ.get("TONGLI_TEST_POSTGRES_BIN")
    postgres = EmbeddedPostgres(folder, bin_dir=Path(bin_dir) if bin_dir else None, fast_and_unsafe=True)
    with postgres:
        asyncio.run(_create_administrator(postgres.superuser_dsn("postgres").url()))
        admin_url = replace(postgres.superuser_dsn("province"), user="dba", password="3f9c").url()
        create_keyring(folder / "keys" / "keyring.json")
        yield Installation(
            {
                "TONGLI_ENV": "production",
                "TONGLI_PUBLIC_URL": PUBLIC_URL,
                "TONGLI_DATABASE_URL": admin_url,
                "TONGLI_KEYS_FILE": str(folder / "keys" / "keyring.json"),
            },
            admin_url,
            postgres.superuser_dsn("province").url(),
        )
    postgres.discard()


@pytest.fixture(scope="module")
def installation(empty_installation: Installation) -> Installation:
    code, _, err = empty_installation.run("migrate")
    assert code == 0, err
    return empty_installation


async def _create_administrator(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE ROLE dba LOGIN CREATEROLE PASSWORD '3f9c'")
    await connection.execute("CREATE DATABASE province OWNER dba")
    await connection.close()


def test_admin_asks_for_the_tables_first(empty_installation: Installation) -> None:
    assert "./tongli migrate" in empty_installation.refusal("suspend-agency", "--code", "X-1")


async def test_migrate_prepares_a_database_of_an_administrator_who_is_no_superuser(installation: Installation) -> None:
    assert await installation.value("SELECT count(*) FROM matter") == 65
    assert await installation.value("SELECT count(*) FROM agency") == 0
    assert not await installation.value("SELECT rolsuper FROM pg_roles WHERE rolname = 'dba'")


async def test_migrate_may_be_repeated(installation: Installation) -> None:
    code, out, err = installation.run("migrate")
    assert (code, out) == (0, "")
    assert "loaded" not in err


async def test_migrate_gives_the_roles_the_passwords_that_their_urls_say(installation: Installation) -> None:
    own = installation.admin_url.replace("dba:3f9c", "tongli_app:7b21e0d4")
    chosen = Installation(
        {**installation.environment, "TONGLI_APP_DATABASE_URL": own}, installation.admin_url, installation.superuser_url
    )
    assert chosen.run("migrate")[0] == 0
    connection = await asyncpg.connect(own)
    await connection.close()
    assert installation.run("migrate")[0] == 0
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(own)


async def test_an_operator_creates_agency_staff_and_client_and_the_client_signs_in(installation: Installation) -> None:
    agency = installation.admin(
        *("create-agency", "--code", "YJ-UNION", "--name", "迎江区总工会", "--kind", "union", "--level", "county"),
        *("--division", "340802", "--matter", "UNI-01", "UNI-02"),
    )
    staff = installation.admin(
        *("create-staff", "--agency", "YJ-UNION", "--login", "wang", "--name", "王某", "--role", "agency_admin")
    )
    client = installation.admin(
        *("create-client", "--agency", "YJ-UNION", "--name", "业务系统", "--generate-key"),
        *("--scope", "reports:write", "cases:read"),
    )
    assert client["token_endpoint"] == f"{PUBLIC_URL}/oauth/token"
    assert client["scopes"] == ["reports:write", "cases:read"]
    assert staff["roles"] == ["agency_admin"]
    assert await installation.value("SELECT count(*) FROM competence") == 2
    credentials = Agency(
        id=UUID(agency["agency_id"]),
        code="YJ-UNION",
        kind="union",
        division="340802",
        client_id=UUID(client["client_id"]),
        private_jwk=client["private_jwk"],
        client_secret="",
        scopes=tuple(client["scopes"]),
    )
    async with _calling(installation) as http:
        token = await token_for(http, credentials)
        body = report_body(person={"id_type": "none", "id_number": None})
        headers = {"authorization": f"Bearer {token}", "idempotency-key": "first-report-0001"}
        answer = await http.post("/v1/reports", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        installation.admin("suspend-agency", "--code", "YJ-UNION")
        case = answer.json()["case"]["id"]
        assert (await http.get(f"/v1/cases/{case}", headers=headers)).status_code == 401
        installation.admin("resume-agency", "--code", "YJ-UNION")
        assert (await http.get(f"/v1/cases/{case}", headers=headers)).status_code == 200


async def test_the_operator_says_which_office_answers_through_links(installation: Installation) -> None:
    installation.admin(*_agency("DESK"))
    said = "SELECT answers_by_link FROM agency WHERE code = 'DESK'"
    assert await installation.value(said) is False
    assert installation.admin("open-links", "--code", "DESK")["answers_by_link"] is True
    assert await installation.value(said) is True
    installation.admin("close-links", "--code", "DESK")
    assert await installation.value(said) is False
    marks = "SELECT array_agg(action ORDER BY at) FROM audit_leaf WHERE action LIKE 'agency.%_links'"
    assert await installation.value(marks) == ["agency.open_links", "agency.close_links"]
    assert "no agency NOBODY" in installation.refusal("open-links", "--code", "NOBODY")


async def test_the_same_administrator_rotates_keys(installation: Installation) -> None:
    """Sees every sealed value although no policy of the administrator's says so: as tongli_keys."""
    values = await installation.value("SELECT count(*) FROM report")
    assert values > 0
    code, key_id, err = installation.run("keys", "add", "field")
    assert code == 0, err
    for words in (("promote", key_id.strip(), "--now"), ("rewrap",), ("reindex",)):
        code, _, err = installation.run("keys", *words)
        assert code == 0, err
    under = "SELECT count(*) FROM report WHERE sealed_as(body) LIKE '%/' || $1"
    assert await installation.value(under, key_id.strip()) == values


async def test_a_person_whom_the_operator_invited_signs_in_through_an_app_he_registered(
    installation: Installation,
) -> None:
    installation.admin(*_agency("PEOPLE"))
    words = ("--agency", "PEOPLE", "--login", "wang")
    made = installation.admin("create-staff", *words, "--name", "王某", "--role", "agency_caseworker")
    app = installation.admin("add-app", "--name", "通力移动版", "--redirect-uri", REDIRECT, "http://[::1]/done")
    assert made["enrolment_url"] == f"{PUBLIC_URL}/oauth/enrol"
    again = installation.admin("reset-staff", *words)
    assert again["staff_id"] == made["staff_id"]
    async with _calling(installation) as http:
        person = Person(UUID(made["staff_id"]), "PEOPLE", "wang")
        phone = Phone(http, UUID(app["client_id"]))
        assert (await phone.enrol(made["enrolment_code"], person.password)).status_code == 403, "replaced by the next"
        assert (await phone.enrol(again["enrolment_code"], person.password)).status_code == 200
        assert (await phone.exchange(await phone.sign_in(person))).status_code == 200
        assert (await phone.get("/v1/me")).status_code == 200
        installation.admin("reset-staff", *words)
        assert (await phone.get("/v1/me")).status_code == 401
        installation.admin("revoke-app", "--app-id", app["client_id"])
        assert (await phone.open_page()).status_code == 400
        assert (await phone.refresh()).json() == {"error": "invalid_client"}
    assert "no such app" in installation.refusal("revoke-app", "--app-id", app["client_id"])


@pytest.mark.parametrize("uri", ["http://app.example/done", "tongli:/done", "http://127.0.0.1:8400/done"])
def test_a_place_that_no_app_can_call_its_own_is_refused(installation: Installation, uri: str) -> None:
    assert "--redirect-uri" in installation.refusal("add-app", "--name", "x", "--redirect-uri", uri)


async def test_what_the_operator_did_is_in_the_audit(installation: Installation) -> None:
    installation.admin(*_agency("AUDITED"))
    installation.admin("create-client", "--agency", "AUDITED", "--name", "s", "--with-secret")
    actions = await installation.value(
        "SELECT array_agg(l.action ORDER BY l.id) FROM audit_leaf l JOIN agency a ON a.id = l.agency_id"
        " WHERE a.code = 'AUDITED' AND l.principal_kind = 'operator'"
    )
    assert actions == ["agency.create", "client.create"]


async def test_a_partners_public_key_is_registered_as_it_is(installation: Installation, tmp_path: Path) -> None:
    installation.admin(*_agency("KEYED"))
    _, public = generate_client_key()
    file = tmp_path / "public.jwk"
    file.write_text(json.dumps(public))
    made = installation.admin("create-client", "--agency", "KEYED", "--name", "s", "--public-jwk", str(file))
    assert made["kid"] == public["kid"]
    assert "private_jwk" not in made
    stored = await installation.value("SELECT jwk FROM client_key WHERE client_id::text = $1", made["client_id"])
    assert json.loads(stored) == public


def test_a_private_key_is_refused_where_a_public_one_belongs(installation: Installation, tmp_path: Path) -> None:
    installation.admin(*_agency("LEAKY"))
    private, _ = generate_client_key()
    file = tmp_path / "private.jwk"
    file.write_text(json.dumps(private))
    said = installation.refusal("create-client", "--agency", "LEAKY", "--name", "s", "--public-jwk", str(file))
    assert "/d private-key" in said
    assert private["d"] not in said


def _agency(code: str, **changes: str) -> list[str]:
    given = {"code": code, "name": "某局", "kind": "labour", "level": "county", "division": "340802"} | changes
    return ["create-agency", *(word for name, value in given.items() for word in (f"--{name}", value))]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (_agency("X-1", kind="police"), "--kind"),
        (_agency("X-1", level="village"), "--level"),
        (_agency("X-1", division="3408"), "--division"),
        (_agency("X 1"), "--code"),
        (_agency("X-1", name=" "), "--name"),
        (_agency("X-1", parent="NOBODY"), "there is no agency NOBODY"),
        (_agency("X-1", matter="LAB-99"), "LAB-99"),
        ([*_agency("X-1"), "--department"], "--parent"),
        (["create-client", "--agency", "NOBODY", "--name", "s", "--with-secret"], "there is no agency NOBODY"),
        (["create-client", "--agency", "X-1", "--name", "s"], "--generate-key"),
        (
            [*("create-client", "--agency", "X-1", "--name", "s", "--with-secret", "--scope", "persons:match")],
            "give it a key",
        ),
        (["create-client", "--agency", "X-1", "--name", "s", "--with-secret", "--scope", "everything"], "--scope"),
        (["create-staff", "--agency", "NOBODY", "--login", "a1", "--name", "x", "--role", "auditor"], "no agency"),
        (["create-staff", "--agency", "X-1", "--login", "a1", "--name", "x", "--role", "king"], "--role"),
        (["suspend-agency", "--code", "NOBODY"], "there is no agency NOBODY"),
        (["confirm-calendar", "2027", "--notice", "n", "--off", "2026-01-01"], "not in 2027"),
        (["confirm-calendar", "2027", "--notice", "n", "--off", "2027-10-01", "--work", "2027-10-04"], "weekend"),
        (["confirm-calendar", "2027", "--notice", "n", "--off", "in May"], "--off"),
    ],
)
async def test_a_wrong_value_is_named_and_nothing_is_made(
    installation: Installation, words: list[str], said: str
) -> None:
    before = await installation.value("SELECT count(*) FROM agency")
    assert said in installation.refusal(*words)
    assert await installation.value("SELECT count(*) FROM agency") == before


def test_a_code_or_login_is_given_once(installation: Installation) -> None:
    installation.admin(*_agency("TWICE"))
    assert "already" in installation.refusal(*_agency("TWICE"))
    staff = ["create-staff", "--agency", "TWICE", "--login", "li", "--name", "李某", "--role", "auditor"]
    installation.admin(*staff)
    assert "already" in installation.refusal(*staff)


def test_an_unknown_division_is_warned_about_only(installation: Installation) -> None:
    code, _, err = installation.run("admin", *_agency("NOWHERE", division="349999"))
    assert code == 0
    assert "349999" in err


async def test_a_year_is_confirmed_with_the_days_of_its_notice(installation: Installation) -> None:
    made = installation.admin(
        *("confirm-calendar", "2027", "--notice", "国办发明电〔2026〕9号", "--off", "2027-10-01..2027-10-07"),
        *("--work", "2027-10-09"),
    )
    assert made == {"year": 2027, "notice": "国办发明电〔2026〕9号", "days_off": 7, "make_up_days": 1}
    assert installation.run("migrate")[0] == 0
    assert await installation.value("SELECT count(*) FROM calendar_day WHERE year = 2027") == 8


async def test_a_division_sets_stricter_clocks_and_never_looser_ones(installation: Installation) -> None:
    local = ("--division", "340802", "--source", "宜人社发〔2026〕3号", "--valid-from", "2026-01-01")
    strict = '{"resolve": {"amount": 3, "unit": "working_day"}}'
    made = installation.admin("override-clocks", "--matter", "LAB-09", *local, "--clocks", strict)
    assert made["clocks"]["resolve"] == {"amount": 3, "unit": "working_day"}
    assert set(made["clocks"]) > {"resolve"}, "what the override does not name holds on"

    loose = '{"resolve": {"amount": 300, "unit": "working_day"}}'
    refused = installation.refusal("override-clocks", "--matter", "LAB-09", *local, "--clocks", loose)
    assert "/clocks/resolve: looser-override" in refused
    assert "unknown-matter" in installation.refusal("override-clocks", "--matter", "LAB-99", *local, "--clocks", strict)
    for unreadable in ("3 days", "[]"):
        refused = installation.refusal("override-clocks", "--matter", "LAB-09", *local, "--clocks", unreadable)
        assert "a JSON object" in refused
    assert await installation.value("SELECT clocks #>> '{resolve,amount}' FROM matter_override") == "3"


async def test_a_division_sets_its_own_levels_of_early_warning(installation: Installation, tmp_path: Path) -> None:
    local = ("--division", "340802", "--source", "宜人社发〔2026〕4号", "--valid-from", "2026-01-01")
    file, own = (
        tmp_path / "own.json",
        {"signal": "closure", "subject": "employer", "level": 1, "basis": "x", "mark": "L"},
    )
    for persons in (50, 40):
        file.write_text(json.dumps([own | {"at_least": {"persons": persons}}]), encoding="utf-8")
        made = installation.admin("override-thresholds", "--file", str(file), *local)
        assert made == {"division": "340802", "thresholds": 1}
    said = "SELECT string_agg(thresholds #>> '{0,at_least,persons}', ' ') FROM warning_override"
    assert await installation.value(said) == "40", "the later one replaces the earlier"
    for wrong in ('[{"signal": "rumour"}]', "{}x", '{"a": 1}', json.dumps([own | {"at_least": {"people": 1}}])):
        file.write_text(wrong, encoding="utf-8")
        assert "--file" in installation.refusal("override-thresholds", "--file", str(file), *local)


def test_admin_without_any_database_says_what_to_do(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")}
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "admin", "--data-dir", str(tmp_path), "suspend-agency", "--code", "X-1"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "start ./tongli serve once" in ended.stderr
    assert not list(tmp_path.iterdir())


@contextlib.asynccontextmanager
async def _calling(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    from api.main import create_app  # noqa: PLC0415  the other tests should not wait for the whole API

    with pytest.MonkeyPatch.context() as patch:
        for name, value in installation.environment.items():
            patch.setenv(name, value)
        settings = read_settings()
        database = database_for(settings, names.APP)
    transport = httpx.ASGITransport(create_app(settings, database))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        yield http
    await database.close()
