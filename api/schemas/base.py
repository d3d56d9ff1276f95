"""The base of everything that comes in: fields as declared, nothing more, nothing converted."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from api.params import read_day, read_instant, read_uuid

# A core schema is a tree of dictionaries of many shapes; pydantic types it no closer at this depth.
Node: TypeAlias = dict[str, Any]

_READERS: Final[dict[str, Callable[[object], object]]] = {
    "datetime": read_instant,
    "date": read_day,
    "uuid": read_uuid,
}
_REFUSED: Final = frozenset({"float", "decimal", "complex", "bytes", "time", "timedelta", "set", "frozenset", "any"})
_NOT_SCHEMAS: Final = frozenset({"metadata", "serialization", "default", "members", "expected"})


def _adapt(node: Any, owner: str, handler: GetCoreSchemaHandler) -> None:
    """Give each value type of a schema its reader, in place."""
    if isinstance(node, list | tuple):
        for item in node:
            _adapt(item, owner, handler)
    elif isinstance(node, dict) and not _adapted(_resolved(node, handler), owner):
        for key, child in node.items():
            if key not in _NOT_SCHEMAS:
                _adapt(child, owner, handler)


def _resolved(node: Node, handler: GetCoreSchemaHandler) -> Node:
    """An enumeration used by several fields is kept once and referred to."""
    if node.get("type") != "definition-ref":
        return node
    target: Any = handler.resolve_ref_schema(node)
    return target if target["type"] == "enum" else node


def _adapted(node: Node, owner: str) -> bool:
    """Whether this node is a value type, now with its reader, so that nothing below it needs looking at."""
    kind = node.get("type")
    if not isinstance(kind, str):  # the fields of a model, one of them called "type"
        return False
    if kind in _REFUSED:
        raise TypeError(f"{owner}: a field of type {kind} may not cross the wire")
    if kind == "enum":
        _let_text_in(node, owner)
        return True
    if kind in _READERS:
        inner = dict(node)
        node.clear()
        node.update(type="function-before", function={"type": "no-info", "function": _READERS[kind]}, schema=inner)
        return True
    if kind == "function-plain":  # reads everything itself, as `api.params.JsonObject` does
        return True
    return kind == "function-before" and node["function"]["function"] in _READERS.values()


def _let_text_in(node: Node, owner: str) -> None:
    if node.get("sub_type") != "str":
        raise TypeError(f"{owner}: an enumeration that crosses the wire has texts as values")
    node["strict"] = False  # lax for a text enumeration means: the member itself or exactly its value


class StrictModel(BaseModel):
    """Body schema: an unknown field is refused, `"1"` is no integer, `1` is no boolean.

    Instants, days, UUIDs and text enumerations are read from their JSON strings, each in one spelling
    (`api.params`), although pydantic validates a value FastAPI has already parsed and would refuse them when strict.
    Raises TypeError when a class declares a float, decimal, bytes, time, set or untyped field: none may cross the wire.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        schema = handler(source)
        _adapt(schema, cls.__name__, handler)
        return schema
