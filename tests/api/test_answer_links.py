"""An office without a system answers through a link: same rules, events and marks; one answer; nothing for thieves."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from actions.cases import SHANGHAI
from crypto.answer_links import LinkTokens
from crypto.keys import Keyring, generate_keyring
from db.clock import real_time
from rules.answer_links import MAX_OPEN, SHOWN_AGAIN, TRIES_PER_LINK
from rules.events import audience
from rules.sign_in import TRIES_PER_ADDRESS
from tests.actions import story
from tests.actions.instances import superuser
from tests.actions.matches import report_pair
from tests.api.answering import Clerk, asked, clerk, leaves_of, link_for, next_link, without_system
from tests.builders import Api, report_body
from tests.conftest import OpenApi

Json = dict[str, Any]


@pytest.fixture
async def office(open_api: OpenApi, admin_url: str) -> Api:
    """The education bureau of the district, as an office without a system."""
    found = await open_api("DEMO-340802-EDUCATION")
    await without_system(admin_url, found)
    return found


async def _recorded(admin_url: str, subject: str) -> list[tuple[str, UUID]]:
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT type, actor_agency_id FROM event WHERE subject_id = $1 ORDER BY occurred_at, id", UUID(subject)
        )
    return [(row["type"], row["actor_agency_id"]) for row in rows]


async def _rows(admin_url: str) -> dict[str, int]:
    """How much there is of everything that an answer would change."""
    tables = ("referral_step", "event", "audit_leaf", "answer_link", "participant")
    async with superuser(admin_url) as raw:
        counted = {table: int(await raw.fetchval(f"SELECT count(*) FROM {table}")) for table in tables}
        spent = await raw.fetchval("SELECT count(*) FROM answer_link WHERE answered_at IS NOT NULL")
    return counted | {"spent": int(spent)}


async def test_an_office_accepts_and_completes_with_two_links_and_nothing_else(
    app: Any, admin_url: str, union: Api, office: Api
) -> None:
    referral = await asked(union, office, matter="EDU-02")
    made = await link_for(union, referral, clerk="王守门", days=7)
    assert made["url"].startswith("http://127.0.0.1:8000/answer#tla_")
    first = clerk(app, made["url"])
    page = await first.open()
    assert page.status_code == 200
    assert 'value="王守门"' in page.text
    accepted = await first.answer("accept")
    assert accepted.status_code == 200, accepted.text
    now = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (now["status"], now["to_agency"]["id"]) == ("accepted", str(office.id))
    following = next_link(accepted)
    assert following is not None
    second = clerk(app, following)
    await second.open()
    words = {"outcome": "met", "text": "已落实助学\r\n已通知学校", "result_kind": "benefit", "result_code": "grant"}
    done = await second.answer("complete", clerk="李接班", **words)
    assert (done.status_code, next_link(done)) == (200, None), done.text
    now = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (now["status"], now["outcome"]) == ("completed", "met")
    assert [step["step"] for step in now["steps"]] == ["accept", "start", "complete"]
    assert {step["agency"]["id"] for step in now["steps"]} == {str(office.id)}
    results = (await union.get(f"/v1/cases/{referral['case_id']}/results")).json()["data"]
    assert [(one["kind"], one["code"]) for one in results] == [("benefit", "grant")]
    said = [kind for kind, _ in await _recorded(admin_url, referral["id"])]
    assert said == ["referral.requested", "referral.accepted", "referral.started", "referral.completed"]
    assert {actor for _, actor in (await _recorded(admin_url, referral["id"]))[1:]} == {office.id}
    listed = (await union.get(f"/v1/referrals/{referral['id']}/answer-links")).json()["data"]
    assert [(one["status"], one["step"], one["answered_by"]) for one in listed] == [
        ("answered", "accept", "王守门"),
        ("answered", "complete", "李接班"),
    ]
    assert listed[1]["follows"] == listed[0]["id"]


async def test_the_audit_names_the_link_and_who_said_to_use_it(
    app: Any, admin_url: str, union: Api, office: Api
) -> None:
    made = await link_for(union, await asked(union, office))
    visitor = clerk(app, made["url"])
    await visitor.open()
    assert (await visitor.answer("accept", clerk="赵经办")).status_code == 200
    leaves = await leaves_of(admin_url, made["id"])
    assert [leaf["action"] for leaf in leaves] == ["referral.accept", "answer_link.answer"]
    assert {(leaf["principal_kind"], leaf["agency_id"]) for leaf in leaves} == {("answer_link", office.id)}
    assert json.loads(leaves[1]["facts"])["clerk"] == "赵经办"
    assert str(leaves[1]["subject_id"]) == made["id"]


async def test_returning_asks_for_what_the_state_machine_asks_for(app: Any, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    await visitor.open()
    bare = await visitor.answer("return", reason="not_competent", text="不归<我们>管")
    assert bare.status_code == 422
    assert "应由哪类机构办理" in bare.text.split('role="alert"')[1].split("</div>")[0]
    assert "不归&lt;我们&gt;管</textarea>" in bare.text, "what was typed is kept, and escaped"
    strange = await visitor.answer("return", reason="nonsense", text="x")
    assert strange.status_code == 422
    other = {"competent_agency_kind": "civil_affairs", "legal_basis": "《社会救助暂行办法》第九条"}
    returned = await visitor.answer("return", reason="not_competent", text="不属本机构职责", **other)
    assert (returned.status_code, next_link(returned)) == (200, None), returned.text
    now = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (now["status"], now["steps"][-1]["competent_agency_kind"]) == ("returned", "civil_affairs")


async def test_acknowledging_stops_its_clock_and_leaves_the_rest_to_the_next_link(
    app: Any, union: Api, office: Api
) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    await visitor.open()
    received = await visitor.answer("receive")
    now = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert now["received_at"] is not None
    assert now["status"] == "requested"
    again = clerk(app, next_link(received) or "")
    page = (await again.open()).text
    assert 'name="step" value="receive"' not in page
    assert 'name="step" value="accept"' in page


async def test_pressing_twice_shows_the_same_answer_and_the_same_next_link(
    app: Any, admin_url: str, union: Api, office: Api
) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    await visitor.open()
    first = await visitor.answer("accept")
    before = await _rows(admin_url)
    again = [await visitor.answer("accept"), await visitor.answer("return", reason="unclear_request", text="x")]
    again.append(await visitor.open())
    assert {page.text for page in again} == {first.text}
    assert await _rows(admin_url) == before


async def test_the_next_link_is_shown_again_for_a_while_and_until_it_is_used(
    app: Any, admin_url: str, union: Api, office: Api
) -> None:
    referral, later = await asked(union, office), await asked(union, office)
    made = await link_for(union, later)
    visitor = clerk(app, made["url"])
    await visitor.open()
    assert next_link(await visitor.answer("accept")) is not None
    async with superuser(admin_url) as raw:
        back = "UPDATE answer_link SET answered_at = answered_at - $2::interval WHERE id = $1"
        await raw.execute(back, UUID(made["id"]), SHOWN_AGAIN)
    page = await visitor.open()
    assert (page.status_code, next_link(page)) == (200, None)
    first = clerk(app, (await link_for(union, referral))["url"])
    await first.open()
    second = clerk(app, next_link(await first.answer("accept")) or "")
    assert next_link(await first.open()) == second.link
    await second.open()
    assert (await second.answer("complete", outcome="met")).status_code == 200
    page = await first.open()
    assert (page.status_code, next_link(page)) == (200, None)


async def test_sender_and_coordinator_are_told_of_every_link(
    app: Any, admin_url: str, union: Api, labour: Api, office: Api
) -> None:
    case_id = (await story.report(union))["case"]["id"]
    await story.step(labour, await story.refer(union, case_id, labour), "accept")
    referral = await story.refer(labour, case_id, office, matter="EDU-02")
    made = await link_for(labour, referral)
    visitor = clerk(app, made["url"])
    await visitor.open()
    await visitor.answer("receive")
    path = f"/v1/referrals/{referral['id']}/answer-links"
    following = (await union.get(path)).json()["data"][1]
    assert (await union.post(f"{path}/{following['id']}/revoke")).status_code == 200
    told = await _recorded(admin_url, made["id"]) + await _recorded(admin_url, following["id"])
    assert told == [
        ("answer_link.made", labour.id),
        ("answer_link.made", office.id),
        ("answer_link.revoked", union.id),
    ]
    assert audience("answer_link.made", {"c": ["coordinator"], "r": ["receiver"]}, {"s": ["sender"]}) == {
        "c": "full",
        "s": "full",
    }


async def test_a_link_opens_nothing_of_the_api(http: httpx.AsyncClient, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    token = (await link_for(union, referral))["url"].rpartition("#")[2]
    for scheme in ("Bearer", "Basic"):
        refused = await http.get(f"/v1/referrals/{referral['id']}", headers={"authorization": f"{scheme} {token}"})
        assert (refused.status_code, refused.json()["code"]) == (401, "not-authenticated")


async def test_two_people_who_press_at_once_are_shown_one_answer(
    app: Any, admin_url: str, union: Api, office: Api
) -> None:
    referral = await asked(union, office)
    url = (await link_for(union, referral))["url"]
    people = [clerk(app, url) for _ in range(6)]
    for person in people:
        await person.open()
    steps = ["accept", "return"] * 3
    words = {"accept": {}, "return": {"reason": "unclear_request", "text": "请写明"}}
    pages = await asyncio.gather(
        *(person.answer(step, **words[step]) for person, step in zip(people, steps, strict=True))
    )
    assert {page.status_code for page in pages} == {200}
    assert len({page.text for page in pages}) == 1
    steps_taken = (await union.get(f"/v1/referrals/{referral['id']}")).json()["steps"]
    assert len(steps_taken) == 1
    async with superuser(admin_url) as raw:
        spent = await raw.fetchval(
            "SELECT count(*) FROM answer_link WHERE referral_id = $1 AND answered_at IS NOT NULL", UUID(referral["id"])
        )
    assert spent == 1


async def test_an_answer_is_based_on_the_page_that_was_seen(app: Any, admin_url: str, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    await visitor.open()
    async with superuser(admin_url) as raw:  # as the clock does when it says that a date has passed
        await raw.execute("UPDATE referral SET version = version + 1 WHERE id = $1", UUID(referral["id"]))
    stale = await visitor.answer("accept")
    assert stale.status_code == 412
    assert (await union.get(f"/v1/referrals/{referral['id']}")).json()["status"] == "requested"
    await visitor.open()
    assert (await visitor.answer("accept")).status_code == 200


async def test_getting_the_address_changes_and_shows_nothing(app: Any, admin_url: str, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    url = (await link_for(union, referral))["url"]
    bot = clerk(app, url)
    before = await _rows(admin_url)
    pages = [await bot.http.get(path) for path in (url, "/answer", f"/answer?link={url.rpartition('#')[2]}")]
    assert {page.status_code for page in pages} == {200}
    assert len({page.text for page in pages}) == 1
    assert "tla_" not in pages[0].text
    for method in ("HEAD", "PUT", "DELETE"):
        assert (await bot.http.request(method, "/answer")).status_code == 405
    assert (await bot.open()).status_code == 200, "opening is a look"
    assert await _rows(admin_url) == before


async def test_the_page_is_the_inbox_row_and_names_nobody(app: Any, admin_url: str, union: Api, office: Api) -> None:
    filed = report_body()
    case_id = (await union.post("/v1/reports", filed)).json()["case"]["id"]
    referral = await story.refer(union, case_id, office, note="内部说明")
    first = clerk(app, (await link_for(union, referral))["url"])
    seen = (await first.open()).text
    accepted = await first.answer("accept")
    seen += accepted.text + (await clerk(app, next_link(accepted) or "").open()).text
    person = filed["person"]
    for secret in (person["name"], person["id_number"], person["phones"][0], person["phones"][0][3:], "纺织路"):
        assert secret not in seen
    for secret in ("内部说明", case_id, filed["narrative"], person["birth_date"]):
        assert secret not in seen


async def test_a_period_of_days_ends_on_its_last_day(app: Any, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    page = (await clerk(app, (await link_for(union, referral))["url"]).open()).text
    last = datetime.fromisoformat(referral["resolve_by"]).astimezone(SHANGHAI) - timedelta(days=1)
    assert f"<dd>{last:%Y-%m-%d} 24:00</dd>" in page


async def test_headers_keep_the_page_out_of_caches_frames_and_referrers(app: Any, union: Api, office: Api) -> None:
    visitor = clerk(app, (await link_for(union, await asked(union, office)))["url"])
    for page in (await visitor.http.get("/answer"), await visitor.open(), await visitor.post(link="no")):
        headers = page.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "set-cookie" not in headers
        assert "http://" not in page.text.replace("http://127.0.0.1:8000", ""), "nothing comes from elsewhere"


async def _does_not_stand(visitor: Clerk, fault: str) -> None:
    """Neither opens nor answers, with the same page as for nonsense."""
    for page in (await visitor.post(), await visitor.answer("accept"), await visitor.answer("complete", outcome="met")):
        assert (page.status_code, page.text) == (404, fault)


@pytest.fixture
async def fault(app: Any) -> str:
    page = await clerk(app, "nonsense").open()
    assert page.status_code == 404
    return page.text


async def test_a_link_falls_with_what_it_was_made_for(
    app: Any, admin_url: str, union: Api, office: Api, fault: str
) -> None:
    async def opened(**changes: Any) -> tuple[Json, Json, Clerk]:
        referral = await asked(union, office, **changes)
        made = await link_for(union, referral)
        visitor = clerk(app, made["url"])
        await visitor.open()
        return referral, made, visitor

    for step in ("cancel", "void"):
        referral, _, visitor = await opened()
        await story.step(union, referral, step)
        await _does_not_stand(visitor, fault)
    referral, made, visitor = await opened()
    path = f"/v1/referrals/{referral['id']}/answer-links"
    assert (await union.post(f"{path}/{made['id']}/revoke")).json()["status"] == "revoked"
    assert (await union.post(f"{path}/{made['id']}/revoke")).json()["code"] == "state-conflict"
    await _does_not_stand(visitor, fault)
    referral, _, visitor = await opened()  # answered elsewhere, returned, and sent again: an earlier round
    returned = await story.step(office, referral, "return")
    await story.step(union, returned, "resubmit")
    await _does_not_stand(visitor, fault)
    async with superuser(admin_url) as raw:
        _, made, visitor = await opened()
        await raw.execute("UPDATE answer_link SET expires_at = now() WHERE id = $1", UUID(made["id"]))
        await _does_not_stand(visitor, fault)
        referral, _, visitor = await opened()  # the referral went to another office after the link was made
        medical = await raw.fetchval("SELECT id FROM agency WHERE code = 'DEMO-340802-MEDICAL'")
        await raw.execute("UPDATE referral SET to_agency_id = $2 WHERE id = $1", UUID(referral["id"]), medical)
        await _does_not_stand(visitor, fault)
        _, _, visitor = await opened()
        await raw.execute("UPDATE agency SET status = 'suspended' WHERE id = $1", office.id)
        await _does_not_stand(visitor, fault)
        await raw.execute("UPDATE agency SET status = 'active' WHERE id = $1", office.id)
        assert (await visitor.open()).status_code == 200
        await without_system(admin_url, office, answers=False)
        await _does_not_stand(visitor, fault)
        await without_system(admin_url, office)


async def test_a_link_made_before_its_case_went_into_another_answers_there(
    app: Any, admin_url: str, union: Api, labour: Api, office: Api
) -> None:
    """The referral is the same, and so is the office that is asked."""
    async with superuser(admin_url) as raw:
        pair = await report_pair(raw, labour, labour, places=("340802", "340802"))
    referral = await story.refer(union, pair.case, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    confirmed = await union.post(f"/v1/match-candidates/{pair.id}/confirm", if_match=1)
    assert confirmed.status_code == 200, confirmed.text
    await visitor.open()
    assert (await visitor.answer("accept")).status_code == 200
    told = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (told["status"], told["case_id"]) == ("accepted", pair.other)
    parts = (await union.get(f"/v1/cases/{pair.other}/participants")).json()["data"]
    assert str(office.id) in {part["agency"]["id"] for part in parts}


async def test_a_forged_link_is_refused_before_the_database_is_asked(
    app: Any, admin_url: str, keyring: Keyring, fault: str
) -> None:
    """Not even a try is counted for it; one that we signed but never gave out is counted, and refused alike."""

    async def tries() -> int:
        async with superuser(admin_url) as raw:
            return int(await raw.fetchval("SELECT coalesce(sum(tries), 0) FROM sign_in_attempt"))

    until = real_time().replace(year=2099)
    before = await tries()
    await _does_not_stand(clerk(app, LinkTokens(generate_keyring()).make(uuid4(), until)), fault)
    assert await tries() == before
    await _does_not_stand(clerk(app, LinkTokens(keyring).make(uuid4(), until)), fault)
    assert await tries() > before


async def test_guessing_is_throttled_by_address_and_use_by_link(
    app: Any, keyring: Keyring, union: Api, office: Api
) -> None:
    until = real_time().replace(year=2099)
    guesser = clerk(app, "", address="10.251.0.1")
    for _ in range(TRIES_PER_ADDRESS):
        guesser.link = LinkTokens(keyring).make(uuid4(), until)
        assert (await guesser.post()).status_code == 404
    guesser.link = LinkTokens(keyring).make(uuid4(), until)
    refused = await guesser.post()
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    url = (await link_for(union, await asked(union, office)))["url"]
    looks = [(await clerk(app, url).post()).status_code for _ in range(TRIES_PER_LINK + 1)]
    assert looks == [200] * TRIES_PER_LINK + [429], "wherever they come from"


async def test_an_office_behind_one_address_is_not_shut_out_by_its_own_good_links(
    app: Any, union: Api, office: Api
) -> None:
    links = [(await link_for(union, await asked(union, office)))["url"] for _ in range(2)]
    looks = [await clerk(app, url, address="10.252.0.1").open() for url in links * (TRIES_PER_ADDRESS // 2 + 1)]
    assert {page.status_code for page in looks} == {200}


async def test_the_secret_is_in_no_log_and_only_its_hash_in_the_database(
    app: Any, admin_url: str, union: Api, office: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await link_for(union, await asked(union, office))
    visitor = clerk(app, made["url"])
    await visitor.open()
    answered = await visitor.answer("accept", clerk="钱留名")
    secrets = [made["url"].rpartition("#")[2], (next_link(answered) or "").rpartition("#")[2]]
    printed = capsys.readouterr()
    logged = printed.out + printed.err
    assert "answered by link" in logged
    assert "钱留名" not in logged
    async with superuser(admin_url) as raw:
        rows = await raw.fetch("SELECT t::text AS row FROM answer_link t")
    stored = "".join(row["row"] for row in rows)
    for secret in secrets:
        assert len(secret) == 80
        assert secret not in logged
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert "钱留名" not in stored
    assert "钱留名".encode().hex() not in stored


async def test_who_may_make_a_link_and_for_whom(
    admin_url: str, union: Api, labour: Api, medical: Api, stranger: Api, office: Api
) -> None:
    case_id = (await story.report(union))["case"]["id"]
    await story.step(labour, await story.refer(union, case_id, labour), "accept")
    referral = await story.refer(labour, case_id, office, matter="EDU-02")
    path = f"/v1/referrals/{referral['id']}/answer-links"
    assert (await labour.post(path, {})).status_code == 201, "the sender"
    assert (await union.post(path, {})).status_code == 201, "the coordinator"
    assert (await office.post(path, {})).status_code == 403, "not the addressee itself"
    assert (await office.get(path)).status_code == 403
    for other in (medical, stranger):
        for answer in (await other.post(path, {}), await other.get(path)):
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    with_system = await asked(union, medical, matter="MED-01")
    refused = await union.post(f"/v1/referrals/{with_system['id']}/answer-links", {})
    assert (refused.status_code, refused.json()["reason"]) == (409, "addressee-has-a-system")
    pooled = await story.refer(union, case_id, None, matter="LAB-09")
    refused = await union.post(f"/v1/referrals/{pooled['id']}/answer-links", {})
    assert (refused.status_code, refused.json()["reason"]) == (409, "nothing-to-answer")


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"days": 31}, "/days"),
        ({"days": 0}, "/days"),
        ({"steps": []}, "/steps"),
        ({"steps": ["reject"]}, "/steps/0"),
        ({"steps": ["complete"]}, "/steps"),
        ({"clerk": "王某13900000001"}, "/clerk"),
        ({"token": "mine"}, "/token"),
    ],
)
async def test_what_a_link_may_not_be(union: Api, office: Api, said: Json, pointer: str) -> None:
    referral = await asked(union, office)
    answer = await union.post(f"/v1/referrals/{referral['id']}/answer-links", said)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_link_is_made_once_for_a_key_and_only_so_many_stand(union: Api, office: Api) -> None:
    referral = await asked(union, office)
    path = f"/v1/referrals/{referral['id']}/answer-links"
    first = await union.post(path, {}, key="0123456789abcdef-links")
    again = await union.post(path, {}, key="0123456789abcdef-links")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    other = await union.post(path, {"days": 3}, key="0123456789abcdef-links")
    assert other.json()["code"] == "idempotency-mismatch"
    for _ in range(MAX_OPEN - 1):
        await link_for(union, referral)
    full = await union.post(path, {})
    assert (full.status_code, full.json()["reason"]) == (409, "too-many-answer-links")


async def test_a_link_does_only_what_it_was_made_for(app: Any, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral, steps=["return"]))["url"])
    page = await visitor.open()
    assert 'value="accept"' not in page.text
    for step in ("accept", "cancel", "reject", "void", "x"):
        assert (await visitor.answer(step, reason="need_gone", text="x")).status_code == 409
    assert (await visitor.answer("return", reason="unclear_request", text="请写明")).status_code == 200


@pytest.mark.parametrize("words", [{"clerk": ""}, {"clerk": "13900000001"}, {"version": "x"}, {"version": "-1"}])
async def test_who_answers_says_who_it_is_and_what_was_seen(app: Any, union: Api, office: Api, words: Json) -> None:
    referral = await asked(union, office)
    visitor = clerk(app, (await link_for(union, referral))["url"])
    await visitor.open()
    assert (await visitor.answer("accept", **words)).status_code in (404, 422)
    assert (await union.get(f"/v1/referrals/{referral['id']}")).json()["status"] == "requested"


async def test_a_certificate_is_no_links(admin_url: str, union: Api, office: Api) -> None:
    special = await asked(union, office, matter="EDU-02")
    async with superuser(admin_url) as raw:
        listed = await raw.fetchval("SELECT definition::text FROM matter WHERE code = 'EDU-02'")
        asking = json.dumps(json.loads(listed) | {"qualification": "law"})
        await raw.execute("UPDATE matter SET definition = $1 WHERE code = 'EDU-02'", asking)
        try:
            refused = await union.post(f"/v1/referrals/{special['id']}/answer-links", {})
        finally:
            await raw.execute("UPDATE matter SET definition = $1 WHERE code = 'EDU-02'", listed)
    assert (refused.status_code, refused.json()["reason"]) == (409, "matter-asks-for-a-certificate")


@pytest.mark.parametrize("body", [b"", b"link=%00", b"link=a&link=b", b"\xff", b"link=%ff", b"%", b'{"link": "x"}'])
async def test_odd_forms_get_the_one_page(http: httpx.AsyncClient, fault: str, body: bytes) -> None:
    page = await http.post("/answer", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (page.status_code, page.text) == (404, fault)
