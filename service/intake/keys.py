"""API keys: a JSON file of names, digests and rights, read anew when it changes.

{"keys": [{"name": "shop", "sha256": "9f86d0...", "rights": ["predict"]}]}

A key is made here, of 256 random bits, so that nobody can find it from a plain SHA-256 by trying; a slow hash as for
passwords would only slow every request.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from model.errors import SpecError, StorageError
from model.validation import Part, nearest

logger = logging.getLogger("bifocal")

Right = Literal["predict", "admin"]

PREFIX = "bf_"  # so that a key is known for one where it should not be: in a log, in a repository
_LOOK_AGAIN_S = 1.0
_Stamp = tuple[int, int, int]


class Key(Part):
    """One key, of which only the digest is kept.

    Args:
        name: whose it is; goes to the log with each of its requests.
        sha256: hexadecimal SHA-256 of the key.
        rights: what it may do.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rights: tuple[Right, ...] = Field(min_length=1)


class KeyFile(Part):
    """All keys of a service.

    Args:
        keys: no two of one name or one digest.
    """

    keys: tuple[Key, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what in ("name", "sha256"):
            seen: set[str] = set()
            for number, key in enumerate(self.keys):
                value = getattr(key, what)
                if value in seen:
                    raise ValueError(
                        f".keys[{number}].{what}: there is another key with {value!r}. Remove one of them."
                    )
                seen.add(value)
        return self


class Keys:
    """The keys that a service takes. For one thread.

    Args:
        path: of the file. It is looked at once a second at most, and read when it has changed. A change that can't be
            read is logged, and the keys stay as they were.
        clock: seconds.

    Raises:
        SpecError: if there is no such file, or it is no key file.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._keys = read(path).keys
        self._stamp = _stamp(path)
        self._looked = clock()

    def of(self, presented: str) -> Key | None:
        """The key that a request carries; None if it is not known.

        It takes as long for a key that is nearly right as for any other: each is compared, and as a whole.
        """
        self._look()
        digest = digest_of(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < _LOOK_AGAIN_S:
            return
        self._looked = now
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp  # first, so that one broken file is one line in the log
        try:
            self._keys = read(self._path).keys
        except SpecError as error:
            logger.error("the keys stay as they were: %s", error)
        else:
            logger.info("%d keys read from %s", len(self._keys), self._path)


def read(path: Path) -> KeyFile:
    """What is in a key file.

    Raises:
        SpecError: naming the line or the key that is wrong.
    """
    try:
        return KeyFile.parse(json.loads(path.read_text(encoding="utf-8")), what=path.name)
    except FileNotFoundError:
        raise SpecError(
            f"There is no key file {path}. Make one: bifocal-service keys add NAME --right predict --file {path}"
        ) from None
    except OSError as error:
        raise SpecError(f"The key file {path} can't be read: {error.strerror}. Let this user read it.") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"The key file {path} is not JSON: {error}. Expected "
            '{"keys": [{"name": ..., "sha256": ..., "rights": [...]}]}, as \'bifocal-service keys add\' writes it.'
        ) from None


def add(path: Path, name: str, rights: tuple[Right, ...]) -> str:
    """Makes a key and adds it to a file, which need not exist.

    Returns:
        The key, which can't be had from the file.

    Raises:
        SpecError: if the file has a key of that name, or is no key file, or the name or a right is none.
        StorageError: if the file can't be written.
    """
    made = PREFIX + secrets.token_urlsafe(32)
    key = Key.parse({"name": name, "sha256": digest_of(made), "rights": rights}, what="key")
    with _alone(path):
        present = read(path).keys if path.exists() else ()
        if any(other.name == name for other in present):
            raise SpecError(f"{path} has a key {name!r} already. Remove it, or give the new one another name.")
        _write(path, KeyFile(keys=(*present, key)))
    return made


def remove(path: Path, name: str) -> None:
    """Takes a key out of a file.

    Raises:
        SpecError: if the file has no such key.
        StorageError: if the file can't be written.
    """
    with _alone(path):
        keys = read(path).keys
        names = [key.name for key in keys]
        if name not in names:
            raise SpecError(f"{path} has no key {name!r}{nearest(name, names)}")
        _write(path, KeyFile(keys=tuple(key for key in keys if key.name != name)))


def digest_of(key: str) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits until nobody else changes a file of this folder, so that no change is lost.

    The folder is locked because the file is replaced. Some file systems of networks have no such locks; there it is as
    it would be without.
    """
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError:  # there is none, or it may not be looked into: reading or writing says so
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, content: KeyFile) -> None:
    """Replaces a file as a whole, so that a service never reads half of it. A new one is for its owner alone."""
    target = path.resolve()  # a link stays one
    incoming = None
    try:
        handle, incoming = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content.model_dump_json(indent=2) + "\n")
            if target.exists():  # who could read it before still can: the service may run as another user
                status = target.stat()
                os.fchmod(handle, status.st_mode & 0o777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(handle, status.st_uid, status.st_gid)
            file.flush()
            os.fsync(handle)
        Path(incoming).replace(target)
        incoming = None
    except OSError as error:
        raise StorageError(f"The key file {path} can't be written: {error.strerror}.") from None
    finally:
        if incoming is not None:
            Path(incoming).unlink(missing_ok=True)


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does; None without one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
