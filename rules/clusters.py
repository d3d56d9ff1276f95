"""cluster (聚集性预警): more new cases of one employer, industry or division within 30 days than chance brings. Pure.

Every night the new cases of a subject are counted over windows of at most 30 days and held against what it would be
expected to bring. Its rate is its own year, drawn towards that of its peers by as much as peers differ little (gamma
prior by moments); the rate moves with the peers' present counts, so a season or a campaign of reporting alarms nobody.
The chance of a count is the upper tail of the negative binomial: of the doubt about the rate, and of cases that come
in together. The least chance of the windows, times their number, is the subject's `chance` of that night.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterRule:
    """The figures of the rule, which are data (db/reference/cluster_rule.json).

    `windows`: days, the longest last. `history_days`: what came before them. `least`: fewer cases than this are never a
    cluster. `chance`: at or below it there is one. `quiet_days`: how long one must be absent to be over. `together`:
    variance of counts over their mean, because reporters bring several cases at once. `certainty`: no rate counts as
    known better than from so many cases. `least_peers`: below, `unknown_mean` and `unknown_shape` stand for the peers.
    `steady`: so many expected cases of the peers weigh against what they bring at present, within `swing` either way.
    """

    windows: tuple[int, ...]
    history_days: int
    least: int
    chance: float
    quiet_days: int
    together: float
    certainty: float
    least_peers: int
    unknown_mean: float
    unknown_shape: float
    steady: float
    swing: float

    def __post_init__(self) -> None:
        """Raises ValueError for windows that do not grow, a variance below chance's own, or a chance that is none."""
        if not self.windows or self.windows[0] < 1 or list(self.windows) != sorted(set(self.windows)):
            raise ValueError("cluster rule: windows are days, the longest last")
        if self.together <= 1 or not 0 < self.chance < 1:
            raise ValueError("cluster rule: together is above 1, chance between 0 and 1")

    @property
    def false_alarms_at_most(self) -> float:
        """Per 100 subject-years, where cases come as the rule supposes: one try a night. Nights that share their cases
        make it fewer."""
        return self.chance * 100 * 365


@dataclass(frozen=True, slots=True)
class Counts:
    """New cases of one subject: in each window up to now, and in the history before the longest of them."""

    recent: tuple[int, ...]
    history: int


@dataclass(frozen=True, slots=True)
class Peers:
    """How subjects of one kind and place stand: `mean` cases in the history and the gamma `shape` by which they differ;
    `total` and `recent` of all of them."""

    mean: float
    shape: float
    total: int
    recent: tuple[int, ...]


def peers_of(subjects: Sequence[Counts], rule: ClusterRule) -> Peers:
    """What subjects have in common. They are those that were named at least once: the mean leans to caution."""
    size, total = len(subjects), sum(each.history for each in subjects)
    recent = tuple(sum(each.recent[at] for each in subjects) for at in range(len(rule.windows)))
    if size < rule.least_peers or total == 0:
        return Peers(rule.unknown_mean, rule.unknown_shape, total, recent)
    mean = total / size
    beyond_chance = sum((each.history - mean) ** 2 for each in subjects) / size - mean
    shape = mean**2 / beyond_chance if beyond_chance > 0 else rule.certainty
    return Peers(mean, min(max(shape, rule.unknown_shape / 2), rule.certainty), total, recent)


def expected_cases(counts: Counts, peers: Peers, rule: ClusterRule) -> tuple[float, ...]:
    """How many cases each window should bring, as the peers bring theirs at present: without its own."""
    history = (peers.shape + counts.history) / (peers.shape / peers.mean + 1)
    total = peers.total - counts.history
    expected = []
    for at, days in enumerate(rule.windows):
        usual = total * days / rule.history_days
        season = (peers.recent[at] - counts.recent[at] + rule.steady) / (usual + rule.steady)
        expected.append(history * days / rule.history_days * min(max(season, 1 / rule.swing), rule.swing))
    return tuple(expected)


def chance_of(counts: Counts, peers: Peers, rule: ClusterRule) -> float:
    """The chance of so many cases, at most 1; 1 below `least`."""
    if counts.recent[-1] < rule.least:
        return 1.0
    known = min(peers.shape + counts.history, rule.certainty)
    chances = (
        upper_tail(count, mean, min(known, mean / (rule.together - 1)))
        for count, mean in zip(counts.recent, expected_cases(counts, peers, rule), strict=True)
        if count >= rule.least
    )
    return min(1.0, min(chances) * len(rule.windows))


def upper_tail(count: int, mean: float, shape: float) -> float:
    """P(X ≥ count) of the negative binomial with this mean and shape (variance mean + mean² / shape)."""
    if count <= 0:
        return 1.0
    missed = mean / (mean + shape)
    term = math.exp(
        math.lgamma(count + shape)
        - math.lgamma(shape)
        - math.lgamma(count + 1)
        + shape * math.log1p(-missed)
        + count * math.log(missed)
    )
    tail, at = 0.0, count
    while term > tail * 1e-12:
        tail += term
        term *= missed * (at + shape) / (at + 1)
        at += 1
    return min(tail, 1.0)
