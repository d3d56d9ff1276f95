"""People sign in: through one page, by code and PKCE, with a second factor where their role asks for one."""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.password_desk import PasswordDesk
from rules.errors import TemporaryReducedCapacity
from rules.sign_in import TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS, TRIES_PER_CLIENT
from settings import Settings
from tests.actions.instances import superuser
from tests.api.people import (
    PASSWORD,
    REDIRECT,
    Person,
    Phone,
    answered,
    enrolment_code,
    new_app,
    new_person,
    secret_of,
    totp,
)
from tests.builders import Api
from tests.conftest import PUBLIC_URL

PhoneOf = Callable[..., Phone]

_addresses = iter(f"10.{n // 62_500 % 250}.{n // 250 % 250}.{n % 250}" for n in range(10**6))


@pytest.fixture(scope="module")
async def app_id(admin_url: str) -> UUID:
    return await new_app(admin_url, REDIRECT, "https://app.example/done", "http://127.0.0.1/done")


@pytest.fixture
def phone_of(app: Any, app_id: UUID) -> PhoneOf:
    """A phone at an address of its own, so that no test uses up another's tries."""

    def made(**changes: Any) -> Phone:
        return Phone.of(app, PUBLIC_URL, app_id, **{"address": next(_addresses), **changes})

    return made


@pytest.fixture
def phone(phone_of: PhoneOf) -> Phone:
    return phone_of()


async def enrolled(admin: Api, phone: Phone, *roles: str) -> Person:
    """A person that has chosen its password."""
    person = await new_person(admin, *roles)
    done = await phone.enrol(await enrolment_code(admin, person), person.password)
    assert done.status_code == 200, done.text
    return person


@pytest.fixture
async def person(union: Api, phone: Phone) -> Person:
    """A caseworker: a password is enough."""
    return await enrolled(union, phone, "union_coordinator")


@pytest.fixture
async def signed_in(phone: Phone, person: Person) -> Phone:
    assert (await phone.exchange(await phone.sign_in(person))).status_code == 200
    return phone


def refused(answer: httpx.Response, error: str = "invalid_grant", status: int = 400) -> None:
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert answer.headers["cache-control"] == "no-store"


# The way through


async def test_a_code_becomes_tokens_that_open_what_the_roles_allow(phone: Phone, person: Person) -> None:
    page = await phone.give_password(person, nonce="n-1", scope="cases:read agency:admin cases:write")
    assert page.status_code == 303
    called_back = answered(page)
    assert page.headers["location"].startswith(f"{REDIRECT}?")
    assert called_back.keys() == {"code", "state", "iss"}
    assert called_back["iss"] == PUBLIC_URL
    answer = await phone.exchange(called_back["code"])
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "nonce"}
    assert (tokens["scope"], tokens["expires_in"], tokens["nonce"]) == ("cases:read cases:write", 600, "n-1")
    assert (await phone.get("/v1/cases")).status_code == 200
    assert (await phone.get("/v1/staff")).status_code == 403
    me = (await phone.get("/v1/me")).json()
    assert (me["kind"], me["id"], me["second_factor"]) == ("staff", str(person.id), False)
    assert me["scopes"] == ["cases:read", "cases:write"]


async def test_a_supervisor_sets_up_a_second_factor_before_the_first_token(union: Api, phone: Phone) -> None:
    person = await enrolled(union, phone, "union_supervisor")
    page = await phone.give_password(person)
    assert (page.status_code, "otpauth://" in page.text, "<svg" in page.text) == (200, True, True)
    person.secret = secret_of(page)
    wrong = await phone.send(page, code="000000" if person.code() != "000000" else "000001")
    assert (wrong.status_code, secret_of(wrong)) == (403, person.secret)
    codes = await phone.send(wrong, code=person.code(steps=-1))
    assert len(re.findall(r"<li>[A-Z0-9]{5}-[A-Z0-9]{5}</li>", codes.text)) == 10
    done = await phone.send(codes)
    assert (await phone.exchange(answered(done)["code"])).status_code == 200
    assert (await phone.get("/v1/me")).json()["second_factor"] is True
    assert "audit:read" in phone.tokens["scope"]


async def test_the_pages_half_way_cannot_be_used_again(union: Api, phone: Phone) -> None:
    """What was sealed before the factor was set up is worth nothing afterwards."""
    person = await enrolled(union, phone, "auditor")
    page = await phone.give_password(person)
    person.secret = secret_of(page)
    assert (await phone.send(page, code=person.code(steps=-1))).status_code == 200
    again = await phone.send(page, code=person.code())
    assert (again.status_code, "otpauth://" in again.text) == (400, False)


async def test_a_code_of_the_second_factor_works_once(union: Api, phone: Phone) -> None:
    person = await enrolled(union, phone, "agency_admin")
    await phone.sign_in(person)
    code = person.code()
    assert (await phone.send(await phone.give_password(person), code=code)).status_code == 303
    replayed = await phone.send(await phone.give_password(person), code=code)
    assert (replayed.status_code, "used before" in replayed.text) == (403, True)


async def test_a_recovery_code_stands_in_once(union: Api, phone: Phone) -> None:
    person = await enrolled(union, phone, "agency_admin")
    await phone.sign_in(person)
    typed = person.recovery_codes[0].lower().replace("-", " ")
    assert (await phone.send(await phone.give_password(person), code=typed)).status_code == 303
    assert (await phone.send(await phone.give_password(person), code=typed)).status_code == 403


async def test_a_role_given_later_sleeps_until_a_second_factor_is_shown(
    union: Api, signed_in: Phone, person: Person
) -> None:
    await union.patch(f"/v1/staff/{person.id}", {"roles": ["union_supervisor", "agency_admin"]}, if_match=1)
    assert (await signed_in.get("/v1/me")).json()["scopes"] == []
    assert (await signed_in.get("/v1/staff")).status_code == 403
    refreshed = await signed_in.refresh()
    assert (refreshed.status_code, refreshed.json()["scope"]) == (200, "")
    await signed_in.exchange(await signed_in.sign_in(person))
    assert (await signed_in.get("/v1/staff")).status_code == 200


async def test_a_role_taken_away_takes_its_scopes_at_once(union: Api, signed_in: Phone, person: Person) -> None:
    assert (await signed_in.get("/v1/cases")).status_code == 200
    await union.patch(f"/v1/staff/{person.id}", {"roles": ["statistician"]}, if_match=1)
    assert (await signed_in.get("/v1/cases")).status_code == 403


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "登录"), ("en", "Sign in"), ("fr en zh", "Sign in")])
async def test_the_page_speaks_the_language_that_is_wished(phone: Phone, language: str, word: str) -> None:
    page = await phone.open_page(ui_locales=language)
    assert f"<h1>{word}</h1>" in page.text
    other = await phone.http.get(
        "/oauth/authorize", params=phone.asked(ui_locales=None), headers={"accept-language": "en"}
    )
    assert "<h1>Sign in</h1>" in other.text
    for name in ("organization", "username", "current-password"):
        assert f'autocomplete="{name}"' in page.text


async def test_the_page_may_load_nothing_and_stand_in_no_frame(phone: Phone) -> None:
    page = await phone.open_page()
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' cn.example.tongli:;" in policy
    assert "script" not in page.text
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    (cookie,) = page.headers.get_list("set-cookie")
    assert all(part in cookie.lower() for part in ("httponly", "samesite=strict", "path=/"))


async def test_on_https_cookies_are_secure_and_bound_to_the_host(
    app: Any, settings: Settings, database: Any, app_id: UUID
) -> None:
    from api.main import create_app  # noqa: PLC0415  as conftest does

    secure = create_app(settings.model_copy(update={"public_url": "https://127.0.0.1"}), database)
    page = await Phone.of(secure, "https://127.0.0.1", app_id).open_page()
    (cookie,) = page.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-tongli_form=")
    assert "; Secure" in cookie


# What an app may ask


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "s" * 256}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"request_uri": "https://evil.example"}, "request_not_supported"),
    ],
)
async def test_a_request_that_does_not_fit_is_refused_to_the_app(
    phone: Phone, changes: dict[str, str | None], error: str
) -> None:
    answer = await phone.open_page(**changes)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{REDIRECT}?")
    assert (answered(answer)["error"], answered(answer)["iss"]) == (error, PUBLIC_URL)


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "login", "max_age": "300"}])
async def test_who_asks_again_is_asked_again(signed_in: Phone, person: Person, asked: dict[str, str]) -> None:
    """There is no session in the browser, so each sign-in is one."""
    before = (await signed_in.get("/v1/me")).json()["signed_in_at"]
    page = await signed_in.open_page(**asked)
    assert (page.status_code, 'name="password"' in page.text) == (200, True)
    assert (await signed_in.exchange(await signed_in.sign_in(person, **asked))).status_code == 200
    assert (await signed_in.get("/v1/me")).json()["signed_in_at"] >= before


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/done",
        f"{REDIRECT}/",
        f"{REDIRECT}?x=1",
        REDIRECT.upper(),
        "https://app.example/done/",
        "https://app.example/done/../evil",
        "https://app.example:8443/done",
        "https://user@app.example/done",
        "http://app.example/done",
        "http://127.0.0.1:8400/other",
        "http://localhost:8400/done",
        "http://127.0.0.1.evil.example/done",
        "http://127.0.0.1:8400/done#x",
        "javascript:alert(1)",
        "",
    ],
)
async def test_nobody_is_answered_at_a_place_that_is_not_registered(phone: Phone, redirect: str) -> None:
    answer = await phone.open_page(redirect_uri=redirect)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert redirect == "" or redirect not in answer.text


async def test_a_loopback_place_may_have_any_port(phone_of: PhoneOf, union: Api) -> None:
    phone = phone_of(redirect="http://127.0.0.1:49152/done")
    person = await enrolled(union, phone)
    assert (await phone.exchange(await phone.sign_in(person))).status_code == 200


@pytest.mark.parametrize("named", ["", "x", str(UUID(int=7))])
async def test_an_unknown_app_is_told_to_the_person_only(phone: Phone, named: str) -> None:
    answer = await phone.open_page(client_id=named)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_a_form_of_another_browser_or_none_is_refused(phone: Phone, phone_of: PhoneOf, person: Person) -> None:
    page = await phone.open_page()
    fields = {"agency": person.agency_code, "login": person.login, "password": person.password}
    stranger = phone_of()
    assert (await stranger.send(page, **fields)).status_code == 400
    await stranger.open_page()
    assert (await stranger.send(page, **fields)).status_code == 400
    assert (await phone.http.post("/oauth/authorize", data={"form": "x", **fields})).status_code == 400
    assert (await phone.send(page, **fields)).status_code == 303


async def test_a_form_that_signed_somebody_in_does_not_do_so_again(phone: Phone, person: Person) -> None:
    """Whoever comes next to a shared machine may go back a page and send it once more."""
    page = await phone.open_page()
    fields = {"agency": person.agency_code, "login": person.login, "password": person.password}
    assert (await phone.send(page, **fields)).status_code == 303
    assert (await phone.send(page, **fields)).status_code == 400


async def test_a_flood_of_passwords_is_told_to_come_back() -> None:
    """As many as may be hashed at once and wait; the next is refused at once, not queued."""
    desk = PasswordDesk(at_once=1, waiting=1)
    ends = await asyncio.gather(*(desk.hash(PASSWORD) for _ in range(4)), return_exceptions=True)
    assert [isinstance(end, TemporaryReducedCapacity) for end in ends] == [False, False, True, True]
    assert await desk.matches(PASSWORD, str(ends[0]))
    desk.close()


async def test_the_page_says_when_too_many_sign_in(
    settings: Settings, database: Any, app_id: UUID, person: Person
) -> None:
    from api.main import create_app  # noqa: PLC0415  as conftest does

    full = create_app(settings, database)
    full.state.services = replace(full.state.services, passwords=PasswordDesk(at_once=1, waiting=-1))
    phone = Phone.of(full, PUBLIC_URL, app_id, address=next(_addresses))
    for _ in range(TRIES_PER_ACCOUNT + 1):  # nobody looked at the password, so none of these counts
        page = await phone.give_password(person)
        assert (page.status_code, page.headers["retry-after"], "in a moment" in page.text) == (503, "3", True)


# Codes


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/done"},
        {"code": "tlc_unknown"},
    ],
)
async def test_a_code_fits_its_verifier_its_place_and_itself(
    phone: Phone, person: Person, changes: dict[str, str]
) -> None:
    refused(await phone.exchange(await phone.sign_in(person), **changes))


async def test_a_wrong_verifier_spoils_the_code(phone: Phone, person: Person) -> None:
    code = await phone.sign_in(person)
    refused(await phone.exchange(code, code_verifier="w" * 43))
    refused(await phone.exchange(code))


async def test_a_code_of_one_app_is_nothing_to_another(phone: Phone, person: Person, admin_url: str) -> None:
    code = await phone.sign_in(person)
    refused(await phone.exchange(code, client_id=str(await new_app(admin_url))))
    assert (await phone.exchange(code)).status_code == 200


async def test_a_code_that_comes_twice_ends_what_it_opened(signed_in: Phone, person: Person) -> None:
    code = await signed_in.sign_in(person)
    assert (await signed_in.exchange(code)).status_code == 200
    refused(await signed_in.exchange(code))
    assert (await signed_in.get("/v1/me")).status_code == 401
    refused(await signed_in.refresh())


async def test_sixteen_copies_of_a_code_leave_nobody_signed_in(phone: Phone, person: Person) -> None:
    code = await phone.sign_in(person)
    answers = await asyncio.gather(*(phone.exchange(code) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 15]
    assert (await phone.get("/v1/me")).status_code == 401


async def test_a_code_lives_for_a_minute(phone: Phone, person: Person, admin_url: str) -> None:
    code = await phone.sign_in(person)
    async with superuser(admin_url) as raw:
        await raw.execute(
            "UPDATE sign_in_code SET created_at = created_at - interval '61 s' WHERE staff_id = $1", person.id
        )
    refused(await phone.exchange(code))


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier", "client_id"])
async def test_an_incomplete_exchange_is_refused(phone: Phone, person: Person, missing: str) -> None:
    answer = await phone.exchange(await phone.sign_in(person), **{missing: None})
    refused(answer, *(("invalid_client", 401) if missing == "client_id" else ("invalid_request",)))


async def test_an_app_that_shows_a_secret_is_refused(phone: Phone, person: Person) -> None:
    code = await phone.sign_in(person)
    refused(await phone.exchange(code, client_secret="x"), "invalid_client", 401)


async def test_there_is_no_password_grant(http: httpx.AsyncClient, person: Person, app_id: UUID) -> None:
    form = {"grant_type": "password", "username": person.login, "password": PASSWORD, "client_id": str(app_id)}
    refused(await http.post("/oauth/token", data=form), "unsupported_grant_type")


# Refresh tokens


async def test_each_refresh_gives_another_token_and_the_same_device(signed_in: Phone) -> None:
    seen = {signed_in.tokens["refresh_token"]}
    device = (await signed_in.get("/v1/me")).json()["device_id"]
    for _ in range(3):
        assert (await signed_in.refresh()).status_code == 200
        seen.add(signed_in.tokens["refresh_token"])
        assert (await signed_in.get("/v1/me")).json()["device_id"] == device
    assert len(seen) == 4


async def test_a_lost_answer_is_given_again(signed_in: Phone) -> None:
    first = signed_in.tokens["refresh_token"]
    lost = (await signed_in.refresh(first)).json()["refresh_token"]
    assert (await signed_in.refresh(first)).json()["refresh_token"] == lost
    assert (await signed_in.refresh(lost)).status_code == 200


async def test_sixteen_refreshes_at_once_get_one_successor(signed_in: Phone) -> None:
    answers = await asyncio.gather(*(signed_in.refresh(signed_in.tokens["refresh_token"]) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.parametrize("how", ["successor used", "half a minute later", "long used"])
async def test_a_token_used_twice_ends_the_family(signed_in: Phone, admin_url: str, how: str) -> None:
    first = signed_in.tokens["refresh_token"]
    for _ in range({"successor used": 2, "half a minute later": 1, "long used": 5}[how]):
        await signed_in.refresh()
    if how == "half a minute later":
        async with superuser(admin_url) as raw:
            await raw.execute(
                "UPDATE refresh_token SET used_at = used_at - interval '31 s' WHERE device_id = $1",
                UUID((await signed_in.get("/v1/me")).json()["device_id"]),
            )
    refused(await signed_in.refresh(first))
    refused(await signed_in.refresh())
    assert (await signed_in.get("/v1/me")).status_code == 401


@pytest.mark.parametrize(
    ("statement", "works"),
    [
        (
            "UPDATE refresh_token r SET expires_at = now() FROM device d WHERE d.id = r.device_id AND d.staff_id = $1",
            False,
        ),
        ("UPDATE device SET expires_at = now() WHERE staff_id = $1", False),
        ("UPDATE device SET seen_at = now() - interval '6 days' WHERE staff_id = $1", True),
    ],
)
async def test_tokens_end_after_twelve_idle_hours_and_after_seven_days(
    signed_in: Phone, person: Person, admin_url: str, statement: str, works: bool
) -> None:
    async with superuser(admin_url) as raw:
        life = await raw.fetchrow(
            "SELECT r.expires_at - d.created_at AS idle, d.expires_at - d.created_at AS absolute "
            "FROM refresh_token r JOIN device d ON d.id = r.device_id WHERE d.staff_id = $1",
            person.id,
        )
        await raw.execute(statement, person.id)
    assert life is not None
    assert (life["idle"].total_seconds(), life["absolute"].days) == (12 * 3_600, 7)
    answer = await signed_in.refresh()
    assert answer.status_code == (200 if works else 400)


async def test_a_refresh_token_of_one_app_is_nothing_to_another(signed_in: Phone, admin_url: str) -> None:
    refused(await signed_in.refresh(client_id=str(await new_app(admin_url))))
    assert (await signed_in.refresh()).status_code == 200


@pytest.mark.parametrize("token", ["", "tlr_x", "x" * 5_000, "令牌"])
async def test_a_token_nobody_gave_out_is_refused(signed_in: Phone, token: str) -> None:
    refused(await signed_in.refresh(refresh_token=token))


# Devices and their end


async def test_devices_are_listed_and_one_is_signed_out(signed_in: Phone, phone_of: PhoneOf, person: Person) -> None:
    other = phone_of()
    await other.exchange(await other.sign_in(person), device_name="王工的平板")
    shown = (await signed_in.get("/v1/me/devices")).json()["data"]
    assert [(device["name"], device["current"]) for device in shown] == [("王工的平板", False), ("other", True)]
    ended = await signed_in.post(f"/v1/me/devices/{shown[0]['id']}/revoke")
    assert (ended.status_code, ended.content) == (204, b"")
    assert (await other.get("/v1/me")).status_code == 401
    refused(await other.refresh())
    assert [device["current"] for device in (await signed_in.get("/v1/me/devices")).json()["data"]] == [True]
    assert (await signed_in.post(f"/v1/me/devices/{shown[0]['id']}/revoke")).status_code == 404


async def test_nobody_signs_out_somebody_elses_device(
    signed_in: Phone, phone_of: PhoneOf, union: Api, labour: Api
) -> None:
    device = (await signed_in.get("/v1/me")).json()["device_id"]
    for admin in (union, labour):
        other = phone_of()
        await other.exchange(await other.sign_in(await enrolled(admin, other)))
        answer = await other.post(f"/v1/me/devices/{device}/revoke")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await signed_in.get("/v1/me")).status_code == 200


async def test_all_devices_are_signed_out_at_once(signed_in: Phone, phone_of: PhoneOf, person: Person) -> None:
    other = phone_of()
    await other.exchange(await other.sign_in(person))
    assert (await signed_in.post("/v1/me/devices/revoke-all")).status_code == 204
    for gone in (signed_in, other):
        assert (await gone.get("/v1/me")).status_code == 401


async def test_an_app_signs_out_by_its_refresh_token(signed_in: Phone, admin_url: str) -> None:
    token = signed_in.tokens["refresh_token"]
    foreign = {"token": token, "client_id": str(await new_app(admin_url))}
    assert (await signed_in.http.post("/oauth/revoke", data=foreign)).status_code == 200
    assert (await signed_in.get("/v1/me")).status_code == 200
    own = {"token": token, "client_id": str(signed_in.app_id)}
    for _ in range(2):
        assert (await signed_in.http.post("/oauth/revoke", data=own)).status_code == 200
    assert (await signed_in.get("/v1/me")).status_code == 401
    refused(await signed_in.http.post("/oauth/revoke", data={"token": token}), "invalid_client", 401)


async def test_revoking_the_account_ends_everything(union: Api, signed_in: Phone, person: Person) -> None:
    await union.post(f"/v1/staff/{person.id}/revoke", if_match=1)
    assert (await signed_in.get("/v1/me")).status_code == 401
    refused(await signed_in.refresh())
    assert (await signed_in.give_password(person)).status_code == 403


# Passwords and enrolment


async def test_an_enrolment_code_works_once_and_three_days(union: Api, phone: Phone, admin_url: str) -> None:
    person = await new_person(union)
    assert (await phone.give_password(person)).status_code == 403
    code = await enrolment_code(union, person)
    assert (await phone.enrol(code.lower().replace("-", ""), person.password)).status_code == 200
    assert (await phone.enrol(code, person.password)).status_code == 403
    late = await enrolment_code(union, person)
    async with superuser(admin_url) as raw:
        life = await raw.fetchval(
            "UPDATE staff_credential SET enrolment_expires_at = enrolment_expires_at - interval '72 h' "
            "WHERE staff_id = $1 RETURNING enrolment_expires_at <= now()",
            person.id,
        )
    assert life is True
    assert (await phone.enrol(late, person.password)).status_code == 403


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("elevenchars", None, "12 characters"),
        ("Password1234", None, "first anybody would try"),
        ("aaaaaaaaaaaaaaaa", None, "first anybody would try"),
        ("a perfectly fine one", "a perfectly fine 1", "not the same"),
        ("DEMO-340802-UNION!", None, "first anybody would try"),
        ("x" * 60 + "yzabcd" * 15, None, "at most 128"),
    ],
)
async def test_a_weak_password_is_refused_and_the_code_kept(
    union: Api, phone: Phone, password: str, again: str | None, words: str
) -> None:
    person = await new_person(union)
    code = await enrolment_code(union, person)
    page = await phone.enrol(code, password, again=again)
    assert (page.status_code, words in page.text, password in page.text) == (422, True, False)
    assert (await phone.enrol(code, person.password)).status_code == 200


@pytest.mark.parametrize("reset", [True, False])
async def test_a_reset_signs_out_and_asks_for_a_new_password(union: Api, phone: Phone, reset: bool) -> None:
    person = await enrolled(union, phone, "union_supervisor")
    await phone.exchange(await phone.sign_in(person))
    code = await enrolment_code(union, person, reset=reset)
    assert (await phone.get("/v1/me")).status_code == 401
    assert (await phone.give_password(person)).status_code == 403
    person.password = "and now something else"
    assert (await phone.enrol(code, person.password)).status_code == 200
    page = await phone.give_password(person)
    assert ("otpauth://" in page.text) is reset


async def test_wrong_enrolment_codes_are_held_off_at_their_address_and_right_ones_are_not(
    union: Api, phone: Phone
) -> None:
    for _ in range(2):
        for _ in range(TRIES_PER_ADDRESS // 2 - 1):
            assert (await phone.enrol("AAAAA-BBBBB-CCCCC-DDDDD", PASSWORD)).status_code == 403
        await enrolled(union, phone)
    statuses = [(await phone.enrol("AAAAA", PASSWORD)).status_code for _ in range(3)]
    assert statuses == [403, 403, 429]


async def test_an_invitation_is_the_own_agencys_to_give(union: Api, labour: Api) -> None:
    person = await new_person(union)
    answer = await labour.post(f"/v1/staff/{person.id}/enrolment", {"reset_second_factor": True})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_the_own_password_is_changed_and_other_devices_end(
    signed_in: Phone, phone_of: PhoneOf, person: Person
) -> None:
    other = phone_of()
    await other.exchange(await other.sign_in(person))
    change = {"current_password": "not the one it is", "new_password": "and now something else"}
    wrong = await signed_in.post("/v1/me/password", change)
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "wrong-password")
    weak = await signed_in.post("/v1/me/password", {"current_password": PASSWORD, "new_password": "password1234"})
    assert weak.json()["errors"][0] | {"detail": ""} == {
        "pointer": "/new_password",
        "code": "common-password",
        "detail": "",
    }
    done = await signed_in.post("/v1/me/password", change | {"current_password": PASSWORD})
    assert done.status_code == 204, done.text
    assert (await other.get("/v1/me")).status_code == 401
    assert (await signed_in.get("/v1/me")).status_code == 200
    assert (await other.give_password(person)).status_code == 403
    person.password = change["new_password"]
    await other.sign_in(person)


async def test_a_second_factor_of_ones_own_is_set_up_by_the_api(
    signed_in: Phone, person: Person, admin_url: str
) -> None:
    begun = await signed_in.post("/v1/me/second-factor")
    assert begun.status_code == 201, begun.text
    assert begun.json()["uri"].startswith("otpauth://totp/")
    page = await signed_in.give_password(person)
    assert page.status_code == 303, "not in force before its first code"
    person.secret = base64.b32decode(begun.json()["secret"])
    assert (await signed_in.post("/v1/me/second-factor/confirm", {"code": "abcdef"})).status_code == 422
    confirmed = await signed_in.post("/v1/me/second-factor/confirm", {"code": totp(person.secret, steps=-1)})
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert (await signed_in.exchange(await signed_in.sign_in(person))).status_code == 200
    assert (await signed_in.get("/v1/me")).json()["second_factor"] is True


async def test_a_second_factor_is_changed_by_those_who_have_just_signed_in(
    signed_in: Phone, person: Person, admin_url: str
) -> None:
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE device SET auth_time = now() - interval '6 min' WHERE staff_id = $1", person.id)
    await signed_in.refresh()
    answer = await signed_in.post("/v1/me/second-factor")
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")
    assert 'max_age="300"' in answer.headers["www-authenticate"]


async def test_a_machine_has_no_devices_and_no_password(union: Api) -> None:
    assert (await union.get("/v1/me/devices")).json() == {"data": []}
    assert (await union.get("/v1/me")).json()["device_id"] is None
    for path in ("/v1/me/password", "/v1/me/second-factor"):
        body = {"current_password": "x", "new_password": "and now something else"} if "pass" in path else None
        assert (await union.post(path, body)).status_code == 403


_TABLES = ("staff_credential", "recovery_code", "refresh_token", "sign_in_code", "sign_in_attempt", "device")


async def test_secrets_lie_in_the_database_as_hashes_and_seals(signed_in: Phone, union: Api, admin_url: str) -> None:
    person = await enrolled(union, signed_in, "auditor")
    await signed_in.exchange(await signed_in.sign_in(person))
    await signed_in.refresh()
    assert person.secret is not None
    async with superuser(admin_url) as raw:
        rows = [
            row["row"]
            for table in (
                "staff_credential",
                "recovery_code",
                "refresh_token",
                "sign_in_code",
                "sign_in_attempt",
                "device",
            )
            for row in await raw.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t')
        ]
        hashed = await raw.fetchval("SELECT password_hash FROM staff_credential WHERE staff_id = $1", person.id)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    everything = "\n".join(rows)
    for secret in (PASSWORD, signed_in.tokens["refresh_token"], person.secret.hex(), *person.recovery_codes):
        assert secret not in everything


async def test_marks_tell_of_sign_ins_by_ids(signed_in: Phone, person: Person, admin_url: str) -> None:
    await signed_in.post("/v1/me/devices/revoke-all")
    async with superuser(admin_url) as raw:
        leaves = await raw.fetch("SELECT action, facts::text FROM audit_leaf WHERE principal_id = $1", person.id)
    assert {leaf["action"] for leaf in leaves} == {"staff.enrol", "sign_in.prove", "device.open", "device.revoke"}
    assert all(person.login not in leaf["facts"] for leaf in leaves)


# Guessing


async def test_five_wrong_passwords_shut_the_account_to_strangers_only(
    phone_of: PhoneOf, person: Person, signed_in: Phone
) -> None:
    """`signed_in` is a browser that the person has used before."""
    guesser = Person(person.id, person.agency_code, person.login, "a wrong guess")
    for _ in range(TRIES_PER_ACCOUNT):
        assert (await phone_of().give_password(guesser)).status_code == 403
    shut = await phone_of().give_password(guesser)
    assert (shut.status_code, "Too many tries" in shut.text) == (429, True)
    assert 0 < int(shut.headers["retry-after"]) <= 900
    assert (await phone_of().give_password(person)).status_code == 429
    assert (await signed_in.give_password(person)).status_code == 303


async def test_a_known_device_has_five_tries_of_its_own(signed_in: Phone, person: Person) -> None:
    right, person.password = person.password, "a wrong guess"
    for _ in range(TRIES_PER_ACCOUNT):
        assert (await signed_in.give_password(person)).status_code == 403
    person.password = right
    assert (await signed_in.give_password(person)).status_code == 429


async def test_unknown_and_known_accounts_are_refused_alike(phone_of: PhoneOf, person: Person) -> None:
    stranger = Person(person.id, person.agency_code, f"{person.login}x", "a wrong guess")
    known = Person(person.id, person.agency_code, person.login, "a wrong guess")
    answers = {}
    for who in (stranger, known):
        seen = []
        for _ in range(TRIES_PER_ACCOUNT + 1):
            page = await phone_of().give_password(who)
            text = page.text.replace(f'value="{who.login}"', "")
            seen.append((page.status_code, re.sub(r'(name="form" value|href)="[^"]*"', "", text)))
        answers[who.login] = seen
    assert answers[stranger.login] == answers[known.login]


async def test_a_right_password_forgets_the_wrong_ones(phone_of: PhoneOf, person: Person) -> None:
    guesser = Person(person.id, person.agency_code, person.login, "a wrong guess")
    for _ in range(3):
        for _ in range(TRIES_PER_ACCOUNT - 1):
            assert (await phone_of().give_password(guesser)).status_code == 403
        assert (await phone_of().give_password(person)).status_code == 303


async def test_one_address_is_held_off_after_fifty_accounts(phone: Phone, union: Api) -> None:
    page = await phone.open_page()
    fields = {"agency": union.agency.code, "password": "a wrong guess"}
    answers = [
        (await phone.send(page, login=f"nobody-{number}", **fields)).status_code
        for number in range(TRIES_PER_ADDRESS + 1)
    ]
    assert answers == [*[403] * TRIES_PER_ADDRESS, 429]


async def test_tries_at_once_count_each(phone_of: PhoneOf, person: Person) -> None:
    guesser = Person(person.id, person.agency_code, person.login, "a wrong guess")
    pages = await asyncio.gather(*(phone_of().give_password(guesser) for _ in range(12)))
    assert sorted(page.status_code for page in pages) == [*[403] * TRIES_PER_ACCOUNT, *[429] * (12 - TRIES_PER_ACCOUNT)]


async def test_five_wrong_codes_shut_the_second_step(union: Api, phone: Phone, phone_of: PhoneOf) -> None:
    person = await enrolled(union, phone, "auditor")
    await phone.sign_in(person)
    other = phone_of()
    page = await other.give_password(person)
    for _ in range(TRIES_PER_ACCOUNT):
        page = await other.send(page, code="not it")
        assert page.status_code == 403
    assert (await other.send(page, code=person.code())).status_code == 429


async def test_wrong_secrets_of_a_client_are_held_off_at_their_address(app: Any, labour: Api, union: Api) -> None:
    for _ in range(TRIES_PER_CLIENT):
        assert (await _token_by_secret(app, labour, "10.9.9.1", secret="tls_wrong")).status_code == 401
    held_off = await _token_by_secret(app, labour, "10.9.9.1")
    assert (held_off.status_code, held_off.json()) == (429, {"error": "temporarily_unavailable"})
    assert int(held_off.headers["retry-after"]) > 0
    assert (await _token_by_secret(app, labour, "10.9.9.2")).status_code == 200
    assert (await _token_by_secret(app, union, "10.9.9.1")).status_code == 200


async def _token_by_secret(app: Any, api: Api, address: str, *, secret: str | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as caller:
        form = {
            "grant_type": "client_credentials",
            "client_id": str(api.agency.client_id),
            "client_secret": secret or api.agency.client_secret,
        }
        return await caller.post("/oauth/token", data=form)


async def test_two_people_of_one_app_share_no_idempotency_key(union: Api, signed_in: Phone, phone_of: PhoneOf) -> None:
    other = phone_of()
    await other.exchange(await other.sign_in(await enrolled(union, other, "union_coordinator")))
    key = {"idempotency-key": "0123456789abcdef-shared"}
    for who in (signed_in, other):
        headers = {"authorization": f"Bearer {who.tokens['access_token']}"} | key
        answer = await who.http.post("/v1/me/second-factor", headers=headers)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
