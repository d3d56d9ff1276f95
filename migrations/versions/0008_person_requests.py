"""Requests of persons: their clock, corrections, objections, erasure with its tombstones, retention.

Revision 0008, after 0007. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What was erased stays so: empty values stand where there were none before."""
    run_frozen(__file__, ".down.sql")
