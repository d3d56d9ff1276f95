"""Column shapes that every table uses alike. A table says what it holds; how PostgreSQL stores it is said here once."""

from typing import Any

from sqlalchemy import BigInteger, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field


def key() -> Any:
    """Primary key: a UUIDv7 that the application made."""
    return Field(primary_key=True)


def words(*, nullable: bool = False, empty: bool = False) -> Any:
    """List of words from a closed list, as text[] (an ENUM would need a migration for each new word). `empty` is what
    stands where nothing was said."""
    default = {"server_default": "{}"} if empty else {}
    return Field(sa_type=ARRAY(Text), nullable=nullable, sa_column_kwargs=default)


def document(*, nullable: bool = False) -> Any:
    """JSON without personal data, as jsonb."""
    return Field(sa_type=JSONB, nullable=nullable)


def sealed(*, nullable: bool = False, context: str | None = None, row: str | None = "id") -> Any:
    """Ciphertext of crypto/fields.py: carries its algorithm id and key id.

    `context` is what it is bound to, by default `table.column`; then `:` and what stands in the column `row`, None: no
    more. The walk over all sealed values (db/queries/keys.py) goes by what is said here.
    """
    return Field(sa_type=LargeBinary, nullable=nullable, sa_column_kwargs={"info": {"sealed": (context, row)}})


def blind(*, nullable: bool = False) -> Any:
    """Keyed hash of crypto/blind.py: equality without the value; byteaeq is leakproof, so row security keeps its
    index.
    """
    return Field(sa_type=LargeBinary, nullable=nullable)


def blinds() -> Any:
    """Keyed hashes of several values of one kind."""
    return Field(sa_type=ARRAY(LargeBinary), nullable=False)


def fen(*, nullable: bool = False) -> Any:
    """Money in fen; bigint comparisons are leakproof, numeric's are not."""
    return Field(sa_type=BigInteger, nullable=nullable)


def one_of(column: str, *allowed: str) -> str:
    """CHECK text for a closed list of words."""
    quoted = ", ".join(f"'{word}'" for word in allowed)
    return f"{column} IN ({quoted})"
