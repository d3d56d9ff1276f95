"""Links of the API document: what one answer lets a caller do next. Generators and state-machine tests follow them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.spec_schemas import Node

_BODY: Final = "$response.body#"
_TAG: Final = {"header.If-Match": "$response.header.ETag"}


class Link(NamedTuple):
    """From the success of `source` to `target`, with values of the answer."""

    source: str
    target: str
    parameters: Mapping[str, str]
    step: str | None = None

    @property
    def name(self) -> str:
        return f"{self.step}_{self.target.removeprefix('take_')}" if self.step else self.target

    def described(self) -> Node:
        step = {"path.step": self.step} if self.step else {}
        return {"operationId": self.target, "parameters": {**self.parameters, **step}}


def _to(source: str, parameter: str, value: str, *targets: str) -> tuple[Link, ...]:
    return tuple(Link(source, target, {f"path.{parameter}": value}) for target in targets)


def _change(source: str, parameter: str, *targets: str) -> tuple[Link, ...]:
    """Changes of the thing just answered, based on its tag."""
    return tuple(Link(source, target, {f"path.{parameter}": f"{_BODY}/id", **_TAG}) for target in targets)


def _step(source: str, step: str) -> Link:
    """A step on the referral just answered, based on its tag."""
    return Link(source, "take_referral_step", {"path.referral_id": f"{_BODY}/id", **_TAG}, step)


_OF_A_CASE: Final = (
    "read_case",
    "read_case_file",
    "read_timeline",
    "list_participants",
    "list_links",
    "list_case_tasks",
    "list_referrals_of_case",
    "list_results",
    "list_assistance",
    "refer",
    "record_sharing_basis",
    "file_person_request",
    "read_access_log",
    "record_policy_gap",
    "read_policy_gaps",
)

LINKS: Final[tuple[Link, ...]] = (
    *_to("file_report", "report_id", f"{_BODY}/id", "read_report", "adopt_report"),
    *_to("file_report", "leaf_id", f"{_BODY}/receipt/leaf_id", "read_audit_leaf"),
    *_to("file_report", "case_id", f"{_BODY}/case/id", *_OF_A_CASE),
    *_to("list_cases", "case_id", f"{_BODY}/data/0/id", *_OF_A_CASE),
    Link("read_case", "take_case_step", {"path.case_id": f"{_BODY}/id", **_TAG}, "assess"),
    Link("take_case_step", "take_case_step", {"path.case_id": f"{_BODY}/id", **_TAG}, "activate"),
    *_to("refer", "referral_id", f"{_BODY}/id", "read_referral"),
    *(_step("refer", step) for step in ("receive", "accept", "cancel")),
    *_to("list_referrals", "referral_id", f"{_BODY}/data/0/id", "read_referral"),
    *_to("list_referrals_of_case", "referral_id", f"{_BODY}/data/0/id", "read_referral"),
    *(_step("read_referral", step) for step in ("accept", "start", "complete")),
    *_to("take_referral_step", "referral_id", f"{_BODY}/id", "read_referral"),
    *_to("take_referral_step", "case_id", f"{_BODY}/case_id", "list_results", "list_assistance"),
    *(_step("take_referral_step", step) for step in ("start", "complete")),
    *_to("list_results", "result_id", f"{_BODY}/data/0/id", "read_result", "list_adoptions", "adopt_result"),
    *_to("list_expected_adoptions", "expected_id", f"{_BODY}/data/0/id", "read_expected_adoption", "adopt_expected"),
    *_to("adopt_result", "result_id", "$request.path.result_id", "list_adoptions"),
    *_to("file_person_request", "request_id", f"{_BODY}/id", "read_person_request", "read_person_document"),
    Link("file_person_request", "take_person_request_step", {"path.request_id": f"{_BODY}/id", **_TAG}, "review"),
    Link("take_person_request_step", "take_person_request_step", {"path.request_id": f"{_BODY}/id", **_TAG}, "fulfil"),
    *_to("list_person_requests", "request_id", f"{_BODY}/data/0/id", "read_person_request"),
    *_change("register_consultation", "consultation_id", "change_consultation"),
    *_to("list_consultations", "consultation_id", f"{_BODY}/data/0/id", "read_consultation"),
    *_change("draft_proposal", "proposal_id", "change_proposal"),
    *_to("draft_proposal", "proposal_id", f"{_BODY}/id", "read_proposal"),
    Link("read_proposal", "take_proposal_step", {"path.proposal_id": f"{_BODY}/id", **_TAG}, "send"),
    *_to("list_proposals", "proposal_id", f"{_BODY}/data/0/id", "read_proposal"),
    *_to("list_matters", "code", f"{_BODY}/data/0/code", "read_matter"),
    *_to("list_divisions", "code", f"{_BODY}/data/0/code", "read_division"),
    *_to("list_agencies", "agency_id", f"{_BODY}/data/0/id", "read_agency"),
    *_to("open_department", "agency_id", f"{_BODY}/id", "read_agency"),
    *_change("read_agency", "agency_id", "change_agency"),
    *_to("list_feed_cursors", "consumer", f"{_BODY}/data/0/consumer", "read_feed_cursor"),
    Link("read_feed", "read_feed", {"query.cursor": f"{_BODY}/page/next"}),
    *_to("register_webhook_endpoint", "endpoint_id", f"{_BODY}/id", "read_webhook_endpoint", "verify_webhook_endpoint"),
    *_to("register_webhook_endpoint", "endpoint_id", f"{_BODY}/id", "test_webhook_endpoint", "list_webhook_keys"),
    *_to("register_webhook_endpoint", "endpoint_id", f"{_BODY}/id", "read_webhook_statistics"),
    *_change("read_webhook_endpoint", "endpoint_id", "change_webhook_endpoint", "delete_webhook_endpoint"),
    *_change("read_webhook_endpoint", "endpoint_id", "approve_webhook_url", "reject_webhook_url"),
    *_to("replay_events", "replay_id", f"{_BODY}/id", "read_webhook_replay", "cancel_webhook_replay"),
    *_to("list_webhook_replays", "replay_id", f"{_BODY}/data/0/id", "read_webhook_replay"),
    *_to("register_audit_witness", "witness_id", f"{_BODY}/id", "read_audit_witness"),
    *_change("read_audit_witness", "witness_id", "revoke_audit_witness"),
    *_to("list_deliveries", "delivery_id", f"{_BODY}/data/0/id", "read_delivery", "redeliver"),
    *_to("open_client", "client_id", f"{_BODY}/id", "read_client", "add_client_key", "rotate_client_secret"),
    *_change("read_client", "client_id", "change_client", "revoke_client"),
    *_to("open_staff", "staff_id", f"{_BODY}/id", "read_staff"),
    *_change("read_staff", "staff_id", "change_staff", "revoke_staff"),
)


def add_links(operations: Mapping[str, Node]) -> None:
    """Put the links into the successes of the operations, by operation id, in place."""
    for link in LINKS:
        assert link.target in operations, link.target
        responses = operations[link.source]["responses"]
        success = next(responses[status] for status in responses if status < "300")
        success.setdefault("links", {})[link.name] = link.described()
