"""Sign in with your private key. Needs httpx and joserfc; prints an access token, good for ten minutes."""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def access_token(mine: dict[str, Any]) -> str:
    """`mine` is one entry of the credentials file: client_id, private_jwk, kid, issuer, token_endpoint."""
    now = int(time.time())
    who = {"iss": mine["client_id"], "sub": mine["client_id"], "aud": mine["issuer"]}
    claims = {**who, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
    header = {"alg": "ES256", "kid": mine["kid"]}
    assertion = jwt.encode(header, claims, ECKey.import_key(mine["private_jwk"]))
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": CLIENT_ASSERTION,
        "client_assertion": assertion,
    }
    answer = httpx.post(mine["token_endpoint"], data=form)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


if __name__ == "__main__":
    known = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(access_token(next(one for one in known if one["agency_code"] == sys.argv[2])))
