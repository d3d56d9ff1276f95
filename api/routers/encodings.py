"""The key under which an agency encodes what it may not disclose."""

from typing import Annotated

from actions.encodings import hand_out_key
from api.deps import reads_with_mark
from api.schemas.encodings import EncodingKeyShown
from api.schemas.reports import utc
from api.strict_json import StrictRouter
from crypto.strict import encode_base64url
from db.transaction import Tx
from rules.linkage.clk import BITS

router = StrictRouter("/v1/linkage-encoding-key", tags=["reports"])


@router.get("", operation_id="read_linkage_encoding_key")
async def get_key(tx: Annotated[Tx, reads_with_mark()]) -> EncodingKeyShown:
    """Fetch the agency's own key of this year, for encoding identity numbers that it may not disclose.

    `./tongli linkage-encode` encodes with it. Keep it as you keep the numbers: whoever has it can try numbers against
    your encodings. Every fetch leaves a mark in the audit log.
    """
    handed = hand_out_key(tx)
    return EncodingKeyShown(
        key=handed.key.key_id,
        year=handed.key.year,
        algorithm="HMAC-SHA-256",
        secret=encode_base64url(handed.key.secret),
        clk_bits=BITS,
        taken_until=utc(handed.taken_until),
    )
