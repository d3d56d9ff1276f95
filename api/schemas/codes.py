"""code: the code lists of this API and of the standards it uses, in Chinese and English."""

from pydantic import BaseModel


class CodeShown(BaseModel):
    """`status`: verified, recalled, local or default (our own word), as read in its source."""

    code: str
    zh: str
    en: str
    source: str
    status: str


class CodeSystem(BaseModel):
    """One code list. `codes` is null in the list of lists, and in the order of display where one list was asked for."""

    system: str
    sources: list[str]
    size: int
    codes: list[CodeShown] | None


class CodeSystems(BaseModel):
    data: list[CodeSystem]
