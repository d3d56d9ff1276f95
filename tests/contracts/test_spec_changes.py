"""What counts as breaking a partner's program, and what does not."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.spec import DOCUMENT, as_text, generated
from cli.spec_changes import breaking_changes

Change = Callable[[dict[str, Any]], object]

OLD: dict[str, Any] = {
    "paths": {
        "/v1/things/{thing_id}": {
            "post": {
                "operationId": "make_thing",
                "security": [{"oauth": ["things:write"]}],
                "parameters": [
                    {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}},
                    {"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["small", "large"]}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingIn"}}}},
                "responses": {
                    "201": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    },
                    "409": {"description": "no"},
                },
            }
        }
    },
    "webhooks": {
        "thing.made": {
            "post": {
                "operationId": "receive_thing_made",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"allOf": [{"$ref": "#/components/schemas/Thing"}, {"properties": {"at": {}}}]}
                        }
                    }
                },
                "responses": {"200": {"description": "taken"}},
            }
        }
    },
    "components": {
        "schemas": {
            "ThingIn": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "colour": {"type": "string", "enum": ["red", "blue"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/ThingIn"}},
                    "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                },
                "required": ["name"],
            },
            "Thing": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "status": {"type": "string", "enum": ["new"]},
                    "owner": {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]},
                },
                "required": ["id", "status"],
            },
            "Owner": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        }
    },
}


def _operation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/v1/things/{thing_id}"]["post"]
    return found


def _schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def _changed(change: Change) -> list[str]:
    new = deepcopy(OLD)
    change(new)
    return breaking_changes(OLD, new)


BREAKING: list[tuple[Change, str]] = [
    (lambda new: new["paths"].clear(), "removed"),
    (lambda new: new["webhooks"].clear(), "webhook thing.made: removed"),
    (lambda new: _operation(new).update(operationId="create_thing"), "operation id changed"),
    (lambda new: _operation(new).update(security=[{"oauth": ["things:admin"]}]), "scope things:admin"),
    (lambda new: _operation(new)["parameters"].pop(), "parameter query:kind removed"),
    (lambda new: _operation(new)["parameters"][1].update(required=True), "query:kind is now required"),
    (lambda new: _operation(new)["parameters"][1]["schema"].update(enum=["small"]), "values removed: large"),
    (lambda new: _operation(new)["responses"].pop("409"), "status 409 removed"),
    (lambda new: _operation(new)["responses"]["201"]["headers"].clear(), "header ETag removed"),
    (lambda new: _operation(new)["responses"]["201"]["content"].clear(), "application/json removed"),
    (lambda new: _operation(new).pop("requestBody"), "takes no body any more"),
    (lambda new: _schema(new, "ThingIn")["required"].append("colour"), "field colour is now required"),
    (lambda new: _schema(new, "ThingIn")["properties"].pop("parts"), "field parts removed"),
    (lambda new: _schema(new, "ThingIn")["properties"]["colour"].update(enum=["red"]), "values removed: blue"),
    (lambda new: _schema(new, "ThingIn")["properties"]["name"].update(enum=["a"]), "now takes only a"),
    (lambda new: _schema(new, "ThingIn")["properties"].update(size={"type": "integer"}), "no longer takes null"),
    (lambda new: _schema(new, "Thing")["properties"].pop("status"), "field status removed"),
    (lambda new: _schema(new, "Thing")["required"].remove("id"), "field id may now be missing"),
    (lambda new: _schema(new, "Thing")["properties"]["id"].update(type=["string", "null"]), "may now be null"),
    (lambda new: _schema(new, "Owner")["properties"].pop("name"), "owner: field name removed"),
]

HARMLESS: list[Change] = [
    lambda new: new["paths"].update({"/v1/others": {"get": {"operationId": "list_others", "responses": {}}}}),
    lambda new: _operation(new)["parameters"].append({"name": "q", "in": "query", "schema": {"type": "string"}}),
    lambda new: _operation(new)["parameters"][0].update(required=False),
    lambda new: _operation(new)["responses"].update({"410": {"description": "gone"}}),
    lambda new: _schema(new, "ThingIn")["properties"].update(note={"type": "string"}),
    lambda new: _schema(new, "ThingIn")["properties"]["colour"]["enum"].append("green"),
    lambda new: _schema(new, "ThingIn")["required"].remove("name"),
    lambda new: _schema(new, "Thing")["properties"].update(note={"type": "string"}),
    lambda new: _schema(new, "Thing")["properties"]["status"]["enum"].append("old"),
    lambda new: _schema(new, "Thing")["required"].append("owner"),
]


@pytest.mark.parametrize(("change", "told"), BREAKING)
def test_a_change_that_breaks_is_named(change: Change, told: str) -> None:
    assert any(told in line for line in _changed(change)), _changed(change)


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_that_only_adds_is_let_through(change: Change) -> None:
    assert _changed(change) == []


def test_the_document_breaks_nothing_of_itself() -> None:
    document = generated()[DOCUMENT]
    assert breaking_changes(document, document) == []


def test_the_command_refuses_a_document_that_would_break_a_partner(tmp_path: Path) -> None:
    in_force = dict(deepcopy(generated()[DOCUMENT]))
    in_force["paths"]["/v1/gone"] = {"get": {"operationId": "read_gone", "responses": {"200": {}}}}
    file = tmp_path / "openapi.json"
    file.write_text(as_text(in_force), encoding="utf-8")
    assert main(["spec", "--check", "--against", str(file)]) == 1
    assert main(["spec", "--against", str(file)]) == 1
