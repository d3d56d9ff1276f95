"""Keys: which key a blind index was made with, and the role that walks sealed values.

Expects the role tongli_keys, which `./tongli migrate` makes before it migrates.
"""

from migrations.frozen import run_frozen

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    run_frozen(__file__, ".down.sql")
