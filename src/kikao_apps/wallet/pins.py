"""PINs: hashed with Argon2id, off the event loop, by a small pool with a bounded queue.

A PIN of four digits is found in minutes by whoever has its hash, whatever the hash. A *pepper*, made from a secret key
that is not in the database, prevents that: each hash carries the id of the key, so that keys can be replaced while old
hashes still compare. Every hash is also bound to its number, so that it is worth nothing in another row.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from kikao.conversation.secrets import Secret

R = TypeVar("R")

MEMORY_KIB: Final = 14 * 1024
"""With `PASSES` about 22 ms of one core: 100 members at once wait 1.1 s for two."""

PASSES: Final = 2

WORKERS: Final = 2
QUEUE: Final = 128
"""PINs that may wait. One more is told to try again: better than all waiting past the gateways' time."""

NO_PEPPER: Final = ""
"""The key id of hashes made before there were peppers, or where there is no secret key."""


class PinHash(msgspec.Struct, frozen=True):
    """A hash as it is stored, and the id of the secret key whose pepper is in it."""

    hash: str
    kid: str = NO_PEPPER


class PinsBusy(Exception):
    """Too many PINs wait to be hashed; nothing was done."""


class PepperMissing(Exception):
    """A PIN was hashed with the pepper of a secret key that this process does not have; it cannot be compared."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"PINs hashed with secret key {kid!r} cannot be compared, because it is not among KIKAO_SECRET_KEYS. "
            "Put it back behind the first: each PIN moves to the first key when it is next entered."
        )
        self.kid = kid


def peppers(secret_keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """The pepper that belongs to each secret key, in their order: derived, so that neither tells the other."""
    return {
        kid: hmac.digest(key, b"kikao/wallet/pin-pepper", hashlib.sha256) for kid, key in secret_keys.items()
    }


class Pins:
    """Hashes and verifies PINs with Argon2id (RFC 9106): one lane, a salt of 16 bytes, a tag of 32."""

    def __init__(
        self,
        *,
        peppers: Mapping[str, bytes] | None = None,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        workers: int = WORKERS,
        queue: int = QUEUE,
    ) -> None:
        """`peppers` by key id: the first is for new hashes, none means no pepper. `workers` are threads."""
        self._peppers = {**(peppers or {}), NO_PEPPER: b""}
        self._kid = next(iter(self._peppers))
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="kikao-pins")
        self._most = workers + queue
        self._waiting = 0
        self._nobodys = PinHash(self._hasher.hash("nobody's PIN"), self._kid)

    async def hash(self, msisdn: str, pin: Secret) -> PinHash:
        """What to store for `msisdn`. Raises `PinsBusy`."""
        keyed = self._keyed(msisdn, pin, self._kid)
        return PinHash(await self._run(lambda: self._hasher.hash(keyed)), self._kid)

    async def verify(self, msisdn: str, pin: Secret, stored: PinHash | None) -> bool:
        """Whether the PIN is the stored one; without one the same work, for nothing.

        Raises `PinsBusy`, and `PepperMissing`.
        """
        against = stored or self._nobodys
        keyed = self._keyed(msisdn, pin, against.kid)

        def work() -> bool:
            try:
                self._hasher.verify(against.hash, keyed)
            except VerifyMismatchError:
                return False
            return stored is not None

        return await self._run(work)

    def outdated(self, stored: PinHash) -> bool:
        """Whether a PIN that was just entered should be hashed anew: another key, or other work than today's."""
        return stored.kid != self._kid or self._hasher.check_needs_rehash(stored.hash)

    def knows(self, kid: str) -> bool:
        """Whether hashes with this key's pepper can be compared."""
        return kid in self._peppers

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _keyed(self, msisdn: str, pin: Secret, kid: str) -> bytes:
        if kid not in self._peppers:
            raise PepperMissing(kid)
        return hmac.digest(self._peppers[kid], f"{msisdn} {pin.reveal()}".encode(), hashlib.sha256)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._waiting >= self._most:
            raise PinsBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
