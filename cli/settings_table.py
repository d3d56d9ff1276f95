"""`./tongli settings`: every setting with its type, default, value in force and reason. Secrets show only as "set"."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from settings import Settings

SECRET_WORDS = ("database_url", "secret", "password", "token", "keys")
NOT_SECRET = ("keys_file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments: the settings come from the environment."""
    parser.epilog = "Settings are environment variables; see the list for their names."


def run(_arguments: argparse.Namespace) -> int:
    """Print the table; 1 and the faults, without any value, when the settings in force are refused."""
    try:
        settings = Settings()
    except ValidationError as fault:
        for error in fault.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(str(part) for part in error["loc"])
            print(f"{variable(where)}: {error['msg']}" if where else error["msg"], file=sys.stderr)
        return 1
    print("\n".join(table(settings)))
    return 0


def table(settings: Settings) -> Iterator[str]:
    """Three lines a setting: name and type; value in force and, where it differs, the default; the reason."""
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        value = getattr(settings, name)
        origin = "" if variable(name) in os.environ else " (default)"
        otherwise = "" if origin else f" (default {shown(name, default)})"
        yield f"{variable(name)}  {type_name(field)}"
        yield f"    = {shown(name, value)}{origin}{otherwise}"
        yield f"    {field.description}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"TONGLI_{name.upper()}"


def shown(name: str, value: object) -> str:
    """A value as a person may see it on a screen or in a report of a fault."""
    if value is None or value == "":
        return "not set"
    return "set" if is_secret(name) else str(value)


def is_secret(name: str) -> bool:
    """By the words of its name: a new secret is hidden even if nobody thought of this table."""
    return name not in NOT_SECRET and any(word in name for word in SECRET_WORDS)


def type_name(field: FieldInfo) -> str:
    """`int`, `path`, `one of development, production`: no Python in it."""
    kinds = [_plain(kind) for kind in _alternatives(field.annotation)]
    return " or ".join(kind for kind in kinds if kind != "none")


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # typing's annotations have no common type
    return (annotation,) if get_origin(annotation) in {None, Literal} else get_args(annotation)


def _plain(kind: Any) -> str:  # as above
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    return {"str": "text", "int": "whole number", "bool": "true or false", "Path": "path", "NoneType": "none"}.get(
        kind.__name__, str(kind.__name__)
    )
