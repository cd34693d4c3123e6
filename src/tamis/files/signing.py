"""Signatures by which a user's own journals are told from those of others.

The key lies in the user's folder for settings. Who cannot read it cannot sign;
a user without such a folder writes journals without signatures.
"""

import contextlib
import hmac
import json
import os
import secrets
import stat
from typing import Any, Final

import platformdirs

_BYTES: Final = 32
_NAME: Final = "journal.key"


class Signer:
    """Signs the lines of one file, each together with all before it.

    Parameters
    ----------
    key : bytes or None
        None signs nothing, and takes nothing for signed.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._last = b""

    def signed(self, record: dict[str, Any]) -> bytes:
        """Return the line of a record, its signature included."""
        if self._key is not None:
            record = record | {"mac": self._mac(record)}
            self._last = record["mac"].encode()
        return json.dumps(record).encode("ascii") + b"\n"

    def check(self, record: dict[str, Any]) -> bool:
        """Remove the signature from a record, and tell whether it is right."""
        found = record.pop("mac", None)
        if self._key is None or not isinstance(found, str) or not found.isascii():
            return False
        right = hmac.compare_digest(found, self._mac(record))
        self._last = found.encode()
        return right

    def _mac(self, record: dict[str, Any]) -> str:
        text = json.dumps(record, sort_keys=True).encode("ascii")
        return hmac.digest(self._key or b"", self._last + b"\0" + text, "sha256").hex()


def user_key() -> bytes | None:
    """Read the user's key, or make it the first time; None if there is no place for it."""
    folder = platformdirs.user_config_dir("tamis", appauthor=False, roaming=True)
    if not os.path.isabs(folder):  # a user without a home
        return None
    file = os.path.join(folder, _NAME)
    try:
        return _read(file)
    except FileNotFoundError:
        pass
    except OSError:
        return None
    draft = os.path.join(folder, f".{_NAME}-{secrets.token_hex(8)}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
            stream.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):  # another process made it meanwhile
            os.link(draft, file)
        return _read(file)
    except OSError:
        return None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def _read(file: str) -> bytes | None:
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
            return None
        key = stream.read(_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    return key if len(key) == _BYTES else None
