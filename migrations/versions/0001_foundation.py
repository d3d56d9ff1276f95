"""Foundation: tables, roles' grants, row security, the functions that cross the wall.

Revision 0001, the first. The SQL is frozen beside this file; migrations/sql holds the same objects as they are at head.
"""

from alembic import op

from db import names
from migrations.frozen import run_frozen

revision = "0001"
down_revision = None

_TABLES = (
    *("delivery_attempt", "delivery", "webhook_endpoint", "feed_entry", "feed_head", "event", "audit_leaf"),
    *("idempotency_record", "rate_bucket", "adoption", "result", "assistance", "sharing_basis"),
    *("referral_step", "referral_pool", "referral", "case_task", "case_need", "household_member", "link"),
    *("person_record", "report", "participant"),
    *("case", "employer", "person", "client_assertion", "client_key", "client", "staff"),
    *("competence", "matter_override", "matter", "calendar_day", "calendar_year", "code", "division", "agency"),
)


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f'DROP TABLE "{table}" CASCADE')
    for function in ("acting_agency", "first_id_at", "make_partitions", "rfc3339"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"SET LOCAL ROLE {names.LINKER}")
    for function in (
        *("enter", "client_for_sign_in", "use_assertion", "lease_requests"),
        *("copy_case_to_participants", "active_case_of", "active_case_of_employer", "open_case", "join_case"),
        *("leave_case", "add_report_to_case", "find_person", "new_person", "add_household_member", "employer_for"),
        *("note_referral", "hidden_duplicate_exists", "offices_offered", "children_of_joint", "complete_joint"),
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"SET LOCAL ROLE {names.OWNER}")
