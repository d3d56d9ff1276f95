"""Arranges possible matches through the intake: two reports that the linker leaves for people to decide."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.engine import Raw
from tests.actions import story
from tests.builders import Api, person_body

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate; `case` is of the later report, `other` of the one that was there."""

    id: UUID
    case: str
    other: str
    later: Json
    earlier: Json


async def report_pair(
    raw: Raw, first: Api, second: Api, *, places: tuple[str, str] = ("340802", "990101"), **changes: Any
) -> Pair:
    """`first` reports somebody in one place, then `second` somebody of that name and birthday in another: two
    documents, one phone. `changes` are of the earlier person; only that one has an employer, where one is named."""
    earlier = person_body(address={"division_code": places[0], "detail": "纺织路1号"}, employer=None) | {
        "employer": None,
        **changes,
    }
    number = person_body()["id_number"]
    later = earlier | {
        "employer": None,
        "id_number": number,
        "birth_date": f"{number[6:10]}-{number[10:12]}-{number[12:14]}",
        "address": {"division_code": places[1], "detail": "棉花街3号"},
    }
    was = await story.report(first, person=earlier, household=None, sharing_basis=None, narrative=None)
    now = await story.report(second, person=later, household=None, sharing_basis=None, narrative=None)
    case, other = now["case"]["id"], was["case"]["id"]
    found = await raw.fetch(
        "SELECT id FROM match_candidate WHERE case_id = $1 AND other_case_id = $2", UUID(case), UUID(other)
    )
    assert len(found) == 1, "the linker should leave these two for people"
    return Pair(found[0]["id"], case, other, later, earlier)
