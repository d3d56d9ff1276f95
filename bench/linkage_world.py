"""Invented workers, their households and employers, before anybody reports them. Drawn from a seeded generator.

The order of the draws is the benchmark: whoever changes it changes every byte of every report.
"""

import bisect
import datetime as dt
import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from pypinyin import lazy_pinyin

from bench.linkage_lists import (
    COMPOUND,
    DIALECT_FOLDS,
    EMP_FORMS,
    EMP_RENAMED,
    FEMALE,
    HOME,
    LOOKALIKE_GROUPS,
    MALE,
    MINORITY,
    MINORITY_SHARE,
    MOVED,
    OTHER_CHARACTERS,
    PHONE_CHANGED_PER_YEAR,
    PHONE_PREFIX,
    RARE,
    RARE_GIVEN,
    REPORTS_PER_PERSON,
    SHARED_PHONE,
    SURNAMES,
    TRAPS,
    YEARS,
    Setting,
)

Thing: TypeAlias = dict[str, Any]
"""A person, household, place or employer."""
T = TypeVar("T")

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_USCC_CHARS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_CHARS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONG_AGO = dt.date(2000, 1, 1)


def id_check(first17: str) -> str:
    """Check character of GB 11643."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(first17, _ID_WEIGHTS, strict=True)) % 11]


def uscc_check(first17: str) -> str:
    """Check character of GB 32100."""
    return _USCC_CHARS[(31 - sum(_USCC_CHARS.index(c) * pow(3, i, 31) for i, c in enumerate(first17)) % 31) % 31]


def org_check(first8: str) -> str:
    """Check character of GB 11714, of an organisation code of nine characters."""
    total = sum(_ORGANISATION_CHARS.index(c) * w for c, w in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    value = 11 - total % 11
    return "X" if value == 10 else "0" if value == 11 else str(value)


def fold(sound: str) -> str:
    """A syllable as dialects run it together: n and l, zh and z, ing and in."""
    for long, short in DIALECT_FOLDS:
        if long in ("n", "zh", "ch", "sh"):
            if sound.startswith(long):
                sound = short + sound[len(long) :]
        elif sound.endswith(long):
            sound = sound[: -len(long)] + short
    return sound


class Weighted(Generic[T]):
    """A choice among weighted things."""

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        listed = list(pairs)
        self.items = [thing for thing, _ in listed]
        self.cum = list(itertools.accumulate(weight for _, weight in listed))

    def pick(self, rng: random.Random) -> T:
        """One draw."""
        return self.items[bisect.bisect(self.cum, rng.random() * self.cum[-1])]


def ranked(chars: str, shift: float, power: float) -> Weighted[str]:
    """Characters whose use falls with their rank."""
    return Weighted((c, (i + shift) ** -power) for i, c in enumerate(dict.fromkeys(chars)))


class World:
    """The people, households and employers that exist. `scale` multiplies every probability of an error."""

    def __init__(
        self,
        rng: random.Random,
        reports: int,
        scale: float,
        *,
        setting: Setting = HOME,
        surnames: Mapping[str, float] = SURNAMES,
    ) -> None:
        self.rng, self.scale, self.setting = rng, scale, setting
        self.surname = Weighted(itertools.chain(surnames.items(), COMPOUND.items()))
        self.male, self.female = ranked(MALE, 34, 1.25), ranked(FEMALE, 20, 1.3)
        self.area = Weighted((code, row[2]) for code, row in setting.areas.items())
        self.per_person = Weighted(REPORTS_PER_PERSON)
        self.by_sound: dict[str, list[str]] = defaultdict(list)
        self.by_dialect: dict[str, list[str]] = defaultdict(list)
        self.by_shape: dict[str, set[str]] = defaultdict(set)
        self._list_characters("".join(surnames))
        self.people: list[Thing] = []
        self.households: list[Thing] = []
        self.sequence: dict[tuple[str, dt.date, str], int] = defaultdict(int)
        self.employers = [self.new_employer(i) for i in range(max(20, reports // 25))]
        self.officer_phones = [self.new_phone() for _ in range(max(5, reports // 2000))]
        planned = 0
        while planned < reports:
            for person in self.new_household():
                person["reports"] = self.per_person.pick(rng) if person["in_hardship"] else 0
                planned += person["reports"]
        self.add_traps()

    def _list_characters(self, surnames: str) -> None:
        for ch in sorted(set(MALE + FEMALE + surnames + OTHER_CHARACTERS)):
            sound = lazy_pinyin(ch)[0]
            self.by_sound[sound].append(ch)
            self.by_dialect[fold(sound)].append(ch)
        for group in LOOKALIKE_GROUPS:
            for ch in group:
                self.by_shape[ch] |= set(group) - {ch}

    def new_phone(self) -> str:
        """A mobile number nobody else is likely to have."""
        return self.rng.choice(PHONE_PREFIX) + f"{self.rng.randrange(10**8):08d}"

    def given(self, sex: str, generation: str | None = None) -> str:
        """A given name, with the character of the generation half of the time."""
        rng, chars = self.rng, self.male if sex == "M" else self.female
        if rng.random() < RARE_GIVEN:
            rare = rng.choice(RARE)
            return rare if rng.random() < 0.4 else chars.pick(rng) + rare
        if generation and rng.random() < 0.5:
            return generation + chars.pick(rng)
        if rng.random() < (0.14 if sex == "M" else 0.16):
            return chars.pick(rng)
        return chars.pick(rng) + chars.pick(rng)

    def new_id(self, sex: str, born: dt.date, area: str | None, origin: str | None = None) -> str:
        """A valid number; those of one place, day and sex follow each other."""
        if not origin:
            assert area is not None
            origin = area if self.rng.random() < 0.78 else self.rng.choice(self.setting.origins)
        key = (origin, born, sex)
        self.sequence[key] += self.rng.choice((1, 1, 2, 5))
        number = (self.sequence[key] * 2 - (1 if sex == "M" else 0)) % 1000
        head = f"{origin}{born:%Y%m%d}{number:03d}"
        return head + id_check(head)

    def new_employer(self, index: int) -> Thing:
        """A firm with its codes; some had another name before a day."""
        rng, setting = self.rng, self.setting
        area = self.area.pick(rng)
        city = setting.areas[area][0].removesuffix("市")
        core = rng.choice(setting.firms) + (rng.choice(setting.firms) if rng.random() < 0.25 else "")
        trade = rng.choice(setting.trades)
        form = Weighted(EMP_FORMS).pick(rng)
        place = rng.choice([city, city, city + "市", setting.province.removesuffix("省")])
        org8 = "".join(
            rng.choice("0123456789") if rng.random() < 0.6 else rng.choice(_USCC_CHARS[10:]) for _ in range(8)
        )
        org = org8 + org_check(org8)
        head = "91" + area + org
        former = f"{place}{rng.choice(setting.firms)}{trade}{form}" if rng.random() < EMP_RENAMED else None
        return {
            "id": f"E{index:06d}",
            "area": area,
            "name": f"{place}{core}{trade}{form}",
            "core": core,
            "place": place,
            "form": form,
            "former": former,
            "org": org,
            "renamed_on": dt.date(rng.randint(*YEARS), rng.randint(1, 12), 1),
            "uscc": head + uscc_check(head),
            "legacy": "".join(rng.choice("0123456789") for _ in range(15)),
            "phone": self.new_phone(),
        }

    def new_person(
        self,
        household: Thing,
        surname: str | None,
        sex: str,
        born: dt.date,
        *,
        relation: str,
        generation: str | None = None,
        **extra: Any,
    ) -> Thing:
        """Somebody in a household; without a surname, of a people that has none."""
        rng = self.rng
        if surname is None:
            first, joint, second = rng.choice(MINORITY)
            name = rng.choice(first) + joint + rng.choice(second)
            surname = name[0]
        else:
            name = surname + self.given(sex, generation)
        person: Thing = {
            "id": f"P{len(self.people):07d}",
            "name": name,
            "surname": surname,
            "sex": sex,
            "born": born,
            "relation": relation,
            "household": household,
            "id_number": self.new_id(sex, born, household["area"]),
            "employer": None,
            "traps": [],
            "in_hardship": True,
            "reports": 0,
            "former_name": None,
        }
        self._employ(person, household)
        person["phones"] = [(_LONG_AGO, self.new_phone())]
        for year in range(YEARS[0], YEARS[1] + 1):
            if rng.random() < PHONE_CHANGED_PER_YEAR:
                person["phones"].append((dt.date(year, rng.randint(1, 12), rng.randint(1, 28)), self.new_phone()))
        person.update(extra)
        self.people.append(person)
        household["people"].append(person)
        return person

    def _employ(self, person: Thing, household: Thing) -> None:
        rng = self.rng
        if 20 <= 2026 - person["born"].year <= 62 and rng.random() < 0.8:
            with_family = rng.random() < 0.3 and household["employers"]
            person["employer"] = rng.choice(household["employers"]) if with_family else rng.choice(self.employers)
            household["employers"].append(person["employer"])

    def birth(self, low: int, high: int) -> dt.date:
        """A day in these years, 1951 to 2009 at most."""
        start = dt.date(max(low, 1951), 1, 1)
        return start + dt.timedelta(self.rng.randrange((dt.date(min(high, 2009), 12, 31) - start).days))

    def new_place(self, area: str | None = None) -> Thing:
        """A home."""
        rng, setting = self.rng, self.setting
        return {
            "area": area or self.area.pick(rng),
            "street": rng.choice(setting.streets),
            "street_kind": rng.choice(["街道", "街道", "街道", "镇"]),
            "community": rng.choice(setting.communities),
            "road": f"{rng.choice(setting.streets)}{rng.choice(['路', '街', '大道'])}",
            "number": rng.randint(1, 400),
            "block": rng.randint(1, 30),
            "unit": rng.randint(1, 4),
            "room": rng.randint(1, 9) * 100 + rng.randint(1, 4),
        }

    def new_household(self) -> list[Thing]:
        """A family: head, perhaps a spouse, children and the father."""
        rng = self.rng
        house: Thing = {"id": f"H{len(self.households):07d}", "people": [], "employers": [], **self.new_place()}
        house["no"] = f"{house['area'][2:]}{rng.randrange(10**6):06d}"
        house["places"] = [(_LONG_AGO, house)]
        if rng.random() < MOVED:
            area = house["area"] if rng.random() < 0.5 else None
            moved_on = dt.date(rng.randint(*YEARS), rng.randint(1, 12), rng.randint(1, 28))
            house["places"].append((moved_on, self.new_place(area)))
        self.households.append(house)
        surname = None if rng.random() < MINORITY_SHARE else self.surname.pick(rng)
        sex, born = rng.choice("MMF"), self.birth(1960, 1998)
        head = self.new_person(house, surname, sex, born, relation="本人")
        self._add_relatives(house, surname, sex, born)
        self._share_phones(house, head)
        people: list[Thing] = house["people"]
        return people

    def _add_relatives(self, house: Thing, surname: str | None, sex: str, born: dt.date) -> None:
        rng = self.rng
        if rng.random() < 0.68:
            spouse, other_sex = self.surname.pick(rng), "F" if sex == "M" else "M"
            day = self.birth(born.year - 4, born.year + 4)
            self.new_person(house, spouse, other_sex, day, relation="配偶", in_hardship=rng.random() < 0.35)
        generation = (self.male if rng.random() < 0.5 else self.female).pick(rng) if rng.random() < 0.3 else None
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
            year = born.year + rng.randint(22, 34)
            if year <= 2008:
                child = rng.choice("MF"), self.birth(year, year)
                needy = rng.random() < 0.18
                self.new_person(house, surname, *child, relation="子女", generation=generation, in_hardship=needy)
        if rng.random() < 0.12:
            day = self.birth(max(1951, born.year - 30), max(1953, born.year - 22))
            self.new_person(house, surname, "M", day, relation="父亲", in_hardship=rng.random() < 0.15)

    def _share_phones(self, house: Thing, head: Thing) -> None:
        lender = self.rng.choice(house["people"])
        for person in house["people"]:
            if person is not lender and self.rng.random() < SHARED_PHONE:
                person["phones"] = lender["phones"]
                person["traps"].append("shared_phone")
            if person["in_hardship"] and person is not head:
                person["traps"].append("family_also_reported")

    def add_traps(self) -> None:
        """People a linker takes for one another: twins, namesakes, parents and children whose names sound alike."""
        people = list(self.people)
        for person in self._trapped(people, "twin"):
            if "·" not in person["name"]:
                self._add_twin(person)
        for kind in ("namesake_county_year", "namesake_same_birthday"):
            for person in self._trapped(people, kind):
                self._add_namesake(person, kind)
        for person in self._trapped(people, "parent_child_homophone"):
            self._rename_like(person)

    def _trapped(self, people: list[Thing], kind: str) -> list[Thing]:
        return [p for p in self.rng.sample(people, int(len(people) * TRAPS[kind])) if p["reports"]]

    def _copy_reports(self) -> int:
        return max(1, self.per_person.pick(self.rng))

    def _add_twin(self, p: Thing) -> None:
        rng = self.rng
        shared = p["name"][len(p["surname"])]
        chars = self.male if p["sex"] == "M" else self.female
        other = self.new_person(p["household"], p["surname"], p["sex"], p["born"], relation=p["relation"])
        other["name"] = p["surname"] + (shared if rng.random() < 0.6 else "") + chars.pick(rng)
        if other["name"] == p["name"]:
            other["name"] += chars.pick(rng)
        other["id_number"] = self.new_id(p["sex"], p["born"], None, p["id_number"][:6])
        other["employer"] = p["employer"] if rng.random() < 0.4 else other["employer"]
        other["reports"] = self._copy_reports()
        if rng.random() < 0.3:
            other["phones"] = p["phones"]
        p["traps"].append("twin")
        other["traps"].append("twin")

    def _add_namesake(self, p: Thing, kind: str) -> None:
        place = self.new_place(p["household"]["area"])
        host: Thing = {
            **place,
            "id": f"H{len(self.households):07d}",
            "people": [],
            "employers": [],
            "no": f"{place['area'][2:]}{self.rng.randrange(10**6):06d}",
            "places": [(_LONG_AGO, place)],
        }
        self.households.append(host)
        born = p["born"] if kind.endswith("birthday") else self.birth(p["born"].year, p["born"].year)
        other = self.new_person(host, p["surname"], p["sex"], born, relation="本人")
        other["name"], other["reports"] = p["name"], self._copy_reports()
        p["traps"].append(kind)
        other["traps"].append(kind)

    def _rename_like(self, p: Thing) -> None:
        kind = "parent_child_homophone"
        for other in p["household"]["people"]:
            alike = other["sex"] == p["sex"] and other["surname"] == p["surname"] and len(p["name"]) > 1
            if other is p or not alike:
                continue
            last = [c for c in self.by_sound[lazy_pinyin(p["name"][-1])[0]] if c != p["name"][-1]]
            if last and "·" not in p["name"]:
                other["name"] = p["name"][:-1] + self.rng.choice(last)
                other["reports"] = self._copy_reports()
                p["traps"].append(kind)
                other["traps"].append(kind)
                return
