"""Escalations: alarms before and after the dates of a referral, and what was told upwards.

Revision 0021, after 0020. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Escalations are not kept; the dates they were about are."""
    run_frozen(__file__, ".down.sql")
