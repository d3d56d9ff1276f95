"""The figures of the linkage bench as tables, each beside its bar."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Cells = Sequence[str]


def show(figures: Mapping[str, Any]) -> None:
    """Prints quality, time and laws."""
    console = Console(width=120)
    rate = figures["reports_a_second"]
    console.print(f"{figures['reports']} reports in {figures['seconds']:.0f} s, {rate:.0f} a second; {_cpu(figures)}")
    console.print(_table("quality", ("figure", "reached", "bar", ""), _quality(figures)))
    console.print(_table("one intake, ms", ("part", "mean", "p50", "p95", "p99"), _time(figures)))
    if "at_scale" in figures:
        title = "against the background: candidates and scores, ms"
        console.print(_table(title, ("figure", "reached", "bar", ""), _scale(figures["at_scale"])))
    console.print(_table("laws", ("law", "figures", ""), _laws(figures)))
    if figures["refused"]:
        console.print(f"refused: {figures['refused']}")


def _cpu(figures: Mapping[str, Any]) -> str:
    cpu = figures["cpu"]
    return f"CPU {cpu['service_ms']:.1f} ms of the service and {cpu['postgres_ms']:.1f} ms of PostgreSQL a report"


def _table(title: str, columns: Sequence[str], rows: Iterable[Cells]) -> Table:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    return table


def _quality(figures: Mapping[str, Any]) -> Iterator[Cells]:
    yield from _barred(figures["bars"])
    automatic, after = figures["automatic"], figures["after_review"]
    beside = {
        "automatic.f1": automatic["f1"],
        "after_review.precision": after["precision"],
        "after_review.recall": after["recall"],
        "reviews.per_1000_reports": figures["reviews"]["per_1000_reports"],
        "reviews.yield": figures["reviews"]["yield"],
    }
    for name, reached in beside.items():
        if name not in figures["bars"]:
            yield name, f"{reached:.4f}", "", ""
    yield "automatic.mixed_clusters", str(automatic["mixed_clusters"]), "", ""
    for reason, count in figures["reviews"]["why"].items():
        yield f"reviews, {reason}", str(count), "", ""
    for error, (share, pairs) in automatic["recall_by_error"].items():
        yield f"recall, {error}", f"{share:.3f} of {pairs}", "", ""


def _barred(bars: Mapping[str, Any]) -> Iterator[Cells]:
    for name, it in bars.items():
        yield name, f"{it['reached']:.4f}", it["bar"], "pass" if it["holds"] else "FAIL"


def _time(figures: Mapping[str, Any]) -> Iterator[Cells]:
    yield from _times(f"{figures['reports']} reports", figures["time"])
    if "at_scale" in figures:
        yield from _times(f"against {figures['at_scale']['records']} records", figures["at_scale"]["time"])


def _times(where: str, parts: Mapping[str, Any]) -> Iterator[Cells]:
    for part, it in parts.items():
        if it:
            yield f"{where}: {part}", *(f"{it[name]:.2f}" for name in ("mean_ms", "p50_ms", "p95_ms", "p99_ms"))


def _scale(scale: Mapping[str, Any]) -> Iterator[Cells]:
    yield from _barred(scale["bars"])
    for name in ("records", "keys", "heavy_keys", "probes", "of_known_persons", "of_known_persons_linked_rightly"):
        yield name, str(scale[name]), "", ""
    yield "load_seconds", f"{scale['load_seconds']:.0f}", "", ""
    yield "whole intake", _cpu(scale), "", ""


def _laws(figures: Mapping[str, Any]) -> Iterator[Cells]:
    for name, it in figures["laws"].items():
        said = ", ".join(f"{key} {value}" for key, value in it.items() if key != "holds")
        yield name, said, "pass" if it["holds"] else "FAIL"
