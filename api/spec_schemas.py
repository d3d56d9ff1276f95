"""Schemas of the API document: FastAPI's, tidied for readers and code generators, and those no route declares."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from api.problem_catalogue import KINDS
from rules.field_classes import PERSON, class_of

# A node of the document is a tree of dictionaries of many shapes; no closer type says more.
Node: TypeAlias = dict[str, Any]

_PAGE = re.compile(r"Page_(\w+)_")
_REPLACED: Final = frozenset({"HTTPValidationError", "ValidationError"})
_MAPS: Final = frozenset({"properties", "$defs", "patternProperties"})


def tidied(schemas: Mapping[str, Any]) -> Node:
    """Schemas by name, sorted, without generated titles; a page of `CaseRow` is called `CaseRowPage`."""
    kept = {_name(name): _classed(name, tidy(schema)) for name, schema in schemas.items() if name not in _REPLACED}
    return dict(sorted({**kept, **_OWN}.items()))


_INCOMING: Final = ("In", "Change")


def _classed(name: str, schema: Node) -> Node:
    """The schema of an answer with the class of every field (`x-field-class`); of a person also the fields that are
    there only where their class is granted."""
    if name.endswith(_INCOMING) or "properties" not in schema:
        return schema
    declared = schema["properties"]
    names = [*declared, *(field for field in PERSON if name == "PersonShown" and field not in declared)]
    return {
        **schema,
        "properties": {field: {**declared.get(field, {}), "x-field-class": class_of(name, field)} for field in names},
    }


def tidy(node: Any) -> Any:
    """A copy of a schema, or of anything that holds some, in our words."""
    if isinstance(node, list):
        return [tidy(item) for item in node]
    if isinstance(node, float) and node.is_integer():  # FastAPI writes bounds of integers with a decimal point
        return int(node)
    if not isinstance(node, dict):
        return node
    return {
        key: {name: tidy(inner) for name, inner in value.items()} if key in _MAPS else _tidy_member(key, value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }


def _tidy_member(key: str, value: Any) -> Any:
    if key == "$ref":
        return _PAGE.sub(r"\1Page", value)
    if key == "description" and isinstance(value, str):
        return one_line(value)
    return tidy(value)


def one_line(text: str) -> str:
    """Paragraphs without the line breaks of the source."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def never_null(schema: Node) -> Node:
    """The schema of a parameter: one that is optional is left out, never sent as null."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) != 1:
        return schema
    return {**branches[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _name(name: str) -> str:
    return _PAGE.sub(r"\1Page", name)


_TEXT: Final[Node] = {"type": "string"}
_UUID: Final[Node] = {"type": "string", "format": "uuid"}


def _object(description: str, required: Node, optional: Node | None = None) -> Node:
    return {
        "type": "object",
        "description": description,
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


_FIELD_PROBLEM: Final = _object(
    "One wrong value: where it stands, a stable code, what is expected. Never the value itself.",
    {
        "pointer": {**_TEXT, "description": "JSON pointer into the body, or `query:name`, `header:name`"},
        "code": _TEXT,
        "detail": _TEXT,
    },
    {
        "masked": {
            "type": "object",
            "description": "both sides of a contradiction, masked",
            "additionalProperties": _TEXT,
        }
    },
)

_PROBLEM: Final = _object(
    "A failure (RFC 9457) in the language of `Accept-Language`. Decide by `code`. Kinds may be added within v1.",
    {
        "type": {**_TEXT, "format": "uri", "description": "a page that explains this kind, in Chinese and English"},
        "code": {**_TEXT, "description": "stable; known today: " + ", ".join(sorted(KINDS))},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "what to do next"},
        "instance": {**_TEXT, "description": "the path, without what may be personal"},
        "trace_id": {**_TEXT, "description": "the `Request-Id` of the answer: give it to the operator"},
        "retryable": {"type": "boolean", "description": "whether the same request may be sent again unchanged"},
    },
    {
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
        "allowed": {"type": "array", "items": _TEXT, "description": "the steps possible now"},
        "current": {**_TEXT, "description": "the present state, or the present entity tag"},
        "existing": {**_TEXT, "description": "path of the record that is there already"},
        "expected": {**_TEXT, "description": "the media type expected"},
        "reason": _TEXT,
        "recipient": {**_UUID, "description": "the agency no basis names"},
        "scope": {**_TEXT, "description": "the scope that is missing"},
    },
)

_TOKEN_REQUEST: Final[Node] = {
    **_object(
        "A form (RFC 6749). A system proves itself in one way: an assertion (RFC 7523, preferred), or a secret in the"
        " form, or a secret by HTTP Basic. An app names itself and hands in what a person's sign-in gave it.",
        {"grant_type": {**_TEXT, "enum": ["client_credentials", "authorization_code", "refresh_token"]}},
        {
            "scope": {**_TEXT, "description": "scopes wanted, parted by blanks; default: all the client may have"},
            "client_assertion_type": {**_TEXT, "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            "client_assertion": {
                **_TEXT,
                "description": "JWT signed ES256 with the client's key: `iss` and `sub` are the client id, `aud` the"
                " issuer, `jti` used once, `exp` at most 2 minutes after `iat`",
            },
            "client_id": _UUID,
            "client_secret": {**_TEXT, "format": "password"},
            "code": {**_TEXT, "description": "of the sign-in; 60 seconds, once: a second use ends what it opened"},
            "redirect_uri": {**_TEXT, "description": "the same as in the request to sign in"},
            "code_verifier": {**_TEXT, "description": "PKCE (RFC 7636), S256 only"},
            "device_name": {**_TEXT, "description": "how the person will find this device in the list of its devices"},
            "refresh_token": {
                **_TEXT,
                "description": "used once: each answer brings another. Where an answer was lost, the same token brings"
                " the same successor within 30 seconds; any other second use signs the device out",
            },
        },
    )
}

_REVOCATION_REQUEST: Final = _object(
    "A form (RFC 7009): the refresh token of the device to sign out.",
    {"token": _TEXT, "client_id": _UUID},
    {"token_type_hint": {**_TEXT, "description": "not needed"}},
)

_TOKEN_ERRORS: Final = [
    *("invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "temporarily_unavailable"),
    "unsupported_grant_type",
]

_TOKEN_REFUSAL: Final = _object(
    "A refusal in the words of RFC 6749 §5.2.",
    {"error": {**_TEXT, "enum": _TOKEN_ERRORS}},
)

_VERIFICATION: Final[Node] = {
    "allOf": [
        {"$ref": "#/components/schemas/EventData"},
        _object(
            "What an `endpoint.verification` carries beside.", {"challenge": {**_TEXT, "description": "send it back"}}
        ),
    ]
}

_NOTICE: Final[Node] = {
    "allOf": [
        {"$ref": "#/components/schemas/EventData"},
        _object(
            "What `endpoint.failing` and `endpoint.disabled` carry beside.",
            {
                "reason": {**_TEXT, "description": "`failing`, `gone` (410), `by-owner`, `deleted`"},
                "since": {**_TEXT, "format": "date-time", "description": "nothing but failures from then on"},
            },
        ),
    ]
}

_CHALLENGE: Final = _object("The answer that activates an endpoint.", {"challenge": _TEXT})

_OWN: Final[Node] = {
    "ChallengeAnswer": _CHALLENGE,
    "FieldProblem": _FIELD_PROBLEM,
    "NoticeData": _NOTICE,
    "Problem": _PROBLEM,
    "RevocationRequest": _REVOCATION_REQUEST,
    "TokenRefusal": _TOKEN_REFUSAL,
    "TokenRequest": _TOKEN_REQUEST,
    "VerificationData": _VERIFICATION,
}
