"""Whether the process answers, whether it can serve, and its counters: for probes and Prometheus, not for agencies."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from api.deps import ServicesDep
from db.transaction import open_system_transaction

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request, services: ServicesDep) -> Response:
    """The process can serve: it is not stopping and the database answers."""
    if not request.app.state.ready:
        return JSONResponse({"status": "stopping"}, status_code=503)
    async with open_system_transaction(services.database) as raw:
        await raw.fetchval("SELECT 1")
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics() -> Response:
    """Counters for Prometheus; no label names a person, a case or an agency."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
