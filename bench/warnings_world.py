"""A prefecture of made-up employers and the reports on their workers: the truth that early warning is held against.

It knows nothing of the rule: workers, hazards and habits of reporters make the days. Hardship comes with sizes, trades
and seasons; reports come late, not at weekends, several when an officer has been in the works, more of them in a
campaign, and some name no employer. Lay-offs and unpaid wages are planted; their victims come by and by.
"""

import math
import random
from dataclasses import dataclass
from typing import Final

YEAR: Final = 365
_TRADES: Final = 8


@dataclass(frozen=True, slots=True)
class Planted:
    """Something that happened to an employer on a day; until `ended` its victims come."""

    employer: int
    kind: str
    day: int
    ended: int


@dataclass(frozen=True, slots=True)
class World:
    """`cases[employer][day]`: new cases that name it, on the day they were reported. The first year is only history."""

    days: int
    trades: tuple[int, ...]
    cases: tuple[tuple[int, ...], ...]
    planted: tuple[Planted, ...]


def made(seed: int, *, employers: int = 300, years: int = 3) -> World:
    """The same bytes for the same seed."""
    dice = random.Random(seed)
    days = years * YEAR
    trades = tuple(dice.randrange(_TRADES) for _ in range(employers))
    hazard = [0.0035 * math.exp(dice.gauss(0, 0.4)) for _ in range(_TRADES)]
    sizes = [min(8000, max(10, round(dice.lognormvariate(math.log(120), 1.3)))) for _ in range(employers)]
    campaigns = [(dice.randrange(days), dice.uniform(1.5, 2.5)) for _ in range(2 * years)]
    pace = [_season(day) * max((by for at, by in campaigns if at <= day < at + 15), default=1.0) for day in range(days)]
    cases, planted = [], []
    for employer, size in enumerate(sizes):
        own = size * hazard[trades[employer]] * math.exp(dice.gauss(0, 0.5)) / YEAR
        row = [0] * (days + YEAR)
        for day in range(days):
            for _ in range(_poisson(dice, own * pace[day])):
                _report(dice, row, day + round(dice.lognormvariate(math.log(8), 0.8)))
        if size >= 60 and dice.random() < 0.06 * (years - 1):
            event = Planted(employer, dice.choice(("layoff", "arrears")), dice.randrange(YEAR, days - 120), 0)
            planted.append(_happen(dice, row, event, size))
        cases.append(tuple(row[:days]))
    return World(days, trades, tuple(cases), tuple(planted))


def _season(day: int) -> float:
    """Winter is harder than summer; before the spring festival wages are asked for."""
    of_year = day % YEAR
    return (1 + 0.3 * math.cos(2 * math.pi * of_year / YEAR)) * (1.6 if of_year < 35 or of_year > 350 else 1.0)


def _report(dice: random.Random, row: list[int], day: int) -> None:
    """One case; sometimes the officer comes home with others of the same works. A quarter name no employer."""
    while day % 7 in (5, 6):
        day += 1
    together = 1
    while dice.random() < 0.15:
        together += 1
    if day < len(row):
        row[day] += sum(dice.random() < 0.75 for _ in range(together))


def _happen(dice: random.Random, row: list[int], event: Planted, size: int) -> Planted:
    """A lay-off hits at once and its people come over weeks; unpaid wages bring few at first, then more."""
    layoff = event.kind == "layoff"
    victims = max(20, round(size * dice.uniform(0.05, 0.25))) if layoff else round(size * dice.uniform(0.3, 1.0))
    for _ in range(victims):
        if dice.random() < (0.15 if layoff else 0.06):
            wait = dice.expovariate(1 / 20) if layoff else 75 * math.sqrt(dice.random())
            _report(dice, row, event.day + round(wait))
    return Planted(event.employer, event.kind, event.day, event.day + 90)


def _poisson(dice: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count
