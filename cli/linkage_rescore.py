"""`./tongli linkage rescore`: what a model would say of everything that is known, as a dry run; with --write it opens
review items. No link and no person is changed.

Safe while everything runs, any number of times and after kill -9: a batch is one transaction, and what it finished is
not met again. Exit codes: 0 done, 1 where it cannot run or left records as they are.
"""

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import UUID

from actions.rescoring import Batch, LinkNow, PairNow, Rescoring, rescore_batch
from cli.admin import administered, require_tables
from cli.entrances import CannotRun, or_give_up, read_settings, say
from cli.keyring import keyring_for
from crypto.vault import Vault
from db.clock import business_clock
from db.linkage_model import committed_model
from db.operator import RescoreWork, open_rescore_work
from rules.deadlines import SHANGHAI
from rules.linkage.deciding import Band
from rules.linkage.model import Model, ModelError, read_model
from settings import Settings

PASSES: Final = 20
"""At most so often from the first record to the last: reports that arrived meanwhile are met by the next."""
SAY_EVERY_S: Final = 5.0


@dataclass(slots=True)
class Rescored:
    """What the walk found. `links` and `pairs` hold what would change: links that would not be made now, and persons
    that would be linked or asked about, each pair of persons once."""

    records: int = 0
    bands: Counter[Band] = field(default_factory=Counter)
    links: list[LinkNow] = field(default_factory=list)
    pairs: list[PairNow] = field(default_factory=list)
    matches: int = 0
    doubts: int = 0
    failed: list[str] = field(default_factory=list)
    last: int = 0
    _seen: set[frozenset[UUID]] = field(default_factory=set)

    def add(self, batch: Batch) -> None:
        self.records += batch.records
        self.bands.update(link.now.band for link in batch.links)
        self.links += [link for link in batch.links if link.now.band is not Band.auto]
        self.pairs += [pair for pair in batch.pairs if pair.persons not in self._seen]
        self._seen.update(pair.persons for pair in batch.pairs)
        self.matches += batch.matches
        self.doubts += batch.doubts
        self.last = batch.last or self.last


def rescore_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and what becomes of its answer."""
    parser.add_argument("--data-dir", type=Path, help="data directory of ./tongli serve (TONGLI_DATA_DIR)")
    parser.add_argument("--model", type=Path, help="the model that is asked (default: the one of this version)")
    parser.add_argument("--write", action="store_true", help="open review items, and note the model on the records")
    parser.add_argument("--rekey", action="store_true", help="compute blocking keys anew, for every record")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found here: ids, bits and levels")
    parser.add_argument("--since", type=since, help="only records since this day or instant")
    parser.add_argument("--after", type=int, default=0, help="only records after this number (to go on with --rekey)")
    parser.add_argument(
        "--batch", type=batch_size, default=20, help="records a transaction, and so locked at once (20)"
    )
    parser.epilog = "docs/runbooks/training-the-linkage-model.md says when. Exit codes: 0 done, 1 something was left."


def since(given: str) -> datetime:
    """`2026-11-24`, a day in Shanghai, or an instant with its offset."""
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError("a day such as 2026-11-24, or an instant") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def batch_size(given: str) -> int:
    """Small, since a batch holds about twenty locks for each record, and reports of the same people wait for it."""
    if not given.isdecimal() or not 1 <= int(given) <= 100:
        raise argparse.ArgumentTypeError("1 to 100")
    return int(given)


def rescore(arguments: argparse.Namespace) -> int:
    """Ask, print and, with --write, open; 1 with the reason where it cannot be done."""
    return or_give_up(lambda: _rescore(read_settings(data_dir=arguments.data_dir), arguments))


def _rescore(settings: Settings, given: argparse.Namespace) -> int:
    work = Rescoring(
        vault=Vault.of(keyring_for(settings)),
        model=_model(given.model),
        clock=business_clock(settings.clock),
        limit=given.batch,
        since=given.since,
        write=given.write,
        rekey=given.rekey,
    )
    if work.rekey and not work.write:
        raise CannotRun("--rekey changes keys: give --write as well")
    with administered(settings) as admin_url:
        asyncio.run(require_tables(admin_url))
        found = asyncio.run(walk(admin_url, work, after=given.after))
    for failure in found.failed:
        say(f"left as it is: {failure}")
    if given.json is not None:
        given.json.write_text(json.dumps(as_json(work.model, found), ensure_ascii=False, indent=2), encoding="utf-8")
    print(told(work, found))
    return 1 if found.failed else 0


def _model(file: Path | None) -> Model:
    if file is None:
        return committed_model()
    try:
        return read_model(file.read_text(encoding="utf-8"))
    except (ModelError, OSError) as fault:
        raise CannotRun(f"--model {file}: {fault}") from None


async def walk(admin_url: str, work: Rescoring, *, after: int = 0) -> Rescored:
    """Every record that was last compared under another model, batch after batch."""
    found = Rescored()
    async with open_rescore_work(admin_url) as door:
        for _ in range(PASSES):
            before = found.records
            found.failed = await _pass(door, work, found, after)
            if found.records == before or not work.write or work.rekey:
                break
    return found


async def _pass(door: RescoreWork, work: Rescoring, found: Rescored, after: int) -> list[str]:
    """Once from the first record to the last; those that could not be compared."""
    failed: list[str] = []
    said, last = monotonic(), after
    while True:
        async with door.batch() as raw:
            batch = await rescore_batch(raw, work, last)
        if batch.last is None:
            return failed
        found.add(batch)
        failed += batch.failed
        last = batch.last
        if monotonic() - said > SAY_EVERY_S:
            say(f"{found.records} records so far, the last of number {last}")
            said = monotonic()


def told(work: Rescoring, found: Rescored) -> str:
    """What a person reads of it."""
    pairs = Counter(pair.match.band for pair in found.pairs)
    lines = [
        f"model {work.model.version}: {found.records} records compared, the last of number {found.last}",
        f"links that a model made: {found.bands[Band.auto]} would be made again, {found.bands[Band.review]} would be"
        f" asked about, {found.bands[Band.none]} would not be made",
        f"pairs of persons nobody decided about: {pairs[Band.auto]} would be linked, {pairs[Band.review]} asked about",
    ]
    if work.write:
        lines.append(f"opened: {found.matches} possible matches, {found.doubts} doubtful links")
    else:
        lines.append("nothing was written: --write opens review items; no link is changed either way")
    return "\n".join(lines)


def as_json(model: Model, found: Rescored) -> dict[str, object]:
    """The same for a program. Ids, bits, levels and guards; no value of anybody."""
    pairs = Counter(pair.match.band for pair in found.pairs)
    return {
        "model": model.version,
        "records": found.records,
        "last": found.last,
        "links": {band.value: found.bands[band] for band in Band},
        "pairs": {band.value: pairs[band] for band in (Band.auto, Band.review)},
        "opened": {"matches": found.matches, "doubtful_links": found.doubts},
        "failed": found.failed,
        "changed_links": [
            {
                "link": str(link.id),
                "was": link.was,
                "now": link.now.score.weight,
                "band": link.now.band.value,
                "guards": list(link.now.guards),
            }
            for link in found.links
        ],
        "new_pairs": [
            {
                "record": str(pair.record_id),
                "other_record": str(pair.other_record_id),
                "weight": pair.match.score.weight,
                "band": pair.match.band.value,
                "guards": list(pair.match.guards),
                "levels": {term.name: term.level for term in pair.match.score.terms},
            }
            for pair in found.pairs
        ],
    }
