"""`./tongli verify-audit --checkpoint OLD --export FILE`: is the log still what was signed when OLD was kept?

Stands alone: no database, no server, no settings, nothing but an old checkpoint and the export. Exit codes: 0 verified,
1 not what was signed, 2 a file that cannot be read as what it should be.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from crypto.checkpoints import COSIGNATURE, BadSignature, VerifierKey, check_note
from crypto.digests import DIGESTS
from rules.audit_exports import Against, BadExport, Finding, Header, Verdict, read_header, verify_export
from rules.merkle import Head
from rules.notes import Checkpoint, NoteError, read_checkpoint, read_note

VERIFIED, NOT_AS_SIGNED, UNREADABLE = 0, 1, 2
_SHOWN: Final = 20

FINDINGS: Final = {
    "root": (
        "the entries are not those the held checkpoint was signed over: the log was changed",
        "日志条目与所持检查点不符：日志被改动",
    ),
    "shorter": ("the log is shorter than the held checkpoint: entries were cut off", "日志比所持检查点短：条目被截断"),
    "checkpoint": (
        "the entries are not those the export's own checkpoint was signed over",
        "日志条目与导出文件自带的检查点不符",
    ),
    "order": ("an index is missing, repeated or out of order", "序号缺失、重复或次序错误"),
    "missing": ("the leaf of an entry is gone or cannot be read", "条目对应的审计记录已不存在或无法读取"),
    "differs": ("a leaf is not what was sealed", "审计记录与封存时不同"),
    "stray": (
        "leaves lie in the table that are neither in the log nor on their way into it",
        "表中有既未封存也未排队的审计记录",
    ),
    "own": ("a leaf of your own is not what stands at its index", "本机构的审计记录与日志中相应序号的条目不符"),
    "content": ("an opened leaf does not fit its commitment", "公开的审计记录与其承诺值不符"),
    "erasure": (
        "a leaf was erased and no leaf of the log vouches for it",
        "审计记录被清除，但日志中没有相应的清除记录",
    ),
    "origin": ("the export is of another log than the held checkpoint", "导出文件与所持检查点不是同一日志"),
}
"""What each code means, in English and Chinese."""


class Texts(NamedTuple):
    """What is given: the held checkpoint, the lines of the export, keys as vkeys, and leaves of one's own."""

    checkpoint: str
    export: Iterator[str]
    keys: Sequence[str] = ()
    witness_keys: Sequence[str] = ()
    leaves: Sequence[str] = ()


class Outcome(NamedTuple):
    verdict: Verdict
    held: Checkpoint
    signers: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two files, and the keys one trusts."""
    parser.add_argument("--checkpoint", type=Path, required=True, help="a checkpoint you kept (a signed note)")
    parser.add_argument("--export", type=Path, required=True, help="what ./tongli audit-export wrote")
    parser.add_argument("--leaves", type=Path, help="your own leaves, one JSON object of GET /v1/audit/leaves a line")
    parser.add_argument("--key", action="append", default=[], help="public key of the log (vkey) you trust; repeatable")
    parser.add_argument("--witness-key", action="append", default=[], help="public key of a witness you trust (vkey)")
    parser.epilog = (
        "Without --key the held checkpoint is taken at its word, as whoever kept it may. "
        "Exit codes: 0 verified, 1 not what was signed, 2 unreadable."
    )


def run(arguments: argparse.Namespace) -> int:
    """Verify and say so in two languages."""
    try:
        held = arguments.checkpoint.read_text(encoding="utf-8")
        leaves = arguments.leaves.read_text(encoding="utf-8").splitlines() if arguments.leaves else []
        with arguments.export.open(encoding="utf-8") as lines:
            outcome = verify(Texts(held, lines, arguments.key, arguments.witness_key, leaves))
    except BadSignature as fault:
        _say(f"NOT VERIFIED: {fault}", "验证失败：签名无效")
        return NOT_AS_SIGNED
    except (NoteError, BadExport, UnicodeDecodeError) as fault:
        _say(f"UNREADABLE: {fault}", "无法读取：文件不是所需格式")
        return UNREADABLE
    except OSError as fault:
        _say(f"UNREADABLE: {fault.strerror}", "无法读取文件")
        return UNREADABLE
    return _tell(outcome)


def verify(given: Texts) -> Outcome:
    """Checks signatures, then the tree. Raises BadSignature, NoteError, BadExport.

    The export's own checkpoint must be signed by a trusted key where one is given, else by one of the keys that the
    export itself lists, which proves no more than that it is whole.
    """
    trusted = [VerifierKey.read(text) for text in (*given.keys, *given.witness_keys)]
    note = read_note(given.checkpoint)
    held = read_checkpoint(note.text)
    signers = _signers(given, trusted, given.checkpoint)
    header = read_header(next(given.export, ""))
    if header.hash_name not in DIGESTS:
        raise BadExport("the export's hash is unknown here")
    if (header.origin, header.hash_name) != (held.origin, held.hash_name):
        return Outcome(Verdict(held.head.size, findings=[Finding("origin")]), held, signers)
    now = _own_head(header, trusted)
    against = Against(held.head, now, tuple(given.leaves))
    return Outcome(verify_export(given.export, header, against, DIGESTS), held, signers)


def _signers(given: Texts, trusted: Sequence[VerifierKey], text: str) -> list[str]:
    """Who signed the held checkpoint, of the keys given; every kind that was given must have."""
    names: list[str] = []
    note = read_note(text)
    for wanted in (given.keys, given.witness_keys):
        if wanted:
            texts = set(wanted)
            names += [key.name for key in check_note(note, [key for key in trusted if key.text in texts])]
    return names


def _own_head(header: Header, trusted: Sequence[VerifierKey]) -> Head | None:
    if header.checkpoint is None:
        return None
    note = read_note(header.checkpoint)
    keys = [key for key in trusted if key.kind != COSIGNATURE] or [VerifierKey.read(text) for text in header.keys]
    check_note(note, keys)
    return read_checkpoint(note.text).head


def _tell(outcome: Outcome) -> int:
    verdict, held = outcome.verdict, outcome.held
    if not verdict.sound:
        for finding in verdict.findings[:_SHOWN]:
            english, chinese = FINDINGS[finding.code]
            place = "" if finding.index is None else f" [{finding.index}]"
            _say(f"NOT VERIFIED{place}: {english}", f"验证失败{place}：{chinese}")
        if len(verdict.findings) > _SHOWN:
            print(f"… {len(verdict.findings) - _SHOWN}")
        return NOT_AS_SIGNED
    signed = ", ".join(outcome.signers) or "not checked: no --key was given"
    _say(
        f"VERIFIED: {held.origin} still begins with the {held.head.size} entries of the held checkpoint; "
        f"{verdict.entries} entries, {verdict.opened} opened, {verdict.erased} erased; signed by: {signed}",
        f"验证通过：日志前 {held.head.size} 条与所持检查点一致；共 {verdict.entries} 条",
    )
    return VERIFIED


def _say(english: str, chinese: str) -> None:
    print(english)
    print(chinese)
