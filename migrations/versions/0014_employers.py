"""Employers by number and by name and county: names with validity, branches below the whole.

Revision 0014, after 0013. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Names but the first are not kept."""
    run_frozen(__file__, ".down.sql")
