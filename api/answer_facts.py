"""What the page of an answer link tells of a referral: what stands in its addressee's inbox, nothing of a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg

from actions.answer_links import Opened
from actions.cases import SHANGHAI
from web.answer_link_texts import AGE_BANDS, LABELS, Words
from web.answer_links import Choices, Fact

Codes = Mapping[str, Sequence[asyncpg.Record]]

CODE_LISTS = ("agency_kind", "need", "outcome", "referral_status", "result_kind", "urgency")


def choices_of(codes: Codes) -> dict[str, Choices]:
    """The lists a clerk chooses from."""
    return {system: [(row["code"], Words(row["zh"], row["en"])) for row in rows] for system, rows in codes.items()}


def facts_of(opened: Opened, codes: Codes, *, place: str | None) -> list[Fact]:
    """The row of the addressee's inbox in words, and until when the link stands."""
    referral, link = opened.referral, opened.link
    dates = ("acknowledge_by", "accept_by", "resolve_by")
    return [
        ("matter", Words(referral["title_zh"], referral["title_en"])),
        ("sender", _same(referral["sender_name"])),
        ("to_agency", _same(link["to_name"])),
        ("need", _coded(codes, "need", referral["need"])),
        ("place", _same(place or referral["place"])),
        ("age_band", AGE_BANDS[referral["age_band"]]),
        ("urgency", _coded(codes, "urgency", referral["urgency"])),
        ("status", _coded(codes, "referral_status", referral["status"])),
        ("requested_at", _moment(referral["requested_at"])),
        *((name, _end(referral[name])) for name in dates if referral[name] is not None),
        ("expires_at", _moment(link["expires_at"])),
    ]


def facts_of_answer(opened: Opened, *, by: str) -> list[Fact]:
    """What was answered, when and by whom: the same whenever it is asked."""
    link = opened.link
    return [
        ("matter", Words(opened.referral["title_zh"], opened.referral["title_en"])),
        ("answer", LABELS[link["step"]]),
        ("answered_at", _moment(link["answered_at"])),
        ("answered_by", _same(by)),
    ]


def _coded(codes: Codes, system: str, code: str) -> Words:
    return next((Words(row["zh"], row["en"]) for row in codes[system] if row["code"] == code), _same(code))


def _same(text: str) -> Words:
    return Words(text, text)


def _end(moment: datetime) -> Words:
    """A period of days ends at 24:00 of its last day: midnight under the next day's date would cost people a day."""
    local = moment.astimezone(SHANGHAI)
    whole_day = (local.hour, local.minute) == (0, 0)
    return _same(f"{local - timedelta(days=1):%Y-%m-%d} 24:00") if whole_day else _moment(moment)


def _moment(moment: datetime) -> Words:
    """In Shanghai, to the minute."""
    return _same(f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}")
