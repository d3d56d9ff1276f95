"""Whether an answer is one the API document declares: its status, its media type, its shape, formats included."""

from dataclasses import dataclass
from typing import Any

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the package ships no types


@dataclass(frozen=True, slots=True)
class Answers:
    """The document answers are held against."""

    document: dict[str, Any]

    def fit(self, answer: httpx.Response, operation_id: str) -> None:
        """Fails the test unless `operation_id` may answer so."""
        declared = self.operation(operation_id)["responses"].get(str(answer.status_code))
        assert declared is not None, f"{operation_id} does not declare {answer.status_code}: {answer.text}"
        if "$ref" in declared:
            declared = self.document["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        content = declared.get("content", {})
        if not content:
            assert answer.content == b""
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{operation_id} does not declare {media_type}"
        self.check(answer.json(), content[media_type]["schema"])

    def check(self, value: object, schema: dict[str, Any]) -> None:
        """Fails the test unless the value has the shape of the schema."""
        rooted = {**schema, "components": self.document["components"]}
        validator = Draft202012Validator(rooted, format_checker=Draft202012Validator.FORMAT_CHECKER)
        faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in validator.iter_errors(value)]
        assert faults == []

    def operation(self, operation_id: str) -> dict[str, Any]:
        for item in self.document["paths"].values():
            for operation in item.values():
                if operation["operationId"] == operation_id:
                    found: dict[str, Any] = operation
                    return found
        raise AssertionError(f"no operation {operation_id}")
