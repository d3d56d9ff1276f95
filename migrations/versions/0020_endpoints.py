"""What an endpoint or a reader of the feed asks for beside types; a second person for new URLs; published keys.

Revision 0020, after 0019. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Kept cursors are lost."""
    run_frozen(__file__, ".down.sql")
