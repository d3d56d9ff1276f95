"""A small service with nothing but the mechanisms, as the tests' front desk: what it accepts, it says back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field, JsonValue

from api.errors import install_error_handlers
from api.middleware import ServiceMiddleware
from api.paging import Cursor, Limit
from api.params import Fen, Flag, Instant, JsonObject, MergePatchBody, ShortText, Uuid, WholeNumber
from api.schemas.base import StrictModel
from api.strict_json import RawBodyRoute, StrictRouter, read_form
from rules.errors import TongliError

PUBLIC_URL = "https://tongli.example"
MAX_BODY = 262_144


class Channel(StrEnum):
    VISIT = "visit"
    HOTLINE = "hotline"


class Address(StrictModel):
    division_code: str
    detail: str | None = None


class Note(StrictModel):
    """A body with every kind of field."""

    text: ShortText
    count: int = 0
    urgent: bool = False
    channel: Channel = Channel.VISIT
    also: list[Channel] = Field(default_factory=list)
    case_id: UUID | None = None
    aware_at: datetime | None = None
    born: date | None = None
    amount_fen: Fen = 0
    address: Address | None = None
    needs: list[str] = Field(default_factory=list)
    parts: list["Note"] = Field(default_factory=list)
    mapping: JsonObject = Field(default_factory=dict)


class NoteChange(StrictModel):
    text: ShortText | None = None


class Answer(BaseModel):
    text: str
    at: datetime | None = None


class Failures:
    """What the route `/v1/fail` raises next."""

    next: Exception = RuntimeError()


async def paging(limit: Limit = 50, cursor: Cursor = None) -> int:
    return limit


router = StrictRouter("/v1")
raw = StrictRouter("/v1/inbound", route_class=RawBodyRoute)
oauth = APIRouter(prefix="/oauth")


@router.post("/notes", status_code=201)
async def take_note(note: Note, request: Request) -> Answer:
    request.state.client_id = "labour-inspection"
    return Answer(text=note.text, at=note.aware_at)


@router.post("/echo")
async def echo(note: Note, request: Request) -> dict[str, JsonValue]:
    return {"json": request.state.json, "note": note.model_dump(mode="json")}


@router.patch("/notes/{note_id}")
async def change_note(note_id: Uuid, change: Annotated[NoteChange, MergePatchBody]) -> Answer:
    return Answer(text=change.text or "")


@router.get("/notes/{note_id}")
async def read_note(note_id: Uuid) -> Answer:
    return Answer(text=str(note_id))


@router.get("/notes")
async def list_notes(
    rows: Annotated[int, Depends(paging)],
    updated_from: Instant | None = None,
    page: WholeNumber = 0,
    *,
    open_only: Flag = False,
    status: str | None = None,
) -> Answer:
    return Answer(text=f"{rows} {page} {open_only} {status}", at=updated_from)


@router.post("/notes/{note_id}/receive")
async def receive_note(note_id: Uuid, request: Request) -> dict[str, JsonValue]:
    return {"json": request.state.json}


@router.get("/fail")
async def fail(request: Request) -> Answer:
    request.state.answer_headers["RateLimit"] = '"client";r=1;t=2'
    raise Failures.next


@raw.post("/{source_id}", status_code=202)
async def take_envelope(source_id: str, request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@oauth.post("/token")
async def token(request: Request) -> dict[str, str]:
    return read_form(await request.body())


def build_desk(
    *, allowed_hosts: tuple[str, ...] = ("tongli.example", "127.0.0.1"), body_seconds: float = 30
) -> FastAPI:
    """The service. Every call builds a new one."""
    app = FastAPI(telemetry={"logs": False})
    install_error_handlers(app, PUBLIC_URL)
    app.add_middleware(
        ServiceMiddleware,
        public_url=PUBLIC_URL,
        allowed_hosts=allowed_hosts,
        max_body_bytes=MAX_BODY,
        body_seconds=body_seconds,
    )
    for part in (router, raw, oauth):
        app.include_router(part)

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    return app


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the service in this process. An exception that leaves the service fails the test."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


def failing_with(error: Exception | TongliError) -> None:
    """Let `GET /v1/fail` raise this."""
    Failures.next = error
