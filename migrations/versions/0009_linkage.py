"""Linkage: features, keys and values of records, assertions of two records, candidates for people to look at.

Revision 0009, after 0008. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What was said to be different is not kept."""
    run_frozen(__file__, ".down.sql")
