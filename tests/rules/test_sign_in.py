"""Refresh tokens decided; redirect places; passwords; whose address it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.client_addresses import UNKNOWN, client_address, read_networks
from rules.passwords import password_fault
from rules.redirects import form_target, is_registered, may_be_registered
from rules.rights import SECOND_FACTOR_ROLES, STAFF_ROLES, Role, needs_second_factor, proven_roles, scopes_of_roles
from rules.scopes import SCOPES
from rules.sign_in import Fate, Handed, fate_of_refresh, refresh_expiry

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FRESH = Handed(
    expires_at=NOW + timedelta(hours=12),
    used_at=None,
    successor_used=False,
    device_expires_at=NOW + timedelta(days=7),
    device_revoked=False,
)
USED = replace(FRESH, used_at=NOW)


@pytest.mark.parametrize(
    ("token", "after", "fate"),
    [
        (FRESH, timedelta(0), Fate.rotate),
        (FRESH, timedelta(hours=11, minutes=59), Fate.rotate),
        (FRESH, timedelta(hours=12), Fate.refuse),
        (USED, timedelta(seconds=30), Fate.repeat),
        (USED, timedelta(seconds=31), Fate.end_family),
        (replace(USED, successor_used=True), timedelta(seconds=1), Fate.end_family),
        (USED, timedelta(days=6), Fate.end_family),
        (USED, timedelta(days=7), Fate.refuse),
        (replace(FRESH, device_revoked=True), timedelta(0), Fate.refuse),
        (replace(USED, device_revoked=True), timedelta(0), Fate.refuse),
        (replace(FRESH, device_expires_at=NOW), timedelta(0), Fate.refuse),
    ],
)
def test_what_becomes_of_a_refresh_token(token: Handed, after: timedelta, fate: Fate) -> None:
    assert fate_of_refresh(token, NOW + after) is fate


def test_no_refresh_token_outlives_its_device() -> None:
    assert refresh_expiry(NOW, NOW + timedelta(days=7)) == NOW + timedelta(hours=12)
    assert refresh_expiry(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_every_role_has_its_scopes_and_those_who_only_look_on_read_no_case() -> None:
    assert scopes_of_roles(STAFF_ROLES) <= set(SCOPES)
    for role in ("platform_operator", "statistician"):
        assert scopes_of_roles([role]) == frozenset()
    assert scopes_of_roles(["leadership"]) == {"alerts:read", "policy:read"}, "which name no person and no case"
    assert scopes_of_roles(["king", "auditor"]) == {"audit:read"}


def test_supervisors_and_administrators_need_a_second_factor() -> None:
    assert set(STAFF_ROLES) >= SECOND_FACTOR_ROLES
    assert needs_second_factor(["agency_caseworker", "agency_admin"])
    assert not needs_second_factor(["agency_caseworker", "union_coordinator"])
    roles = [Role.agency_caseworker, Role.agency_admin]
    assert proven_roles(roles, second_factor=True) == set(roles)
    for unproven in (False, None):
        assert proven_roles(roles, second_factor=unproven) == {"agency_caseworker"}


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("https://app.example/done", True),
        ("https://app.example:8443/done?a=b", True),
        ("cn.example.tongli:/done", True),
        ("http://127.0.0.1/done", True),
        ("http://[::1]/done", True),
        ("https://app.example/done#x", False),
        ("https://user@app.example/done", False),
        ("https:app.example", False),
        ("http://app.example/done", False),
        ("http://localhost/done", False),
        ("http://127.0.0.1:8400/done", False),
        ("http://127.0.0.1", False),
        ("tongli:/done", False),
        ("cn.example.tongli:done", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("cn.example.tongli:/<x>", False),
        ("cn.example.tongli:/完成", False),
        ("https://app.example/" + "x" * 255, False),
        ("", False),
    ],
)
def test_which_places_an_app_may_be_answered_at(uri: str, allowed: bool) -> None:
    assert may_be_registered(uri) is allowed


def test_a_loopback_place_matches_with_any_port_and_nothing_else_loosely() -> None:
    registered = ["http://127.0.0.1/done", "http://[::1]/done", "https://app.example/done"]
    for uri in (*registered, "http://127.0.0.1:1/done", "http://[::1]:65535/done"):
        assert is_registered(uri, registered)
    for uri in (
        "http://127.0.0.1:x/done",
        "http://127.0.0.1:80/done/",
        "https://app.example:443/done",
        "http://127.1/done",
    ):
        assert not is_registered(uri, registered)


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://app.example:8443/done?x", "https://app.example:8443"),
        ("http://127.0.0.1:49152/done", "http://127.0.0.1:49152"),
        ("cn.example.tongli:/done", "cn.example.tongli:"),
    ],
)
def test_where_a_page_lets_its_answer_go(uri: str, target: str) -> None:
    assert form_target(uri) == target


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("correct staple battery", None),
        ("四只灰雁飞过西塘的清晨水面", None),
        ("            a b c d e", None),
        ("ElevenChars", "too-short"),
        ("Ｐａｓｓｗｏｒｄ１２３４", "common-password"),
        ("PASSWORD1234", "common-password"),
        ("098765432109", "common-password"),
        ("abcdefghijklm", "common-password"),
        ("abcabcabcabcabc", "common-password"),
        ("zhao.min.340802", "common-password"),
        ("zhao.min keeps bees", None),
        ("x" * 129, "too-long"),
    ],
)
def test_which_passwords_are_taken(password: str, fault: str | None) -> None:
    assert password_fault(password, about=("zhao.min", "340802-UNION")) == fault


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["198.51.100.9, 198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        ("10.0.0.2", ["198.51.100.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", [], "10.0.0.2"),
        ("10.0.0.2", ["nonsense"], UNKNOWN),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        (None, [], UNKNOWN),
    ],
)
def test_whose_address_a_request_comes_from(peer: str | None, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, read_networks("10.0.0.0/24")) == address


def test_networks_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="10"):
        read_networks("10.0.0.0/99")
