"""A breaker for each endpoint, notices before it is disabled, its order of delivery, and replays.

Revision 0017, after 0016. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Deliveries of replays stay; which replay they belonged to is not kept."""
    run_frozen(__file__, ".down.sql")
