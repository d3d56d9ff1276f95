"""Answer links: an office without a system answers one referral, once.

Revision 0019, after 0018. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Links are not kept; what was answered through them is."""
    run_frozen(__file__, ".down.sql")
