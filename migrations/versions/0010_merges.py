"""Merges: persons joined and parted, cases merged and taken apart again.

Revision 0010, after 0009. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Merged cases stay merged."""
    run_frozen(__file__, ".down.sql")
