"""What is forgotten once its time is over, and the partitions of the months to come."""

from datetime import datetime

from db.engine import Raw


async def make_partitions(raw: Raw, months: int) -> int:
    """Partitions of this month and `months` ahead; how many were missing."""
    return int(await raw.fetchval("SELECT make_partitions($1)", months))


async def forget_answers(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes idempotency records older than `before`; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM idempotency_record WHERE (agency_id, key_hash) IN ("
            "SELECT agency_id, key_hash FROM idempotency_record WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_assertions(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes client assertions that expired before `before`: they are refused for their age; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM client_assertion WHERE (client_id, token_id) IN ("
            "SELECT client_id, token_id FROM client_assertion WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_tries(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes tries to sign in whose window began before `before`; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM sign_in_attempt WHERE key_hash IN ("
            "SELECT key_hash FROM sign_in_attempt WHERE started_at < $1 ORDER BY started_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_codes(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes authorization codes made before `before`; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM sign_in_code WHERE code_hash IN ("
            "SELECT code_hash FROM sign_in_code WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_refresh_tokens(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes refresh tokens that ran out before `before`; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM refresh_token WHERE token_hash IN ("
            "SELECT token_hash FROM refresh_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_devices(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes devices that ran out before `before`, when their tokens are gone; how many."""
    return _counted(
        await raw.execute(
            "DELETE FROM device WHERE id IN (SELECT id FROM device WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
            before,
            limit,
        )
    )


def _counted(tag: str) -> int:
    """The row count of PostgreSQL's command tag."""
    return int(tag.rpartition(" ")[2])
