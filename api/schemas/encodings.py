"""encoding: the key under which an agency encodes what it may not disclose."""

from datetime import datetime

from pydantic import BaseModel


class EncodingKeyShown(BaseModel):
    """`secret` is base64url of 32 bytes, for HMAC-SHA-256. From `taken_until` on reports under this key are refused;
    this year's is the one to use."""

    key: str
    year: int
    algorithm: str
    secret: str
    clk_bits: int
    taken_until: datetime
