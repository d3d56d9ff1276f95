"""Links of a case beyond its persons: own numbers of agencies, other cases, cases on other platforms.

Revision 0012, after 0011. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What was said of cases is not kept."""
    run_frozen(__file__, ".down.sql")
