"""Working days. A year is confirmed by an official notice, never because a library returned a value."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class CalendarYear(SQLModel, table=True):
    __tablename__ = "calendar_year"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    notice: str | None
    confirmed_at: datetime | None


class CalendarDay(SQLModel, table=True):
    __tablename__ = "calendar_day"

    day: date = Field(primary_key=True)
    year: int = Field(foreign_key="calendar_year.year", index=True)
    workday: bool
    name: str | None
    source: str
