"""Case transfers: the coordinator's role moves when the other side accepts.

Revision 0022, after 0021. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Coordinators stay where they are; how they came there is not kept."""
    run_frozen(__file__, ".down.sql")
