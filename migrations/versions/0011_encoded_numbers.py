"""A report may name a person whose identity number is encoded: another kind of number in person_record.

Revision 0011, after 0010. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """Of whom a number was sent encoded, no number is known."""
    run_frozen(__file__, ".down.sql")
