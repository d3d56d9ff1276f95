"""Agencies that may not disclose identity numbers: their key, their reports, what these meet, and what nobody sees."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from alembic.script import ScriptDirectory

from crypto.keys import Keyring
from crypto.link_encodings import keyed_by
from crypto.strict import decode_base64url
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from db.migration import alembic_config, downgrade
from rules.identity_numbers import check_character
from rules.linkage.clk import Keyed
from rules.linkage.encoded import encoded_for
from rules.linkage.reading import Written, read_features
from rules.scopes import AGENCY_SCOPES
from settings import Settings
from tests.actions.instances import StoryClock, instance_on, superuser
from tests.actions.story import Json, report
from tests.api.test_person_requests import PURPOSE, reviewed
from tests.builders import Api, person_body, report_body
from tests.conftest import OpenApi

KEY = "/v1/linkage-encoding-key"
SCOPES = (*AGENCY_SCOPES, "linkage:encode")


@dataclass(frozen=True, slots=True)
class Encoder:
    """An agency that encodes, with its key in hand."""

    api: Api
    key: str
    keyed: Keyed

    @classmethod
    async def of(cls, api: Api) -> "Encoder":
        shown = (await api.get(KEY)).json()
        return cls(api, shown["key"], keyed_by(decode_base64url(shown["secret"])))

    def person(self, known: Json, *, only: str | None = None, **shown: Any) -> Json:
        """What it reports of a known person: the name, the county, what is in `shown`; all else encoded."""
        it = read_features(
            Written(
                name=known["name"],
                birth=known["birth_date"],
                number=known["id_number"],
                phones=known["phones"],
                division=known["address"]["division_code"],
            ),
            None,
        )
        said = encoded_for(it, self.keyed)
        return {
            "name": known["name"],
            "id_type": "encoded",
            "address": {"division_code": known["address"]["division_code"]},
            "encoded": {"key": self.key} | ({only: said[only]} if only else said),
        } | shown

    async def reports(self, person: Json) -> Json:
        answer = await self.api.post("/v1/reports", bare(person))
        assert answer.status_code == 201, answer.text
        filed: Json = answer.json()
        return filed


def bare(person: Json) -> Json:
    """A report of somebody alone, so that nothing but the person can be recognised."""
    return report_body(household=None, sharing_basis=None, needs=["medical"]) | {"person": person, "narrative": "求助"}


def known(**changes: Any) -> Json:
    """Somebody nobody has met, without an employer that many share."""
    return person_body(employer=None, **changes)


@pytest.fixture
async def medical(open_api: OpenApi) -> Encoder:
    return await Encoder.of(await open_api("DEMO-340802-MEDICAL", scopes=SCOPES))


async def candidates(admin_url: str, *reports: Json) -> list[Json]:
    """What people are to look at between the records of these reports."""
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT m.guards, m.terms, m.band, m.status FROM match_candidate m "
            "JOIN person_record r ON r.id = m.record_id JOIN person_record o ON o.id = m.other_record_id "
            "WHERE r.report_id = ANY ($1) AND o.report_id = ANY ($1)",
            [UUID(one["id"]) for one in reports],
        )
    return [dict(row) | {"terms": json.loads(row["terms"])} for row in rows]


# The key


async def test_an_agency_fetches_its_own_key_and_no_other_has_it(open_api: OpenApi, admin_url: str) -> None:
    medical = await open_api("DEMO-340802-MEDICAL", scopes=("linkage:encode",))
    labour = await open_api("DEMO-340802-LABOUR", scopes=("linkage:encode",))
    answer, again, other = await medical.get(KEY), await medical.get(KEY), await labour.get(KEY)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    shown = answer.json()
    assert shown == again.json()
    assert {shown["secret"], shown["key"]}.isdisjoint(other.json().values())
    assert (shown["algorithm"], shown["clk_bits"]) == ("HMAC-SHA-256", 1024)
    assert len(decode_base64url(shown["secret"])) == 32
    async with superuser(admin_url) as raw:
        leaf = await raw.fetchrow("SELECT * FROM audit_leaf WHERE request_id = $1", answer.headers["request-id"])
    assert leaf is not None
    assert (leaf["action"], leaf["subject_id"], leaf["agency_id"]) == ("linkage.read_key", medical.id, medical.id)
    assert shown["secret"] not in str(dict(leaf))


async def test_the_key_takes_a_scope_of_its_own(open_api: OpenApi) -> None:
    plain = await open_api("DEMO-340802-MEDICAL")
    assert (await plain.get(KEY)).status_code == 403


# What a report may say


async def test_what_does_not_go_together_is_refused_where_it_stands(medical: Encoder, labour: Api) -> None:
    person = medical.person(known())
    encoded = person["encoded"]
    ones = base64.b64encode(b"\xff" * 128).decode()
    for changes, pointer, code in (
        ({"id_number": "12345678"}, "/person/id_number", "not-with-this-id-type"),
        ({"as_received": {"id_number": "12345678"}}, "/person/as_received/id_number", "not-with-this-id-type"),
        ({"id_type": "none"}, "/person/encoded", "not-with-this-id-type"),
        ({"encoded": None}, "/person/encoded", "required"),
        ({"encoded": {"key": medical.key}}, "/person/encoded", "required"),
        ({"encoded": encoded | {"clk": ones}}, "/person/encoded/clk", "clk-of-nobody"),
        ({"encoded": encoded | {"key": "enc-2026-00000000"}}, "/person/encoded/key", "unknown-encoding-key"),
        ({"encoded": encoded | {"key": "mine"}}, "/person/encoded/key", "unknown-encoding-key"),
    ):
        answer = await medical.api.post("/v1/reports", bare(person | changes))
        assert answer.status_code == 422, changes
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
        assert encoded["id_number"] not in answer.text
    answer = await labour.post("/v1/reports", bare(person))
    assert [error["code"] for error in answer.json()["errors"]] == ["unknown-encoding-key"], "the key of another agency"


@pytest.mark.parametrize("clk", ["A" * 172, "A" * 171 + "B=", "=" * 172, "A" * 170 + "==", "-" * 171 + "="])
async def test_a_clk_has_1024_bits_in_one_spelling(clk: str, medical: Encoder) -> None:
    person = medical.person(known())
    answer = await medical.api.post("/v1/reports", bare(person | {"encoded": {"key": medical.key, "clk": clk}}))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/person/encoded/clk"]


async def test_of_a_number_sent_encoded_nothing_stands_in_the_columns(medical: Encoder, admin_url: str) -> None:
    filed = await medical.reports(medical.person(known()))
    async with superuser(admin_url) as raw:
        row = await raw.fetchrow("SELECT * FROM person_record WHERE report_id = $1", UUID(filed["id"]))
    assert row is not None
    assert (row["id_type"], row["id_number"], row["id_index"]) == ("encoded", None, None)


# What it meets


async def test_an_encoded_number_and_the_plain_one_meet_before_people_whoever_reports_first(
    medical: Encoder, labour: Api, admin_url: str
) -> None:
    for encoded_first in (False, True):
        person = known()
        encoded = medical.person(person, only="id_number")
        first = await (medical.reports(encoded) if encoded_first else plain(labour, person))
        second = await (plain(labour, person) if encoded_first else medical.reports(encoded))
        assert second["linkage"]["decision"] == "new"
        (found,) = await candidates(admin_url, first, second)
        assert (found["band"], found["status"]) == ("review", "open")
        assert "encoded" in found["guards"]
        assert {"name": "encoded", "level": "same_number", "weight": 0.0, "rarity": 0.0} in found["terms"]


async def plain(api: Api, person: Json, **more: Any) -> Json:
    answer = await api.post("/v1/reports", bare(person) | more)
    assert answer.status_code == 201, answer.text
    filed: Json = answer.json()
    return filed


async def test_a_clk_alone_brings_a_person_told_otherwise_before_people(
    medical: Encoder, labour: Api, admin_url: str
) -> None:
    person = known()
    first = await plain(labour, person)
    told = medical.person(person | {"birth_date": None, "id_number": person["id_number"]}, only="clk")
    second = await medical.reports(told)
    assert second["linkage"]["decision"] == "new"
    (found,) = await candidates(admin_url, first, second)
    assert "encoded" in found["guards"]
    assert "alike" in [term["level"] for term in found["terms"]]


async def test_what_is_disclosed_links_as_ever(medical: Encoder, labour: Api, admin_url: str) -> None:
    person = known()
    first = await plain(labour, person)
    disclosed = {"birth_date": person["birth_date"], "phones": person["phones"], "sex": "female"}
    second = await medical.reports(medical.person(person, **disclosed))
    assert (second["linkage"]["decision"], second["case"]["id"]) == ("linked", first["case"]["id"])
    assert await candidates(admin_url, first, second) == []


async def test_another_number_bars_what_else_would_link(medical: Encoder, labour: Api, admin_url: str) -> None:
    person = known()
    first = await plain(labour, person)
    other = person["id_number"][:14] + f"{(int(person['id_number'][14:17]) + 2) % 1000:03d}"
    disclosed = {"birth_date": person["birth_date"], "phones": person["phones"], "sex": "female"}
    twin = person | {"id_number": other + check_character(other)}
    second = await medical.reports(medical.person(twin, only="id_number", **disclosed))
    assert second["linkage"]["decision"] == "new"
    (found,) = await candidates(admin_url, first, second)
    assert "numbers_differ" in found["guards"]
    assert "encoded" not in found["guards"]


async def test_a_stranger_of_the_same_name_and_place_is_no_hit(medical: Encoder, labour: Api, admin_url: str) -> None:
    person, stranger = known(), known()
    first = await plain(labour, person | {"phones": []})
    second = await medical.reports(medical.person(stranger | {"name": person["name"]}))
    found = await candidates(admin_url, first, second)
    assert [one for one in found if "encoded" in one["guards"]] == []


@pytest.mark.parametrize("same", [True, False])
async def test_a_member_of_a_known_household_is_taken_for_the_one_there_unless_the_number_contradicts(
    same: bool, medical: Encoder, labour: Api, admin_url: str
) -> None:
    person, spouse = known(), known()
    there = {name: spouse[name] for name in ("name", "id_type", "id_number", "address")} | {"relation": "spouse"}
    first = await plain(labour, person, household=[there])
    told = spouse if same else spouse | {"id_number": known()["id_number"]}
    member = medical.person(told, only="id_number") | {"relation": "spouse"}
    disclosed = {"birth_date": person["birth_date"], "phones": person["phones"], "sex": "female"}
    second = await plain(medical.api, medical.person(person, **disclosed), household=[member])
    assert second["case"]["id"] == first["case"]["id"]
    async with superuser(admin_url) as raw:
        persons = await raw.fetchval(
            "SELECT count(DISTINCT person_id) FROM person_record WHERE case_id = $1", UUID(first["case"]["id"])
        )
    assert persons == (2 if same else 3)
    assert [one for one in await candidates(admin_url, first, second) if "encoded" in one["guards"]] == []


# What nobody sees


async def test_no_answer_shows_an_encoding_not_even_to_the_person(medical: Encoder, union: Api) -> None:
    person = medical.person(known())
    filed = await medical.reports(person)
    case = f"/v1/cases/{filed['case']['id']}"
    values = {person["encoded"]["id_number"], person["encoded"]["clk"]}
    for api, path in (
        (medical.api, f"/v1/reports/{filed['id']}"),
        (union, f"/v1/reports/{filed['id']}"),
        (union, case),
        (union, f"{case}/file"),
        (union, f"{case}/timeline"),
        (union, f"{case}/links"),
        (union, f"{case}/tasks"),
    ):
        answer = await api.get(path, purpose="assistance")
        assert answer.status_code == 200, path
        assert not [value for value in values if value in answer.text], path
    shown = (await medical.api.get(f"/v1/reports/{filed['id']}", purpose="assistance")).json()["said"]["person"]
    assert shown["id_type"] == "encoded"
    assert "encoded" not in shown
    copy = f"/v1/person-requests/{(await reviewed(union, filed['case']['id'], 'copy'))['id']}/document"
    for path in (copy, f"{copy}.html"):
        text = (await union.get(path, purpose=PURPOSE)).text
        assert person["name"] in text
        assert not [value for value in values if value in text], path


# The year


@pytest.fixture
def clock() -> StoryClock:
    return StoryClock(datetime.now(UTC).isoformat())


@pytest.fixture
async def next_year(
    database: Database, admin_url: str, settings: Settings, clock: StoryClock
) -> AsyncIterator[Encoder]:
    async with instance_on(replace(database, clock=clock), admin_url, settings) as instance:
        yield await Encoder.of(await instance.api("DEMO-340802-MEDICAL", scopes=SCOPES))


async def test_a_new_year_brings_a_new_key_and_the_old_one_is_taken_through_january(
    next_year: Encoder, labour: Api, clock: StoryClock, admin_url: str
) -> None:
    person, year = known(), int(next_year.key[4:8]) + 1
    encoded = next_year.person(person, only="id_number")
    clock.set(f"{year}-01-31T23:59:59+08:00")
    new = await Encoder.of(next_year.api)
    assert new.key != next_year.key
    late = await next_year.reports(encoded)
    clock.set(f"{year}-02-01T00:00:00+08:00")
    answer = await next_year.api.post("/v1/reports", bare(encoded))
    assert [error["code"] for error in answer.json()["errors"]] == ["unknown-encoding-key"]
    (found,) = await candidates(admin_url, late, await report(labour, person=person, household=None))
    assert "encoded" in found["guards"], "what was encoded last year is still compared"


# The migration


async def test_a_downgrade_says_of_an_encoded_number_that_there_is_none(
    fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings
) -> None:
    opened = open_database(role_url(fresh_database, names.APP, keyring), vault=vault, pool_size=2)
    async with instance_on(opened, fresh_database, settings) as instance:
        encoder = await Encoder.of(await instance.api("DEMO-340802-MEDICAL", scopes=SCOPES))
        filed = await encoder.reports(encoder.person(known()))
    await opened.close()
    before = ScriptDirectory.from_config(alembic_config("unused")).get_revision("0011").down_revision
    assert isinstance(before, str)
    await asyncio.to_thread(downgrade, fresh_database, before)
    async with superuser(fresh_database) as raw:
        kinds = await raw.fetch("SELECT id_type FROM person_record WHERE report_id = $1", UUID(filed["id"]))
        forced = await raw.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'person_record'")
    assert ([row["id_type"] for row in kinds], forced) == (["none"], True)
