"""What early warning goes by as it is shipped: the rule for clusters, thresholds of levels, reporting clocks."""

import json
from functools import cache
from pathlib import Path

from rules.alerts import Level, Levels, read_thresholds
from rules.clusters import ClusterRule

_FOLDER = Path(__file__).parent / "reference"


@cache
def shipped_rule() -> ClusterRule:
    """Raises TypeError for a missing or unknown figure, ValueError for one that cannot be."""
    said = json.loads((_FOLDER / "cluster_rule.json").read_text(encoding="utf-8"))
    return ClusterRule(**{**said, "windows": tuple(said["windows"])})


@cache
def shipped_levels() -> Levels:
    """Raises ValueError for a threshold that is none."""
    said = json.loads((_FOLDER / "warning_levels.json").read_text(encoding="utf-8"))
    hours = {Level(int(level)): within for level, within in said["report_within_hours"].items()}
    return Levels(read_thresholds(said["thresholds"]), hours)
