"""What a rotation does to a keyring, and when the next step is safe: add, promote, retire.

Adding gives every process the key before anybody uses it; promoting makes it the one for new work; retiring takes the
old one away. Between the steps lies time, because processes read the keyring again by themselves, not all at once, and
a request that began with the old one may still be under way. Whether anything is left under a key that is to be retired
is the database's to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from crypto.keyring_text import BLIND_ALGORITHMS, FIELD_ALGORITHMS, TOKEN_ALGORITHMS, KeyringError
from crypto.keys import Keyring, KeySet, SymmetricKey, TokenKey, new_key, new_token_key, whole_second

Kind = Literal["field", "blind", "token"]

ALGORITHMS: Final[dict[Kind, frozenset[str]]] = {
    "field": FIELD_ALGORITHMS,
    "blind": BLIND_ALGORITHMS,
    "token": TOKEN_ALGORITHMS,
}
DEFAULT_ALGORITHM: Final[dict[Kind, str]] = {"field": "A256GCM", "blind": "HS256", "token": "ES256"}

KNOWN_AFTER: Final = timedelta(seconds=20)
"""Until every process has read a new key (it looks every second) and no request is older than that (15 s)."""
SETTLED_AFTER: Final = timedelta(seconds=30)
"""Until nothing sealed or indexed with the key before is still on its way into the database."""
TOKENS_END_AFTER: Final = timedelta(seconds=630)
"""A token's life of ten minutes and the leeway of 30 seconds."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be shown of a key: everything but its secret."""

    kind: Kind
    key_id: str
    algorithm: str
    current: bool
    made: datetime | None
    replaced: datetime | None


def facts_of(keyring: Keyring) -> Iterator[KeyFacts]:
    """Every key of a keyring, without secrets."""
    sets: tuple[tuple[Kind, KeySet], ...] = (("field", keyring.field), ("blind", keyring.blind))
    for kind, keys in sets:
        for key in keys.keys.values():
            yield KeyFacts(kind, key.key_id, key.algorithm, key.key_id == keys.current, key.made, key.replaced)
    for position, token in enumerate(keyring.tokens):
        yield KeyFacts("token", token.key_id, token.algorithm, position == 0, token.made, token.replaced)


def find_key(keyring: Keyring, key_id: str) -> KeyFacts:
    """The key of that id. Raises KeyringError where there is none, or one in more than one set."""
    found = [facts for facts in facts_of(keyring) if facts.key_id == key_id]
    if not found:
        raise KeyringError("the keyring has no key of that id; ./tongli keys show lists them")
    if len(found) > 1:
        raise KeyringError("two keys of different kinds have that id; give one of them another id by hand first")
    return found[0]


def add_key(keyring: Keyring, kind: Kind, algorithm: str, now: datetime) -> tuple[Keyring, str]:
    """The keyring with one more key that is not used yet, and its id. Raises KeyringError for a wrong algorithm."""
    if algorithm not in ALGORITHMS[kind]:
        raise KeyringError(f"a {kind} key has one of the algorithms {', '.join(sorted(ALGORITHMS[kind]))}")
    moment = whole_second(now)
    if kind == "token":
        token = new_token_key(moment)
        return replace(keyring, tokens=(*keyring.tokens, token)), token.key_id
    key = new_key(kind[0], algorithm, moment)
    keys = keyring.field if kind == "field" else keyring.blind
    return _with_set(keyring, kind, KeySet(keys.current, _joined(keys, key))), key.key_id


def promote_key(keyring: Keyring, key_id: str, now: datetime) -> Keyring:
    """The keyring with that key for all new work; the one before is kept and marked as replaced now."""
    facts, moment = find_key(keyring, key_id), whole_second(now)
    if facts.current:
        raise KeyringError(f"{key_id} is the current key already")
    if facts.kind == "token":
        return replace(keyring, tokens=_promoted(keyring.tokens, key_id, moment))
    keys = keyring.field if facts.kind == "field" else keyring.blind
    before = replace(keys.current_key, replaced=moment)
    joined = _joined(keys, before, replace(keys.keys[key_id], replaced=None))
    return _with_set(keyring, facts.kind, KeySet(key_id, joined))


def retire_key(keyring: Keyring, key_id: str) -> Keyring:
    """The keyring without that key. Raises KeyringError for the current one."""
    facts = find_key(keyring, key_id)
    if facts.current:
        raise KeyringError(f"{key_id} is the current {facts.kind} key; promote another one first")
    if facts.kind == "token":
        return replace(keyring, tokens=tuple(key for key in keyring.tokens if key.key_id != key_id))
    keys = keyring.field if facts.kind == "field" else keyring.blind
    left = {other: key for other, key in keys.keys.items() if other != key_id}
    return _with_set(keyring, facts.kind, KeySet(keys.current, MappingProxyType(left)))


def mark_replaced(keyring: Keyring, key_id: str, now: datetime) -> Keyring:
    """The keyring that says of a key, edited in by hand, that it is not current since now."""
    facts, moment = find_key(keyring, key_id), whole_second(now)
    if facts.kind == "token":
        marked = tuple(replace(key, replaced=moment) if key.key_id == key_id else key for key in keyring.tokens)
        return replace(keyring, tokens=marked)
    keys = keyring.field if facts.kind == "field" else keyring.blind
    joined = _joined(keys, replace(keys.keys[key_id], replaced=moment))
    return _with_set(keyring, facts.kind, KeySet(keys.current, joined))


def wait_before_promoting(facts: KeyFacts, now: datetime) -> timedelta:
    """How long until every process knows the key; zero where nobody wrote down when it was made."""
    return _left(facts.made, KNOWN_AFTER, now)


def wait_before_retiring(facts: KeyFacts, now: datetime) -> timedelta | None:
    """How long until no new work of the key can appear any more; None where the keyring does not say since when.

    A key that was made and never promoted was never used, and waits for nothing.
    """
    if facts.replaced is None:
        return timedelta(0) if facts.made is not None else None
    return _left(facts.replaced, TOKENS_END_AFTER if facts.kind == "token" else SETTLED_AFTER, now)


def _left(since: datetime | None, period: timedelta, now: datetime) -> timedelta:
    return timedelta(0) if since is None else max(timedelta(0), since + period - now)


def _with_set(keyring: Keyring, kind: Kind, keys: KeySet) -> Keyring:
    return replace(keyring, field=keys) if kind == "field" else replace(keyring, blind=keys)


def _joined(keys: KeySet, *changed: SymmetricKey) -> MappingProxyType[str, SymmetricKey]:
    return MappingProxyType({**keys.keys, **{key.key_id: key for key in changed}})


def _promoted(tokens: tuple[TokenKey, ...], key_id: str, moment: datetime) -> tuple[TokenKey, ...]:
    first, *others = tokens
    chosen = next(key for key in others if key.key_id == key_id)
    rest = [replace(first, replaced=moment), *(key for key in others if key.key_id != key_id)]
    return (replace(chosen, replaced=None), *rest)
