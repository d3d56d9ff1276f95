"""What can go wrong, in the words of the office. Facts are attributes; status codes and texts live in api/errors.py.

TongliError
├── Refused              the caller lacks something it could obtain: scope, role, purpose, basis
├── Hidden               what may not be seen does not exist for the caller
├── Merged               the case stands under another id
├── Conflict             the thing is not in a state that allows this
├── Unacceptable         the request itself is wrong
└── Unavailable          try again later
"""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value: where it stands (JSON pointer), a stable code, and facts that never repeat the value."""

    pointer: str
    code: str
    facts: dict[str, str | int] = field(default_factory=dict)


class TongliError(Exception):
    """Base of every expected failure. `code` is the stable slug a partner switches on."""

    code = "internal"

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = facts


class NotAuthenticated(TongliError):
    code = "not-authenticated"


class TokenExpired(NotAuthenticated):
    code = "token-expired"


class Refused(TongliError):
    code = "insufficient-role"


class InsufficientScope(Refused):
    code = "insufficient-scope"

    def __init__(self, scope: str) -> None:
        super().__init__(scope=scope)
        self.scope = scope


class InsufficientRole(Refused):
    code = "insufficient-role"


class ConsentMissing(Refused):
    """A field may not leave without a basis that names the recipient. Facts: why (`reason`), and which `field_classes`
    stay closed."""

    code = "consent-missing"

    def __init__(self, recipient: UUID, **facts: object) -> None:
        super().__init__(recipient=str(recipient), **facts)
        self.recipient = recipient


class QualificationMissing(Refused):
    """Whoever acts holds no valid certificate of the competence area that the matter asks for."""

    code = "qualification-missing"

    def __init__(self, area: str) -> None:
        super().__init__(area=area)
        self.area = area


class Hidden(TongliError):
    """Absent, or not for this caller: the answer is the same."""

    code = "not-found"


class Merged(TongliError):
    """The case named went into another one, `kept`, in which the caller may have a part."""

    code = "merged"

    def __init__(self, case_id: UUID, kept: UUID) -> None:
        super().__init__(kept=str(kept))
        self.case_id = case_id
        self.kept = kept


class Conflict(TongliError):
    code = "state-conflict"


class InvalidTransition(Conflict):
    code = "invalid-transition"

    def __init__(self, current: str, allowed: tuple[str, ...]) -> None:
        super().__init__(current=current, allowed=list(allowed))
        self.current = current
        self.allowed = allowed


class DuplicateRecord(Conflict):
    """The same thing is already here and the caller can see it: `existing` is its path."""

    code = "duplicate-record"

    def __init__(self, existing: str) -> None:
        super().__init__(existing=existing)
        self.existing = existing


class IdempotencyInProgress(Conflict):
    code = "idempotency-in-progress"


class Unacceptable(TongliError):
    code = "validation-failed"


class ValidationFailed(Unacceptable):
    """One or more values are wrong; `errors` says where and why, never what was sent."""

    code = "validation-failed"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__()
        self.errors = errors


class UnknownField(ValidationFailed):
    code = "unknown-field"


class MalformedRequest(Unacceptable):
    code = "malformed-request"

    def __init__(self, reason: str = "syntax") -> None:
        super().__init__(reason=reason)
        self.reason = reason


class UnknownParameter(Unacceptable):
    code = "unknown-parameter"

    def __init__(self, name: str) -> None:
        super().__init__(parameter=name[:64])


class PayloadTooLarge(Unacceptable):
    code = "payload-too-large"


class UnsupportedMediaType(Unacceptable):
    code = "unsupported-media-type"


class PurposeRequired(Unacceptable):
    code = "purpose-required"


class InvalidCursor(Unacceptable):
    code = "invalid-cursor"


class PreconditionRequired(Unacceptable):
    code = "precondition-required"


class PreconditionFailed(Unacceptable):
    code = "precondition-failed"

    def __init__(self, current: str) -> None:
        super().__init__(current=current)
        self.current = current


class IdempotencyMissing(Unacceptable):
    code = "idempotency-missing"


class IdempotencyMismatch(Unacceptable):
    code = "idempotency-mismatch"


class Unavailable(TongliError):
    code = "dependency-unavailable"

    def __init__(self, retry_after: int = 1, **facts: object) -> None:
        super().__init__(**facts)
        self.retry_after = retry_after


class QuotaExceeded(Unavailable):
    code = "quota-exceeded"


class StepUpRequired(Refused):
    """The caller must prove again, and lately, who is at the screen."""

    code = "step-up-required"


class Erased(TongliError):
    """It was here and has been erased; only those once entitled learn that much."""

    code = "gone"


class ImportRejected(Unacceptable):
    code = "import-rejected"


class AbnormalUsageDetected(Unavailable):
    code = "abnormal-usage-detected"


class TemporaryReducedCapacity(Unavailable):
    code = "temporary-reduced-capacity"


class StorageFull(Unavailable):
    code = "storage-full"
