"""Brings a database to the head of migrations/, and back in tests."""

from pathlib import Path

from alembic import command
from alembic.config import Config

HERE = Path(__file__).resolve().parent.parent / "migrations"


def alembic_config(url: str) -> Config:
    """Alembic's settings without an ini file: the script folder and the login that may become the owner."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Applies missing revisions; waits for another process that is at it. Runs its own event loop: call it in a
    thread.
    """
    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(alembic_config(url), revision)


def head() -> str:
    """The revision the code expects, as committed in migrations/HEAD: parallel migrations then conflict in git."""
    return (HERE / "HEAD").read_text(encoding="utf-8").strip()
