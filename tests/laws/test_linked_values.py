"""No value of another agency's report reaches a caller without a grant, whatever the linker made of the two reports.

One person, told to two agencies with other words: linked into one case, possibly the same across two unions, linked
and undone again. Every operation of the document is asked with every id there is, by those who know one half and by a
stranger.
"""

import itertools
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.spec import DOCUMENT, generated
from db.engine import Raw
from rules.purposes import Purpose
from tests.actions.instances import superuser
from tests.actions.story import Json, report
from tests.actions.test_merges import link_of, undo
from tests.builders import Api, person_body
from tests.conftest import OpenApi

_STEMS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
_PLACE = re.compile(r"\{\w+\}")
_WITHOUT_PERSONS = ("/oauth/", "/.well-known/", "/healthz", "/readyz")


@dataclass(frozen=True, slots=True)
class Told:
    """What one agency alone said of the person, and of whom it reported."""

    marks: tuple[str, ...]
    report: Json


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, and the words that none of the answers may hold."""

    askers: tuple[Api, ...]
    secret: Told
    ids: tuple[str, ...]


async def _tell(api: Api, person: Json, place: str, **changes: Any) -> Told:
    """The person with a phone, a street, an employer, a relative and a story that nobody else knows."""
    token = "".join(secrets.choice(_STEMS) for _ in range(6))
    digits = f"{secrets.randbelow(10**8):08d}"
    street, employer, relative = f"{token}路", f"{token}厂", f"司徒{token[:2]}"
    told = person | {
        "phones": [f"+86137{digits}"],
        "address": {"division_code": place, "detail": f"{street}7号"},
        "employer": {"name": employer, "uscc": None},
    }
    filed = await report(
        api,
        person=told,
        household=[{"name": relative, "relation": "child", "birth_date": "2001-02-03"}],
        narrative=f"{token}情况",
        sharing_basis=None,
    )
    return Told((f"137{digits}", f"{street}7号", employer, relative, f"{token}情况"), filed)


def _known() -> Json:
    person = person_body()
    return {key: person[key] for key in ("name", "id_type", "id_number", "birth_date", "sex")}


async def _ids(raw: Raw, reports: Sequence[str]) -> tuple[str, ...]:
    """Every id that has to do with these reports."""
    rows = await raw.fetch(
        """WITH r AS (SELECT id, case_id, leaf_id FROM report WHERE id = ANY ($1)),
                p AS (SELECT id, person_id, employer_id FROM person_record WHERE report_id IN (SELECT id FROM r))
           SELECT id FROM r UNION SELECT case_id FROM r UNION SELECT leaf_id FROM r
            UNION SELECT id FROM p UNION SELECT person_id FROM p UNION SELECT employer_id FROM p
            UNION SELECT id FROM link WHERE record_id IN (SELECT id FROM p)
            UNION SELECT id FROM match_candidate WHERE record_id IN (SELECT id FROM p)
            UNION SELECT id FROM event WHERE case_id IN (SELECT case_id FROM r)""",
        [UUID(one) for one in reports],
    )
    return tuple(str(row["id"]) for row in rows if row["id"])


def _operations() -> Iterator[tuple[str, str]]:
    for path, item in generated()[DOCUMENT]["paths"].items():
        if not path.startswith(_WITHOUT_PERSONS):
            for method in item:
                yield method.upper(), path


_ALL = list(_operations())
READS = [path for method, path in _ALL if method == "GET" and "/feed" not in path]
WRITES = [one for one in _ALL if one[0] != "GET"]


@pytest.fixture(params=["linked", "possible", "undone"])
async def situation(request: pytest.FixtureRequest, open_api: OpenApi, labour: Api, admin_url: str) -> Situation:
    medical, stranger = await open_api("DEMO-340802-MEDICAL"), await open_api("DEMO-990102-LABOUR")
    county, county_labour = await open_api("DEMO-990101-UNION"), await open_api("DEMO-990101-LABOUR")
    union = await open_api("DEMO-340802-UNION")
    person = _known()
    askers: tuple[Api, ...]
    if request.param == "possible":
        mine, place, askers = county_labour, "990101", (county, county_labour, stranger)
        later = {"id_type": "none", "id_number": None} | {k: person[k] for k in ("name", "birth_date", "sex")}
    else:
        mine, place, askers, later = medical, "340802", (medical, stranger), person
    secret = await _tell(labour, person, "340802")
    own = await _tell(mine, later, place)
    if request.param == "undone":
        await undo(union, (await link_of(admin_url, own.report["id"]))["id"])
    async with superuser(admin_url) as raw:
        ids = await _ids(raw, [secret.report["id"], own.report["id"]])
    assert (secret.report["case"]["id"] == own.report["case"]["id"]) is (request.param != "possible")
    return Situation(askers, secret, ids)


async def _asked(api: Api, method: str, path: str, body: Json | None = None) -> str:
    headers = {"tongli-purpose": Purpose.assistance.value, "tongli-actor": "desk-7"}
    if method == "POST":
        answer = await api.post(path, body, headers=headers, if_match=1)
    else:
        answer = await api.send(method, path, headers=headers)
    return answer.text + str(answer.headers)


def _leaked(text: str, told: Told) -> list[str]:
    return [mark for mark in told.marks if mark in text]


async def test_no_read_shows_what_another_agency_said(situation: Situation) -> None:
    tried = 0
    for asker, path in itertools.product(situation.askers, READS):
        places = len(_PLACE.findall(path))
        for chosen in itertools.product(situation.ids, repeat=min(places, 1)):
            names = iter((*chosen, *situation.ids))
            asked = _PLACE.sub(lambda _: next(names), path)  # noqa: B023  used at once
            assert _leaked(await _asked(asker, "GET", asked), situation.secret) == [], (asker.agency.code, path)
            tried += 1
    assert tried > 1_000


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_no_write_answers_with_what_another_agency_said(situation: Situation, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(WRITES))
    asker = data.draw(st.sampled_from(situation.askers))
    asked = _PLACE.sub(lambda _: data.draw(st.sampled_from(situation.ids)), path)
    body = data.draw(st.fixed_dictionaries({}, optional={"reason": st.just("different_persons"), "text": st.just("x")}))
    assert _leaked(await _asked(asker, method, asked, body), situation.secret) == [], (asker.agency.code, path)


async def test_what_is_looked_for_is_really_there(situation: Situation, open_api: OpenApi) -> None:
    """The union that coordinates the case reads every one of these words: they would be found if they were shown."""
    union = await open_api("DEMO-340802-UNION")
    case_id = situation.secret.report["case"]["id"]
    file = await _asked(union, "GET", f"/v1/cases/{case_id}/file")
    body = await _asked(union, "GET", f"/v1/reports/{situation.secret.report['id']}")
    assert {mark for mark in situation.secret.marks if mark in file + body} >= set(situation.secret.marks[1:])
