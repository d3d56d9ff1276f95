"""Asks the rights model. Nothing that names a person, a case or an account is handed on without having been asked for.

Row security below decides about rows as well; either wall alone must be enough (tests/laws/test_rights_matrix.py).
"""

from collections.abc import Collection
from uuid import UUID

from db.transaction import Tx
from rules.errors import Erased, Hidden, InsufficientRole, QualificationMissing
from rules.rights import Role, Subject, Verdict, judge_part


def require_part(tx: Tx, subject: Subject, parts: Collection[str], *, erased: bool = False) -> None:
    """Raises Hidden where the acting agency has no part in a thing of this kind, InsufficientRole where its part is not
    enough for the operation that names it, and Erased where it was erased: only who could see it learns that."""
    verdict = judge_part(subject, parts, tx.operation)
    if verdict is Verdict.hidden:
        raise Hidden
    if erased:
        raise Erased
    if verdict is Verdict.part:
        raise InsufficientRole(role=" ".join(sorted(tx.operation.parts)) if tx.operation else "")


def require_supervision(tx: Tx, union: UUID | None) -> None:
    """Raises InsufficientRole where the caller does not supervise that union; None is the acting agency itself."""
    if union is not None and union not in tx.rights.below:
        raise InsufficientRole(role=Role.union_supervisor)


def require_qualification(tx: Tx, area: str | None) -> None:
    """Raises QualificationMissing where a matter asks for a competence area and whoever acts holds no valid certificate
    of it. A machine names its own operator in `Tongli-Actor`, by the login of a staff member who holds one."""
    if area is not None and area not in tx.rights.qualifications:
        raise QualificationMissing(area)
