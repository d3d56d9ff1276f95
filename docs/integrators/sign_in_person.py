"""Sign a person in from an app on their own machine. Needs httpx; prints who signed in and where.

python sign_in_person.py https://tongli.example CLIENT_ID
"""

import base64
import hashlib
import secrets
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx


class Callback(BaseHTTPRequestHandler):
    """Receives the answer on a loopback port, once."""

    def do_GET(self) -> None:
        self.server.answer = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this window.")

    def log_message(self, *_: object) -> None:
        """Nothing: the address holds the code."""


def sign_in(api: str, client_id: str) -> dict[str, Any]:
    """Opens the browser, waits for the answer, and changes its code into tokens."""
    server = HTTPServer(("127.0.0.1", 0), Callback)
    redirect_uri = f"http://127.0.0.1:{server.server_port}/done"
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = f"{api}/oauth/authorize?{urlencode(asked)}"
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    webbrowser.open(address)
    server.handle_request()
    answer: dict[str, str] = server.answer  # type: ignore[attr-defined]
    if (answer.get("state"), answer.get("iss")) != (state, api):
        raise SystemExit("this answer is not to what was asked")
    if "code" not in answer:
        raise SystemExit(f"refused: {answer.get('error')}")
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": answer["code"],
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "device_name": "example",
    }
    return httpx.post(f"{api}/oauth/token", data=form).raise_for_status().json()  # type: ignore[no-any-return]


def refreshed(api: str, client_id: str, tokens: dict[str, Any]) -> dict[str, Any]:
    """New tokens. Keep the new refresh token before using it, and never use the old one again."""
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": tokens["refresh_token"]}
    return httpx.post(f"{api}/oauth/token", data=form).raise_for_status().json()  # type: ignore[no-any-return]


if __name__ == "__main__":
    tokens = refreshed(sys.argv[1], sys.argv[2], sign_in(sys.argv[1], sys.argv[2]))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    for path in ("/v1/me", "/v1/me/devices"):
        answer = httpx.get(f"{sys.argv[1]}{path}", headers=bearer).raise_for_status()
        sys.stdout.write(f"{answer.text}\n")
