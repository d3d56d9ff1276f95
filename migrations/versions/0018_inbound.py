"""What partners send: sources, mappings, receipts; erasing a case takes what came in of it along.

Revision 0018, after 0017. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """What partners sent is not kept."""
    run_frozen(__file__, ".down.sql")
