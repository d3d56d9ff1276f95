"""${message}

Revision ${up_revision}, after ${down_revision | comma,n}.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "raise AssertionError"}


def downgrade() -> None:
    ${downgrades if downgrades else "raise AssertionError"}
