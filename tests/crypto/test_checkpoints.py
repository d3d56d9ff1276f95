"""Checkpoints are notes of C2SP: the specification's own examples verify, everything altered does not."""

import base64
import hashlib

import pytest

from crypto.checkpoints import (
    COSIGNATURE,
    ED25519,
    BadSignature,
    SigningKey,
    VerifierKey,
    check_note,
    cosigned_at,
    sign_checkpoint,
)
from crypto.keys import Keyring, generate_keyring
from rules.merkle import Head
from rules.notes import Checkpoint, NoteError, read_checkpoint, read_note, read_signature

ORIGIN = "tongli.example/v1/audit"
CHECKPOINT = Checkpoint(ORIGIN, Head(20852163, bytes(range(32))))

# golang.org/x/mod/sumdb/note, package example and test: a key and a note that others signed.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# c2sp.org/tlog-checkpoint's example, whose form any reader must take.
SPECIFIED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


@pytest.fixture(scope="module")
def keys() -> Keyring:
    return generate_keyring()


def log_key(keys: Keyring, generation: int = 1) -> SigningKey:
    return SigningKey.of_log(keys, ORIGIN, generation)


def witness(keys: Keyring, name: str = "union.example/w") -> SigningKey:
    return SigningKey(name, COSIGNATURE, keys.derive("a witness of this test"))


def test_a_note_signed_by_another_implementation_verifies() -> None:
    key = VerifierKey.read(PETER)
    assert key.kind == ED25519
    assert key.text == PETER
    assert check_note(read_note(PETERS_NOTE), [key]) == [key]


def test_the_specifications_checkpoint_is_read_and_written_alike() -> None:
    note = read_note(SPECIFIED)
    assert note.written == SPECIFIED
    stated = read_checkpoint(note.text)
    assert (stated.origin, stated.head.size, stated.hash_name) == ("example.com/behind-the-sofa", 20852163, "sha256")
    assert stated.text == note.text


def test_a_signed_checkpoint_verifies_with_the_public_key_alone(keys: Keyring) -> None:
    note = read_note(sign_checkpoint(CHECKPOINT, [log_key(keys)]).written)
    assert read_checkpoint(note.text) == CHECKPOINT
    public = VerifierKey.read(log_key(keys).verifier.text)
    assert check_note(note, [public]) == [public]


def test_key_ids_are_computed_as_the_specifications_say(keys: Keyring) -> None:
    for key in (log_key(keys), witness(keys)):
        public = key.verifier.public
        expected = hashlib.sha256(key.name.encode() + b"\n" + bytes([key.kind]) + public).digest()[:4]
        assert key.verifier.key_id == expected


def test_a_changed_checkpoint_does_not_verify(keys: Keyring) -> None:
    written = sign_checkpoint(CHECKPOINT, [log_key(keys)]).written
    public = log_key(keys).verifier
    changed = written.replace("20852163", "20852164")
    with pytest.raises(BadSignature, match="does not verify"):
        check_note(read_note(changed), [public])


def test_a_note_without_a_signature_of_a_known_key_is_refused(keys: Keyring) -> None:
    note = sign_checkpoint(CHECKPOINT, [log_key(keys, 2)])
    with pytest.raises(BadSignature, match="no signature of a known key"):
        check_note(note, [log_key(keys, 1).verifier])


def test_a_new_generation_is_a_new_key_and_both_can_sign(keys: Keyring) -> None:
    old, new = log_key(keys, 1), log_key(keys, 2)
    note = sign_checkpoint(CHECKPOINT, [new, old])
    assert old.verifier.public != new.verifier.public
    assert check_note(note, [old.verifier]) == [old.verifier]
    assert check_note(note, [new.verifier]) == [new.verifier]


def test_a_cosignature_says_when_and_binds_the_whole_text(keys: Keyring) -> None:
    key = witness(keys)
    made = read_signature(key.cosign(CHECKPOINT.text, 1_793_000_000).line)
    assert cosigned_at(key.verifier, CHECKPOINT.text, made) == 1_793_000_000
    later = made._replace(signature=(1_793_000_001).to_bytes(8, "big") + made.signature[8:])
    for text, signature in ((CHECKPOINT.text + "x\n", made), (CHECKPOINT.text, later)):
        with pytest.raises(BadSignature):
            cosigned_at(key.verifier, text, signature)


def test_a_log_signature_is_no_cosignature_and_the_other_way_round(keys: Keyring) -> None:
    private = keys.derive("one key for both")
    log, key = SigningKey("same", ED25519, private), SigningKey("same", COSIGNATURE, private)
    with pytest.raises(BadSignature):
        cosigned_at(key.verifier, CHECKPOINT.text, log.sign(CHECKPOINT.text))
    with pytest.raises(BadSignature):
        cosigned_at(log.verifier, CHECKPOINT.text, key.cosign(CHECKPOINT.text, 1))


def test_an_sm3_tree_is_labelled_as_no_tlog_tiles_log() -> None:
    national = Checkpoint(ORIGIN, CHECKPOINT.head, "sm3")
    assert national.text.split("\n")[3] == "hash sm3; not tlog-tiles conformant"
    assert read_checkpoint(national.text) == national


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "an origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "origin\n1\nAAAA\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nanother line\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nhash sha256; not tlog-tiles conformant\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "written",
    [
        "no signatures\n",
        "text\n\n",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 na+me AAAAAAA=\n",
        "text\n\n- name AAAAAAA=\n",
        "text\x07\n\n\u2014 name AAAAAAA=\n",
        "text\n\n\u2014 name AAAAAAA=",
        "text\n\n" + "\u2014 name AAAAAAA=\n" * 65,
    ],
)
def test_what_is_no_note_is_refused(written: str) -> None:
    with pytest.raises(NoteError):
        read_note(written)


@pytest.mark.parametrize("change", ["name", "id", "kind", "cut"])
def test_a_key_that_is_not_what_it_says_is_refused(keys: Keyring, change: str) -> None:
    name, key_id, encoded = log_key(keys).verifier.text.split("+", 2)
    blob = base64.b64decode(encoded)
    texts = {
        "name": f"other+{key_id}+{encoded}",
        "id": f"{name}+00000000+{encoded}",
        "kind": f"{name}+{key_id}+{base64.b64encode(bytes([2]) + blob[1:]).decode()}",
        "cut": f"{name}+{key_id}+{base64.b64encode(blob[:-1]).decode()}",
    }
    with pytest.raises(NoteError):
        VerifierKey.read(texts[change])
