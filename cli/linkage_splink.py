"""Splink estimates how often each level occurs among pairs of one person (m) and of two persons (u). Offline only.

Splink is never imported by the service: `load_splink` says what to install. Its comparison levels are no SQL of their
own: each calls the Python function of `rules/linkage/comparisons.py` as a function of the database, over the encoded
features, so that training and service cannot disagree about a level. DuckDB runs them here; the same settings run on
Spark, where `spark.udf.register(f"{name}_level", level_function(name))` takes the place of `create_function`.
"""

import importlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Any, Final

from rules.linkage.comparisons import COMPARISONS, Level
from rules.linkage.features import Features, decode, encode

Shares = dict[str, dict[Level, float]]
"""By comparison and level; levels that nobody saw are left out."""

INSTALL: Final = (
    "Splink is not installed: it is needed for training only. Install it with\n"
    "    uv sync --locked --all-extras --group linkage\n"
    "(uv of your own, or the one in .tongli/tools) and run the command again."
)
_TABLES: Final = ("records", "people")
_SAMPLES: Final = 16
"""A sample takes all pairs of the persons it draws: 16 small ones meet four times the persons of a large one, and what
few persons have (a masked name, an odd number) is met as often as it should be."""
_SMALLEST_SAMPLE: Final = 50_000
_EXPECTATIONS: Final[Mapping[str, frozenset[str]]] = {
    "l.number = r.number": frozenset({"number", "birth", "sex"}),
    "l.name = r.name and l.birth = r.birth": frozenset({"name", "birth"}),
    "l.phone = r.phone and l.surname = r.surname": frozenset({"phone", "name", "household", "members"}),
}
"""Blocking rules of expectation maximisation, each with the comparisons it settles and therefore cannot teach."""


class NoSplinkError(Exception):
    """The group `linkage` is not installed; the message says how to install it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the functions answer on pairs: levels by comparison, and in what share of the pairs both sides speak."""

    levels: Mapping[str, tuple[Level, ...]]
    speaking: Mapping[str, float]
    pairs: int


def load_splink() -> tuple[Any, Any]:
    """The modules splink and duckdb. Raises NoSplinkError."""
    try:
        importlib.import_module("numpy")  # DuckDB wants it for functions written in Python
        logging.getLogger("splink").setLevel(logging.ERROR)  # levels it did not meet are ours to smooth
        return importlib.import_module("splink"), importlib.import_module("duckdb")
    except ImportError:
        raise NoSplinkError(INSTALL) from None


@lru_cache(maxsize=300_000)
def _decoded(text: str) -> Features:
    return decode(text.encode())


def level_function(name: str) -> Callable[[str, str], Level | None]:
    """The comparison as a function of two encoded records, for any engine that can call Python."""
    compare = COMPARISONS[name]

    def level(mine: str, theirs: str) -> Level | None:
        return compare(_decoded(mine), _decoded(theirs))

    return level


class Workshop:
    """Encoded records in a database of its own, in memory, and Splink beside it.

    `records` are all; `people` one record of each person as far as persons are known, so that pairs of one person in a
    random sample do not inflate u. One thread, so that the same records and seed give the same figures.
    """

    def __init__(self, records: Sequence[Features], persons: Sequence[str], chosen: Iterable[int]) -> None:
        self._splink, duckdb = load_splink()
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        for name in COMPARISONS:
            self._connection.create_function(
                f"{name}_level", level_function(name), ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special"
            )
        import pyarrow  # noqa: PLC0415  comes with Splink

        taken = set(chosen)
        columns = {
            "unique_id": range(len(records)),
            "person": persons,
            "one_of_person": [at in taken for at in range(len(records))],
            "features": [encode(one).decode() for one in records],
            "name": [one.name or None for one in records],
            "surname": [one.surname or None for one in records],
            "birth": [one.birth if len(one.birth) == 10 else None for one in records],
            "number": [one.valid_id or None for one in records],
            "phone": [one.phones[0] if one.phones else None for one in records],
        }
        arrived = pyarrow.table(columns)
        self._connection.register("arrived", arrived)
        self._connection.execute("CREATE TABLE records AS SELECT * FROM arrived")
        self._connection.execute("CREATE TABLE people AS SELECT * FROM arrived WHERE one_of_person")
        self._connection.unregister("arrived")
        self._people = len(taken)

    def see_pairs_of_one_person(self) -> Seen:
        """Every pair of records with one label."""
        return self._see("records l JOIN records r ON l.person = r.person AND l.unique_id < r.unique_id")

    def see_strangers(self, rounds: int = 8) -> Seen:
        """Pairs of persons, `rounds` for each of them: enough to learn which levels there are."""
        row = "SELECT features, row_number() OVER (ORDER BY hash(unique_id)) AS place FROM people"
        shifted = f"(l.place * (7919 + s.step) + s.step) % {max(1, self._people)} + 1"
        return self._see(
            f"({row}) l CROSS JOIN (SELECT unnest(range({rounds})) AS step) s JOIN ({row}) r ON r.place = {shifted}"
            " AND r.place <> l.place"
        )

    def _see(self, pairs: str) -> Seen:
        both = "(l.features, r.features)"
        asked = ", ".join(f"list(DISTINCT {n}_level{both}), count({n}_level{both})" for n in COMPARISONS)
        ((counted, *answers),) = self._connection.execute(f"SELECT count(*), {asked} FROM {pairs}").fetchall()  # noqa: S608
        levels = dict(zip(COMPARISONS, (_sorted(found) for found in answers[::2]), strict=True))
        speaking = dict(zip(COMPARISONS, (count / max(1, counted) for count in answers[1::2]), strict=True))
        return Seen(levels, speaking, counted)

    def strangers(self, levels: Mapping[str, Sequence[Level]], pairs: int, seed: int) -> Shares:
        """u: by Splink's random sampling among `people`, about `pairs` pairs of them in several samples."""
        samples = max(1, min(_SAMPLES, pairs // _SMALLEST_SAMPLE))
        return mean_shares([self._strangers(levels, pairs // samples, seed + at) for at in range(samples)])

    def _strangers(self, levels: Mapping[str, Sequence[Level]], pairs: int, seed: int) -> Shares:
        linker = self._linker("people", levels)
        linker.training.estimate_u_using_random_sampling(
            max_pairs=pairs, seed=seed, min_count_per_level=None, num_chunks=1
        )
        return _trained(linker, "u")

    def labelled(self, levels: Mapping[str, Sequence[Level]]) -> Shares:
        """m: by Splink from the label column."""
        linker = self._linker("records", levels)
        linker.training.estimate_m_from_label_column("person")
        return _trained(linker, "m")

    def expected(self, levels: Mapping[str, Sequence[Level]], u: Shares, chance: float) -> Shares:
        """m without labels: by Splink's expectation maximisation, the mean over blocking rules that can teach it."""
        taught: dict[str, dict[Level, list[float]]] = {}
        for rule, settled in _EXPECTATIONS.items():
            open_levels = {name: those for name, those in levels.items() if name not in settled}
            linker = self._linker("records", open_levels, u=u, chance=chance)
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
            for name, shares in _trained(linker, "m").items():
                for level, share in shares.items():
                    taught.setdefault(name, {}).setdefault(level, []).append(share)
        return {name: {level: fmean(those) for level, those in by.items()} for name, by in taught.items()}

    def _linker(
        self,
        table: str,
        levels: Mapping[str, Sequence[Level]],
        *,
        u: Shares | None = None,
        chance: float = 1e-4,
    ) -> Any:
        assert table in _TABLES
        engine = self._splink.DuckDBAPI(connection=self._connection)
        settings = splink_settings(levels, u=u, chance=chance)
        return self._splink.Linker(engine.register(table), settings, log_level=None)


def splink_settings(
    levels: Mapping[str, Sequence[Level]], *, u: Shares | None = None, chance: float = 1e-4
) -> dict[str, Any]:
    """Settings of Splink for any of its engines that knows the functions `<comparison>_level`."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": chance,
        "retain_matching_columns": False,
        "comparisons": [_comparison(name, those, (u or {}).get(name, {})) for name, those in levels.items() if those],
    }


def _comparison(name: str, levels: Sequence[Level], u: Mapping[Level, float]) -> dict[str, Any]:
    """The last level is Splink's "else", since one there must be."""
    call = f"{name}_level(features_l, features_r)"
    tested = [{"sql_condition": f"{call} = '{level}'", "label_for_charts": level} for level in levels[:-1]]
    last = {"sql_condition": "ELSE", "label_for_charts": levels[-1]}
    silent = {"sql_condition": f"{call} IS NULL", "label_for_charts": "silent", "is_null_level": True}
    said = [it | ({"u_probability": u[it["label_for_charts"]]} if u else {}) for it in (*tested, last)]
    return {"output_column_name": name, "comparison_levels": [silent, *said]}


def mean_shares(samples: Sequence[Shares]) -> Shares:
    """The mean of samples of one size, each of which may lack levels that it did not meet."""
    means: Shares = {}
    for name in {name for shares in samples for name in shares}:
        met = [shares[name] for shares in samples if shares.get(name)]
        levels = sorted({level for those in met for level in those})
        means[name] = {level: sum(those.get(level, 0.0) for those in met) / len(met) for level in levels}
    return means


def _trained(linker: Any, kind: str) -> Shares:
    """What Splink learnt; levels it never saw have no number there."""
    model = linker.misc.save_model_to_json()
    return {
        comparison["output_column_name"]: {
            level["label_for_charts"]: float(level[f"{kind}_probability"])
            for level in comparison["comparison_levels"]
            if isinstance(level.get(f"{kind}_probability"), int | float)
        }
        for comparison in model["comparisons"]
    }


def _sorted(levels: Iterable[Level | None] | None) -> tuple[Level, ...]:
    return tuple(sorted(level for level in levels or () if level is not None))
