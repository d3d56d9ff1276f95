"""What the linker made of the reports, held against the truth: clusters, what it put before people."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

from bench.linkage_agencies import Raw
from bench.linkage_score import score

Truth: TypeAlias = Sequence[Mapping[str, Any]]

Bar: TypeAlias = tuple[str, float]

TRAPS: Final[Mapping[str, Bar]] = {
    "traps.twin": ("<=", 0.02),
    "traps.namesake_county_year": ("<=", 0.005),
    "traps.shared_phone": ("<=", 0.004),
    "traps.namesake_same_birthday": ("<=", 0.20),
}
BARS: Final[Mapping[str, Mapping[str, Bar]]] = {
    "20k": {
        "automatic.precision": (">=", 0.998),
        "automatic.recall": (">=", 0.967),
        "automatic.f1": (">=", 0.982),
        "after_review.f1": (">=", 0.996),
        "reviews.per_1000_reports": ("<=", 20),
        **TRAPS,
    },
    "200k": {
        "automatic.precision": (">=", 0.997),
        "automatic.recall": (">=", 0.965),
        "after_review.f1": (">=", 0.994),
        **TRAPS,
    },
    "unseen": {
        "automatic.precision": (">=", 0.997),
        "automatic.recall": (">=", 0.934),
        "after_review.f1": (">=", 0.991),
        "reviews.per_1000_reports": ("<=", 30),
    },
}
"""What must be reached: by the 20,000 reports of seed 1, by the 200,000 of seed 2, by reports nobody tuned to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for people: the rows whose main persons it is about, None where it is about others of the household;
    what forbade to link, and whether the record was linked to somebody else meanwhile."""

    rows: tuple[str | None, str | None]
    guards: tuple[str, ...]
    linked: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Person by row, and what was put before people."""

    persons: dict[str, UUID]
    asked: Sequence[Asked]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The rows of which people are asked."""
        return [(one, other) for one, other in (it.rows for it in self.asked) if one is not None and other is not None]

    @property
    def clusters(self) -> list[dict[str, Any]]:
        return [{"report_id": row, "cluster": person} for row, person in self.persons.items()]


async def outcome_of(raw: Raw, reports: Mapping[str, UUID]) -> Outcome:
    """How these reports stand now. `raw` sees behind the walls. The main person of a report is its oldest record."""
    rows = {report_id: name for name, report_id in reports.items()}
    records = await raw.fetch(
        "SELECT DISTINCT ON (report_id) report_id, id, person_id FROM person_record WHERE report_id = ANY ($1)"
        " ORDER BY report_id, id",
        list(rows),
    )
    main = {it["id"]: rows[it["report_id"]] for it in records}
    candidates = await raw.fetch(
        "SELECT m.record_id, m.other_record_id, m.guards, EXISTS (SELECT FROM link l WHERE l.record_id = m.record_id"
        "   AND l.other_record_id IS NOT NULL) AS linked"
        "  FROM match_candidate m JOIN person_record r ON r.id = m.record_id WHERE r.report_id = ANY ($1)",
        list(rows),
    )
    return Outcome(
        {rows[it["report_id"]]: it["person_id"] for it in records},
        [
            Asked((main.get(it["record_id"]), main.get(it["other_record_id"])), tuple(it["guards"]), it["linked"])
            for it in candidates
        ],
    )


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """`clusters.ndjson` and `review.ndjson`, as `bench/linkage_score.py` reads them; with the guards that spoke."""
    asked = [
        {"a": it.rows[0], "b": it.rows[1], "guards": it.guards, "linked": it.linked}
        for it in outcome.asked
        if None not in it.rows
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("clusters", outcome.clusters), ("review", asked)):
        text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")


def quality(truth: Truth, outcome: Outcome) -> dict[str, Any]:
    """Scores of the clusters as they are, of what people were asked, and of the clusters when they have answered."""
    known = [row for row in truth if row["report_id"] in outcome.persons]
    automatic = score(known, outcome.clusters)
    after = score(known, _after_review(known, outcome).clusters)
    return {
        "automatic": automatic,
        "reviews": _reviews(known, outcome),
        "after_review": {name: after[name] for name in ("precision", "recall", "f1", "mixed_clusters")},
        "traps": {trap: share for trap, (share, _) in automatic["share_in_mixed_cluster_by_trap"].items()},
    }


def _reviews(known: Truth, outcome: Outcome) -> dict[str, Any]:
    """`yield`: the share of what people were asked where both are one person, and were two persons until then.
    `why`: how often each guard spoke, `weight` where none did, `another` where the record was linked to somebody."""
    whose = {row["report_id"]: row["person_id"] for row in known}
    same = sum(whose[a] == whose[b] and outcome.persons[a] != outcome.persons[b] for a, b in outcome.pairs)
    asked = len(outcome.asked)
    why = Counter(reason for it in outcome.asked for reason in (*(it.guards or ("weight",)), *["another"] * it.linked))
    return {
        "decisions": asked,
        "per_1000_reports": 1000 * asked / max(1, len(known)),
        "yield": same / max(1, asked),
        "why": dict(why.most_common()),
    }


def _after_review(known: Truth, outcome: Outcome) -> Outcome:
    """Every question answered rightly: two persons become one where the truth says so of the records asked about.
    Members of a household, of whom it says nothing, stay as they are."""
    whose = {row["report_id"]: row["person_id"] for row in known}
    into: dict[UUID, UUID] = {}

    def root(person: UUID) -> UUID:
        while person in into:
            person = into[person]
        return person

    for a, b in outcome.pairs:
        one, other = root(outcome.persons[a]), root(outcome.persons[b])
        if whose[a] == whose[b] and one != other:
            into[other] = one
    return Outcome({row: root(person) for row, person in outcome.persons.items()}, [])


def against_bars(figures: Mapping[str, Any], bars: Mapping[str, Bar]) -> dict[str, dict[str, Any]]:
    """Each bar with what was reached; a trap that no report is in counts as reached."""
    found = {}
    for name, (how, bar) in bars.items():
        part, key = name.split(".")
        reached = figures[part].get(key, 0.0)
        holds = reached >= bar if how == ">=" else reached <= bar
        found[name] = {"reached": reached, "bar": f"{how} {bar}", "holds": holds}
    return found
