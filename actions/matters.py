"""Sets a division's stricter clocks on the responsibility list. The operator's work: no agency may bind others."""

from collections.abc import Iterable, Mapping
from datetime import date

from db.engine import Raw
from db.queries.matters import matter_to_override, upsert_override
from rules.errors import FieldError, ValidationFailed
from rules.matters import Clocks, LooserOverride, Matter, MatterError, effective_clocks, parse_override, tightened


def check_override(matter: Matter, above: Iterable[Mapping[str, object]], clocks: Mapping[str, object]) -> Clocks:
    """The clocks a division would have. `above`: overrides of the divisions above it, highest first.

    Raises ValidationFailed with `looser-override` for a figure that is not at least as strict as what holds there
    already, `invalid` for one that cannot be read, `required` for none at all.
    """
    if not clocks:
        raise ValidationFailed(FieldError("/clocks", "required"))
    try:
        return effective_clocks(tightened(matter, above), parse_override(clocks, matter=matter.code))
    except LooserOverride as looser:
        raise ValidationFailed(FieldError(f"/clocks/{looser.clock}", "looser-override")) from looser
    except MatterError as unreadable:
        raise ValidationFailed(FieldError("/clocks", "invalid")) from unreadable


async def override_clocks(
    raw: Raw, *, code: str, division_code: str, clocks: Mapping[str, object], source: str, valid_from: date
) -> Clocks:
    """Sets the override and returns the clocks that hold from `valid_from` on. As the owner role. Two statements.

    `source` names the local rule. Raises ValidationFailed, also for an unknown matter.
    """
    found = await matter_to_override(raw, code, division_code, valid_from)
    if found is None:
        raise ValidationFailed(FieldError("/matter", "unknown-matter"))
    matter, above = found
    holding = check_override(matter, above, clocks)
    await upsert_override(
        raw, code=code, division_code=division_code, clocks=clocks, source=source, valid_from=valid_from
    )
    return holding
