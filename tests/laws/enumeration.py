"""What somebody learns who asks about people and ids that are none of its business: pairs of probes that differ in
nothing but whether what they name exists elsewhere.

The attacker is the agency of relation `none` in the rights world: another province's labour bureau with every scope.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.ids import new_id
from rules.rights import OPERATIONS, Subject, Verdict, judge_principal, scopes_of_roles
from rules.scopes import SCOPES
from tests.builders import Api, fresh_key, person_body, report_body
from tests.laws.rights_matrix import CALLS, NOBODYS, PURPOSE
from tests.laws.rights_world import Principal, RightsWorld

Json = dict[str, Any]
Headers = Mapping[str, str]

ATTACKER: Final = "none"
PROVINCE_OF_ATTACKER: Final = "990102"
TOLD: Final = (("linkage", "decision"), ("case", "opened"))
"""What an intake answer says openly about whether the person was known (design: never more than linked or new). The
number of a joined case also names that case's place: whoever files the report takes part in it from then on."""
_OWN_EACH_TIME: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{32}"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z|TL-\d{6}-\d{4}-[0-9A-Z]{7}-[0-9A-Z*~$=]"
)
_MOVING_HEADERS: Final = frozenset({"date", "request-id", "ratelimit", "content-length", "traceparent"})


@dataclass(frozen=True, slots=True)
class Probe:
    """One request of a family; `known`: whether what it names exists where the attacker cannot see."""

    family: str
    known: bool
    method: str
    path: str
    headers: Headers
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back, and after how many seconds."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of body and headers, but for the budget left, which only counts the attacker's own requests."""
        counted = sum(len(name) + len(value) + 4 for name, value in self.headers if name.lower() != "ratelimit")
        return len(self.body) + counted

    def told(self) -> str:
        """Everything but what is new in every answer: ids, instants, the request's own name."""
        headers = sorted((name.lower(), value) for name, value in self.headers)
        kept = [f"{name}: {value}" for name, value in headers if name not in _MOVING_HEADERS]
        return _OWN_EACH_TIME.sub("*", "\n".join([str(self.status), *kept, self.body.decode()]))


Ask = Callable[[Probe], Awaitable[Seen]]


@dataclass(slots=True)
class Side:
    """What was measured of the known or of the unknown side of a family."""

    seconds: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Family:
    known: Side = field(default_factory=Side)
    unknown: Side = field(default_factory=Side)

    def figures(self) -> dict[str, Any]:
        return {
            "probes": len(self.known.sizes) + len(self.unknown.sizes),
            "auc_time": round(auc(self.known.seconds, self.unknown.seconds), 4),
            "auc_size": round(auc(self.known.sizes, self.unknown.sizes), 4),
            "median_us_known": round(1e6 * _median(self.known.seconds), 1),
            "median_us_unknown": round(1e6 * _median(self.unknown.seconds), 1),
            "same_answers": self.known.told == self.unknown.told,
        }


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """How often a classifier by this one number is right about a pair, ties half; whichever way it points.

    The Mann-Whitney statistic over the product of the counts: 0.5 tells nothing, 1.0 everything.
    """
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    below, total, start = 0.0, 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        of_ones = sum(is_one for _, is_one in ranked[start:end])
        of_others = end - start - of_ones
        total += of_ones * (below + of_others / 2)
        below += of_others
        start = end
    share = total / (len(ones) * len(others))
    return max(share, 1 - share)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


async def measure(probes: Iterable[Probe], ask: Ask) -> dict[str, Family]:
    """Asks one after the other."""
    families: dict[str, Family] = defaultdict(Family)
    for probe in probes:
        seen = await ask(probe)
        side = families[probe.family].known if probe.known else families[probe.family].unknown
        side.seconds.append(seen.seconds)
        side.sizes.append(seen.size)
        side.told.add(seen.told())
    return families


async def known_people(reporter: Api, count: int) -> list[Json]:
    """People whom an agency has reported, each with a case of its own."""
    people = []
    for _ in range(count):
        filed = await reporter.post("/v1/reports", report_body(household=None, sharing_basis=None))
        assert filed.status_code == 201, filed.text
        people.append(json.loads(filed.request.content)["person"])
    return people


def searches(world: RightsWorld, known: Sequence[Json], chance: random.Random) -> list[Probe]:
    """By number, and by name and birth date; as many strangers as known people, in random order."""
    headers = _headers(world, "search_cases")
    probes = []
    for person, is_known in _with_strangers(known):
        by_name = {"name": person["name"], "birth_date": person["birth_date"]}
        for family, body in (("by number", {"id_number": person["id_number"]}), ("by name and birth", by_name)):
            probes.append(_post(f"search {family}", is_known, "/v1/cases/search", body, headers))
    chance.shuffle(probes)
    return probes


def reports(world: RightsWorld, known: Sequence[Json], chance: random.Random) -> list[Probe]:
    """A report of each person by the attacker."""
    headers = _headers(world, "file_report")
    probes = []
    for person, is_known in _with_strangers(known):
        placed = person | {"address": {"division_code": PROVINCE_OF_ATTACKER, "detail": "纺织路1号"}}
        body = report_body(household=None, sharing_basis=None) | {"person": placed}
        probes.append(_post("report", is_known, "/v1/reports", body, headers))
    chance.shuffle(probes)
    return probes


def ids(world: RightsWorld, each: int, chance: random.Random) -> list[Probe]:
    """Reads of hidden things, and of ids that nothing has; every read that names one thing, `each` times a side."""
    probes = []
    for name, call in CALLS.items():
        subject = OPERATIONS[name].subject
        if call.method != "GET" or "{thing}" not in call.path or subject in (Subject.public, Subject.agency):
            continue
        headers = _headers(world, name)
        hidden = [thing for thing in call.things if thing not in NOBODYS and not _has_part(world, thing)]
        for thing in hidden:
            for number in range(2 * each):
                one = world.things[thing].id if number % 2 else str(new_id())
                path = call.path.format(thing=one)
                probes.append(Probe(f"{name}({thing})", bool(number % 2), "GET", path, headers))
    chance.shuffle(probes)
    return probes


def without_what_is_told(seen: Seen) -> Seen:
    """An intake answer without linked or new."""
    body = json.loads(seen.body)
    for path in TOLD:
        body[path[0]].pop(path[1], None)
    return Seen(seen.status, seen.headers, json.dumps(body).encode(), seen.seconds)


def _with_strangers(known: Sequence[Json]) -> list[tuple[Json, bool]]:
    """Each known person beside somebody whom nobody has met, whose name is as long."""
    strangers = [person_body() for _ in known]
    return [(person, True) for person in known] + [(person, False) for person in strangers]


def _post(family: str, known: bool, path: str, body: object, headers: Headers) -> Probe:
    own = {**headers, "content-type": "application/json", "idempotency-key": fresh_key()}
    return Probe(family, known, "POST", path, own, json.dumps(body, ensure_ascii=False).encode())


def _headers(world: RightsWorld, operation: str) -> dict[str, str]:
    return {"authorization": f"Bearer {_attacker(world, operation).token}", "tongli-purpose": PURPOSE}


def _attacker(world: RightsWorld, operation: str) -> Principal:
    for principal in world.principals:
        held = frozenset(SCOPES) if principal.is_machine else scopes_of_roles(principal.counting)
        verdict = judge_principal(OPERATIONS[operation], scopes=held, roles=principal.counting)
        if principal.relation == ATTACKER and verdict is Verdict.allowed:
            return principal
    raise AssertionError(f"no attacker may {operation}")


def _has_part(world: RightsWorld, thing: str) -> bool:
    return bool(world.things[thing].parts.get(ATTACKER))
