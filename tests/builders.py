"""Arrange: an agency that calls the API, a report that can be filed, a person nobody has met before."""

import itertools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import EllipsisType
from typing import Any
from uuid import UUID

import httpx

from crypto.tokens import sign_client_assertion
from rules.identity_numbers import check_character

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FIRST_BIRTH = date(1960, 1, 1)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
# 32, so that the 500 people of one birthday have 512 names, no two of one sound.
GIVEN = "安邦昌德恩芳国海慧佳娟兰丽敏宁平琴荣淑文霞秀燕英玉云珍美志忠波涛"

PROPOSAL: dict[str, Any] = {
    "title": "新就业形态劳动者职业伤害保障",
    "need": "social_insurance",
    "object": "平台用工的外卖骑手",
    "means": "按单缴费的职业伤害保障",
    "subject": "人社部门会同平台企业",
    "operating_mode": "平台代缴，社保经办机构统一支付",
    "funding_source": "平台企业缴费，财政兜底",
}
"""A proposal that lacks only its addressee."""

CONSULTATION: dict[str, Any] = {
    "title": "关于调整最低工资标准的方案（征求意见稿）",
    "kind": "plan",
    "drafter_name": "市人民政府",
    "learned_on": "2026-01-05",
}
"""A draft on which the union was not asked."""

_people = itertools.count()


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency of the demo province with a client of its own; `scopes` are those of the client."""

    id: UUID
    code: str
    kind: str
    division: str
    client_id: UUID
    private_jwk: Mapping[str, str] = field(repr=False)
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]


@dataclass(slots=True)
class Api:
    """One agency's system at the API. Signs in when it is first used; makes the keys that POSTs need."""

    http: httpx.AsyncClient
    agency: Agency
    scopes: Sequence[str] | None = None
    _token: str | None = field(default=None, repr=False)

    @property
    def id(self) -> UUID:
        return self.agency.id

    async def token(self) -> str:
        """The access token in use."""
        if self._token is None:
            self._token = await token_for(self.http, self.agency, self.scopes)
        return self._token

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """`params` and the options of `send`."""
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: object = None, **options: Any) -> httpx.Response:
        """A fresh Idempotency-Key unless `key` gives one; `key=None` sends none."""
        options.setdefault("key", ...)
        return await self.send("POST", path, json=json, **options)

    async def patch(self, path: str, json: object, **options: Any) -> httpx.Response:
        """A merge patch."""
        headers = {"content-type": "application/merge-patch+json", **options.pop("headers", {})}
        return await self.send("PATCH", path, json=json, headers=headers, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("DELETE", path, **options)

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        key: str | EllipsisType | None = None,
        if_match: int | str | None = None,
        purpose: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Any request with the agency's token. `if_match` is a version or a whole entity tag; `content` a raw body."""
        given = {
            "authorization": f"Bearer {await self.token()}",
            "idempotency-key": fresh_key() if isinstance(key, EllipsisType) else key,
            "if-match": f'"v{if_match}"' if isinstance(if_match, int) else if_match,
            "tongli-purpose": purpose,
            "content-type": None if content is None else "application/json",
        }
        own = {name: value for name, value in given.items() if value is not None}
        body: dict[str, Any] = {} if json is None else {"json": json}
        if content is not None:
            body = {"content": content}
        return await self.http.request(method, path, params=params, headers=own | dict(headers or {}), **body)


async def token_for(http: httpx.AsyncClient, credentials: Agency, scopes: Sequence[str] | None = None) -> str:
    """An access token by private_key_jwt, for all of the client's scopes or some. Fails the test if refused."""
    issuer = str(http.base_url).rstrip("/")
    assertion = sign_client_assertion(
        credentials.private_jwk, client_id=str(credentials.client_id), audience=issuer, now=datetime.now(UTC)
    )
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    if scopes is not None:
        form["scope"] = " ".join(scopes)
    answer = await http.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def fresh_key() -> str:
    """An Idempotency-Key nobody has used."""
    return secrets.token_hex(16)


def identity_number(birth: date, *, female: bool = True, serial: int = 0) -> str:
    """A valid number of the invented division 990000; `serial` 0 to 499 tells people of one day and sex apart."""
    first17 = f"990000{birth:%Y%m%d}{serial * 2 + (0 if female else 1):03d}"
    return first17 + check_character(first17)


def person_body(**changes: object) -> dict[str, Any]:
    """A person nobody has met: name, number, birth date and phone of their own. `changes` as in `report_body`."""
    number = next(_people)
    birth = FIRST_BIRTH + timedelta(days=number // 500)
    person = {
        "name": SURNAMES[number % 16] + GIVEN[number // 16 % len(GIVEN)] + GIVEN[number // 512 % len(GIVEN)],
        "id_type": "resident_id",
        "id_number": identity_number(birth, serial=number % 500),
        "sex": "female",
        "birth_date": birth.isoformat(),
        "phones": [f"+86139{number + 10_000_000:08d}"],
        "address": {"division_code": "340802", "detail": "纺织路1号"},
        "employment_status": "laid_off",
        "employer": {"name": "安纺织造", "uscc": "91340800MA0000007A"},
    }
    return _changed(person, changes)


def report_body(**changes: Any) -> dict[str, Any]:
    """A report that is accepted as it is: the example of the contract, about a person nobody has met.

    A change replaces a member; where both are objects they are merged; None removes. So
    `report_body(person={"name": "李敏"}, household=None)` keeps the rest of the person.
    """
    body = {
        "source": {"system": "labour-inspection", "record_id": f"LJ-{secrets.token_hex(8)}"},
        "aware_at": (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channel": "visit",
        "urgency": "normal",
        "person": person_body(),
        "household": [{"name": "周建国", "relation": "spouse", "health": "chronic"}],
        "causes": {"primary": "3", "secondary": ["9", "6"]},
        "needs": ["employment", "schooling", "medical"],
        "narrative": "车间分流后失业，丈夫慢性病，儿子上大学。",
        "sharing_basis": {"kind": "consent", "reference": "同意书", "recipients": []},
    }
    return _changed(body, changes)


def _changed(body: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(body.get(name), dict):
            body[name] = _changed(body[name], value)
        elif value is None:
            body.pop(name, None)
        else:
            body[name] = value
    return body
