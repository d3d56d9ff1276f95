"""Which version a case is that was joined with another or parted from it, for the events that tell of it.

Revision 0016, after 0015. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    run_frozen(__file__, ".down.sql")
