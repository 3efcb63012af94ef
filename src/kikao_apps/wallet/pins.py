"""PINs: hashed with Argon2id, off the event loop, by a small pool with a bounded queue.

A PIN of four digits is found in minutes by whoever has its hash, whatever the hash. A `pepper` kept outside
of the database prevents that; every hash is also bound to its number, so that it is worth nothing in
another row.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

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


class PinsBusy(Exception):
    """Too many PINs wait to be hashed; nothing was done."""


class Pins:
    """Hashes and verifies PINs with Argon2id (RFC 9106): one lane, a salt of 16 bytes, a tag of 32."""

    def __init__(
        self,
        *,
        pepper: bytes = b"",
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        workers: int = WORKERS,
        queue: int = QUEUE,
    ) -> None:
        """`pepper` must never change: PINs stored with another one are all wrong. `workers` are threads."""
        self._pepper = pepper
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="kikao-pins")
        self._most = workers + queue
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody's PIN")

    async def hash(self, msisdn: str, pin: Secret) -> str:
        """The hash to store for `msisdn`. Raises `PinsBusy`."""
        return await self._run(lambda: self._hasher.hash(self._keyed(msisdn, pin)))

    async def verify(self, msisdn: str, pin: Secret, stored: str | None) -> bool:
        """Whether the PIN is the stored one; without one the same work, for nothing. Raises `PinsBusy`."""

        def work() -> bool:
            try:
                self._hasher.verify(stored or self._nobodys, self._keyed(msisdn, pin))
            except VerifyMismatchError:
                return False
            return stored is not None

        return await self._run(work)

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _keyed(self, msisdn: str, pin: Secret) -> bytes:
        return hmac.digest(self._pepper, f"{msisdn} {pin.reveal()}".encode(), hashlib.sha256)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._waiting >= self._most:
            raise PinsBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
