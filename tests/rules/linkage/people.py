"""People as features, and the committed model, for the tests of what is made of features."""

from typing import Any, Final

from hypothesis import strategies as st

from db.linkage_model import committed_model
from rules.identity_numbers import check_character
from rules.linkage.deciding import Match, match_person
from rules.linkage.features import Features, Member
from rules.linkage.reading import Written, read_features
from rules.linkage.scoring import Population
from tests.rules.linkage.places import PLACES

MODEL: Final = committed_model()
NOBODY: Final = Population(20_000, {})
"""Enough records to know which names are common, and nobody who has the values in question."""


def number(birth: str, serial: str = "122", area: str = "430102") -> str:
    """A valid identity number; an even serial is a woman's."""
    first17 = f"{area}{birth}{serial}"
    return first17 + check_character(first17)


ZHOU: Final[dict[str, Any]] = {
    "name": "周秀兰",
    "sex": "female",
    "birth": "1975-04-12",
    "number": number("19750412"),
    "phones": ["13912345678"],
    "division": "430102",
    "address": "湘雅路12号3栋2单元501室",
    "employer": "长沙安纺织造有限公司",
}
"""Somebody of whom everything is told."""

BARE: Final[dict[str, Any]] = {"number": None, "phones": [], "address": None, "employer": None}
"""Changes after which nothing but name, sex, birth date and county is told."""


def person(**changes: Any) -> Features:
    """Zhou, as another report tells of her."""
    return read_features(Written(**(ZHOU | changes)), PLACES)


def matched(new: Features, *records: Features, population: Population = NOBODY) -> Match[str, int]:
    """How a record stands to the one person these records are of."""
    return match_person(new, "person", list(enumerate(records)), model=MODEL, population=population)


_SYLLABLES = st.sampled_from(["zou", "xiu", "lan", "fan", "wang", "?"])
_DAYS = st.sampled_from(["", "1975", "1975-04", "1975-04-12", "1975-12-04", "1975-02-30", "1975-01-01", "1999-04-12"])
_NUMBERS = st.sampled_from(["", number("19750412"), number("19750412", "124"), number("19990412"), "4301021975041"])


@st.composite
def features(draw: st.DrawFn) -> Features:
    """Any features at all, of few enough values that two of them agree now and then."""
    sounds = tuple(draw(st.lists(_SYLLABLES, max_size=4)))
    given = draw(_NUMBERS)
    kind = draw(st.sampled_from(["valid", "fifteen", "masked", "doubtful"])) if given else ""
    birth = draw(_DAYS)
    return Features(
        name="".join(draw(st.sampled_from("周秀兰芳?")) for _ in sounds),
        sounds=sounds,
        folded=sounds,
        surname=sounds[0] if sounds else "",
        sex=draw(st.sampled_from(["", "m", "f"])),
        birth=birth,
        lunar=draw(_DAYS) if len(birth) == 10 else "",
        id_kind=kind,
        id_number="" if kind == "masked" else given,
        id_head=given[:6],
        id_tail=given[-4:],
        phones=tuple(draw(st.lists(st.sampled_from(["13912345678", "13912345679", "0731-1"]), max_size=2))),
        division=draw(st.sampled_from(["", "430102", "430121", "430100", "340826"])),
        area=draw(st.sampled_from(["", "湘", "湘雅路", "湘雅路社区"])),
        door=draw(st.sampled_from(["", "12"])),
        room=draw(st.sampled_from(["", "3-2-501"])),
        organisation=draw(st.sampled_from(["", "MA0000007"])),
        employer=draw(st.sampled_from(["", "安纺", "安纺织造"])),
        household=draw(st.sampled_from(["", "HH-1", "HH-2", "HX-31"])),
        members=tuple(draw(st.lists(st.builds(Member, st.sampled_from(["周秀", "秀兰"]), st.just(1975)), max_size=2))),
    )
