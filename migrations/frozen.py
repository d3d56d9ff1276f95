"""Runs the SQL file that stands frozen beside a revision."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only


def run_frozen(revision_file: str, suffix: str = ".sql") -> None:
    """Runs all statements of `<revision>.sql` in the revision's transaction (asyncpg's simple protocol takes many)."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    await_only(connection.execute(Path(revision_file).with_suffix(suffix).read_text(encoding="utf-8")))
