"""API keys of the service: who may ask for which projects, how often and until when; kept as hashes."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import stat
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from shipway.core import disk
from shipway.core.errors import OutsideError, UsageError
from shipway.core.project import suggest

ALPHABET = string.digits + string.ascii_letters
PREFIX = "shipway"
"""What a key begins with, so that scanners for secrets find one that was left in a repository or a log."""
ID_SIGNS, SECRET_SIGNS = 8, 43
"""43 signs of 62 kinds are 256 random bits."""
KEY = re.compile(rf"{PREFIX}_([0-9A-Za-z]{{{ID_SIGNS}}})_[0-9A-Za-z]{{{SECRET_SIGNS}}}")

NAME = re.compile(r"\w[\w.@+-]{0,63}")
RATE = re.compile(r"([1-9]\d{0,6})/([smhd])")
PERIODS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

PLATFORMS = {"sagemaker": "Amazon SageMaker", "vertex": "Vertex AI", "azureml": "Azure Machine Learning"}
"""Who may stand before the service and authenticate its callers instead."""

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
LOCK_SECONDS = 10.0
"""How long one who changes the file waits for another; a change takes milliseconds."""

Time = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True)
class Rate:
    """So many requests at once, and as many in each *period* in the long run."""

    count: int
    period: timedelta

    @property
    def interval(self) -> int:
        """Nanoseconds between two requests at that rate."""
        return self.period // timedelta(microseconds=1) * 1_000 // self.count


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key as it is kept.

    It is kept as its SHA-256 without salt or slowness: those are for secrets that people choose. One of 112 bits or more of
    chance takes no more than an approved hash (NIST SP 800-63B, section 5.1.2.2), and these have 256.

    Attributes:
        id: The part of the key that is no secret.
        name: What people, the log and the journal call it.
        number: Which key this is, counted from 0 over all that were ever added; its place in the file of rates.
        sha256: Of the whole key, in hexadecimal.
        projects: The projects that it is good for; empty: all.
        rate: Requests in a period, such as "100/s"; None: any number.
        expires: When it stops being good; None: never.
        revoked: Since when it is good no more.
    """

    id: Annotated[str, msgspec.Meta(pattern=rf"^[0-9A-Za-z]{{{ID_SIGNS}}}\Z")]
    name: Annotated[str, msgspec.Meta(pattern=rf"^{NAME.pattern}\Z")]
    number: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    created: Time
    projects: list[str] = []
    rate: Annotated[str, msgspec.Meta(pattern=rf"^{RATE.pattern}\Z")] | None = None
    expires: Time | None = None
    revoked: Time | None = None

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Key] = []


@dataclass(frozen=True)
class KeyFile:
    """The file that keys are kept in.

    Attributes:
        named: Whether somebody named it, so that it has to be there.
    """

    path: Path
    named: bool = False

    @property
    def awaited(self) -> bool:
        """Whether the file has to be there: somebody named it, or there were keys, of which the lock file is left. So who deletes
        it shuts the service, and does not open it to everybody.
        """
        return self.named or self.begun

    @property
    def begun(self) -> bool:
        """Whether there were keys: a file that holds none by now lets nobody in, rather than everybody."""
        return self._lock.exists()

    def expect(self) -> None:
        """Let the file be awaited from now on, also by processes that are started later."""
        with contextlib.suppress(OSError):  # a folder that can't be written to is one that somebody named
            self._lock.touch()

    def read(self) -> list[Key]:
        """The keys, in the order in which they were added; none where there is no file.

        Raises:
            UsageError: The file is gone, though there were keys; or it is none of ours.
            OutsideError: The system does not let us read it.
        """
        found = self._kept()
        if found is None and self.awaited:
            raise UsageError(
                f"the file of API keys {self.path} is missing; bring it back, or begin a new one with `shipway keys add NAME`"
            )
        return found or []

    def add(
        self, name: str, *, projects: Sequence[str] = (), rate: str | None = None, expires: timedelta | None = None
    ) -> tuple[Key, str]:
        """Make a key; gives what is kept of it, and the key itself, which is nowhere else.

        Args:
            expires: How long it is good.

        Raises:
            UsageError: A name that is none, or that another key has or had, as the journal calls callers by it; a bad rate.
        """
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} can't be the name of a key: expected up to 64 letters, digits and any of _ . @ + -, such as web-shop"
            )
        if rate is not None:
            rate_of(rate)
        with disk.locked(self._lock, f"a change of {self.path}", patience=LOCK_SECONDS):
            keys = self._kept() or []
            taken = next((key for key in keys if key.name == name), None)
            now = _now()
            if taken is not None:
                state = taken.state(now)
                told = "there is a key" if state == "valid" else f"there was a key, by now {state},"
                raise UsageError(f"{told} of the name {name!r}; choose another, such as {_unlike(name, keys)}")
            id = _signs(ID_SIGNS)
            while any(key.id == id for key in keys):
                id = _signs(ID_SIGNS)
            text = f"{PREFIX}_{id}_{_signs(SECRET_SIGNS)}"
            key = Key(
                id=id,
                name=name,
                number=max((key.number for key in keys), default=-1) + 1,
                sha256=digest(text).hex(),
                created=now,
                projects=list(dict.fromkeys(projects)),
                rate=rate,
                expires=None if expires is None else now + expires,
            )
            self._write([*keys, key])
        return key, text

    def revoke(self, name: str) -> Key:
        """Let a key be good no more; it stays on record. Raises UsageError where there is none of that name."""
        if not self.read():  # and no lock is left, which would say that there were keys
            raise UsageError(f"there is no key {name!r}, and no other, in {self.path}; `shipway keys add NAME` makes one")
        with disk.locked(self._lock, f"a change of {self.path}", patience=LOCK_SECONDS):
            keys = self._kept() or []
            places = {key.name: place for place, key in enumerate(keys)}
            if name not in places:
                raise UsageError(f"there is no key {name!r} in {self.path}; {suggest(name, places)}")
            key = keys[places[name]]
            if key.revoked is None:
                key = keys[places[name]] = msgspec.structs.replace(key, revoked=_now())
                self._write(keys)
        return key

    @property
    def _lock(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _kept(self) -> list[Key] | None:
        try:
            keys = msgspec.json.decode(self.path.read_bytes(), type=_Document).keys
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutsideError(f"the file of API keys {self.path} can't be read: {error.strerror}; mend that") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} is no file of API keys: {error}; bring back one that `shipway keys` wrote") from None
        for what, told in (("id", [key.id for key in keys]), ("number", [str(key.number) for key in keys])):
            if len(set(told)) < len(told):
                raise UsageError(f"{self.path} has two keys of one {what}; bring back a file that `shipway keys` wrote")
        return keys

    def _write(self, keys: list[Key]) -> None:
        content = msgspec.json.format(msgspec.json.encode(_Document(keys)), indent=1) + b"\n"
        disk.write_file(self.path.resolve(), content, OWNER_ONLY)  # where it is a link, what it leads to


def digest(key: str) -> bytes:
    """What is kept of *key*."""
    return hashlib.sha256(key.encode()).digest()


def rate_of(text: str) -> Rate:
    """A rate such as "100/s". Raises UsageError that says how to write one."""
    found = RATE.fullmatch(text)
    if not found:
        raise UsageError(
            f'expected a rate as requests a second, minute, hour or day, such as "100/s", "600/m" or "10000/h"; found {text!r}'
        )
    return Rate(int(found[1]), PERIODS[found[2]])


def _signs(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _unlike(name: str, keys: Sequence[Key]) -> str:
    names = {key.name for key in keys}
    return next(one for number in range(2, len(keys) + 3) if (one := f"{name}-{number}") not in names)
