"""What one agency writes down of a person it reports: mostly what is so, with the errors agencies make."""

import datetime as dt

from pypinyin import Style, lazy_pinyin

from bench.linkage_lists import (
    AGENCIES,
    DOB_ERRORS,
    DOB_PRECISION,
    EMP_VARIANT,
    HUKOU_PLACE,
    LUNAR,
    NAME_ERRORS,
    RARE,
    RARE_LOST,
    TRADITIONAL,
)
from bench.linkage_world import Thing, Weighted, World, fold


def solar_to_lunar(day: dt.date) -> tuple[int, int, int] | None:
    """Year, month and day of the lunar calendar from 1950 to 2010; leap months keep their number."""
    for year in (day.year, day.year - 1):
        if not 1950 <= year <= 2010:
            continue
        row = LUNAR[year - 1950]
        left = (day - dt.date(year, 1, 1)).days - int(row[:2])
        if left < 0:
            continue
        leap, bits, month = int(row[2], 16), bin(int(row[3:], 16))[3:], 0
        for i, bit in enumerate(bits):
            if not (leap and i == leap):
                month += 1
            size = 29 + int(bit)
            if left < size:
                return year, month, left + 1
            left -= size
    return None


class Reporter:
    """Turns a person into what one agency writes down. `notes` gathers the errors that were put in."""

    def __init__(self, world: World) -> None:
        self.w, self.rng = world, world.rng

    def hit(self, probability: float) -> bool:
        """Whether something of this probability happens, as the scale has it."""
        return self.rng.random() < min(1.0, probability * self.w.scale)

    def change_digit(self, text: str) -> str:
        """One character becomes another digit."""
        at = self.rng.randrange(len(text))
        return text[:at] + self.rng.choice([d for d in "0123456789" if d != text[at]]) + text[at + 1 :]

    def name(self, p: Thing, conf: Thing, notes: list[str]) -> str:
        """The name as it is written, mostly right."""
        rng, name = self.rng, str(p["name"])
        if any(c in RARE for c in name) and self.hit(RARE_LOST):
            notes.append("name_rare_lost")
            style = rng.choice(("pinyin", "?", "*", "upper"))
            return "".join(self._without_rare(c, style) if c in RARE else c for c in name)
        if "·" in name and self.hit(0.5):
            notes.append("name_middle_dot")
            if rng.random() < 0.8:
                return name.replace("·", rng.choice(["•", ".", "．", "", " ", "・"]))
            return name.partition("·")[0]
        if not self.hit(conf["name_err"]):
            return name
        kind = Weighted(NAME_ERRORS).pick(rng)
        out = self._misspelt(p, name, kind, rng.randrange(len(name)))
        if out != name:
            notes.append("name_" + kind)
        return out

    def _without_rare(self, c: str, style: str) -> str:
        if style == "pinyin":
            return lazy_pinyin(c, style=Style.NORMAL)[0]
        return lazy_pinyin(c)[0].upper() if style == "upper" else style

    def _misspelt(self, p: Thing, name: str, kind: str, at: int) -> str:
        rng = self.rng
        if kind in ("homophone", "dialect", "lookalike"):
            return self._another_character(name, kind, at)
        if kind == "traditional":
            return "".join(TRADITIONAL.get(c, c) for c in name)
        if kind == "spacing":
            if len(name) == 2:
                return rng.choice([" ", "\u3000", "  "]).join(name)
            return name + rng.choice([" ", "\u3000"])
        if kind == "swap" and len(name) > 2:
            return name[:-2] + name[-1] + name[-2]
        if kind == "dropped_char" and len(name) > 2:
            return name[:-1]
        if kind == "former_name":
            p["former_name"] = p["former_name"] or p["surname"] + self.w.given(p["sex"])
            return str(p["former_name"])
        return name

    def _another_character(self, name: str, kind: str, at: int) -> str:
        rng = self.rng
        if kind == "lookalike":
            places = [i for i, c in enumerate(name) if self.w.by_shape.get(c)]
            if not places:
                return name
            at = rng.choice(places)
            return name[:at] + rng.choice(sorted(self.w.by_shape[name[at]])) + name[at + 1 :]
        sound = lazy_pinyin(name[at])[0]
        pool = self.w.by_sound[sound] if kind == "homophone" else self.w.by_dialect[fold(sound)]
        pool = [c for c in pool if c != name[at]]
        return name[:at] + rng.choice(pool) + name[at + 1 :] if pool else name

    def id_number(self, p: Thing, conf: Thing, notes: list[str]) -> str | None:
        """The number, or a relative's, or fifteen digits, or a masked or a mistyped one."""
        rng, value = self.rng, str(p["id_number"])
        if self.hit(conf["id_missing"]):
            notes.append("id_missing")
            return None
        if self.hit(0.004):
            others = [o for o in p["household"]["people"] if o is not p]
            if others:
                notes.append("id_of_family_member")
                return str(rng.choice(others)["id_number"])
        if p["born"].year < 1990 and self.hit(conf["id_15"]):
            notes.append("id_15")
            return value[:6] + value[8:17]
        if self.hit(conf["id_masked"]):
            notes.append("id_masked")
            return value[:6] + "********" + value[14:] if rng.random() < 0.6 else value[:3] + "***********" + value[14:]
        if self.hit(conf["id_typo"]):
            notes.append("id_typo")
            return self._mistyped(value)
        if value.endswith("X") and self.hit(0.25):
            return value[:-1] + rng.choice("x*")
        return value

    def _mistyped(self, value: str) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.65:
            return self.change_digit(value[:17]) + value[17]
        if kind < 0.85:
            at = rng.randrange(16)
            return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
        if kind < 0.93:
            return value[:-1]
        at = rng.randrange(17)
        return value[:at] + value[at] + value[at:]

    def birth_date(self, p: Thing, conf: Thing, notes: list[str]) -> str | None:
        """The day, or a month, or a year; sometimes the lunar day, or one that never was."""
        rng, born = self.rng, p["born"]
        if self.hit(conf["birth_missing"]):
            return None
        text: str = born.isoformat()
        if self.hit(conf["dob_err"]):
            kind = Weighted(DOB_ERRORS).pick(rng)
            text = self._misdated(born, text, kind)
            notes.append("dob_" + kind)
        size = {"day": 10, "month": 7, "year": 4}[Weighted(DOB_PRECISION).pick(rng)]
        return text[:size]

    def _misdated(self, born: dt.date, text: str, kind: str) -> str:
        rng = self.rng
        if kind == "lunar" and (lunar := solar_to_lunar(born)):
            return "{:04}-{:02}-{:02}".format(*lunar)
        if kind == "month_day_swapped":
            return f"{born:%Y-%d-%m}"
        if kind == "one_digit":
            return text[:8] + f"{(born.day + rng.choice((1, 2, 10))) % 28 + 1:02d}"
        if kind == "year_off":
            return f"{born.year + rng.choice((-2, -1, 1, 2))}{text[4:]}"
        return f"{born.year}-01-01" if kind == "january_first" else text

    def phone(self, p: Thing, when: dt.date, conf: Thing, notes: list[str]) -> str | None:
        """The number of that day, an old one, an officer's, or a mistyped one."""
        rng = self.rng
        if self.hit(conf["phone_missing"]):
            return None
        if self.hit(conf["phone_officer"]):
            notes.append("phone_of_officer")
            at_work = p["employer"] and rng.random() < 0.5
            return str(p["employer"]["phone"] if at_work else rng.choice(self.w.officer_phones))
        value: str = [number for since, number in p["phones"] if since <= when][-1]
        if len(p["phones"]) > 1 and self.hit(0.15):
            value = p["phones"][0][1]
            notes.append("phone_stale")
        if self.hit(conf["phone_err"]):
            notes.append("phone_typo")
            return self.change_digit(value)
        style = rng.random()
        if style < 0.04:
            return f"{value[:3]}-{value[3:7]}-{value[7:]}"
        if style < 0.07:
            return "+86" + value
        return f"{value[:3]} {value[3:7]} {value[7:]}" if style < 0.09 else value

    def address(self, p: Thing, when: dt.date, conf: Thing, notes: list[str]) -> tuple[str | None, str | None]:
        """Address and division code of that day, or only the place of registration."""
        rng, places = self.rng, p["household"]["places"]
        h = [place for since, place in places if since <= when][-1]
        if len(places) > 1:
            notes.append("moved")
        if self.hit(HUKOU_PLACE) and p["id_number"][:6] != h["area"]:
            notes.append("address_hukou")
            return None, p["id_number"][:6]
        if self.hit(conf["addr_missing"]):
            return None, (h["area"] if rng.random() < 0.6 else None)
        parts = self._address_parts(h, conf)
        if self.hit(0.02):
            notes.append("address_old")  # merged or renamed street
            return "".join(parts[:3]) + rng.choice(self.w.setting.streets) + "街道", h["area"]
        code = h["area"] if rng.random() < 0.85 else h["area"][:4] + "00" if rng.random() < 0.7 else None
        return "".join(parts), code

    def _address_parts(self, h: Thing, conf: Thing) -> list[str]:
        rng = self.rng
        city, county, _ = self.w.setting.areas[h["area"]]
        level = Weighted(zip((0, 1, 2, 3), conf["addr_level"], strict=True)).pick(rng)
        province = self.w.setting.province if rng.random() < 0.5 else ""
        parts = [province, city if rng.random() < 0.8 else city[:-1], county if rng.random() < 0.9 else county[:-1]]
        if level >= 1:
            parts.append(h["street"] + (h["street_kind"] if rng.random() < 0.85 else ""))
        if level >= 2:
            kinds = ["社区", "社区", "居委会"]
            named = h["community"] + rng.choice(kinds) if rng.random() < 0.6 else f"{h['road']}{h['number']}号"
            parts.append(named)
        if level >= 3:
            b, u, r = h["block"], h["unit"], h["room"]
            dashed, dwelling = f"{b}-{u}-{r}", f"{u}单元{r}"
            parts.append(
                rng.choice(
                    [f"{b}栋{dwelling}室", f"{b}栋{dwelling}", dashed, f"{b}号楼{dwelling}室", f"{b}幢{dwelling}"]
                )
            )
        return parts

    def employer(self, p: Thing, when: dt.date, conf: Thing, notes: list[str]) -> tuple[str | None, str | None]:
        """Name and code of the employer, often a former or a short name."""
        rng, e = self.rng, p["employer"]
        if e is None or self.hit(conf["emp_missing"]):
            return None, None
        name = e["former"] if e["former"] and (when < e["renamed_on"] or rng.random() < 0.3) else e["name"]
        if name == e["former"]:
            notes.append("employer_former_name")
        if self.hit(EMP_VARIANT):
            notes.append("employer_variant")
            name = self._written_otherwise(e, name)
        code = None
        if not self.hit(conf["uscc_missing"]):
            style = rng.random()
            old = f"{e['org'][:8]}-{e['org'][8]}" if style < 0.97 else e["legacy"]
            code = e["uscc"] if style < 0.90 else e["org"] if style < 0.94 else old
            if self.hit(0.01):
                notes.append("uscc_typo")
                code = self.change_digit(code)
        return name, code

    def _written_otherwise(self, e: Thing, name: str) -> str:
        place: str = e["place"]
        short: str = name.removeprefix(place).removesuffix(e["form"])
        return self.rng.choice(
            [
                short,
                place + short,
                short + "公司",
                name.replace("有限责任公司", "有限公司"),
                name.replace(place, place.rstrip("市") + "市", 1),
                str(e["core"]),
                name.replace("有限公司", "（有限公司）"),
                name + self.rng.choice(["一分厂", "项目部", "（破产）", "第二分公司"]),
            ]
        )

    def _members(self, p: Thing, conf: Thing) -> list[Thing]:
        rng, members = self.rng, []
        if rng.random() < conf["members"]:
            for o in p["household"]["people"]:
                if o is not p and rng.random() < 0.85:
                    name = self.name(o, conf, [])
                    year = o["born"].year + (rng.choice((-1, 1)) if self.hit(0.05) else 0)
                    members.append({"name": name, "relation": o["relation"], "birth_year": year})
        return members

    def report(self, p: Thing, agency: str, when: dt.date) -> tuple[Thing, Thing]:
        """The report and the truth about it."""
        conf, notes = AGENCIES[agency], list[str]()
        rng = self.rng
        sex = None if self.hit(conf["sex_missing"]) else p["sex"]
        if sex and self.hit(0.005):
            sex = "F" if sex == "M" else "M"
            notes.append("sex_wrong")
        address, division = self.address(p, when, conf, notes)
        employer, uscc = self.employer(p, when, conf, notes)
        household = None
        if not self.hit(conf["hh_missing"]):
            household = p["household"]["no"]
            if self.hit(0.02):
                household = self.change_digit(household)
                notes.append("household_no_typo")
        members = self._members(p, conf)
        row = {
            "agency": agency,
            "reported_at": when.isoformat(),
            "name": self.name(p, conf, notes),
            "sex": sex,
            "birth_date": self.birth_date(p, conf, notes),
            "id_number": self.id_number(p, conf, notes),
            "phone": self.phone(p, when, conf, notes),
            "division_code": division,
            "address": address,
            "employer_name": employer,
            "employer_uscc": uscc,
            "household_no": household,
            "relation_to_head": p["relation"] if rng.random() < 0.4 else None,
            "members": members,
        }
        return row, {
            "person_id": p["id"],
            "household_id": p["household"]["id"],
            "employer_id": p["employer"]["id"] if p["employer"] else None,
            "errors": notes,
            "traps": p["traps"],
        }
