"""A marked person goes through every route and every error, and is nowhere in the clear: not in logs, answers, rows."""

import io
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest

import logs
from logs import configure_logging
from tests.actions.instances import superuser
from tests.actions.story import WORDS, Json, refer, report, step, try_step
from tests.builders import Api, fresh_key, identity_number, report_body

NUMBER = identity_number(date(1953, 7, 19), serial=431)
PHONE = "13977553311"
NAME = "欧阳哨兵𠮷"
ADDRESS = "哨兵路九百九十九号"
HASHED, CLK = "5e71" * 16, "q83vASNF" * 21 + "q80="
MARKS = (NUMBER, PHONE, NAME, ADDRESS, HASHED, CLK)
BAD_NUMBER = NUMBER[:17] + ("1" if NUMBER[17] != "1" else "2")


@dataclass(slots=True)
class Watch:
    """Everything that was answered with an error, and everything that was logged."""

    refusals: list[httpx.Response]
    logged: Callable[[], str]


@pytest.fixture
async def watch(http: httpx.AsyncClient) -> AsyncIterator[Watch]:
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure_logging("DEBUG", "json", stream)
    refusals: list[httpx.Response] = []

    async def keep(answer: httpx.Response) -> None:
        if answer.status_code >= 400:
            await answer.aread()
            refusals.append(answer)

    http.event_hooks["response"].append(keep)
    yield Watch(refusals, stream.getvalue)
    http.event_hooks["response"].remove(keep)
    root.handlers[:], root.level = before
    logging.captureWarnings(capture=False)
    logs._configure_structlog("INFO", logs._json_line, lambda: sys.stderr)


def _person(**changes: Any) -> Json:
    return {
        "name": NAME,
        "id_type": "resident_id",
        "id_number": NUMBER,
        "sex": "female",
        "birth_date": "1953-07-19",
        "phones": [f"+86{PHONE}"],
        "address": {"division_code": "340802", "detail": ADDRESS},
        "as_received": {"name": NAME, "phone": PHONE, "id_number": NUMBER, "address": ADDRESS},
    } | changes


def _encoded(**changes: Any) -> Json:
    encoded = {"key": "enc-2026-00000000", "id_number": HASHED, "clk": CLK} | changes
    return _person(id_type="encoded", id_number=None, as_received=None, encoded=encoded)


def _body(**changes: Any) -> Json:
    about = f"{NAME} {NUMBER} {PHONE} {ADDRESS}"
    return report_body() | {"person": _person(), "narrative": about} | changes


async def test_a_marked_person_is_nowhere_in_the_clear(
    union: Api, labour: Api, stranger: Api, watch: Watch, admin_url: str
) -> None:
    case_id = await _through_the_main_job(union, labour)
    await _through_every_error(union, stranger, case_id)
    assert len(watch.refusals) > 30
    for answer in watch.refusals:
        _clean(answer.text + json.dumps(dict(answer.headers)), f"{answer.request.url.path} {answer.status_code}")
    text = watch.logged()
    assert '"event": "request"' in text
    _clean(text, "logs")
    _clean(json.dumps(json.loads(json.dumps(text)), ensure_ascii=False), "logs")
    assert await _tables_with_marks(admin_url) == []


def _clean(text: str, where: str) -> None:
    for mark in MARKS:
        assert mark not in text, where
        assert json.dumps(mark)[1:-1] not in text, where


async def _through_the_main_job(union: Api, labour: Api) -> str:
    about = f"{NAME} {NUMBER} {PHONE}"
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    answer = await union.post("/v1/reports", _body(sharing_basis=basis))
    assert answer.status_code == 201, answer.text
    case_id: str = answer.json()["case"]["id"]
    referral = await refer(union, case_id, labour, note=about)
    returned = await step(labour, referral, "return", text=about, reason="missing_documents", missing=[about])
    again = await step(union, returned, "resubmit", text=about)
    accepted = await step(labour, again, "accept")
    read = await labour.get(f"/v1/referrals/{referral['id']}", purpose="assistance")
    assert read.json()["people"][0]["name"] == NAME
    held = await step(labour, await step(labour, accepted, "start"), "hold", text=about)
    resumed = await step(labour, held, "resume")
    result = {"kind": "recognition", "code": "hard-to-employ", "text": about}
    await step(labour, resumed, "complete", text=about, result=result)
    (shown,) = (await union.get(f"/v1/cases/{case_id}/results")).json()["data"]
    partly = {"decision": "partly", "reason_code": "other", "reason": about}
    await union.post(f"/v1/results/{shown['id']}/adoptions", partly)
    for path in (
        "",
        "/file",
        "/timeline",
        "/participants",
        "/links",
        "/referrals",
        "/results",
        "/tasks",
        "/assistance",
    ):
        assert (await union.get(f"/v1/cases/{case_id}{path}", purpose="assistance")).status_code == 200
    await union.get(f"/v1/reports/{answer.json()['id']}", purpose="assistance")
    for words in ({"id_number": NUMBER}, {"name": NAME, "birth_date": "1953-07-19"}):
        await union.send("POST", "/v1/cases/search", json=words, purpose="assistance")
    return case_id


async def _through_every_error(union: Api, stranger: Api, case_id: str) -> None:
    await _through_bad_reports(union)
    ascii_marks = (NUMBER, PHONE)
    for mark in (*ascii_marks, NAME):
        for path in (
            "/v1/cases/{}",
            "/v1/reports/{}",
            "/v1/referrals/{}",
            "/v1/{}",
            "/v1/cases?status={}",
            "/v1/cases?{}=1",
        ):
            await union.get(path.format(mark))
        await union.get("/v1/cases", params={"cursor": mark})
        await union.post(f"/v1/cases/{case_id}/{mark}", {})
        await union.post(f"/v1/cases/{case_id}/referrals", {"matter": mark, "need": mark, mark: mark})
        await union.post(f"/v1/cases/{case_id}/participants", {"agency": mark})
        await union.post(f"/v1/cases/{case_id}/close", {"exit_reason": mark, "text": mark}, if_match=1)
        await union.send(
            "POST", "/v1/cases/search", json={"id_number": mark, "name": mark, "birth_date": mark}, purpose="assistance"
        )
        await stranger.post(f"/v1/cases/{case_id}/referrals", {"matter": "LAB-12", "note": mark})
        await union.http.post("/oauth/token", data={"grant_type": mark, "client_id": mark, "client_secret": mark})
    for mark in ascii_marks:
        for name in (
            "request-id",
            "tongli-purpose",
            "tongli-actor",
            "idempotency-key",
            "if-none-match",
            "accept-language",
        ):
            await union.get(f"/v1/cases/{case_id}", headers={name: mark})
        await union.http.get("/v1/cases", headers={"authorization": f"Bearer {mark}"})
    referral = await refer(union, case_id, stranger)
    for name in WORDS:
        await try_step(stranger, referral, name, reason=NUMBER, text=NAME)


async def _through_bad_reports(union: Api) -> None:
    bad: list[Json] = [
        {"person": _person(id_number=BAD_NUMBER)},
        {"person": _person(birth_date="1950-01-01", sex="male")},
        {"person": _person(phones=[PHONE + "9"])},
        {"person": _person(employer={"name": NAME, "uscc": NUMBER})},
        {"person": _person(name=NAME * 20)},
        {"person": _person(**{NAME: NUMBER})},
        {"person": _encoded(key="enc-2026-00000000")},
        {"person": _encoded(key=HASHED)},
        {"person": _encoded(id_number=CLK, clk=HASHED)},
        {"person": NAME},
        {"person": [NUMBER]},
        {"source": {"system": NAME, "record_id": PHONE}},
        {"aware_at": NUMBER},
        {"needs": [NAME, PHONE]},
        {"causes": {"primary": NUMBER}},
        {NAME: NUMBER},
    ]
    for changes in bad:
        answer = await union.post("/v1/reports", _body(**changes))
        assert answer.status_code == 422, changes
    for content in (f'{{"{NAME}": "{NUMBER}"', f'["{PHONE}", NaN]', f'{{"a": "{NAME}", "a": "{NUMBER}"}}'):
        await union.send("POST", "/v1/reports", content=content.encode(), key=fresh_key())


async def _tables_with_marks(admin_url: str) -> list[tuple[str, str]]:
    """(table, mark) wherever a mark stands in any column of any row: as text, in JSON, or as bytes."""
    found = []
    async with superuser(admin_url) as raw:
        tables = await raw.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = "
            "'public'::regnamespace AND NOT relispartition"
        )
        for row in tables:
            table = row["relname"]
            for mark in MARKS:
                forms = [mark, mark.encode().hex(), json.dumps(mark)[1:-1].replace("\\", "\\\\")]
                held = await raw.fetchval(
                    f'SELECT EXISTS (SELECT FROM "{table}" t WHERE strpos(to_jsonb(t)::text, $1) > 0 '
                    "OR strpos(to_jsonb(t)::text, $2) > 0 OR strpos(to_jsonb(t)::text, $3) > 0)",
                    *forms,
                )
                found += [(table, mark)] if held else []
    return found


async def test_the_scan_would_find_a_mark(admin_url: str) -> None:
    async with superuser(admin_url) as raw, raw.transaction():
        for form in (NAME, json.dumps(NAME)):
            held = await raw.fetchval(
                "SELECT strpos(to_jsonb(t)::text, $2) > 0 FROM (SELECT $1::text AS x) t",
                form,
                NAME if form == NAME else json.dumps(NAME)[1:-1].replace("\\", "\\\\"),
            )
            assert held


_FIELDS: dict[str, str] = {
    "aware_by": "SELECT body FROM report WHERE case_id = $1",
    "reference of a basis": "SELECT reference FROM sharing_basis WHERE case_id = $1",
    "text of a closing": 'SELECT exit_text FROM "case" WHERE id = $1',
    "source of a help": "SELECT source FROM assistance WHERE case_id = $1",
}


@pytest.mark.parametrize("field", _FIELDS)
async def test_a_free_text_in_which_a_name_may_stand_is_sealed(
    union: Api, labour: Api, admin_url: str, field: str
) -> None:
    """People write names into every box."""
    said = f"{NAME}本人"
    basis = {"kind": "consent", "reference": said, "recipients": [str(labour.id)]}
    filed = await report(union, aware_by=said, sharing_basis=basis)
    case_id = filed["case"]["id"]
    referral = await refer(union, case_id, labour)
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    helped = {"kind": "living", "depth": "emergency", "amount_fen": 100, "source": said}
    await step(labour, referral, "complete", assistance=[helped])
    for name in ("activate", "propose_closing", "close"):
        version = (await union.get(f"/v1/cases/{case_id}")).json()["version"]
        words = {"exit_reason": "lifted", "text": said} if name == "close" else {}
        answer = await union.post(f"/v1/cases/{case_id}/{name}", words, if_match=version)
        assert answer.status_code == 200, answer.text
    async with superuser(admin_url) as raw:
        kept = await raw.fetchval(_FIELDS[field], case_id)
    assert kept is not None
    assert said not in str(kept)


@pytest.mark.parametrize("header", ["tongli-actor", "tongli-purpose"])
@pytest.mark.parametrize("mark", [NUMBER, PHONE, f"x{NUMBER}"])
async def test_a_header_that_looks_like_a_persons_number_is_not_audited(
    union: Api, admin_url: str, header: str, mark: str
) -> None:
    """A pseudonym and a purpose stand in audit leaves for ever; what is refused in a request id is refused here."""
    filed = await report(union)
    answer = await union.get(f"/v1/reports/{filed['id']}", headers={"tongli-purpose": "assistance", header: mark})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")
