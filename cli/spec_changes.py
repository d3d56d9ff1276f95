"""What of a new API document would break a partner who relies on the old one. The plain cases, said plainly; no proof.

Looked at: operations, parameters, request bodies, answers, webhooks, with every schema they reach. Requests may only
become more permissive, answers only richer. Not looked at: patterns, formats, lengths, and branches of `anyOf` that are
objects without a name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

# A node of a document is a tree of dictionaries of many shapes; no closer type says more.
Node: TypeAlias = Mapping[str, Any]
Direction: TypeAlias = Literal["request", "answer"]

_METHODS = ("get", "put", "post", "delete", "patch")


def breaking_changes(old: Node, new: Node) -> list[str]:
    """One line for each change that breaks, in the order of the old document; empty where none does."""
    return list(dict.fromkeys(_Comparison(old, new).run()))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document a schema stands, who writes its values, and which schemas lie around it."""

    text: str
    direction: Direction
    within: frozenset[str] = frozenset()

    def below(self, text: str) -> "_Place":
        return replace(self, text=self.text + text)


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: Node
    new: Node

    def run(self) -> Iterator[str]:
        yield from self._groups("paths")
        yield from self._groups("webhooks")

    def _groups(self, kind: str) -> Iterator[str]:
        for path, item in self.old.get(kind, {}).items():
            for method in _METHODS:
                if method not in item:
                    continue
                place = f"{method.upper()} {path}" if kind == "paths" else f"webhook {path}"
                now = self.new.get(kind, {}).get(path, {}).get(method)
                if now is None:
                    yield f"{place}: removed"
                else:
                    yield from self._operation(place, item[method], now, received=kind == "paths")

    def _operation(self, place: str, old: Node, new: Node, *, received: bool) -> Iterator[str]:
        """`received`: partners send the request. A webhook is the other way round: they read it."""
        if old["operationId"] != new["operationId"]:
            yield f"{place}: operation id changed from {old['operationId']} to {new['operationId']}"
        yield from self._scopes(place, old, new)
        if received:
            yield from self._parameters(place, old, new)
        yield from self._request(place, old, new, "request" if received else "answer")
        if received:
            yield from self._answers(place, old, new)

    def _scopes(self, place: str, old: Node, new: Node) -> Iterator[str]:
        had = {scope for way in old.get("security", ()) for scope in way.get("oauth", ())}
        asked = {scope for way in new.get("security", ()) for scope in way.get("oauth", ())}
        for scope in sorted(asked - had):
            yield f"{place}: now needs the scope {scope}"

    def _parameters(self, place: str, old: Node, new: Node) -> Iterator[str]:
        before, after = self._by_name(self.old, old), self._by_name(self.new, new)
        for name, given in before.items():
            now = after.get(name)
            if now is None:
                yield f"{place}: parameter {name} removed"
                continue
            here = _Place(f"{place}: parameter {name}", "request")
            yield from self._schema(here, given["schema"], now["schema"])
        for name, given in after.items():
            if given.get("required") and not before.get(name, {}).get("required"):
                yield f"{place}: parameter {name} is now required"

    def _by_name(self, document: Node, operation: Node) -> dict[str, Node]:
        found = [_resolved(document, given) for given in operation.get("parameters", ())]
        return {f"{given['in']}:{given['name'].lower()}": given for given in found}

    def _request(self, place: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        before, after = old.get("requestBody"), new.get("requestBody")
        if before is None:
            if after is not None and after.get("required"):
                yield f"{place}: now needs a body"
            return
        if after is None:
            yield f"{place}: takes no body any more"
            return
        yield from self._content(f"{place}: body", before, after, direction)

    def _answers(self, place: str, old: Node, new: Node) -> Iterator[str]:
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{place}: status {status} removed"
                continue
            before, after = _resolved(self.old, answer), _resolved(self.new, new["responses"][status])
            for header in before.get("headers", {}):
                if header not in after.get("headers", {}):
                    yield f"{place}: {status}: header {header} removed"
            yield from self._content(f"{place}: {status}", before, after, "answer")

    def _content(self, place: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        for media_type, given in old.get("content", {}).items():
            now = new.get("content", {}).get(media_type)
            if now is None:
                yield f"{place}: {media_type} removed"
            else:
                yield from self._schema(_Place(place, direction), given.get("schema", {}), now.get("schema", {}))

    def _schema(self, place: _Place, old: Node, new: Node) -> Iterator[str]:
        reference = old.get("$ref")
        if reference in place.within:
            return
        if reference is not None:
            place = replace(place, within=place.within | {reference})
        before, after = _whole(self.old, old), _whole(self.new, new)
        yield from _types(place, before, after)
        yield from _values(place, before, after)
        yield from self._members(place, before, after)
        if "items" in before and "items" in after:
            yield from self._schema(place.below("[]"), before["items"], after["items"])
        for one, other in zip(_named(self.old, before), _named(self.new, after), strict=False):
            yield from self._schema(place, one, other)

    def _members(self, place: _Place, old: Node, new: Node) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name not in after:
                yield f"{place.text}: field {name} removed"
            else:
                yield from self._schema(place.below(f".{name}"), schema, after[name])
        lost, gained = set(old.get("required", ())), set(new.get("required", ()))
        if place.direction == "request":
            for name in sorted(gained - lost):
                yield f"{place.text}: field {name} is now required"
        else:
            for name in sorted((lost - gained) & set(after)):
                yield f"{place.text}: field {name} may now be missing"


def _resolved(document: Node, node: Node) -> Node:
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _whole(document: Node, schema: Node) -> Node:
    """The schema with all that `allOf` adds to it."""
    schema = _resolved(document, schema)
    parts = [_whole(document, part) for part in schema.get("allOf", ())]
    if not parts:
        return schema
    properties: dict[str, Any] = {}
    for part in (*parts, schema):
        for name, member in part.get("properties", {}).items():
            properties[name] = {**properties.get(name, {}), **member}
    required = [name for part in (*parts, schema) for name in part.get("required", ())]
    own = {key: value for part in (*parts, schema) for key, value in part.items() if key != "allOf"}
    return {**own, "properties": properties, "required": required}


def _named(document: Node, schema: Node) -> list[Node]:
    """Branches that are objects or lists, in their order: the null of an optional field is no branch of interest."""
    branches = schema.get("anyOf", ())
    return [branch for branch in branches if "properties" in _whole(document, branch) or "items" in branch]


def _all_types(schema: Node) -> frozenset[str]:
    given = schema.get("type", ())
    own = {given} if isinstance(given, str) else set(given)
    return frozenset(own.union(*(_all_types(branch) for branch in schema.get("anyOf", ()))))


def _types(place: _Place, old: Node, new: Node) -> Iterator[str]:
    before, after = _all_types(old), _all_types(new)
    if not before or not after:
        return
    if place.direction == "request" and before - after:
        yield f"{place.text}: no longer takes {', '.join(sorted(before - after))}"
    if place.direction == "answer" and after - before:
        yield f"{place.text}: may now be {', '.join(sorted(after - before))}"


def _values(place: _Place, old: Node, new: Node) -> Iterator[str]:
    """Codes that a request may carry may not go. An answer may gain codes: partners are told to expect new ones."""
    if place.direction == "request" and "enum" in new:
        gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if gone:
            yield f"{place.text}: values removed: {', '.join(map(str, gone))}"
        if "enum" not in old and "const" not in old:
            yield f"{place.text}: now takes only {', '.join(map(str, new['enum']))}"
