"""Examples of the API document: the main job as it stands in openapi/examples, which tests execute in that order."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from api.spec_schemas import Node

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "openapi" / "examples"


def read_examples() -> list[tuple[str, Node]]:
    """Name and content of each example, in the order of the main job."""
    return [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(EXAMPLES.glob("*.json"))]


def add_examples(operations: Mapping[str, Node]) -> None:
    """Put requests and answers of the examples into the operations, by operation id, in place.

    Failures stay out: their answers are shared by all operations and have examples of their own, and a wrong request
    would be copied.
    """
    for name, example in read_examples():
        answer = example["answer"]
        if answer["status"] >= 400:
            continue
        operation = operations[example["operation"]]
        key = name.replace("-", "_")
        if "body" in example["request"]:
            _media(operation["requestBody"])[key] = _told(example, example["request"]["body"])
        if "body" in answer:
            _media(operation["responses"][str(answer["status"])])[key] = _told(example, answer["body"])


def _media(place: Node) -> Node:
    media: Node = next(iter(place["content"].values()))
    examples: Node = media.setdefault("examples", {})
    return examples


def _told(example: Node, value: object) -> Node:
    return {"summary": f"{example['title']['zh']} · {example['title']['en']}", "value": value}
