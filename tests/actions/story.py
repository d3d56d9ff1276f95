"""Arranges through the API what many tests start from: a case, a referral at a given status. Refusals fail the test."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.builders import Api, report_body

Json = dict[str, Any]


OpenApi = Callable[..., Awaitable[Api]]

WORDS: dict[str, Json] = {
    "return": {"reason": "unclear_request", "text": "请写明请求"},
    "reject": {"reason": "not_eligible", "text": "不符合条件"},
    "hold": {"reason": "awaiting_applicant", "text": "等待本人"},
    "cancel": {"reason": "need_gone", "text": "已无需要"},
    "fail": {"reason": "no_capacity", "text": "无名额"},
    "extend": {"reason": "complex_facts", "text": "案情复杂", "approved_by": "科长"},
    "dispute": {"reason": "competence", "text": "管辖争议"},
    "void": {"reason": "wrong_matter", "text": "选错事项"},
    "complete": {"outcome": "met", "text": "已办结"},
}
"""The least a step must bring."""

ROADS: dict[str, tuple[tuple[str, str], ...]] = {
    "requested": (),
    "returned": (("receiver", "return"),),
    "accepted": (("receiver", "accept"),),
    "in_progress": (("receiver", "accept"), ("receiver", "start")),
    "on_hold": (("receiver", "accept"), ("receiver", "start"), ("receiver", "hold")),
    "completed": (("receiver", "accept"), ("receiver", "start"), ("receiver", "complete")),
    "rejected": (("receiver", "reject"),),
    "cancelled": (("sender", "cancel"),),
    "failed": (("receiver", "accept"), ("receiver", "fail")),
    "entered_in_error": (("sender", "void"),),
}
"""The shortest way to each status; `draft` is how it is made, `expired` is the clock's."""


async def report(reporter: Api, **changes: Any) -> Json:
    """The receipt of a report about somebody nobody has met."""
    answer = await reporter.post("/v1/reports", report_body(**changes))
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def refer(sender: Api, case_id: str, to: Api | None, **changes: Any) -> Json:
    """LAB-12 (no statutory duty) to an office, or to the pool where `to` is None."""
    answer = await try_refer(sender, case_id, to, **changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def try_refer(sender: Api, case_id: str, to: Api | None, **changes: Any) -> httpx.Response:
    body = {"matter": "LAB-12", "to_agency": str(to.id) if to else None} | changes
    return await sender.post(f"/v1/cases/{case_id}/referrals", body)


async def step(agency: Api, referral: Json, name: str, **words: Any) -> Json:
    """The referral after the step; `words` beyond the least it must bring."""
    answer = await try_step(agency, referral, name, **words)
    assert answer.status_code == 200, f"{name}: {answer.text}"
    return body_of(answer)


async def try_step(agency: Api, referral: Json, name: str, **words: Any) -> httpx.Response:
    said = WORDS.get(name, {}) | words
    return await agency.post(f"/v1/referrals/{referral['id']}/{name}", said, if_match=referral["version"])


GAP: Json = {"need": "employment", "ground": "disputed", "text": "平台用工，无人认领"}


async def dispute(union: Api, case_id: str, office: Api) -> None:
    """An office returned the need of employment; the union disputed whose it is, and took the need back."""
    referral = await refer(union, case_id, office, need="employment")
    disputed = await step(union, await step(office, referral, "return"), "dispute")
    await step(union, disputed, "cancel", reason="rerouted")


def body_of(answer: httpx.Response) -> Json:
    body: Json = answer.json()
    return body


@dataclass(frozen=True, slots=True)
class Parties:
    """Three offices with one part each, and one with none: labour sends on what the union coordinates."""

    coordinator: Api
    sender: Api
    receiver: Api
    stranger: Api

    def of(self, party: str) -> Api:
        found: Api = getattr(self, party)
        return found


async def parties(open_api: OpenApi) -> Parties:
    return Parties(
        coordinator=await open_api("DEMO-340802-UNION"),
        sender=await open_api("DEMO-340802-LABOUR"),
        receiver=await open_api("DEMO-340802-EDUCATION"),
        stranger=await open_api("DEMO-990102-UNION"),
    )


async def case_with_sender(who: Parties) -> str:
    """A case in which the sender works, so that it may refer on."""
    case_id: str = (await report(who.coordinator))["case"]["id"]
    await step(who.sender, await refer(who.coordinator, case_id, who.sender), "accept")
    return case_id


async def referral_at(who: Parties, status: str, *, matter: str = "EDU-02") -> Json:
    """A referral from sender to receiver in a case of its own, walked to `status`."""
    case_id = await case_with_sender(who)
    referral = await refer(who.sender, case_id, who.receiver, matter=matter, draft=status == "draft")
    for party, name in ROADS.get(status, ()):
        referral = await step(who.of(party), referral, name)
    assert referral["status"] == status
    return referral | {"case_id": case_id}
