"""Data sharing: a catalogue, and requests under the clocks of the regulation.

Revision 0029, after 0028. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What was asked for is not kept."""
    run_frozen(__file__, ".down.sql")
