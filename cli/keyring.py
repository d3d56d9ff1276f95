"""Where an entrance gets the keyring: the installation's own store, or the data directory outside production."""

from pathlib import Path

from crypto.keys import Keyring, KeyringError, create_keyring, parse_keyring, read_keyring
from settings import Settings


def keyring_path(settings: Settings) -> Path | None:
    """The file that holds the keyring; None where it comes from TONGLI_KEYS."""
    if settings.keys:
        return None
    return settings.keys_file or settings.data_dir / "keys" / "keyring.json"


def keyring_for(settings: Settings) -> Keyring:
    """The keyring of TONGLI_KEYS or TONGLI_KEYS_FILE; else one in the data directory, made (0600) on first use.

    Raises KeyringError for a faulty one, and in production for a missing one: keys made by chance on one machine would
    be lost with it, and with them every sealed field.
    """
    if settings.keys:
        return parse_keyring(settings.keys)
    if settings.keys_file:
        return _read(settings)
    if settings.production:
        raise KeyringError("TONGLI_KEYS_FILE or TONGLI_KEYS is required in production")
    path = keyring_path(settings)
    assert path is not None
    return create_keyring(path)


def _read(settings: Settings) -> Keyring:
    assert settings.keys_file is not None
    try:
        return read_keyring(settings.keys_file)
    except OSError as fault:
        raise KeyringError(f"TONGLI_KEYS_FILE cannot be read: {fault.strerror}") from fault
