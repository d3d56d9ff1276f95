"""Expected adoptions: what was sent to an agency is answered until a date; a result can be withdrawn.

Revision 0025, after 0024. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Adoptions stay; that they were expected, and why a result was withdrawn, is not kept."""
    run_frozen(__file__, ".down.sql")
