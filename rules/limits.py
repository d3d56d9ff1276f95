"""Budgets of sensitive operations, tighter than a principal's budget of requests and shared by all processes. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """`per_hour` tokens refill a bucket of `burst`, for each principal and name."""

    name: str
    per_hour: int
    burst: int

    @property
    def seconds_per_token(self) -> int:
        """Until one more is free, rounded up."""
        return -(-3600 // self.per_hour)

    @property
    def policy(self) -> str:
        """As in `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.per_hour};w=3600'


SEARCH = Budget("search", per_hour=600, burst=60)
REVEAL = Budget("reveal", per_hour=60, burst=20)
BREAK_GLASS = Budget("break-glass", per_hour=6, burst=3)
EXPORT = Budget("export", per_hour=10, burst=5)
MATCH_READ = Budget("match-read", per_hour=8, burst=200)
"""About 200 a day: whoever reads more than one can decide is collecting."""
INBOUND_KEEP = Budget("inbound-keep", per_hour=240, burst=120)
"""Changes of inbound sources and their mappings, and trying one out."""
MATCH_ASK = Budget("match-ask", per_hour=2, burst=30)
