"""Limits on tries to sign in: per account, per address, shared by all processes; a known device has its own account.

Five tries in a quarter of an hour for an account, fifty for an address. Whoever hammers an account shuts out himself
and other strangers; a browser in which its person signed in before carries a sealed cookie and is counted apart, so it
is not shut out. Counted by what was typed, known or not, before the proof is looked at; kept as keyed hashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from fastapi import Request
from starlette.responses import Response

from api.services import Services
from db.queries.limits import settle_tries, take_try
from db.transaction import open_system_transaction
from rules.answer_links import TRIES_PER_LINK
from rules.client_addresses import client_address
from rules.errors import InvalidCursor
from rules.sign_in import TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS, TRIES_PER_CLIENT, TRY_WINDOW

KNOWN_FOR: Final = timedelta(days=180)
_REMEMBERED: Final = 5  # people who share a machine, the one seen last first
_BINDING: Final = "known-device"


@dataclass(frozen=True, slots=True)
class Count:
    """Under which keys a try counts: the account's (or that of a known device) and the address's, if it counts."""

    account: bytes
    limit: int
    address: bytes | None

    @property
    def limits(self) -> Mapping[bytes, int]:
        own = {self.account: self.limit}
        return own if self.address is None else own | {self.address: TRIES_PER_ADDRESS}


def count_of_account(services: Services, request: Request, account: str, *, device: str | None = None) -> Count:
    """`account` is what was typed, or an id. A known device's tries are its own, whatever happens at its address."""
    index = services.vault.blind.index
    if device is not None:
        return Count(index("sign-in-device", f"{device}\n{account}"), TRIES_PER_ACCOUNT, None)
    return Count(index("sign-in-account", account), TRIES_PER_ACCOUNT, _address(services, request))


def count_of_client(services: Services, request: Request, client_id: UUID) -> Count:
    """A machine's secret: by client and address together, so that nobody shuts a client out from elsewhere."""
    address = _address(services, request)
    return Count(
        services.vault.blind.index("sign-in-client", f"{client_id}\n{address.hex()}"), TRIES_PER_CLIENT, address
    )


def count_of_address(services: Services, request: Request) -> Count:
    """Where there is no account yet: enrolment codes."""
    address = _address(services, request)
    return Count(address, TRIES_PER_ADDRESS, None)


def count_of_link(services: Services, request: Request, link_id: UUID) -> Count:
    """Uses of an answer link: by the link, wherever they come from, and by the address until the link proves good."""
    key = services.vault.blind.index("answer-link", str(link_id))
    return Count(key, TRIES_PER_LINK, _address(services, request, "answer-link-address"))


async def address_given_back(services: Services, count: Count) -> None:
    """The try was good: an office behind one address shuts nobody out. What it is counted under stays counted."""
    if count.address is not None:
        async with open_system_transaction(services.database) as raw:
            await settle_tries(raw, cleared=None, returned=[count.address])


async def taken(services: Services, count: Count) -> int:
    """Counts one try; 0, or the seconds to wait. One short transaction, kept whatever comes of the try."""
    async with open_system_transaction(services.database) as raw:
        return await take_try(raw, count.limits, TRY_WINDOW)


async def settled(services: Services, count: Count) -> None:
    """The try was good: the account starts anew, the address gets it back."""
    returned = [] if count.address is None else [count.address]
    async with open_system_transaction(services.database) as raw:
        await settle_tries(raw, cleared=count.account, returned=returned)


async def given_back(services: Services, count: Count) -> None:
    """The try was none, or a good one that clears nothing: it alone is taken off again."""
    async with open_system_transaction(services.database) as raw:
        await settle_tries(raw, cleared=None, returned=list(count.limits))


def known_device(services: Services, request: Request, staff_id: UUID) -> str | None:
    """The browser's own id, where this person has signed in with it before."""
    device, people = _read_cookie(services, request)
    return device if str(staff_id) in people else None


def remember_device(services: Services, request: Request, answer: Response, staff_id: UUID) -> None:
    """Marks the browser as one that this person uses."""
    device, people = _read_cookie(services, request)
    kept = [str(staff_id), *(person for person in people if person != str(staff_id))][:_REMEMBERED]
    value = services.vault.sign_in.seal(
        {"device": device or uuid4().hex, "people": " ".join(kept)},
        binding=_BINDING,
        expires_at=datetime.now(UTC) + KNOWN_FOR,
    )
    set_cookie(services, answer, "device", value, max_age=int(KNOWN_FOR.total_seconds()))


def set_cookie(services: Services, answer: Response, name: str, value: str, *, max_age: int) -> None:
    """HttpOnly, same site only, and on https bound to this host."""
    secure = services.public_url.startswith("https://")
    answer.set_cookie(
        cookie_name(services, name), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="strict"
    )


def cookie_name(services: Services, name: str) -> str:
    """On https with the prefix that keeps other hosts of the domain from planting it (RFC 6265bis)."""
    return f"__Host-tongli_{name}" if services.public_url.startswith("https://") else f"tongli_{name}"


def _read_cookie(services: Services, request: Request) -> tuple[str | None, list[str]]:
    value = request.cookies.get(cookie_name(services, "device"), "")
    try:
        payload = services.vault.sign_in.open(value, binding=_BINDING, now=datetime.now(UTC))
    except InvalidCursor:
        return None, []
    return str(payload.get("device")), str(payload.get("people", "")).split()


def _address(services: Services, request: Request, counted: str = "sign-in-address") -> bytes:
    peer = request.client.host if request.client else None
    address = client_address(peer, request.headers.getlist("x-forwarded-for"), services.trusted_proxies)
    return services.vault.blind.index(counted, address)
