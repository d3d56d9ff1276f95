"""Contingency plans: activations, drills, tasks across agencies.

Revision 0027, after 0026. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Plans and what they set going are not kept."""
    run_frozen(__file__, ".down.sql")
