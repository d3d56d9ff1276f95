"""The demo province: somebody competent for everything, credentials that work, a second start that changes nothing."""

import json
import stat
from pathlib import Path

import asyncpg
import pytest

from cli.demo_province import offices, prepare_demo_province, read_credentials
from crypto.client_secrets import hash_secret
from db.reference_data import FOLDER
from rules.matters import AgencyKind
from rules.rights import STAFF_ROLES
from rules.scopes import AGENCY_SCOPES

URL = "http://127.0.0.1:8000"
MEMBERS = [
    *("agency_id", "agency_code", "agency_kind", "agency_name", "client_id", "client_secret", "private_jwk", "kid"),
    *("scopes", "issuer", "token_endpoint"),
]
MATTERS = {matter["code"]: matter for matter in json.loads((FOLDER / "matters.json").read_text(encoding="utf-8"))}
COUNTIES = ("990101", "990102", "340802")


def _above(division: str) -> set[str]:
    return {division, division[:4] + "00", division[:2] + "0000"}


@pytest.mark.parametrize("county", COUNTIES)
@pytest.mark.parametrize("matter", MATTERS)
def test_every_matter_has_a_competent_office_of_the_right_kind_in_every_county(matter: str, county: str) -> None:
    competent = [o for o in offices() if matter in o.matters and o.agency.division_code in _above(county)]
    assert competent
    assert {o.agency.kind for o in competent} == {MATTERS[matter]["lead"]["kind"]}


@pytest.mark.parametrize("county", COUNTIES)
def test_some_matters_have_two_offices_at_the_same_place(county: str) -> None:
    """So that a referral to an open pool has somebody to race."""
    here = [set(o.matters) for o in offices() if o.agency.division_code == county]
    assert sum(sum(matter in office for office in here) > 1 for matter in MATTERS) >= 4


@pytest.mark.parametrize("county", COUNTIES)
def test_every_county_has_a_union_that_can_coordinate_and_its_departments(county: str) -> None:
    unions = [o.agency for o in offices() if o.agency.kind == "union" and o.agency.division_code == county]
    assert [a.code for a in unions if a.level == "county" and not a.department] == [f"DEMO-{county}-UNION"]
    assert sum(a.department for a in unions) == 3
    assert all(a.parent == f"DEMO-{county}-UNION" for a in unions if a.department or a.level == "workplace")


def test_the_demo_has_every_kind_of_agency_but_an_enterprise_and_marks_real_places() -> None:
    plan = [office.agency for office in offices()]
    assert {agency.kind for agency in plan} == set(AgencyKind) - {"enterprise"}
    assert all("演示" in agency.name for agency in plan)
    assert len({agency.code for agency in plan}) == len(plan)
    assert {role for office in offices() for person in office.staff for role in person.roles} <= set(STAFF_ROLES)


def test_no_agency_stands_above_itself() -> None:
    parents = {office.agency.code: office.agency.parent for office in offices()}
    assert all(parent is None or parent in parents for parent in parents.values())
    assert all(parent != code for code, parent in parents.items())


async def test_credentials_are_private_complete_and_those_of_the_database(fresh_database: str, tmp_path: Path) -> None:
    file = tmp_path / "demo" / "credentials.json"
    assert await prepare_demo_province(fresh_database, file=file, public_url=URL)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entries = read_credentials(file)
    assert len(entries) == sum(office.has_client for office in offices())
    connection = await asyncpg.connect(fresh_database)
    for entry in entries[:3]:
        assert list(entry) == MEMBERS
        assert entry["scopes"] == list(AGENCY_SCOPES)
        assert (entry["issuer"], entry["token_endpoint"]) == (URL, f"{URL}/oauth/token")
        row = await connection.fetchrow(
            "SELECT c.agency_id, c.secret_hash, k.jwk FROM client c JOIN client_key k ON k.client_id = c.id"
            " WHERE c.id::text = $1 AND k.kid = $2",
            entry["client_id"],
            entry["kid"],
        )
        assert row is not None
        assert str(row["agency_id"]) == entry["agency_id"]
        assert row["secret_hash"] == hash_secret(entry["client_secret"])
        assert json.loads(row["jwk"])["x"] == entry["private_jwk"]["x"]
        assert "d" not in json.loads(row["jwk"])
    await connection.close()


async def test_a_second_start_changes_nothing_and_another_address_only_the_address(
    fresh_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "credentials.json"
    await prepare_demo_province(fresh_database, file=file, public_url=URL)
    first, touched = read_credentials(file), file.stat().st_mtime_ns
    await prepare_demo_province(fresh_database, file=file, public_url=URL)
    assert file.stat().st_mtime_ns == touched
    await prepare_demo_province(fresh_database, file=file, public_url="http://127.0.0.1:9")
    moved = read_credentials(file)
    assert [entry["token_endpoint"] for entry in moved] == ["http://127.0.0.1:9/oauth/token"] * len(first)
    assert [entry["private_jwk"] for entry in moved] == [entry["private_jwk"] for entry in first]


@pytest.mark.parametrize("damage", ["missing", "half-written", "edited", "of another database"])
async def test_a_lost_file_is_made_anew_for_the_same_clients(fresh_database: str, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "credentials.json"
    await prepare_demo_province(fresh_database, file=file, public_url=URL)
    first = read_credentials(file)
    if damage == "missing":
        file.unlink()
    elif damage == "half-written":
        file.write_text('[{"agency_id": "')
    elif damage == "edited":
        file.write_text('[{"client_id": "mine"}]')
    else:
        file.write_text(json.dumps([{**entry, "agency_id": entry["client_id"]} for entry in first]))
    await prepare_demo_province(fresh_database, file=file, public_url=URL)
    again = read_credentials(file)
    assert [entry["client_id"] for entry in again] == [entry["client_id"] for entry in first]
    assert all(
        a["kid"] != b["kid"] and a["client_secret"] != b["client_secret"] for a, b in zip(again, first, strict=True)
    )
    connection = await asyncpg.connect(fresh_database)
    assert (
        await connection.fetchval("SELECT count(*) FROM staff GROUP BY agency_id, login ORDER BY 1 DESC LIMIT 1") == 1
    )
    await connection.close()


async def test_a_directory_of_somebody_else_is_left_alone(fresh_database: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(fresh_database)
    await connection.execute("UPDATE agency SET code = replace(code, 'DEMO', 'REAL')")
    before = await connection.fetchval("SELECT count(*) FROM agency")
    file = tmp_path / "credentials.json"
    assert not await prepare_demo_province(fresh_database, file=file, public_url=URL)
    assert not file.exists()
    assert await connection.fetchval("SELECT count(*) FROM agency") == before
    await connection.close()
