"""Webhook signatures: Standard Webhooks 1.0, checked against its own library and the vectors of RFC 8032."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import secrets
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from crypto.webhooks import (
    _SMALL_ORDER_POINTS,
    WebhookKeys,
    generate_webhook_keys,
    parse_public_text,
    parse_secret_text,
    sign,
    verify,
)

KEYS = generate_webhook_keys()
OTHER = generate_webhook_keys()
ID = "01a0c000-0000-7000-8000-000000000001"
AT = 1_772_352_000
BODY = '{"type":"referral.requested","数":1}'.encode()
HEADER = sign(message_id=ID, timestamp=AT, body=BODY, keys=[KEYS])
V1, V1A = HEADER.split(" ")


def check(
    header: str = HEADER,
    *,
    message_id: str = ID,
    timestamp_text: str = str(AT),
    body: bytes = BODY,
    now: int = AT,
    secret: bytes | None = KEYS.secret,
    public_key: bytes | None = KEYS.public_key,
) -> bool:
    return verify(
        message_id=message_id,
        timestamp_text=timestamp_text,
        signature_header=header,
        body=body,
        now=now,
        secret=secret,
        public_key=public_key,
    )


def test_a_delivery_carries_both_signatures_and_each_is_enough() -> None:
    assert (V1.partition(",")[0], V1A.partition(",")[0]) == ("v1", "v1a")
    assert check()
    assert check(V1, public_key=None)
    assert check(V1A, secret=None)


def test_a_signature_of_one_kind_says_nothing_about_the_other() -> None:
    assert not check(V1, secret=None)
    assert not check(V1A, public_key=None)
    assert not check(V1.replace("v1,", "v1a,"))
    assert not check(V1A.replace("v1a,", "v1,"))
    assert not check(secret=None, public_key=None)


def test_the_example_of_the_standard_is_reproduced() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert check(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_text="1614265330",
        body=b'{"test": 2432232314}',
        now=1614265330,
        secret=secret,
    )


def test_the_library_of_the_standard_accepts_ours_and_we_accept_its() -> None:
    now = int(datetime.now(UTC).timestamp())
    header = sign(message_id=ID, timestamp=now, body=BODY, keys=[OTHER, KEYS])
    headers = {"webhook-id": ID, "webhook-timestamp": str(now), "webhook-signature": header}
    Webhook(KEYS.secret_text).verify(BODY, headers)
    theirs = Webhook(KEYS.secret_text).sign(ID, datetime.fromtimestamp(AT, UTC), BODY.decode())
    assert theirs == V1
    assert check(theirs)


@pytest.mark.parametrize(
    ("private", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
    ids=["RFC 8032 test 1", "RFC 8032 test 2"],
)
def test_ed25519_keys_and_signatures_are_those_of_rfc_8032(
    private: str, public: str, message: str, signature: str
) -> None:
    keys = WebhookKeys(KEYS.secret, bytes.fromhex(private))
    assert keys.public_key.hex() == public
    assert parse_public_text(keys.public_text) == bytes.fromhex(public)
    assert Ed25519PrivateKey.from_private_bytes(keys.ed25519_private).sign(bytes.fromhex(message)).hex() == signature


def test_v1a_is_ed25519_over_id_timestamp_and_body() -> None:
    public = Ed25519PublicKey.from_public_bytes(KEYS.public_key)
    public.verify(base64.b64decode(V1A.partition(",")[2]), f"{ID}.{AT}.".encode() + BODY)


def test_during_a_rotation_the_receiver_of_either_key_is_served() -> None:
    header = sign(message_id=ID, timestamp=AT, body=BODY, keys=[OTHER, KEYS])
    assert check(header)
    assert check(header, secret=OTHER.secret, public_key=None)
    assert check(header, secret=None, public_key=OTHER.public_key)


@pytest.mark.parametrize("count", [0, 5])
def test_no_delivery_is_signed_with_no_key_or_too_many(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 4"):
        sign(message_id=ID, timestamp=AT, body=BODY, keys=[KEYS] * count)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\n", "编号", "i" * 257])
def test_an_id_that_could_shift_the_signed_bytes_is_neither_signed_nor_accepted(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        sign(message_id=message_id, timestamp=AT, body=BODY, keys=[KEYS])
    content = f"{message_id}.{AT}.".encode() + BODY
    good = base64.b64encode(hmac.new(KEYS.secret, content, hashlib.sha256).digest()).decode()
    assert not check(f"v1,{good}", message_id=message_id)


def test_another_body_id_or_time_is_noticed() -> None:
    assert not check(body=BODY + b" ")
    assert not check(body=b"")
    assert not check(message_id=ID.replace("1", "2"))
    assert not check(timestamp_text=str(AT + 1))


@pytest.mark.parametrize(("age", "accepted"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_delivery_is_good_for_five_minutes_either_way(age: int, accepted: bool) -> None:
    assert check(now=AT + age) is accepted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "-1",
        "+1772352000",
        "1772352000.0",
        "1.772352e9",
        " 1772352000",
        "1772352000\n",
        "１７７２３５２０００",
        "9" * 13,
        "nan",
    ],
)
def test_a_timestamp_is_plain_digits(text: str) -> None:
    assert not check(timestamp_text=text)


HOSTILE_HEADERS = [
    "",
    " ",
    "x",
    "v1",
    "v1,",
    "v1,xxx",
    "v1,=",
    "v1,====",
    "v1,AAAA",
    "v1a,AAAA",
    "v1a," + base64.b64encode(bytes(64)).decode(),
    "v1,\ud800",
    "v1,签名",
    ",",
    ",,,",
    "v2," + V1.partition(",")[2],
    "V1," + V1.partition(",")[2],
    V1.replace(",", ", "),
    V1.replace("v1,", "v1;"),
    V1[:-4],
    V1 + "AAAA",
    V1.rstrip("="),
    "\0" * 100,
    "v1,AAAA " * 10_000,
    " ".join(["v1,AAAA"] * 8 + [V1]),
]


@pytest.mark.parametrize("header", HOSTILE_HEADERS)
def test_a_hostile_signature_header_is_refused_without_a_crash(header: str) -> None:
    assert check(header) is False


@given(
    header=st.text(max_size=200),
    message_id=st.text(max_size=20),
    timestamp=st.text(max_size=15),
    body=st.binary(max_size=50),
)
def test_nothing_a_stranger_sends_raises(header: str, message_id: str, timestamp: str, body: bytes) -> None:
    assert check(header, message_id=message_id, timestamp_text=timestamp, body=body) is False
    assert check(f"v1,{header} v1a,{header}", body=body) is False


def test_eight_signatures_are_tried_and_no_more() -> None:
    assert check(" ".join(["v1,AAAA"] * 7 + [V1]))
    assert not check(" ".join(["v1,AAAA"] * 8 + [V1]))


@pytest.mark.parametrize("length", [0, 1, 23])
def test_a_short_secret_verifies_nothing(length: int) -> None:
    secret = secrets.token_bytes(length)
    content = f"{ID}.{AT}.".encode() + BODY
    good = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    assert not check(f"v1,{good}", secret=secret, public_key=None)


@pytest.mark.parametrize("key", [b"", b"x", bytes(31), bytes(33), b"\xff" * 32])
def test_a_malformed_public_key_verifies_nothing(key: bytes) -> None:
    assert not check(V1A, secret=None, public_key=key)


def forged_under(point: bytes) -> tuple[str, bytes]:
    """What anybody can sign under a key of small order: s = 0, r of small order, and some body or other."""
    public = Ed25519PublicKey.from_public_bytes(point)
    candidates = [base[:31] + bytes([base[31] | sign_bit]) for base in _SMALL_ORDER_POINTS for sign_bit in (0, 0x80)]
    for number, candidate in itertools.product(range(200), candidates):
        body, signature = b'{"forged":%d}' % number, candidate + bytes(32)
        with contextlib.suppress(InvalidSignature):
            public.verify(signature, f"{ID}.{AT}.".encode() + body)
            return "v1a," + base64.b64encode(signature).decode(), body
    raise AssertionError("the library no longer accepts this key: the table can lose it")


@pytest.mark.parametrize("point", sorted(_SMALL_ORDER_POINTS), ids=lambda point: point.hex()[:8])
def test_a_key_under_which_anybody_can_sign_verifies_nothing(point: bytes) -> None:
    header, body = forged_under(point)
    assert not check(header, body=body, secret=None, public_key=point)
    with pytest.raises(ValueError, match="public key"):
        parse_public_text("whpk_" + base64.b64encode(point).decode())


def test_keys_are_shown_with_the_prefixes_of_the_standard_and_read_back() -> None:
    assert KEYS.secret_text.startswith("whsec_")
    assert KEYS.public_text.startswith("whpk_")
    assert parse_secret_text(KEYS.secret_text) == parse_secret_text(KEYS.secret_text.rstrip("=")) == KEYS.secret
    assert parse_public_text(KEYS.public_text) == KEYS.public_key


def test_keys_do_not_print_their_secrets() -> None:
    assert repr(KEYS) == "WebhookKeys()"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_AAAA",
        "whsec_!!!!",
        KEYS.public_text,
        KEYS.secret_text[6:],
        "whsec_" + "A" * 100,
        "whsec_密",
    ],
)
def test_a_faulty_secret_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|bytes"):
        parse_secret_text(text)


@pytest.mark.parametrize("text", ["", "whpk_", "whpk_AAAA", KEYS.secret_text, "whpk_" + "A" * 44, "whpk_!"])
def test_a_faulty_public_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"whpk_|public key"):
        parse_public_text(text)


@pytest.mark.parametrize(("secret", "private"), [(b"short", bytes(32)), (bytes(32), b"short")])
def test_keys_of_another_length_are_not_keys(secret: bytes, private: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        WebhookKeys(secret, private)
