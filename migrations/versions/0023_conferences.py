"""Joint conference: sessions, agenda, opinions, decisions that bind, tasks.

Revision 0023, after 0022. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What conferences said is not kept; what they assigned goes on as any referral."""
    run_frozen(__file__, ".down.sql")
