"""division: a code of the administrative divisions, as it was on a day."""

from datetime import date

from pydantic import BaseModel


class DivisionShown(BaseModel):
    """`valid_to` is the last day, included; null while the code lives. `source_as_of`: the day of the source's data."""

    code: str
    name: str
    parent: str | None
    level: str
    valid_from: date
    valid_to: date | None
    source: str
    source_as_of: date
