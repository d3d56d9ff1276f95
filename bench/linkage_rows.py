"""A report of the linkage benchmark as an agency would send it: the body of `POST /v1/reports`.

What the API would refuse as certain (a number whose check character is wrong, a thirtieth of February) is sent as what
it is: doubtful, under `as_received`. So no report is refused for its content.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias

from rules.credit_codes import CreditCodeError, parse_credit_code
from rules.identity_numbers import IdentityNumber, IdentityNumberError, contradictions, parse_identity_number
from rules.linkage.reading import Written
from rules.phones import PhoneError, normalise_phone
from rules.reports import IdType, Relation
from rules.texts import TextError, clean_name

Row: TypeAlias = Mapping[str, Any]
"""One line of a file of reports; what is missing or None says nothing. `bench/linkage_people.py` lists the fields."""
Json: TypeAlias = dict[str, Any]

SEXES: Final = {"M": "male", "F": "female"}
_RELATIONS: Final = {"配偶": Relation.spouse, "子女": Relation.child, "父亲": Relation.parent, "母亲": Relation.parent}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIVISION: Final = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,2}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMELESS: Final = "不详"
_LONGEST: Final = 200


def report_body(row: Row, *, now: datetime) -> Json:
    """What the row's agency sends. `now`: nobody is aware of anything later than that."""
    aware = min(datetime.fromisoformat(row["reported_at"]).replace(tzinfo=UTC), now)
    household = text_of(row, "household_no")
    body: Json = {
        "source": {"system": "linkage-bench", "record_id": row["report_id"]},
        "aware_at": aware.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channel": "system",
        "person": _person(row, now.date()),
        "household": [_member(member) for member in row.get("members") or ()],
    }
    if household and _CODE.fullmatch(household):
        body["household_number"] = household
    return body


def written_of(row: Row) -> Written:
    """The same row as the linker gets it once the API has taken the body apart, without the detour; a test compares."""
    household, phone = text_of(row, "household_no"), text_of(row, "phone")
    employer, code = text_of(row, "employer_name"), text_of(row, "employer_uscc")
    return Written(
        name=text_of(row, "name"),
        sex=SEXES.get(row.get("sex") or ""),
        birth=text_of(row, "birth_date"),
        number=text_of(row, "id_number"),
        phones=(phone,) if phone else (),
        division=_division(row),
        address=text_of(row, "address"),
        employer=employer,
        credit_code=code if employer and code and _is_credit_code(code) else None,
        household=household if household and _CODE.fullmatch(household) else None,
        members=[(member["name"], member.get("birth_year")) for member in row.get("members") or ()],
    )


def text_of(row: Row, name: str) -> str | None:
    """A field's text, cut to what the API takes; None where it says nothing."""
    text = str(row.get(name) or "").strip()
    return text[:_LONGEST] or None


def _person(row: Row, today: date) -> Json:
    person: Json = {}
    doubtful: dict[str, str] = {}
    _put_name(row, person, doubtful)
    sex = SEXES.get(row.get("sex") or "")
    if sex:
        person["sex"] = sex
    identity = _put_number(row, sex, person, doubtful)
    _put_birth(row, identity, today, person=person, doubtful=doubtful)
    _put_phone(row, person, doubtful)
    _put_address(row, person)
    _put_employer(row, person)
    if doubtful:
        person["as_received"] = doubtful
    return person


def _put_name(row: Row, person: Json, doubtful: dict[str, str]) -> None:
    name = text_of(row, "name") or _NAMELESS
    try:
        clean_name(name)
        person["name"] = name
    except TextError:
        person["name"], doubtful["name"] = _NAMELESS, name


def _put_number(row: Row, sex: str | None, person: Json, doubtful: dict[str, str]) -> IdentityNumber | None:
    """A number that holds is claimed as such; one that speaks against the sex beside it, or does not hold, is not."""
    text = text_of(row, "id_number")
    if text is None:
        return None
    try:
        identity = parse_identity_number(text)
    except IdentityNumberError:
        identity = None
    if identity is None or contradictions(identity, None, sex):
        person["id_type"] = IdType.unverified.value
        doubtful["id_number"] = text
        return None
    person["id_type"], person["id_number"] = IdType.resident_id.value, identity.number
    return identity


def _put_birth(
    row: Row, identity: IdentityNumber | None, today: date, *, person: Json, doubtful: dict[str, str]
) -> None:
    text = text_of(row, "birth_date")
    if text is None:
        return
    day = day_of(text)
    if day is None or day > today or (identity is not None and contradictions(identity, day, None)):
        doubtful["birth_date"] = text
    else:
        person["birth_date"] = text


def day_of(text: str) -> date | None:
    """The day of an ISO date, None for whatever is no day of the calendar."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _put_phone(row: Row, person: Json, doubtful: dict[str, str]) -> None:
    text = text_of(row, "phone")
    if text is None:
        return
    try:
        normalise_phone(text)
        person["phones"] = [text]
    except PhoneError:
        doubtful["phone"] = text


def _put_address(row: Row, person: Json) -> None:
    address = {"division_code": _division(row), "detail": text_of(row, "address")}
    if any(address.values()):
        person["address"] = {name: value for name, value in address.items() if value}


def _division(row: Row) -> str | None:
    code = text_of(row, "division_code")
    return code if code and _DIVISION.fullmatch(code) else None


def _put_employer(row: Row, person: Json) -> None:
    """A code that does not hold is left out: the name is what is known."""
    name, code = text_of(row, "employer_name"), text_of(row, "employer_uscc")
    if name is None:
        return
    person["employer"] = {"name": name}
    if code and _is_credit_code(code):
        person["employer"]["uscc"] = code


def _is_credit_code(text: str) -> bool:
    try:
        parse_credit_code(text)
    except CreditCodeError:
        return False
    return True


def _member(member: Row) -> Json:
    said: Json = {"relation": _RELATIONS.get(member.get("relation") or "", Relation.other).value}
    doubtful: dict[str, str] = {}
    _put_name(member, said, doubtful)
    if member.get("birth_year"):
        doubtful["birth_date"] = str(member["birth_year"])
    if doubtful:
        said["as_received"] = doubtful
    return said
