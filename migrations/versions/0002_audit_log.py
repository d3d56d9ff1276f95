"""Audit log: leaves get an index in a Merkle tree; tiles, checkpoints, witnesses, cosignatures; erasure of leaves."""

from alembic import op

from db import names
from migrations.frozen import run_frozen

revision = "0002"
down_revision = "0001"

_TABLES = (
    *("audit_cosignature", "audit_witness", "audit_checkpoint", "audit_tile", "audit_entry", "audit_pending"),
    *("audit_key", "audit_log"),
)


def upgrade() -> None:
    run_frozen(__file__)


def downgrade() -> None:
    """The proofs are lost with the tables; leaves that were erased keep an empty salt."""
    run_frozen(__file__, ".down.sql")
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute(f"SET LOCAL ROLE {names.LINKER}")
    for function in ("await_sealing()", "erase_leaves(uuid[])", "stored_leaves(bigint, integer)", "stray_leaves()"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"SET LOCAL ROLE {names.OWNER}")
