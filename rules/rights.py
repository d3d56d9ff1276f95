"""Who may do what: scope AND role AND part in the thing AND field class AND purpose AND, where asked, a qualification.

One table says for every operation of the API which scope it takes, which roles may ask, which parts in the named thing
are enough, and whether a purpose must be named; an operation that is not in it cannot be served. `judge` is the one
place that decides; actions/access.py is the one place that asks. Which field classes are shown is decided with
the same parts in rules/disclosure.py. Pure.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a principal is in its agency. `integration` is every machine account; the others are of people."""

    integration = "integration"
    union_coordinator = "union_coordinator"
    union_supervisor = "union_supervisor"
    agency_caseworker = "agency_caseworker"
    agency_supervisor = "agency_supervisor"
    fund_officer = "fund_officer"
    auditor = "auditor"
    statistician = "statistician"
    agency_admin = "agency_admin"
    platform_operator = "platform_operator"
    leadership = "leadership"


class Subject(StrEnum):
    """What an operation names: the thing in which the acting agency must have a part."""

    public = "public"
    own = "own"
    agency = "agency"
    case = "case"
    referral = "referral"
    report = "report"
    result = "result"
    sharing_basis = "sharing_basis"
    break_glass = "break_glass"
    audit_leaf = "audit_leaf"
    person_request = "person_request"
    link = "link"
    case_link = "case_link"
    match_candidate = "match_candidate"
    access_request = "access_request"
    case_transfer = "case_transfer"
    conference = "conference"
    letter = "letter"
    share_request = "share_request"
    expected_adoption = "expected_adoption"
    alert = "alert"
    plan = "plan"
    plan_task = "plan_task"
    proposal = "proposal"
    consultation = "consultation"


STAFF_ROLES = tuple(role for role in Role if role is not Role.integration)

CASE_PARTS = frozenset({"coordinator", "reporter", "receiver", "observer", "supervisor", "rescuer"})
REFERRAL_PARTS = frozenset({"sender", "receiver", "coordinator", "pool", "supervisor"})
REPORT_PARTS = frozenset({"owner", "coordinator"})
RESULT_PARTS = CASE_PARTS | {"owner"}
REQUEST_PARTS = frozenset({"filer", "decider", "coordinator"})
MATCH_PARTS = frozenset({"coordinator", "holder", "comparer"})
ACCESS_PARTS = frozenset({"asker", "holder"})
TRANSFER_PARTS = frozenset({"giver", "taker"})
SHARE_PARTS = frozenset({"asker", "provider"})
LETTER_PARTS = frozenset({"author", "addressee", "copied"})
CONFERENCE_PARTS = frozenset({"convener", "member"})
EXPECTED_PARTS = frozenset({"owner", "coordinator", "supervisor"})
ALERT_PARTS = frozenset({"owner", "above"})
PROPOSAL_PARTS = frozenset({"owner", "addressee"})
SEEING_PARTS: Mapping[Subject, frozenset[str]] = {
    Subject.public: frozenset(),
    Subject.own: frozenset({"owner"}),
    Subject.agency: frozenset({"owner", "reader"}),
    Subject.case: CASE_PARTS,
    Subject.referral: REFERRAL_PARTS,
    Subject.report: REPORT_PARTS,
    Subject.result: RESULT_PARTS,
    Subject.sharing_basis: frozenset({"owner", "recipient", "coordinator"}),
    Subject.break_glass: frozenset({"owner", "coordinator", "supervisor"}),
    Subject.audit_leaf: frozenset({"owner", "coordinator"}),
    Subject.person_request: REQUEST_PARTS,
    Subject.link: frozenset({"coordinator"}),
    Subject.case_link: frozenset({"owner", "reader", "supervisor"}),
    Subject.match_candidate: MATCH_PARTS,
    Subject.access_request: ACCESS_PARTS,
    Subject.case_transfer: TRANSFER_PARTS,
    Subject.conference: CONFERENCE_PARTS,
    Subject.letter: LETTER_PARTS,
    Subject.share_request: SHARE_PARTS,
    Subject.expected_adoption: EXPECTED_PARTS,
    Subject.alert: ALERT_PARTS,
    Subject.plan: frozenset({"owner"}),
    Subject.plan_task: frozenset({"owner", "doer"}),
    Subject.proposal: PROPOSAL_PARTS,
    Subject.consultation: frozenset({"owner"}),
}
"""Parts that let a thing be seen at all. Without one it does not exist for the caller."""

EVERYBODY = frozenset(Role)
_CASEWORK = frozenset({Role.integration, Role.union_coordinator, Role.agency_caseworker, Role.agency_supervisor})
_CASE_READERS = _CASEWORK | {Role.union_supervisor, Role.fund_officer}
_REFERRAL_READERS = _CASEWORK | {Role.union_supervisor}
_COORDINATORS = frozenset({Role.integration, Role.union_coordinator})
_POLICY_READERS = _REFERRAL_READERS | {Role.leadership}
_ADMINS = frozenset({Role.integration, Role.agency_admin})
_WARNED = frozenset({Role.integration, Role.union_coordinator, Role.union_supervisor, Role.leadership})
_AUDITORS = frozenset({Role.integration, Role.auditor, Role.agency_supervisor, Role.union_supervisor})

OF_UNIONS = frozenset({Role.union_coordinator, Role.union_supervisor})
OF_OFFICES = frozenset({Role.agency_caseworker, Role.agency_supervisor})


@dataclass(frozen=True, slots=True)
class Operation:
    """What one operation asks. `parts`: those of the subject's that are enough, all that see it unless said; `barred`:
    a part that rules it out, whatever other parts there are."""

    scope: str | None
    roles: frozenset[Role]
    subject: Subject
    parts: frozenset[str]
    purpose: bool
    barred: str | None = None


def _public() -> Operation:
    return Operation(None, EVERYBODY, Subject.public, frozenset(), purpose=False)


def _own(scope: str, roles: Iterable[Role], *, purpose: bool = False) -> Operation:
    return Operation(scope, frozenset(roles), Subject.own, SEEING_PARTS[Subject.own], purpose)


def _of(
    subject: Subject,
    scope: str,
    roles: Iterable[Role],
    *,
    parts: Collection[str] = (),
    purpose: bool = False,
    barred: str | None = None,
) -> Operation:
    return Operation(scope, frozenset(roles), subject, frozenset(parts) or SEEING_PARTS[subject], purpose, barred)


def _case(scope: str, roles: Iterable[Role], *, parts: Collection[str] = (), purpose: bool = False) -> Operation:
    return _of(Subject.case, scope, roles, parts=parts, purpose=purpose)


_FEED = _own("events:read", _REFERRAL_READERS)
_ADMIN, _HOOKS = _own("agency:admin", _ADMINS), _own("webhooks:manage", _ADMINS)
_COORDINATED = _case("cases:write", _COORDINATORS, parts={"coordinator"})
_CASE_READ = _case("cases:read", _CASE_READERS)
_CONVENED = _of(Subject.conference, "referrals:write", _COORDINATORS, parts={"convener"})
_CONFERRED = _of(Subject.conference, "referrals:write", _CASEWORK)
_CONFERENCE_READ = _of(Subject.conference, "referrals:read", _REFERRAL_READERS)
_RESULT_READ = _of(Subject.result, "cases:read", _CASE_READERS)

OPERATIONS: Mapping[str, Operation] = {
    # reference, for everybody who signs in
    **dict.fromkeys(("list_matters", "read_matter", "list_divisions", "read_division", "list_codes"), _public()),
    **dict.fromkeys(("list_agencies", "read_agency"), _public()),
    # an agency's own house
    **dict.fromkeys(("open_department", "list_clients", "read_client", "open_client"), _ADMIN),
    **dict.fromkeys(("change_client", "add_client_key", "revoke_client_key", "rotate_client_secret"), _ADMIN),
    **dict.fromkeys(("revoke_client", "list_staff", "read_staff", "open_staff", "change_staff"), _ADMIN),
    **dict.fromkeys(("read_me", "change_password", "begin_second_factor", "confirm_second_factor"), _public()),
    **dict.fromkeys(("list_devices", "revoke_device", "revoke_all_devices"), _public()),
    "invite_staff": _ADMIN,
    "read_linkage_encoding_key": _own("linkage:encode", _ADMINS),
    **dict.fromkeys(("revoke_staff", "list_qualifications", "record_qualification", "revoke_qualification"), _ADMIN),
    "change_agency": _of(Subject.agency, "agency:admin", _ADMINS, parts={"owner"}),
    **dict.fromkeys(("register_webhook_endpoint", "list_webhook_endpoints", "read_webhook_endpoint"), _HOOKS),
    **dict.fromkeys(("change_webhook_endpoint", "rotate_webhook_secret", "verify_webhook_endpoint"), _HOOKS),
    **dict.fromkeys(("enable_webhook_endpoint", "delete_webhook_endpoint"), _HOOKS),
    **dict.fromkeys(("test_webhook_endpoint", "reject_webhook_url"), _HOOKS),
    "approve_webhook_url": _own("webhooks:manage", {Role.agency_admin}),
    "list_webhook_keys": _public(),
    "read_webhook_statistics": _HOOKS,
    **dict.fromkeys(("list_deliveries", "read_delivery", "redeliver"), _HOOKS),
    **dict.fromkeys(("open_inbound_source", "list_inbound_sources", "read_inbound_source"), _HOOKS),
    **dict.fromkeys(("change_inbound_source", "rotate_inbound_credential", "retry_inbound_source"), _HOOKS),
    **dict.fromkeys(("add_inbound_mapping", "list_inbound_mappings", "read_inbound_mapping"), _HOOKS),
    **dict.fromkeys(("use_inbound_mapping", "try_inbound_mapping"), _HOOKS),
    **dict.fromkeys(("list_inbound_receipts", "read_inbound_receipt", "retry_inbound_receipt"), _HOOKS),
    "discard_inbound_receipt": _HOOKS,
    **dict.fromkeys(("replay_events", "list_webhook_replays", "read_webhook_replay", "cancel_webhook_replay"), _HOOKS),
    **dict.fromkeys(("read_feed", "list_feed_cursors", "read_feed_cursor"), _FEED),
    "save_feed_cursor": _FEED,
    # the audit log: what it reveals to everybody, and leaves to whom they concern
    **dict.fromkeys(("read_audit_log", "read_audit_checkpoint", "read_audit_checkpoint_of_size"), _public()),
    **dict.fromkeys(("prove_audit_inclusion", "prove_audit_consistency", "read_audit_entries"), _public()),
    **dict.fromkeys(("read_audit_tile", "read_audit_witness"), _public()),
    **dict.fromkeys(("register_audit_witness", "revoke_audit_witness"), _ADMIN),
    "cosign_audit_checkpoint": _own("audit:witness", {Role.integration}),
    "list_audit_leaves": _own("audit:read", _AUDITORS),
    "read_audit_leaf": _of(Subject.audit_leaf, "audit:read", _AUDITORS),
    # cases
    "file_report": _own("reports:write", _CASEWORK),
    "read_report": _of(Subject.report, "reports:read", _CASEWORK, purpose=True),
    "list_cases": _own("cases:read", _CASE_READERS),
    "search_cases": _own("cases:read", _CASEWORK, purpose=True),
    **dict.fromkeys(("read_case", "read_timeline", "list_participants", "list_links", "list_case_tasks"), _CASE_READ),
    "read_case_file": _case("cases:read", _CASE_READERS, parts={"coordinator", "supervisor", "rescuer"}, purpose=True),
    **dict.fromkeys(("invite_participant", "record_sharing_basis", "take_case_step"), _COORDINATED),
    "list_case_links": _CASE_READ,
    "link_case": _case("cases:write", _CASEWORK, parts=CASE_PARTS - {"supervisor"}),
    "read_case_link": _of(Subject.case_link, "cases:read", _CASE_READERS),
    "undo_case_link": _of(Subject.case_link, "cases:write", _CASEWORK, parts={"owner"}),
    # why fields leave
    "list_sharing_bases": _case("cases:read", _CASEWORK),
    "read_sharing_basis": _of(Subject.sharing_basis, "cases:read", _CASEWORK),
    "withdraw_sharing_basis": _of(Subject.sharing_basis, "cases:write", _CASEWORK, parts={"owner", "coordinator"}),
    **dict.fromkeys(("list_assessments", "read_assessment"), _of(Subject.agency, "cases:read", _CASE_READERS)),
    "record_assessment": _ADMIN,
    "revoke_assessment": _of(Subject.agency, "agency:admin", _ADMINS, parts={"owner"}),
    "break_glass": _case("cases:read", _CASEWORK, parts=CASE_PARTS - {"supervisor"}),
    "list_break_glass": _CASE_READ,
    "read_break_glass": _of(Subject.break_glass, "cases:read", _CASE_READERS),
    "review_break_glass": _of(
        Subject.break_glass,
        "cases:write",
        _COORDINATORS | {Role.union_supervisor},
        barred="owner",
    ),
    "reveal_values": _case(
        "persons:reveal", _CASEWORK | {Role.fund_officer}, parts={"coordinator", "receiver"}, purpose=True
    ),
    "end_participation": _case("cases:write", _CASEWORK, parts={"coordinator", "observer"}),
    "undo_link": _of(Subject.link, "cases:write", _COORDINATORS),
    # requests of the person
    "read_access_log": _case("cases:read", _COORDINATORS, parts={"coordinator"}, purpose=True),
    "file_person_request": _case("cases:write", _CASEWORK, parts=CASE_PARTS - {"supervisor"}),
    "list_person_requests": _own("cases:read", _CASEWORK),
    "read_person_request": _of(Subject.person_request, "cases:read", _CASEWORK, purpose=True),
    "take_person_request_step": _of(Subject.person_request, "cases:write", _CASEWORK),
    **dict.fromkeys(
        ("read_person_document", "print_person_document"),
        _of(Subject.person_request, "cases:read", _COORDINATORS, parts={"coordinator"}, purpose=True),
    ),
    # possible matches, and asking the other side
    "list_match_candidates": _own("cases:read", _COORDINATORS),
    "read_match_candidate": _of(Subject.match_candidate, "cases:read", _COORDINATORS, purpose=True),
    "draw_match_candidate": _of(Subject.match_candidate, "cases:read", _COORDINATORS, parts={"comparer"}, purpose=True),
    **dict.fromkeys(
        ("decide_not_duplicate", "confirm_match_candidate", "undo_match_decision", "ask_holder"),
        _of(Subject.match_candidate, "cases:write", _COORDINATORS),
    ),
    "decide_match_candidates": _own("cases:write", _COORDINATORS),
    "list_access_requests": _own("cases:read", _COORDINATORS),
    "read_access_request": _of(Subject.access_request, "cases:read", _COORDINATORS, purpose=True),
    **dict.fromkeys(
        ("grant_access", "refuse_access", "revoke_access"),
        _of(Subject.access_request, "cases:write", _COORDINATORS, parts={"holder"}),
    ),
    # the coordinator's role on its way to another union
    "ask_transfer": _case("cases:write", _COORDINATORS, parts=CASE_PARTS - {"supervisor", "rescuer"}),
    "list_transfers": _own("cases:read", _COORDINATORS | {Role.union_supervisor}),
    "read_transfer": _of(Subject.case_transfer, "cases:read", _COORDINATORS | {Role.union_supervisor}, purpose=True),
    "take_transfer_step": _of(Subject.case_transfer, "cases:write", _COORDINATORS),
    # early warning
    "state_signal": _own("alerts:write", _CASEWORK),
    "list_alerts": _own("alerts:read", _WARNED),
    "read_alert": _of(Subject.alert, "alerts:read", _WARNED),
    "take_alert_step": _of(Subject.alert, "alerts:write", _COORDINATORS | {Role.union_supervisor}, parts={"owner"}),
    "open_plan": _own("alerts:write", _COORDINATORS | {Role.union_supervisor}),
    **dict.fromkeys(("list_plans", "list_plan_activations"), _own("alerts:read", _WARNED)),
    "read_plan_activation": _of(Subject.plan, "alerts:read", _WARNED),
    **dict.fromkeys(
        ("retire_plan", "activate_plan", "stand_down_plan"),
        _of(Subject.plan, "alerts:write", _COORDINATORS | {Role.union_supervisor}),
    ),
    "list_plan_tasks": _own("alerts:read", _CASEWORK),
    "finish_plan_task": _of(Subject.plan_task, "alerts:write", _CASEWORK, parts={"doer"}),
    # what no body answers, and what is asked of those who could settle it
    "record_policy_gap": _COORDINATED,
    "read_policy_gaps": _case("cases:read", _COORDINATORS, parts={"coordinator"}, purpose=True),
    "count_policy_gaps": _own("policy:read", _POLICY_READERS),
    "register_consultation": _own("policy:write", _COORDINATORS),
    **dict.fromkeys(("list_consultations", "count_consultations"), _own("policy:read", _POLICY_READERS)),
    "read_consultation": _of(Subject.consultation, "policy:read", _POLICY_READERS),
    "change_consultation": _of(Subject.consultation, "policy:write", _COORDINATORS),
    "draft_proposal": _own("policy:write", _COORDINATORS),
    "list_proposals": _own("policy:read", _POLICY_READERS),
    "read_proposal": _of(Subject.proposal, "policy:read", _POLICY_READERS),
    "change_proposal": _of(Subject.proposal, "policy:write", _COORDINATORS, parts={"owner"}),
    "take_proposal_step": _of(Subject.proposal, "policy:write", _CASEWORK),
    # referrals
    "refer": _case("referrals:write", _CASEWORK, parts={"coordinator", "receiver"}),
    "list_referrals_of_case": _case("referrals:read", _REFERRAL_READERS),
    **dict.fromkeys(
        ("list_referrals", "list_escalations", "read_push_backs"), _own("referrals:read", _REFERRAL_READERS)
    ),
    **dict.fromkeys(("list_expected_adoptions", "read_adoption_rates"), _own("cases:read", _REFERRAL_READERS)),
    "read_people_of_referral": _of(Subject.referral, "referrals:read", _CASEWORK, parts={"receiver"}, purpose=True),
    "read_referral": _of(Subject.referral, "referrals:read", _REFERRAL_READERS),
    "take_referral_step": _of(Subject.referral, "referrals:write", _CASEWORK, parts=REFERRAL_PARTS - {"supervisor"}),
    **dict.fromkeys(
        ("make_answer_link", "revoke_answer_link"),
        _of(Subject.referral, "referrals:write", _CASEWORK, parts={"sender", "coordinator"}),
    ),
    "list_answer_links": _of(Subject.referral, "referrals:read", _REFERRAL_READERS, parts={"sender", "coordinator"}),
    # the catalogue of shared data, and requests for it
    **dict.fromkeys(("list_catalogue_items", "read_catalogue_item"), _public()),
    "publish_catalogue_item": _ADMIN,
    "revise_catalogue_item": _of(Subject.agency, "agency:admin", _ADMINS, parts={"owner"}),
    "ask_for_data": _own("cases:write", _CASEWORK),
    "list_share_requests": _own("cases:read", _CASEWORK),
    "read_share_request": _of(Subject.share_request, "cases:read", _CASEWORK),
    "take_share_step": _of(Subject.share_request, "cases:write", _CASEWORK),
    # letters of supervision
    "write_letter": _case("cases:write", _COORDINATORS, parts={"coordinator"}),
    "list_letters": _own("cases:read", _CASEWORK),
    **dict.fromkeys(("read_letter", "print_letter"), _of(Subject.letter, "cases:read", _CASEWORK, purpose=True)),
    "take_letter_step": _of(Subject.letter, "cases:write", _CASEWORK, parts={"author", "addressee"}),
    # joint conferences
    "found_conference": _own("referrals:write", _COORDINATORS),
    "list_conferences": _own("referrals:read", _REFERRAL_READERS),
    **dict.fromkeys(("change_conference", "call_session", "take_session_step", "ask_opinions"), _CONVENED),
    **dict.fromkeys(("read_conference", "read_participation", "list_sessions", "read_session"), _CONFERENCE_READ),
    **dict.fromkeys(("read_agenda_item", "read_conference_task"), _CONFERENCE_READ),
    **dict.fromkeys(("raise_agenda_item", "take_agenda_item_step", "give_opinion"), _CONFERRED),
    "list_conference_tasks": _own("referrals:read", _REFERRAL_READERS),
    "take_conference_task_step": _CONFERRED,
    # results
    **dict.fromkeys(("list_results", "list_assistance"), _CASE_READ),
    **dict.fromkeys(("read_result", "list_adoptions"), _RESULT_READ),
    "adopt_result": _of(
        Subject.result, "results:write", _CASEWORK, parts=RESULT_PARTS - {"supervisor"}, barred="owner"
    ),
    "withdraw_result": _of(Subject.result, "results:write", _CASEWORK, parts={"owner"}),
    "read_expected_adoption": _of(Subject.expected_adoption, "cases:read", _REFERRAL_READERS),
    "adopt_expected": _of(Subject.expected_adoption, "results:write", _CASEWORK, parts={"owner"}),
    "adopt_report": _of(Subject.report, "results:write", _CASEWORK, barred="owner"),
}
"""By operation id of the API document. A write of another agency's decision has no line: nobody's part allows it."""


def effective_roles(roles: Iterable[str], agency_kind: str) -> frozenset[Role]:
    """The roles that count in an agency of this kind: a union's own roles mean nothing elsewhere, nor do an office's
    casework roles in a union, which is no authority."""
    known = {Role(role) for role in roles if role in Role.__members__}
    return frozenset(known - (OF_OFFICES if agency_kind == "union" else OF_UNIONS))


def scopes_of_roles(roles: Iterable[str]) -> frozenset[str]:
    """What people in these roles may be granted at most: the scopes of the operations their roles may ask for."""
    mine = {Role(role) for role in roles if role in Role.__members__} - {Role.integration}
    return frozenset(operation.scope for operation in OPERATIONS.values() if operation.scope and operation.roles & mine)


SECOND_FACTOR_ROLES = frozenset(
    {Role.union_supervisor, Role.agency_supervisor, Role.agency_admin, Role.platform_operator, Role.auditor}
)
"""Roles of supervisors and administrators: a password alone does not make anybody one."""


def proven_roles(roles: Iterable[Role], *, second_factor: bool | None) -> frozenset[Role]:
    """The roles in force for somebody who signed in so: without a second factor those that ask for one are asleep."""
    return frozenset(roles) if second_factor else frozenset(roles) - SECOND_FACTOR_ROLES


def needs_second_factor(roles: Iterable[str]) -> bool:
    return not SECOND_FACTOR_ROLES.isdisjoint(roles)


class Verdict(StrEnum):
    """Why not, or `allowed`. `hidden` answers as if the thing did not exist."""

    allowed = "allowed"
    scope = "insufficient-scope"
    role = "insufficient-role"
    hidden = "not-found"
    part = "insufficient-part"


def judge_principal(operation: Operation, *, scopes: Collection[str], roles: Collection[str]) -> Verdict:
    """Whether these scopes and effective roles may ask for the operation at all, whatever it names."""
    if operation.scope is not None and operation.scope not in scopes:
        return Verdict.scope
    open_to_all = operation.subject is Subject.public
    return Verdict.allowed if open_to_all or operation.roles.intersection(roles) else Verdict.role


def judge_part(subject: Subject, parts: Collection[str], operation: Operation | None) -> Verdict:
    """Whether an agency with these parts in a subject may see it and, where `operation` names such a subject, do that
    there."""
    if not SEEING_PARTS[subject].intersection(parts):
        return Verdict.hidden
    if operation is None or operation.subject is not subject:
        return Verdict.allowed
    enough = operation.parts.intersection(parts) and operation.barred not in parts
    return Verdict.allowed if enough else Verdict.part
