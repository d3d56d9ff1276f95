"""One pool serves many agencies; whatever happens to a request, the next on its connection is nobody else.

The short form; `python -m bench.trust_walls` sends 10,000 requests.
"""

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from crypto.vault import Vault
from db import transaction
from db.engine import Raw
from db.transaction import Caller, Rights
from settings import Settings
from tests.laws.pool_storm import AGENCIES, storm

REQUESTS = 600


async def test_no_agency_is_answered_with_what_is_anothers(
    fresh_database: str, vault: Vault, settings: Settings
) -> None:
    figures = await storm(fresh_database, vault, settings, requests=REQUESTS)
    assert (figures["wrong"], figures["left_in_pool"]) == ([], []), figures
    outcomes = figures["outcomes"]
    assert sum(outcomes.values()) == REQUESTS + AGENCIES
    assert all(outcomes.get(name, 0) > 0 for name in ("200", "201", "404", "503", "cancelled")), outcomes
    assert min(figures["backends_killed"], figures["tables_locked"], figures["marks_checked"]) > 0


async def test_settings_that_outlive_a_transaction_are_noticed(
    fresh_database: str, vault: Vault, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storm can fail: who acts is set for the session instead of for the transaction."""
    real = transaction._enter

    async def enter(raw: Raw, caller: Caller, purpose: str | None) -> Rights:
        await raw.execute("SELECT set_config('tongli.agency', $1, false)", str(caller.agency_id))
        return await real(raw, caller, purpose)

    monkeypatch.setattr(transaction, "_enter", enter)
    figures = await storm(fresh_database, vault, settings, requests=100, weather=False)
    assert "agency is set" in figures["left_in_pool"]


async def test_a_rollback_that_is_left_out_is_noticed(
    fresh_database: str, vault: Vault, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storm can fail: a transaction that its caller left goes back into the pool as it is."""

    async def give_back(connection: AsyncConnection, _raw: Raw) -> None:
        await connection.close()

    monkeypatch.setattr(transaction, "_roll_back", give_back)
    figures = await storm(fresh_database, vault, settings, requests=200, weather=False)
    assert "a transaction is open" in figures["left_in_pool"]
