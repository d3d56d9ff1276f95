"""A possible match drawn as a waterfall: each term starts where the sum of those before it ended. Pure.

The same bytes for the same terms. No script, no reference, nothing of a person: levels and numbers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final
from xml.sax.saxutils import escape

from rules.linkage.wording import wording_of

WIDTH: Final = 760
ROW: Final = 30
LEFT, RIGHT, TOP = 250, 90, 44
_PLOT: Final = WIDTH - LEFT - RIGHT
_LEAST: Final = 0.01
"""Bits across the whole picture at least: less is told as nothing."""
_FOR, _AGAINST, _SUM = "#1b6e53", "#a6402e", "#2f4b7c"


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: `start` and `end` in bits, and what is written beside it."""

    label: str
    english: str
    start: float
    end: float
    weight: float
    colour: str


def draw_waterfall(terms: Sequence[Mapping[str, Any]], weight: float) -> str:
    """The terms and their sum as an SVG document of its own; bits to two decimals. `terms` as a candidate keeps them:
    name, level, weight. 0.2 ms."""
    bars = [*_bars(terms), Bar("合计", "sum", 0.0, weight, weight, _SUM)]
    low = min(0.0, *(min(bar.start, bar.end) for bar in bars))
    high = max(0.0, *(max(bar.start, bar.end) for bar in bars))
    scale = _PLOT / max(high - low, _LEAST)
    height = TOP + ROW * len(bars) + 16
    zero = LEFT - low * scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" lang="zh-CN" '
        f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="13">',
        f'<title id="title">疑似重复：各项证据与合计（{_bits(weight)} 比特）</title>',
        f'<desc id="desc" lang="en">{escape(_description(bars))}</desc>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="15" fill="#222222">各项证据（比特）</text>',
        f'<line x1="{zero:.1f}" y1="{TOP - 6}" x2="{zero:.1f}" y2="{height - 10}" stroke="#999999"/>',
        *(_row(bar, at, zero=zero, scale=scale) for at, bar in enumerate(bars)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(terms: Iterable[Mapping[str, Any]]) -> Iterator[Bar]:
    rows = list(terms)
    ends = list(accumulate(float(row["weight"]) for row in rows))
    for row, end in zip(rows, ends, strict=True):
        size = float(row["weight"])
        comparison, level = wording_of(str(row["name"]), str(row["level"]))
        yield Bar(
            label=f"{comparison.zh}：{level.zh}",
            english=f"{comparison.en}, {level.en}",
            start=end - size,
            end=end,
            weight=size,
            colour=_AGAINST if size < 0 else _FOR,
        )


def _row(bar: Bar, at: int, *, zero: float, scale: float) -> str:
    y = TOP + ROW * at
    left, right = sorted((zero + bar.start * scale, zero + bar.end * scale))
    return (
        f'<text x="16" y="{y + 17}" fill="#222222">{escape(bar.label)}</text>'
        f'<rect x="{left:.1f}" y="{y + 4}" width="{max(right - left, 1.0):.1f}" height="{ROW - 12}" '
        f'fill="{bar.colour}"/>'
        f'<text x="{WIDTH - 16}" y="{y + 17}" text-anchor="end" fill="#222222">{_bits(bar.weight)}</text>'
    )


def _description(bars: Sequence[Bar]) -> str:
    told = "; ".join(f"{bar.english}: {_bits(bar.weight)}" for bar in bars[:-1])
    return f"Evidence in bits, one bar for each term. {told}. Sum: {_bits(bars[-1].weight)}."


def _bits(value: float) -> str:
    return f"{value + 0.0:+.2f}".replace("-", "\u2212")
