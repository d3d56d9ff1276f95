"""Early warning: signals, clusters of new cases, alerts with levels and reporting clocks.

Revision 0026, after 0025. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Signals and alerts are not kept."""
    run_frozen(__file__, ".down.sql")
