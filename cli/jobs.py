"""`./tongli jobs`: the background jobs alone, any number of them on one database; they take turns by locks."""

import argparse
import asyncio
import signal
from contextlib import ExitStack

import uvloop

from cli.entrances import CannotRun, database_for, or_give_up, read_settings, wait_for_database
from db import names
from db.engine import check_audit_hash, check_role
from logs import configure_logging
from settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments: the settings come from the environment."""
    parser.epilog = (
        "TONGLI_JOBS_DATABASE_URL is the login of role tongli_jobs, TONGLI_APP_DATABASE_URL that of tongli_app, as "
        "which inbound messages are done; ./tongli settings lists everything."
    )


def run(_arguments: argparse.Namespace) -> int:
    """Work until SIGTERM, then finish what was begun; 1 where the jobs may not start."""
    return or_give_up(lambda: uvloop.run(_work(read_settings())))


async def _work(settings: Settings) -> int:
    from api.inbound_reading import READING  # noqa: PLC0415  a refusal need not wait for these
    from jobs.inbound import Intake  # noqa: PLC0415
    from jobs.main import run_jobs  # noqa: PLC0415

    configure_logging(settings.log_level, settings.log_format)
    database, application = database_for(settings, names.JOBS), database_for(settings, names.APP)
    intake = Intake(database, application, READING, allow_demo=not settings.production)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await wait_for_database(database)
        await check_role(database)
        await check_role(application)
        await check_audit_hash(database)
        with _metrics(settings):
            await run_jobs(database, settings, stop, others={"inbound": intake.run})
    finally:
        await application.close()
        await database.close()
    return 0


def _metrics(settings: Settings) -> ExitStack:
    """/metrics of the jobs where a port is set, until it is closed. Raises CannotRun where the port is taken."""
    from jobs.metrics import metrics_at  # noqa: PLC0415  as above

    served = ExitStack()
    if settings.jobs_metrics_port is not None:
        try:
            served.enter_context(metrics_at(settings.jobs_metrics_host, settings.jobs_metrics_port))
        except OSError as fault:
            raise CannotRun(f"TONGLI_JOBS_METRICS_PORT={settings.jobs_metrics_port}: {fault.strerror}") from None
    return served
