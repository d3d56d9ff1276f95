"""`/answer`: where an office without a system looks at a referral and answers it, with nothing but a link.

GET shows the same empty form to everybody and touches nothing. The link's secret comes in the body of a POST; it is the
only authority, there is no cookie, so no other site can borrow one. A forged link is refused before any database;
others are counted by link and by address. Whatever does not stand gets one page, whyever.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from unicodedata import normalize

import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from actions import answer_links as verbs
from actions.answer_links import Opened, answered_by, clerk_of
from actions.referral_steps import StepSaid
from api.answer_facts import CODE_LISTS, choices_of, facts_of, facts_of_answer
from api.deps import ServicesDep
from api.errors import field_errors
from api.problems import field_problem
from api.schemas.referrals import StepIn
from api.services import Services
from api.strict_json import read_form
from api.tries import address_given_back, count_of_link, taken
from crypto.grants import hash_grant
from db.clock import real_time
from db.queries.answer_links import addressee_of
from db.queries.codes import codes_of_several
from db.queries.divisions import name_of_division
from db.transaction import Caller, Tx, open_system_transaction, open_transaction
from rules.errors import (
    Conflict,
    Erased,
    FieldError,
    Hidden,
    MalformedRequest,
    NotAuthenticated,
    PreconditionFailed,
    QuotaExceeded,
    Refused,
    TongliError,
    ValidationFailed,
)
from rules.rights import OPERATIONS
from web import answer_links as pages
from web.answer_link_texts import LABELS, Words

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(component="answer_links")

_SCOPES = frozenset({"referrals:read", "referrals:write"})
_LINE_ENDS = re.compile(rb"%0d%0a", re.IGNORECASE)
_VERSION = re.compile(r"[0-9]{1,9}")
_OF_STEP = ("reason", "text", "competent_agency_kind", "legal_basis", "outcome")
_LONGEST_LINK = 500


@dataclass(frozen=True, slots=True)
class _Desk:
    """One form that was sent through a link that is known to be ours."""

    services: Services
    caller: Caller
    token: str
    form: Mapping[str, str]


@router.get(pages.ADDRESS)
async def look() -> Response:
    """The empty form: the same for people, for bots that fetch a preview, and for whoever guesses."""
    return pages.entry_page()


@router.post(pages.ADDRESS)
async def use(request: Request, services: ServicesDep) -> Response:
    """Opens a link, or answers through it."""
    try:
        form = _read(await request.body())
        token = _token(form)
        desk = _Desk(services, await _caller(services, request, token), token, form)
        return await (_answer(desk) if "step" in form else _show(desk))
    except QuotaExceeded as wait:
        return pages.wait_page(wait.retry_after)
    except (Hidden, NotAuthenticated, Erased, Refused, MalformedRequest):
        return pages.fault_page()


def _read(body: bytes) -> Mapping[str, str]:
    """A form as browsers send it: lines end with CR LF there. Raises MalformedRequest."""
    form = read_form(_LINE_ENDS.sub(b"%0A", body))
    return {name: normalize("NFC", value).strip() for name, value in form.items()}


def _token(form: Mapping[str, str]) -> str:
    """The secret of the form: by itself, or behind the `#` of a whole link that was pasted."""
    given = form.get("link", "")
    return "" if len(given) > _LONGEST_LINK else given.rpartition("#")[2].strip()


async def _caller(services: Services, request: Request, token: str) -> Caller:
    """Who acts. Raises Hidden, without SQL for what was not made here; QuotaExceeded."""
    link_id = services.vault.answer_links.read(token, real_time())
    count = count_of_link(services, request, link_id)
    wait = await taken(services, count)
    if wait:
        _log.warning("answer link throttled", link=str(link_id))
        raise QuotaExceeded(wait)
    async with open_system_transaction(services.database) as raw:
        agency_id = await addressee_of(raw, link_id, hash_grant(token))
    if agency_id is None:
        raise Hidden
    await address_given_back(services, count)
    return Caller(
        kind="answer_link",
        principal_id=link_id,
        agency_id=agency_id,
        client_id=link_id,
        scopes=_SCOPES,
        request_id=request.state.request_id,
    )


async def _show(
    desk: _Desk, *, fault: str | None = None, wrong: TongliError | None = None, status: int = 200
) -> Response:
    """Looks in a transaction that cannot write."""
    operation = OPERATIONS["read_referral"]
    async with open_transaction(desk.services.database, desk.caller, operation=operation, read_only=True) as tx:
        opened = await verbs.open_link(tx, desk.token)
        if opened.link["answered_at"] is not None:
            return _answered(desk, tx, opened)
        codes = await codes_of_several(tx, CODE_LISTS)
        place = await name_of_division(tx, opened.referral["place"])
        clerk = clerk_of(tx, opened.link) or ""
    asked = pages.Asked(
        token=desk.token,
        version=opened.referral["version"],
        facts=facts_of(opened, codes, place=place),
        steps=opened.steps,
        choices=choices_of(codes),
        said={"clerk": clerk, **desk.form} if fault else {"clerk": clerk},
        fault=fault,
        wrong=_wrong(wrong),
        status=status,
    )
    return pages.referral_page(asked)


async def _answer(desk: _Desk) -> Response:
    """Takes the step, or shows what is wrong on the same page, with what was typed."""
    step, operation = desk.form["step"], OPERATIONS["take_referral_step"]
    try:
        async with open_transaction(desk.services.database, desk.caller, operation=operation) as tx:
            said, version = _said(desk.form), _version(desk.form)
            opened = await verbs.answer(tx, desk.token, step, said, clerk=desk.form.get("clerk", ""), version=version)
            page = _answered(desk, tx, opened)
    except ValidationFailed as wrong:
        return await _show(desk, fault="wrong", wrong=wrong, status=422)
    except PreconditionFailed:
        return await _show(desk, fault="changed", status=412)
    except Conflict:
        return await _show(desk, fault="not-now", status=409)
    _log.info("answered by link", link=str(desk.caller.principal_id), step=step)
    return page


def _answered(desk: _Desk, tx: Tx, opened: Opened) -> Response:
    facts = facts_of_answer(opened, by=answered_by(tx, opened.link) or "")
    url = f"{desk.services.public_url}{pages.ADDRESS}#{opened.next_token}"
    return pages.answered_page(facts, next_token=opened.next_token, next_url=url)


def _version(form: Mapping[str, str]) -> int:
    """What the answer is based on, as `If-Match` says elsewhere. Raises MalformedRequest."""
    given = form.get("version", "")
    if not _VERSION.fullmatch(given):
        raise MalformedRequest
    return int(given)


def _said(form: Mapping[str, str]) -> StepSaid:
    """The words of the form, read by the schema that reads a step of the API. Raises ValidationFailed."""
    body: dict[str, object] = {name: form[name] for name in _OF_STEP if form.get(name)}
    missing = [line.strip() for line in form.get("missing", "").split("\n") if line.strip()]
    if missing:
        body["missing"] = missing
    result = {name: form[f"result_{name}"] for name in ("kind", "code", "text") if form.get(f"result_{name}")}
    if result:
        body["result"] = result
    try:
        return StepIn.model_validate(body).said()
    except ValidationError as error:
        raise ValidationFailed(*field_errors(error, body)) from None


def _wrong(error: TongliError | None) -> list[tuple[str, Words]]:
    """What to correct, by the label of its field."""
    errors = error.errors if isinstance(error, ValidationFailed) else ()
    return [(_label(found), _problem(found)) for found in errors]


def _label(found: FieldError) -> str:
    name = "_".join(part for part in found.pointer.split("/") if part and not part.isdigit())
    return name if name in LABELS else "answer"


def _problem(found: FieldError) -> Words:
    zh, en = (str(field_problem("", found.code, language, facts=found.facts)["detail"]) for language in ("zh-CN", "en"))
    return Words(zh, en)
