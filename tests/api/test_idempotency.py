"""One effect per key: repeats, races, other bodies, other callers, and what is kept of an answer."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import pytest

from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import open_database
from settings import Settings
from tests.actions.instances import instance_on, superuser
from tests.actions.story import Json, OpenApi, refer, report, try_step
from tests.builders import Api, fresh_key, report_body


async def _count(admin_url: str, sql: str, *values: object) -> int:
    async with superuser(admin_url) as raw:
        return int(await raw.fetchval(sql, *values))


async def _reports_of(admin_url: str, vault: Vault, body: Json) -> int:
    record = vault.blind.index("source_record", body["source"]["record_id"])
    return await _count(admin_url, "SELECT count(*) FROM report WHERE source_record = $1", record)


async def test_a_post_without_a_key_is_refused(union: Api) -> None:
    answer = await union.post("/v1/reports", report_body(), key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-missing")


@pytest.mark.parametrize(
    "key", ["short", "x" * 129, "a key with blanks in it", "/slashes/in/a/key/", '"unclosed-quoted-key-0', ""]
)
async def test_a_key_of_the_wrong_shape_is_refused(union: Api, key: str) -> None:
    answer = await union.post("/v1/reports", report_body(), key=key)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("malformed-request", "idempotency-missing")


async def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(
    union: Api, admin_url: str, vault: Vault
) -> None:
    body, key = report_body(), fresh_key()
    first = await union.post("/v1/reports", body, key=key)
    again = await union.post("/v1/reports", body, key=key)
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await _reports_of(admin_url, vault, body) == 1


async def test_a_quoted_key_is_the_key(union: Api) -> None:
    body, key = report_body(), fresh_key()
    await union.post("/v1/reports", body, key=key)
    again = await union.post("/v1/reports", body, key=f'"{key}"')
    assert again.headers["idempotency-replayed"] == "true"


async def test_another_spelling_of_the_same_json_is_the_same_request(union: Api) -> None:
    body, key = report_body(), fresh_key()
    first = await union.post("/v1/reports", body, key=key)
    shuffled = list(body.items())
    random.shuffle(shuffled)
    text = json.dumps(dict(shuffled), ensure_ascii=True, indent=3)
    again = await union.send("POST", "/v1/reports", content=text.encode(), key=key)
    assert (again.status_code, again.content) == (201, first.content)


async def test_the_same_key_with_another_body_is_a_mistake_of_the_caller(
    union: Api, admin_url: str, vault: Vault
) -> None:
    body, key = report_body(), fresh_key()
    await union.post("/v1/reports", body, key=key)
    other = report_body()
    answer = await union.post("/v1/reports", other, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert await _reports_of(admin_url, vault, other) == 0


async def test_a_key_belongs_to_one_client_one_path(union: Api, labour: Api, open_api: OpenApi) -> None:
    key = fresh_key()
    sibling = await open_api("DEMO-340802-UNION")
    for caller in (union, labour, sibling):
        answer = await caller.post("/v1/reports", report_body(), key=key)
        assert answer.status_code == 201, answer.text
    case_id = answer.json()["case"]["id"]
    elsewhere = await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(labour.id)}, key=key)
    assert elsewhere.status_code == 201


async def test_sixteen_copies_at_once_have_one_effect_and_one_answer(union: Api, admin_url: str, vault: Vault) -> None:
    body, key = report_body(), fresh_key()
    answers = await asyncio.gather(*(union.post("/v1/reports", body, key=key) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await _reports_of(admin_url, vault, body) == 1
    case_id = answers[0].json()["case"]["id"]
    assert (
        await _count(admin_url, "SELECT count(*) FROM event WHERE case_id = $1 AND type = 'case.opened'", case_id) == 1
    )
    assert await _count(admin_url, "SELECT count(*) FROM audit_leaf WHERE case_id = $1", case_id) == 1


async def test_sixteen_copies_of_a_step_take_it_once(union: Api, labour: Api, admin_url: str) -> None:
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    path, key = f"/v1/referrals/{referral['id']}/accept", fresh_key()
    answers = await asyncio.gather(*(labour.post(path, {}, key=key, if_match=1) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    taken = "SELECT count(*) FROM referral_step WHERE referral_id = $1"
    assert await _count(admin_url, taken, referral["id"]) == 1


async def test_the_second_guard_stands_where_a_new_key_is_used(union: Api, admin_url: str, vault: Vault) -> None:
    body = report_body()
    answers = await asyncio.gather(*(union.post("/v1/reports", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (made,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert {a.json()["existing"] for a in answers if a.status_code == 409} == {f"/v1/reports/{made}"}
    assert await _reports_of(admin_url, vault, body) == 1


async def test_a_business_refusal_is_the_answer_to_its_key(union: Api, labour: Api) -> None:
    """422: a later repair of the world does not change what was said. 409: neither does a later state."""
    wrong, key = report_body(aware_at="2099-01-01T00:00:00Z"), fresh_key()
    first = await union.post("/v1/reports", wrong, key=key)
    again = await union.post("/v1/reports", wrong, key=key)
    assert (first.status_code, again.status_code, again.content) == (422, 422, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"].startswith("application/problem+json")

    referral, key = await refer(union, (await report(union))["case"]["id"], labour), fresh_key()
    path = f"/v1/referrals/{referral['id']}/start"
    refused = await labour.post(path, {}, key=key, if_match=1)
    assert refused.json()["code"] == "invalid-transition"
    await try_step(labour, referral, "accept")
    repeated = await labour.post(path, {}, key=key, if_match=1)
    assert (repeated.status_code, repeated.content) == (409, refused.content)


async def test_a_refusal_that_may_end_is_not_kept(union: Api, labour: Api, stranger: Api) -> None:
    """Stale tag, missing right, hidden thing: the same key works once the reason is gone."""
    referral, key = await refer(union, (await report(union))["case"]["id"], labour), fresh_key()
    path = f"/v1/referrals/{referral['id']}/accept"
    assert (await labour.post(path, {}, key=key, if_match=7)).status_code == 412
    assert (await labour.post(path, {}, key=key)).status_code == 428
    assert (await stranger.post(path, {}, key=key, if_match=1)).status_code == 404
    assert (await labour.post(path, {}, key=key, if_match=1)).status_code == 200


async def test_a_missing_scope_is_not_kept_and_a_replay_is_authorised_again(
    open_api: OpenApi, union: Api, admin_url: str
) -> None:
    body, key = report_body(), fresh_key()
    weak = await open_api("DEMO-340802-UNION")
    await weak.token()
    await _set_scopes(admin_url, weak, [])
    assert (await weak.post("/v1/reports", body, key=key)).status_code == 403
    await _set_scopes(admin_url, weak, list(weak.agency.scopes))
    assert (await weak.post("/v1/reports", body, key=key)).status_code == 201
    await _set_scopes(admin_url, weak, [])
    replayed = await weak.post("/v1/reports", body, key=key)
    assert (replayed.status_code, replayed.json()["code"]) == (403, "insufficient-scope")


async def _set_scopes(admin_url: str, api: Api, scopes: list[str]) -> None:
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET scopes = $2 WHERE id = $1", api.agency.client_id, scopes)


async def test_a_failure_of_ours_is_not_kept(fresh_api: Api, fresh_database: str) -> None:
    body, key = report_body(), fresh_key()
    async with superuser(fresh_database) as raw:
        await raw.execute("ALTER TABLE report RENAME TO elsewhere")
        assert (await fresh_api.post("/v1/reports", body, key=key)).status_code == 500
        await raw.execute("ALTER TABLE elsewhere RENAME TO report")
    assert (await fresh_api.post("/v1/reports", body, key=key)).status_code == 201


async def test_a_key_whose_first_request_is_still_open_answers_409_with_retry_after(
    fresh_api: Api, fresh_database: str
) -> None:
    """The first holds its key and works longer than a copy waits for it."""
    body, key = report_body(), fresh_key()
    async with superuser(fresh_database) as raw:
        await raw.execute(_FILING_TAKES_LONG)
        first = asyncio.create_task(fresh_api.post("/v1/reports", body, key=key))
        await asyncio.sleep(0.3)
        second = await fresh_api.post("/v1/reports", body, key=key)
    assert (second.status_code, second.json()["code"]) == (409, "idempotency-in-progress"), second.text
    assert second.headers["retry-after"] == "1"
    assert (await first).status_code == 201
    third = await fresh_api.post("/v1/reports", body, key=key)
    assert (third.status_code, third.headers["idempotency-replayed"]) == (201, "true")


_FILING_TAKES_LONG = """
CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
CREATE TRIGGER takes_long BEFORE INSERT ON report FOR EACH ROW EXECUTE FUNCTION take_long()"""


@pytest.fixture
async def fresh_api(fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[Api]:
    """A union of a database of its own."""
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as instance:
        yield await instance.api("DEMO-340802-UNION")
    await database.close()


async def test_what_is_kept_of_an_answer_cannot_be_read_in_the_database(union: Api, admin_url: str) -> None:
    body, key = report_body(), fresh_key()
    filed = await union.post("/v1/reports", body, key=key)
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT key_hash, fingerprint, answer FROM idempotency_record WHERE agency_id = $1 AND status = 201",
            union.id,
        )
    kept = b"".join(bytes(value) for row in rows for value in row.values())
    assert rows
    for plain in (filed.json()["id"], filed.json()["case"]["number"], key, '{"id"', "location"):
        assert plain.encode() not in kept
