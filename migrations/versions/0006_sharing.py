"""Sharing: what a consent says, its withdrawal, impact assessments, and broken glass.

Revision 0006, after 0005. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    run_frozen(__file__, ".down.sql")
