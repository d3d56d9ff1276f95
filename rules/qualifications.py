"""qualification (上岗资格): the competence areas a worker is examined in, and when a certificate counts. Pure.

The four areas are the source document's: 既懂工会业务知识,又熟悉法律法规;既能把握大局,又热心为职工服务.
"""

from datetime import date
from enum import StrEnum

from rules.errors import FieldError, ValidationFailed


class CompetenceArea(StrEnum):
    union_business = "union_business"
    law = "law"
    policy = "policy"
    service = "service"


class ExamResult(StrEnum):
    passed = "passed"
    failed = "failed"


def check_validity(valid_from: date, valid_until: date) -> None:
    """Raises ValidationFailed for a certificate that ends before it begins."""
    if valid_until < valid_from:
        raise ValidationFailed(FieldError("/valid_until", "ends-before-it-begins"))
