"""Letters of supervision: hint, opinion, proposal, with their clocks.

Revision 0024, after 0023. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Letters are not kept."""
    run_frozen(__file__, ".down.sql")
