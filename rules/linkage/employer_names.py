"""By which names and numbers an employer is looked for when it is reported. Pure.

A number is an anchor. A name is no more than what one report called an employer in one county: it finds an employer
there, and names of one employer are never followed to other employers (in connected components of names P was .154). A
trade name alone (启明机械) says too little to find an employer that has a number.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from rules.credit_codes import CreditCodeError, parse_credit_code
from rules.linkage.employers import EmployerRead, read_employer
from rules.linkage.gazetteers import Gazetteer

_OWN_CODE: Final = re.compile(r"(?:分公司|子公司|分店|分行|支行|分校|分院|营业部|营业厅|办事处|代表处|门店)$")
"""Branches that are registered themselves; workshops, crews and projects are not."""
_PLAIN: Final = re.compile(r"[\s()\[\]【】《》<>「」\"'·•-]+")


@dataclass(frozen=True, slots=True)
class NameKey:
    """A name and its normal form: places without suffixes, one word for each legal form, no brackets or notes."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class EmployerSought:
    """One employer of one report.

    `organisation` and `registration` are its anchors, `credit_code` the whole code where that was sent. `county`: six
    digits of where it was reported. `firm`: whether name and county are enough for an employer with a number. `branch`
    is what its name says behind that of the whole, `whole`; `own_code` whether such a branch has a number of its own.
    `former`: what the report itself calls names of before.
    """

    name: NameKey
    county: str
    firm: bool
    organisation: str | None = None
    registration: str | None = None
    credit_code: str | None = None
    branch: str = ""
    whole: NameKey | None = None
    own_code: bool = False
    former: tuple[NameKey, ...] = ()


def seek_employer(name: str, code: str | None, division: str, places: Gazetteer | None) -> EmployerSought:
    """What an employer is looked for by. `division`: where it was reported. 50 us."""
    read = read_employer(name, code, places) or EmployerRead()
    whole = read.full.removesuffix(read.branch) if read.branch else ""
    return EmployerSought(
        name=NameKey(name, _key(read.full, places) or _plain(name)),
        county=division[:6],
        firm=bool(read.form or read.place) and not division[:6].endswith("00"),
        organisation=read.organisation,
        registration=read.registration or None,
        credit_code=_credit_code(code),
        branch=read.branch,
        whole=NameKey(whole, _key(whole, places)) if whole and whole != read.full else None,
        own_code=bool(_OWN_CODE.search(read.branch)),
        former=tuple(_former(read, places)),
    )


def _former(read: EmployerRead, places: Gazetteer | None) -> list[NameKey]:
    """Names of before, one for each normal form; a change of spelling alone is none."""
    found = {_key(read.full, places): ""}
    for name in read.former:
        other = read_employer(name, None, places)
        if other is not None and other.full:
            found.setdefault(_key(other.full, places), name)
    return [NameKey(name, key) for key, name in found.items() if name]


def _key(full: str, places: Gazetteer | None) -> str:
    """长沙市启明有限责任公司 and 长沙启明有限公司 are one name; 启明集团 and 启明 are two."""
    head = places.locate(full) if places is not None else None
    text = f"{head.names}{full[head.end :]}" if head is not None and head.end else full
    return text.replace("有限责任公司", "有限公司")


def _plain(name: str) -> str:
    """Of a name that says nothing (无, -): itself, so that it stays apart from others."""
    return _PLAIN.sub("", unicodedata.normalize("NFKC", name)).upper() or name


def _credit_code(code: str | None) -> str | None:
    try:
        return parse_credit_code(code).number if code else None
    except CreditCodeError:
        return None
