"""What another linkage model would say: review items, tasks about doubtful links, and a role that opens them.

Revision 0015, after 0014. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Tasks about doubtful links are not kept."""
    run_frozen(__file__, ".down.sql")
