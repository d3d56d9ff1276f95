"""The guide for apps that sign people in works as printed: both texts hold the very file that runs here."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import httpx
import pytest

from crypto.keys import Keyring
from crypto.vault import Vault
from settings import Settings
from tests.actions.instances import new_client
from tests.api.people import Phone, enrolment_code, form_of, new_app, new_person
from tests.builders import Api
from tests.web.serving import serving

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "integrators"
PROGRAM = FOLDER / "sign_in_person.py"


@pytest.mark.parametrize("text", ["sign-in-people.md", "sign-in-people.zh-CN.md"])
def test_the_text_holds_the_file_that_runs(text: str) -> None:
    written = (FOLDER / text).read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```$", written, re.DOTALL | re.MULTILINE)
    assert found == [PROGRAM.read_text(encoding="utf-8")]


async def test_the_program_signs_a_person_in(
    admin_url: str, keyring: Keyring, vault: Vault, settings: Settings
) -> None:
    """The test is the browser: it opens the address that the program prints and fills the page in."""
    async with serving(admin_url, keyring, vault, settings) as url, _browser(url) as browser:
        admin = Api(browser, await new_client(admin_url, "DEMO-340802-UNION"))
        person = await new_person(admin)
        app_id = await new_app(admin_url, "http://127.0.0.1/done")
        await Phone(browser, app_id).enrol(await enrolment_code(admin, person), person.password)
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROGRAM),
            url,
            str(app_id),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"BROWSER": "true", "NO_PROXY": "127.0.0.1"},
        )
        assert program.stdout is not None
        page = await browser.get((await program.stdout.readline()).decode().strip())
        fields = {"agency": person.agency_code, "login": person.login, "password": person.password}
        sent = await browser.post("/oauth/authorize", data={"form": form_of(page), **fields})
        assert (await browser.get(sent.headers["location"])).text == "You can close this window."
        said = (await program.communicate())[0].decode().splitlines()
    me, devices = (json.loads(line) for line in said)
    assert (program.returncode, me["id"]) == (0, str(person.id))
    assert [device["name"] for device in devices["data"]] == ["example"]


def _browser(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
