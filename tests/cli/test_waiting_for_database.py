"""API and jobs may be started before PostgreSQL is: they wait for it, and say so."""

import asyncio
import contextlib

import pytest

from bench.events_stage import Program, desk_at, durable_place, until_jobs_listen
from cli.entrances import CannotRun, wait_for_database
from crypto.keys import Keyring
from crypto.vault import Vault
from db.engine import open_database


def test_jobs_that_start_before_the_database_wait_for_it(capfd: pytest.CaptureFixture[str]) -> None:
    with durable_place() as place:
        assert place.postgres is not None
        place.postgres.stop()

        async def started_too_early() -> float:
            assert place.postgres is not None
            jobs = Program(place, "jobs", {})
            await jobs.start()
            said = ""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20):
                    while "does not answer yet" not in said:
                        await asyncio.sleep(0.1)
                        said += capfd.readouterr().err
            assert "does not answer yet" in said
            await asyncio.to_thread(place.postgres.start)
            async with desk_at(place) as desk:
                await until_jobs_listen(desk)
            return await jobs.stop()

        asyncio.run(started_too_early())


async def test_waiting_ends_with_one_plain_sentence(keyring: Keyring) -> None:
    nowhere = open_database("postgresql://tongli_app:x@127.0.0.1:9/nothing", vault=Vault.of(keyring))
    with pytest.raises(CannotRun, match="did not answer within 1 s"):
        await wait_for_database(nowhere, within_s=0.6)
    await nowhere.close()
