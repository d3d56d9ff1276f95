"""Where a simulated year takes place: forty agencies of one city and its four counties, and whom they meet there."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from bench.linkage_agencies import Agency, Directory
from rules.identity_numbers import check_character

CITY: Final = "990200"
COUNTIES: Final = ("990201", "990202", "990203", "990204")
_AT_CITY: Final = ("labour", "civil_affairs", "health")
_AT_COUNTY: Final = (
    *("labour", "civil_affairs", "medical_insurance", "health"),
    *("education", "housing", "finance", "judicial"),
)
MATTERS: Final = {
    "labour": ("LAB-01", "LAB-05", "LAB-07", "LAB-09", "LAB-12"),
    "civil_affairs": ("CIV-01", "CIV-02", "CIV-04"),
    "medical_insurance": ("MED-01", "MED-02"),
    "health": ("MED-03",),
    "education": ("EDU-01", "EDU-02"),
    "housing": ("HOU-01",),
    "finance": ("FIN-01", "FIN-02", "FIN-05"),
    "judicial": ("JUS-01", "JUS-02", "JUS-03"),
}
"""Matters a union refers, by the kind of office whose duty they are: all have their dates, half may not be refused."""
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢"
)
_GIVEN: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红玲芬燕彩春菊珍莉凤洁梅琳素云莲真环雪荣爱妹香月莺媛"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is simulated, and how much happens in it."""

    cases: int
    days: int
    seed: int
    starts: datetime = datetime(2026, 1, 4, 16, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        return self.starts + timedelta(days=self.days)

    def source(self, *parts: object) -> random.Random:
        """Chance for one thing, the same in every run with this seed, whatever else happens before it."""
        return random.Random("/".join(map(str, (self.seed, *parts))))


def directory_of_forty() -> Directory:
    """A union and three offices of the city, and in each county a union and eight offices, those of one kind below."""
    top = Agency("union", "city", CITY, None)
    city = {kind: Agency(kind, "city", CITY, None) for kind in _AT_CITY}
    unions = {CITY: top} | {county: Agency("union", "county", county, top.id) for county in COUNTIES}
    offices = {f"{CITY}/{kind}": office for kind, office in city.items()}
    for county in COUNTIES:
        for kind in _AT_COUNTY:
            above = city[kind].id if kind in city else None
            offices[f"{county}/{kind}"] = Agency(kind, "county", county, above)
    return Directory(unions, offices, top)


def body_of_report(number: int, chance: random.Random, *, place: str, aware_at: datetime) -> dict[str, Any]:
    """What is sent of the worker with this number: nobody else has the identity number or the phone."""
    born = date(1962, 1, 1) + timedelta(days=chance.randrange(15_000))
    first17 = f"{990000 + number // 1000:06d}{born:%Y%m%d}{number % 1000:03d}"
    name = chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=2))
    return {
        "source": {"system": "year", "record_id": str(number)},
        "aware_at": aware_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channel": "visit",
        "person": {
            "name": name,
            "id_type": "resident_id",
            "id_number": first17 + check_character(first17),
            "birth_date": born.isoformat(),
            "phones": [f"139{number:08d}"],
            "address": {"division_code": place},
        },
        "needs": ["living"],
    }
