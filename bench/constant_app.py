"""The least FastAPI can do: one route, one constant. What everything else is compared with."""

from fastapi import FastAPI

app = FastAPI(openapi_url=None)


@app.get("/constant")
async def constant() -> dict[str, str]:
    """Twenty bytes of JSON."""
    return {"status": "constant"}
