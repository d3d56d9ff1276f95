"""Code lists of national standards and of this API, in zh and en."""

from sqlmodel import Field, SQLModel


class Code(SQLModel, table=True):
    __tablename__ = "code"

    system: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    zh: str
    en: str
    source: str
    status: str
    position: int
