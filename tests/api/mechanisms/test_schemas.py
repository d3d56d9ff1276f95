"""What a body schema may declare: a mistake fails when the class is made, not when a partner sends something."""

from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from pydantic import create_model

from api.schemas.base import StrictModel
from api.strict_json import StrictRoute, canonical, read_json
from rules.errors import MalformedRequest
from tests.api.mechanisms.desk import NoteChange


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    "kind",
    [float, Decimal, bytes, Any, set[str], list[float], float | None, dict[str, Any], Level, Annotated[float, 1]],
)
def test_a_type_that_may_not_cross_the_wire_is_refused_at_declaration(kind: Any) -> None:
    with pytest.raises(TypeError):
        create_model("Declared", __base__=StrictModel, field=(kind, ...))


def test_a_patch_without_the_merge_patch_type_is_refused_at_declaration() -> None:
    router = APIRouter(route_class=StrictRoute)

    async def change(body: NoteChange) -> None: ...

    with pytest.raises(TypeError, match="MergePatchBody"):
        router.patch("/notes")(change)


def test_a_field_called_type_is_an_ordinary_field() -> None:
    declared = create_model("Declared", __base__=StrictModel, type=(str, ...), date=(str, ...))
    assert declared.model_validate({"type": "datetime", "date": "x"}).model_dump() == {"type": "datetime", "date": "x"}


def test_equal_contents_have_one_canonical_spelling() -> None:
    first = read_json('{"b": [1, {"y": "é", "x": null}], "a": true}'.encode())
    second = read_json(b'{ "a":true,"b":[ 1,{"x":null,"y":"e\\u0301"} ] }')
    assert canonical(first) == canonical(second) == '{"a":true,"b":[1,{"x":null,"y":"é"}]}'.encode()
    assert canonical(1) != canonical(True)


@pytest.mark.parametrize(
    "body", [b'["' + b"[{" * 200 + b'"]', b'["' + rb"\"[" * 200 + b'"]', b"[" * 32 + b"]" * 32, b'["\\\\", "["]']
)
def test_brackets_inside_strings_are_no_depth(body: bytes) -> None:
    read_json(body)


def test_depth_is_counted_through_closed_brackets() -> None:
    read_json(b"[" + b"[],[{}]," * 400 + b"0]")
    with pytest.raises(MalformedRequest):
        read_json(b"[" + b"[]," * 400 + b"[" * 32 + b"]" * 32 + b"]")
