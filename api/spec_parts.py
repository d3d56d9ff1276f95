"""Parts that many operations of the API document refer to: headers, parameters, failures, the way to sign in."""

from collections.abc import Mapping
from typing import Final

from api.problem_catalogue import KINDS, Kind
from api.problems import Occasion, problem
from api.spec_schemas import Node
from rules.scopes import BARRED_WITH_SECRET, SCOPES

_TAG_PATTERN: Final = r'^"v[0-9]{1,9}(?:-[A-Za-z0-9_-]+)?"$'
_KEY_PATTERN: Final = "^[A-Za-z0-9._:-]{16,128}$"
_PROBLEM_TYPE: Final = "application/problem+json"

PROBLEM_RESPONSES: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "ContentTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableContent",
    428: "PreconditionRequired",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}
_HEADERS_OF_FAILURES: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("Challenge",),
    403: ("Challenge",),
    409: ("RetryAfter",),
    412: ("ETag",),
    429: ("RetryAfter",),
    503: ("RetryAfter",),
}
_WIRE_NAMES: Final[Mapping[str, str]] = {
    "Challenge": "WWW-Authenticate",
    "ContentLanguage": "Content-Language",
    "IdempotencyReplayed": "Idempotency-Replayed",
    "RateLimitPolicy": "RateLimit-Policy",
    "RequestId": "Request-Id",
    "RetryAfter": "Retry-After",
}


def parameter(name: str) -> Node:
    return {"$ref": f"#/components/parameters/{name}"}


def response(name: str) -> Node:
    return {"$ref": f"#/components/responses/{name}"}


def response_headers(*names: str) -> Node:
    """References to headers of an answer, under their names on the wire."""
    return {_WIRE_NAMES.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}


def components() -> Node:
    """All parts but the schemas."""
    return {
        "headers": HEADERS,
        "parameters": PARAMETERS,
        "responses": {name: _failure(status) for status, name in PROBLEM_RESPONSES.items()},
        "securitySchemes": {"oauth": _SECURITY},
    }


def _header(description: str, schema: Node, example: str | int) -> Node:
    return {"description": description, "schema": schema, "example": example}


_TEXT: Final[Node] = {"type": "string"}

HEADERS: Final[Node] = {
    "Challenge": _header("How to sign in (RFC 6750).", _TEXT, 'Bearer realm="tongli"'),
    "ContentLanguage": _header("Language of the texts.", {"type": "string", "enum": ["zh-CN", "en"]}, "zh-CN"),
    "ETag": _header("Strong entity tag of the representation; send it as `If-Match`.", _TEXT, '"v3"'),
    "IdempotencyReplayed": _header(
        "`true` where this is the answer the same key got before.", {"type": "string", "enum": ["true"]}, "true"
    ),
    "Link": _header('The next page (RFC 8288), `rel="next"`; absent on the last.', _TEXT, '<…?cursor=…>; rel="next"'),
    "Location": _header("Where the new thing can be read.", {"type": "string", "format": "uri-reference"}, "/v1/…"),
    "RateLimit": _header("What is left of the budget.", _TEXT, '"client";r=1180;t=60'),
    "RateLimitPolicy": _header("Requests per minute.", _TEXT, '"client";q=1200;w=60'),
    "RequestId": _header(
        "Id of this exchange: the caller's own, its trace id, or a new one.", _TEXT, "4bf92f3577b34da6a3ce929d0e0e4736"
    ),
    "RetryAfter": _header("Seconds to wait.", {"type": "integer", "minimum": 1}, 1),
}


def _request_header(name: str, description: str, schema: Node, *, required: bool = False) -> Node:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


_KEY_SCHEMA: Final[Node] = {"type": "string", "pattern": _KEY_PATTERN}
_PURPOSE_SCHEMA: Final[Node] = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{1,63}$", "examples": ["recognition"]}

PARAMETERS: Final[Node] = {
    "AcceptLanguage": _request_header(
        "Accept-Language",
        "language of problems and warnings; default zh-CN",
        {"type": "string", "enum": ["zh-CN", "en"]},
    ),
    "Actor": _request_header(
        "Tongli-Actor",
        "pseudonym of the caller's own operator, recorded in the audit",
        {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
    ),
    "IdempotencyKey": _request_header(
        "Idempotency-Key",
        "one key per business action, such as a UUID; keep it when you send again",
        _KEY_SCHEMA,
        required=True,
    ),
    "IdempotencyKeyIfWished": _request_header(
        "Idempotency-Key", "as on a POST; not required, since this method is idempotent by itself", _KEY_SCHEMA
    ),
    "IfMatch": _request_header(
        "If-Match",
        "`ETag` of what the change is based on: 428 without, 412 where it is stale",
        {"type": "string", "pattern": _TAG_PATTERN},
        required=True,
    ),
    "IfNoneMatch": _request_header("If-None-Match", "`ETag` you have: 304 where it is still good", _TEXT),
    "Purpose": _request_header(
        "Tongli-Purpose", "why personal data is read; recorded in the audit", _PURPOSE_SCHEMA, required=True
    ),
    "PurposeWhereNeeded": _request_header(
        "Tongli-Purpose",
        "why personal data is read; recorded in the audit. Without it 400 `purpose-required` where the answer would"
        " hold any",
        _PURPOSE_SCHEMA,
    ),
}


def _failure(status: int) -> Node:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    codes = ", ".join(f"`{kind.code}`" for kind in kinds)
    headers = ("RequestId", "ContentLanguage", *_HEADERS_OF_FAILURES.get(status, ()))
    return {
        "description": f"{' / '.join(f'{kind.title.en} ({kind.title.zh})' for kind in kinds)}. `code`: {codes}.",
        "headers": response_headers(*headers),
        "content": {
            _PROBLEM_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {kind.code: {"value": _example(kind)} for kind in kinds},
            }
        },
    }


def _example(kind: Kind) -> Node:
    """The problem in Chinese, the default, without facts of a particular answer."""
    occasion = Occasion("https://tongli.example", "/v1/…", "4bf92f3577b34da6a3ce929d0e0e4736")
    return dict(problem(kind.code, occasion))


_SECURITY: Final[Node] = {
    "type": "oauth2",
    "description": "Client credentials with private_key_jwt (preferred) or a secret. A secret opens none of "
    + ", ".join(f"`{scope}`" for scope in sorted(BARRED_WITH_SECRET))
    + ". People sign in through an app: code with PKCE, then refresh tokens.",
    "flows": {
        "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": SCOPES},
        "authorizationCode": {
            "authorizationUrl": "/oauth/authorize",
            "tokenUrl": "/oauth/token",
            "refreshUrl": "/oauth/token",
            "scopes": SCOPES,
        },
    },
}
