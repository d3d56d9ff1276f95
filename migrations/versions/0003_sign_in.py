"""Sign-in of people: apps, credentials, devices with their refresh tokens, counted tries; `enter` asks for the device.

Revision 0003.
"""

from alembic import op

from db import names
from migrations.frozen import run_frozen

revision = "0003"
down_revision = "0002"

_FUNCTIONS = (
    "enter(text, uuid, uuid, text, text, uuid)",
    "staff_for_sign_in(text, text)",
    "enrolling_staff(bytea)",
    "grant_holder(bytea)",
    "take_try(bytea[], integer[], integer)",
    "settle_tries(bytea, bytea[])",
)
_TABLES = (
    *("refresh_token", "sign_in_code", "device", "recovery_code", "staff_credential", "app_client", "sign_in_attempt"),
)


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {names.LINKER}")
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"SET LOCAL ROLE {names.OWNER}")
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
    run_frozen(__file__, ".down.sql")
