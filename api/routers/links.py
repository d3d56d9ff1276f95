"""Links between records: undoing one."""

from typing import Annotated

from starlette.responses import Response

from actions.merges import undo
from api.deps import Writing, writes
from api.params import Uuid
from api.schemas.links import UndoIn, Undone
from api.strict_json import StrictRouter

router = StrictRouter("/v1/links", tags=["cases"])


@router.post("/{link_id}/undo", operation_id="undo_link", response_model=Undone)
async def post_undo(link_id: Uuid, said: UndoIn, writing: Annotated[Writing, writes()]) -> Response:
    """Undo a link: the two records are different from now on. Cases, participants and access go back to what they would
    be without it; what was reported since goes with whom it is about. Undo such an undoing, and they are one again. For
    the coordinator of the record's case."""
    parted = await undo(writing.tx, link_id, said.reason.value)
    return await writing.answer(
        Undone(link_id=parted.link_id, record_id=parted.record_id, case_ids=list(parted.case_ids))
    )
