"""Policy gaps, proposals to those who could close them, and the register of consultations.

Revision 0028, after 0027. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Gaps, proposals with their replies and consultations are not kept."""
    run_frozen(__file__, ".down.sql")
