"""Secrets of legacy clients."""

import pytest

from crypto.client_secrets import hash_secret, matches, new_secret


def test_a_secret_is_recognisable_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("tls_") and len(secret) == 47 for secret in secrets)


def test_only_the_secret_itself_matches_its_digest() -> None:
    secret = new_secret()
    digest = hash_secret(secret)
    assert len(digest) == 32
    assert matches(secret, digest)
    assert not any(matches(wrong, digest) for wrong in ("", secret[:-1], secret + " ", secret.upper(), new_secret()))


@pytest.mark.parametrize(
    "hostile", ["\0", "\ud800", "密码", "x" * 100_000], ids=["NUL", "surrogate", "Chinese", "long"]
)
def test_whatever_a_caller_sends_is_compared_without_a_crash(hostile: str) -> None:
    assert not matches(hostile, hash_secret(new_secret()))


@pytest.mark.parametrize("digest", [b"", b"short", bytes(64)])
def test_a_digest_of_another_length_matches_nothing(digest: bytes) -> None:
    assert not matches(new_secret(), digest)
