"""Possible matches in people's hands: whose they are, requests for access, alarms about probing.

Revision 0013, after 0012. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What was asked and granted is not kept."""
    run_frozen(__file__, ".down.sql")
