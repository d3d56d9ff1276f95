"""Papers of offices (公文): texts that go between agencies on no basis of sharing, and so name no person. Pure."""

import re

from rules.errors import FieldError, ValidationFailed

_LOOKS_PERSONAL = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15}|(?:\+?86)?1[3-9]\d{9})(?!\d)")


def check_paper(at: str, text: str | None) -> None:
    """Raises ValidationFailed for a text that holds what looks like an identity number or a mobile phone."""
    if text is not None and _LOOKS_PERSONAL.search(re.sub(r"[\s-]", "", text)):
        raise ValidationFailed(FieldError(at, "names-a-person"))
