"""Rights: qualifications, supervisors of unions, what enter() tells of whoever acts.

Revision 0005, after 0004. The SQL is frozen beside this file.
"""

from migrations.frozen import run_frozen

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    run_frozen(__file__, ".down.sql")
