"""Story ST01: a laid-off textile worker of 52. The report, referrals LAB-07, LAB-08 and LAB-09, the recognition, its
adoption. Persons, firms and numbers are invented; the dates are those of the real 2026 calendar."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cli.demo_stage import SHANGHAI, Agency, Stage
from rules.identity_numbers import check_character

STEPS = 21
PLACE = "340802"


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who acts: the workshop's union reports, the district's union coordinates, two labour offices and one insurer
    work.
    """

    workshop: Agency
    union: Agency
    employment: Agency
    insurance: Agency
    medical: Agency


def _shanghai(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def play(stage: Stage) -> None:
    """The whole story. Raises Unexpected at the first thing that is not as it should be."""
    cast = _assemble(stage)
    case_id = _report(stage, cast)
    _assess(stage, cast, case_id)
    referrals = _refer(stage, cast, case_id)
    _accept(stage, cast, referrals)
    result = _recognise(stage, cast, case_id, referrals)
    _adopt(stage, cast, case_id, result)
    _benefit(stage, cast, referrals)
    _look_back(stage, cast, case_id)
    _compare_push_and_feed(stage, cast)


def _assemble(stage: Stage) -> _Cast:
    cast = _Cast(
        *(stage.agency(f"DEMO-{PLACE}-{key}") for key in ("WORKSHOP", "UNION", "EMPLOYMENT", "INSURANCE", "MEDICAL"))
    )
    stage.at(_shanghai(2, 26, 9))
    for agency in (cast.union, cast.employment, cast.insurance, cast.medical):
        stage.listen(agency)
        stage.tell(
            _shanghai(2, 26, 9),
            agency,
            "登记回调地址并通过签名质询",
            "registers a webhook endpoint and answers its signed challenge",
        )
    return cast


def _report(stage: Stage, cast: _Cast) -> str:
    """02-26: the workshop's union is the first to know and the first to report."""
    now = _shanghai(2, 26, 10)
    stage.at(now)
    reported = cast.workshop.post("/v1/reports", _worker(stage, cast))
    stage.check(reported["case"]["opened"], "the report did not open a case")
    stage.check(reported["linkage"]["decision"] == "new", "a worker nobody had reported was taken for somebody known")
    case_id = str(reported["case"]["id"])
    case = cast.union.get(f"/v1/cases/{case_id}")
    stage.check(case["coordinator"]["id"] == cast.union.id, "the union of the place does not coordinate")
    number = reported["case"]["number"]
    stage.tell(
        now,
        cast.workshop,
        f"报告周桂兰，52岁，下岗；开立个案 {number}",
        f"reports Zhou Guilan, 52, laid off: case {number} is opened",
    )
    stage.tell(now, cast.union, "成为全过程协调人", "coordinates from first knowledge to closure")
    return case_id


def _worker(stage: Stage, cast: _Cast) -> dict[str, Any]:
    """The worker as reported. On a shared instance she gets a number of her own, so that the story can be played
    again.
    """
    number, phone = "990000197403151227", "+8613900000001"
    if not stage.dated:
        first17 = f"99000019740315{secrets.randbelow(500) * 2:03d}"
        number, phone = first17 + check_character(first17), f"+86139{secrets.randbelow(10**8):08d}"
    aware = _shanghai(2, 26, 9, 30) if stage.dated else datetime.now(UTC).replace(microsecond=0)
    return {
        "source": {"system": "workshop-union", "record_id": f"ST01-{secrets.token_hex(6)}"},
        "aware_at": aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aware_by": "整理车间工会",
        "channel": "visit",
        "person": {
            "name": "周桂兰",
            "id_type": "resident_id",
            "id_number": number,
            "sex": "female",
            "birth_date": date(1974, 3, 15).isoformat(),
            "phones": [phone],
            "address": {"division_code": PLACE, "detail": "纺织路1号"},
            "employment_status": "laid_off",
            "employer": {"name": "安纺织造", "uscc": "91340800MA0000007A"},
            "monthly_income_fen": 140_000,
        },
        "household": [
            {"name": "何建国", "relation": "spouse", "health": "chronic", "monthly_income_fen": 80_000},
            {"name": "何小军", "relation": "child"},
        ],
        "causes": {"primary": "3", "secondary": ["9", "6"]},
        "needs": ["employment", "social_insurance", "schooling", "medical"],
        "narrative": "车间分流下岗，丈夫慢性病，儿子上大学。",
        "sharing_basis": {
            "kind": "consent",
            "reference": "本人签署的信息共享同意书",
            "recipients": [cast.employment.id, cast.insurance.id, cast.medical.id],
        },
    }


def _assess(stage: Stage, cast: _Cast, case_id: str) -> None:
    """02-27: the home visit; net income 200 yuan a head is below the line of 800: deep hardship."""
    now = _shanghai(2, 27, 15)
    stage.at(now)
    file = cast.union.get(f"/v1/cases/{case_id}/file", tongli_purpose="assistance")
    stage.check(len(file["people"]) == 3, "the household of three is not in the file")
    shown = str(file["people"][0]["id_number"])
    stage.check(shown.startswith("990") and "*" in shown, "the identity number is not masked")
    _case_step(cast.union, case_id, "assess")
    _case_step(cast.union, case_id, "activate", difficulty_class="deep")
    stage.tell(
        now,
        cast.union,
        "入户走访，人均月净收入200元：深度困难",
        "visits the home; 200 yuan a head a month: deep hardship",
    )


def _case_step(union: Agency, case_id: str, step: str, **words: str) -> None:
    version = union.get(f"/v1/cases/{case_id}")["version"]
    union.post(f"/v1/cases/{case_id}/{step}", words, status=200, if_match=f'"v{version}"')


def _refer(stage: Stage, cast: _Cast, case_id: str) -> dict[str, dict[str, Any]]:
    """03-04: whose duty each need is, the responsibility list says; the referrals carry their dates."""
    now = _shanghai(3, 4, 10)
    stage.at(now)
    referrals = {}
    for matter, office, need, due in (
        ("LAB-07", cast.employment, "employment", "2026-03-11"),
        ("LAB-08", cast.insurance, "social_insurance", "2026-03-18"),
        ("LAB-09", cast.employment, "employment", "2026-03-11"),
    ):
        listed = cast.union.get(f"/v1/matters?division={PLACE}&code={matter}")["data"][0]
        competent = {agency["id"] for agency in listed["agencies"]}
        stage.check(office.id in competent, f"the responsibility list does not name {office.name} for {matter}")
        body = {"matter": matter, "to_agency": office.id, "need": need, "note": "车间分流下岗，52岁，有就业意愿"}
        referral = cast.union.post(f"/v1/cases/{case_id}/referrals", body)
        if stage.dated:
            stage.check(
                _day(referral["acknowledge_by"]) == "2026-03-05",
                f"{matter}: acknowledge by {referral['acknowledge_by']}",
            )
            stage.check(
                _day(referral["resolve_by"]) == due, f"{matter}: resolve by {referral['resolve_by']}, not {due}"
            )
        if stage.dated:
            stage.check(referral["due_confirmed"], f"{matter}: the dates do not rest on a confirmed calendar")
        referrals[matter] = referral
        last = _day(referral["resolve_by"])
        stage.tell(
            now,
            cast.union,
            f"转办 {matter} 给{office.name}，{last} 前办结",
            f"refers {matter} to {office.name}, to be resolved by {last}",
        )
    return referrals


def _day(instant: str) -> str:
    """The last day in Shanghai of a period that ends at 24:00."""
    moment = datetime.fromisoformat(instant).astimezone(SHANGHAI)
    return datetime.fromtimestamp(moment.timestamp() - 1, SHANGHAI).date().isoformat()


def _accept(stage: Stage, cast: _Cast, referrals: dict[str, dict[str, Any]]) -> None:
    """03-05: a preview without identity; after acceptance, under her consent, the matter's minimum fields."""
    now = _shanghai(3, 5, 9)
    stage.at(now)
    for matter, office in (("LAB-07", cast.employment), ("LAB-08", cast.insurance), ("LAB-09", cast.employment)):
        referral_id = referrals[matter]["id"]
        _pushed(stage, office, "referral.requested", referral_id)
        preview = office.get(f"/v1/referrals/{referral_id}")
        stage.check(
            preview["people"] is None and preview["case_id"] is None, f"{matter}: the preview shows an identity"
        )
        stage.check(preview["preview"]["age_band"] == "46_60", f"{matter}: the preview's age band is wrong")
        accepted = office.step(preview, "accept")
        opened = office.get(f"/v1/referrals/{referral_id}", tongli_purpose="referral")
        stage.check(
            opened["people"][0]["name"] == "周桂兰", f"{matter}: the minimum fields are not shown after acceptance"
        )
        stage.check(
            "health" not in opened["people"][0], f"{matter}: a medical field left without being in the minimum set"
        )
        referrals[matter] = office.step(accepted, "start")
        stage.tell(
            now,
            office,
            f"{matter}：先见无身份预览，受理后见最小字段",
            f"sees {matter} without identity, accepts, sees the minimum fields",
        )


def _pushed(stage: Stage, agency: Agency, event_type: str, subject_id: str) -> None:
    receiver = agency.receiver
    assert receiver is not None

    def arrived() -> bool:
        return any(
            event["type"] == event_type and event["subject"]["id"] == subject_id
            for event in list(receiver.received.values())
        )

    stage.wait_for(arrived, f"{agency.name}: no webhook {event_type} for {subject_id}")


def _recognise(stage: Stage, cast: _Cast, case_id: str, referrals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """03-10: registered as unemployed and recognised as hard to employ; training is given. In time: due 03-11."""
    now = _shanghai(3, 10, 16)
    stage.at(now)
    cast.employment.step(
        referrals["LAB-07"],
        "complete",
        outcome="met",
        text="已登记失业",
        result={"kind": "decision", "code": "unemployment-registered"},
    )
    stage.tell(now, cast.employment, "LAB-07 办结：失业登记", "completes LAB-07: registered as unemployed")
    cast.employment.step(
        referrals["LAB-09"],
        "complete",
        outcome="met",
        text="年满五十周岁，认定为就业困难人员",
        result={"kind": "recognition", "code": "hard-to-employ", "valid_from": "2026-03-10", "valid_to": "2027-03-09"},
        assistance=[
            {"kind": "training", "depth": "recovery", "quantity": 240, "unit": "hour", "source": "职业培训基地"},
            {
                "kind": "employment",
                "depth": "root_cause",
                "quantity": 1,
                "unit": "post",
                "source": "公益性岗位（护理员）",
            },
        ],
    )
    stage.tell(
        now,
        cast.employment,
        "LAB-09 办结：认定就业困难人员，安排培训240课时与护理员岗位",
        "completes LAB-09: recognised as hard to employ; 240 hours of training, a post as carer",
    )
    shared = cast.union.get(f"/v1/cases/{case_id}/results")["data"]
    recognition = next(result for result in shared if result["kind"] == "recognition")
    _pushed(stage, cast.union, "result.shared", recognition["id"])
    stage.tell(now, cast.union, "通过回调收到共享结果", "gets the shared result by webhook")
    return dict(recognition)


def _adopt(stage: Stage, cast: _Cast, case_id: str, result: dict[str, Any]) -> None:
    """03-12: the insurer reuses the recognition; nobody checks her a second time."""
    now = _shanghai(3, 12, 11)
    stage.at(now)
    cast.medical.get(f"/v1/cases/{case_id}", status=404)
    cast.union.post(f"/v1/cases/{case_id}/participants", {"agency": cast.medical.id})
    _pushed(stage, cast.medical, "participant.joined", case_id)
    stage.tell(now, cast.union, "邀请医保部门作为观察方", "invites the medical insurer to observe")
    seen = cast.medical.get(f"/v1/cases/{case_id}/results")["data"]
    stage.check(any(shown["id"] == result["id"] for shown in seen), "the observer does not see the shared result")
    cast.medical.get(f"/v1/cases/{case_id}/file", status=403, tongli_purpose="assistance")
    cast.medical.post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    _pushed(stage, cast.employment, "result.adopted", result["id"])
    stage.tell(now, cast.medical, "采用认定结果，不再重复核查", "adopts the recognition: no second check")


def _benefit(stage: Stage, cast: _Cast, referrals: dict[str, dict[str, Any]]) -> None:
    """03-17: the unemployment benefit, a day before it is due."""
    now = _shanghai(3, 17, 10)
    stage.at(now)
    cast.insurance.step(
        referrals["LAB-08"],
        "complete",
        outcome="met",
        text="核定失业保险金",
        result={"kind": "benefit", "code": "unemployment-benefit", "valid_from": "2026-03-01"},
        assistance=[{"kind": "living", "depth": "recovery", "amount_fen": 144_000, "source": "失业保险基金"}],
    )
    stage.tell(now, cast.insurance, "LAB-08 办结：发放失业保险金", "completes LAB-08: the unemployment benefit is paid")


def _look_back(stage: Stage, cast: _Cast, case_id: str) -> None:
    """The timeline tells all of it in order; the reporter sees how it went, not what is not its business."""
    told = [entry["type"] for entry in cast.union.get(f"/v1/cases/{case_id}/timeline")["data"]]
    order = [
        "case.opened",
        "referral.requested",
        "referral.accepted",
        "referral.completed",
        "result.shared",
        "result.adopted",
    ]
    places = [told.index(event) for event in order]
    stage.check(places == sorted(places), f"the timeline is out of order: {told}")
    stage.check(told.count("referral.completed") == 3, "the timeline does not hold three completed referrals")
    now = _shanghai(3, 17, 11)
    stage.tell(now, cast.union, f"时间线按序记录 {len(told)} 件事", f"reads the timeline: {len(told)} facts in order")
    case = cast.workshop.get(f"/v1/cases/{case_id}")
    stage.check(
        {need["status"] for need in case["needs"] if need["need"] == "employment"} == {"met"}, "the need is not met"
    )
    cast.workshop.get(f"/v1/cases/{case_id}/file", status=403, tongli_purpose="assistance")
    stage.tell(
        now,
        cast.workshop,
        "看到需求已满足，看不到与其无关的内容",
        "sees that the need is met, and nothing that is not its business",
    )


def _compare_push_and_feed(stage: Stage, cast: _Cast) -> None:
    """What was pushed since the endpoint became active is what the pull feed holds, event for event, number for
    number.
    """
    for agency in (cast.union, cast.employment, cast.insurance, cast.medical):
        receiver = agency.receiver
        assert receiver is not None

        def feed(agency: Agency = agency) -> dict[str, int]:
            return {event["id"]: event["sequence"] for event in _whole_feed(agency) if _is_told(event)}

        def equal(agency: Agency = agency) -> bool:
            assert agency.receiver is not None
            known = feed(agency)
            pushed = {key: event["sequence"] for key, event in list(agency.receiver.received.items())}
            since = min(pushed.values(), default=0)
            return bool(pushed) and pushed == {key: number for key, number in known.items() if number >= since}

        stage.wait_for(equal, f"{agency.name}: push and feed differ")
        stage.check(receiver.refused == 0, f"{agency.name}: {receiver.refused} deliveries did not verify")
        numbers = sorted(event["sequence"] for event in _whole_feed(agency))
        gap_free = numbers == list(range(numbers[0], numbers[-1] + 1))
        stage.check(gap_free, f"{agency.name}: the feed has gaps: {numbers}")


def _whole_feed(agency: Agency) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    path = "/v1/events?limit=200"
    while True:
        page = agency.get(path)
        events += page["data"]
        if not page["page"]["has_more"]:
            return events
        path = f"/v1/events?limit=200&cursor={page['page']['next']}"


def _is_told(event: dict[str, Any]) -> bool:
    """Challenges are answered by the receivers, not kept."""
    return not str(event["type"]).startswith("endpoint.")
