"""case_merge (并案): one case that went into another, and what must go back if the link behind it is undone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.types import document, key


class CaseMerge(SQLModel, table=True):
    """`link_id` is the assertion that made one person of the two main members. `moved` names what moved, by table, the
    status and the needs that the merged case had, and who observes since: ids and codes, never a value.
    """

    __tablename__ = "case_merge"
    __table_args__ = (
        Index("case_merge_by_link", "link_id"),
        Index("case_merge_by_kept", "kept_case_id"),
        Index("case_merge_standing", "merged_case_id", unique=True, postgresql_where="undone_at IS NULL"),
    )

    id: UUID = key()
    link_id: UUID
    kept_case_id: UUID = Field(foreign_key="case.id")
    merged_case_id: UUID = Field(foreign_key="case.id")
    moved: dict[str, Any] = document()
    merged_at: datetime
    undone_at: datetime | None
