"""Scores a linker's answer against the truth: pairs, clusters, traps, and what was put before people.

    python -m bench.linkage_score truth.ndjson clusters.ndjson [--review review.ndjson] [--key person_id]

clusters: report_id and cluster, a missing report stands alone. review: a and b, pairs put before a person; counted as
found for "recall with review", with the work they cost.
"""

import argparse
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    with path.open(encoding="utf-8") as handle:
        return [json.loads(line) for line in handle if line.strip()]


def score(
    truth: Iterable[Row], clusters: Iterable[Row], review: Sequence[Row] = (), key: str = "person_id"
) -> dict[str, Any]:
    """Precision, recall and F1 over the pairs that the clusters imply; B-cubed; clusters that mix people; shares by
    trap and by error. Four digits."""
    known = [row for row in truth if row.get(key)]
    cluster = {row["report_id"]: row["cluster"] for row in clusters}
    joint: Counter[tuple[Any, Any]] = Counter((_cluster_of(row, cluster), row[key]) for row in known)
    out = _pairs_and_clusters(joint, len(known))
    right = sum(map(_pairs, joint.values()))
    if review:
        out |= _reviewed(known, cluster, review, key=key, right=right, total=out["true_pairs"])
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in out.items()}
    rounded["recall_by_error"] = _recall_by_error(known, cluster, key)
    rounded["share_in_mixed_cluster_by_trap"] = _mixed_by_trap(known, cluster, joint)
    return rounded


def _cluster_of(row: Row, cluster: Mapping[str, Any]) -> Any:
    return cluster.get(row["report_id"], ("alone", row["report_id"]))


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _pairs_and_clusters(joint: Counter[tuple[Any, Any]], reports: int) -> dict[str, Any]:
    mine: Counter[Any] = Counter()
    real: Counter[Any] = Counter()
    for (one, person), count in joint.items():
        mine[one] += count
        real[person] += count
    right, found, total = (sum(map(_pairs, counts.values())) for counts in (joint, mine, real))
    n = reports or 1
    precision, recall = right / found if found else 1.0, right / total if total else 1.0
    b_p = sum(count * count / mine[one] for (one, _), count in joint.items()) / n
    b_r = sum(count * count / real[person] for (_, person), count in joint.items()) / n
    return {
        "reports": n,
        "people": len(real),
        "true_pairs": total,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "b3_precision": b_p,
        "b3_recall": b_r,
        "b3_f1": 2 * b_p * b_r / (b_p + b_r),
        "clusters": len(mine),
        "mixed_clusters": sum(count > 1 for count in Counter(one for one, _ in joint).values()),
        "split_people": sum(count > 1 for count in Counter(person for _, person in joint).values()),
        "largest_cluster": max(mine.values()),
    }


def _reviewed(
    known: Sequence[Row], cluster: Mapping[str, Any], review: Sequence[Row], *, key: str, right: int, total: int
) -> dict[str, Any]:
    owner = {row["report_id"]: row[key] for row in known}
    seen = {tuple(sorted((row["a"], row["b"]))) for row in review}
    good = sum(a in owner and owner[a] == owner.get(b) and cluster.get(a) != cluster.get(b) for a, b in seen)
    return {
        "review_pairs": len(seen),
        "review_per_1000_reports": 1000 * len(seen) / len(known),
        "review_yield": good / len(seen),
        "recall_with_review_pairs": (right + good) / total,
    }


def _recall_by_error(known: Sequence[Row], cluster: Mapping[str, Any], key: str) -> dict[str, list[float]]:
    """Of the true pairs where a side has the error: the share found, and how many there are."""
    people: dict[Any, list[Row]] = defaultdict(list)
    for row in known:
        people[row[key]].append(row)
    reached: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    for rows in people.values():
        for a, b in itertools.combinations(rows, 2):
            same = a["report_id"] in cluster and cluster[a["report_id"]] == cluster.get(b["report_id"])
            for error in set(a.get("errors", ())) | set(b.get("errors", ())) or {"(none)"}:
                possible[error] += 1
                reached[error] += same
    return {error: [round(reached[error] / count, 3), count] for error, count in possible.most_common()}


def _mixed_by_trap(
    known: Sequence[Row], cluster: Mapping[str, Any], joint: Counter[tuple[Any, Any]]
) -> dict[str, list[float]]:
    """Of the reports in a trap: the share in a cluster with somebody else, and how many there are."""
    mixed = Counter(one for one, _ in joint)
    everybody: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row in known:
        for trap in set(row.get("traps", ())):
            everybody[trap] += 1
            wrong[trap] += mixed[_cluster_of(row, cluster)] > 1
    return {trap: [round(wrong[trap] / count, 4), count] for trap, count in everybody.most_common()}


def main() -> None:
    """Print the scores as JSON."""
    cli = argparse.ArgumentParser(description="score a linker's clusters")
    cli.add_argument("truth", type=Path)
    cli.add_argument("clusters", type=Path)
    cli.add_argument("--review", type=Path)
    cli.add_argument("--key", default="person_id")
    given = cli.parse_args()
    review = lines(given.review) if given.review else ()
    print(json.dumps(score(lines(given.truth), lines(given.clusters), review, given.key), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
