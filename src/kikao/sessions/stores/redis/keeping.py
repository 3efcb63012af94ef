"""Whether a server keeps what it is told: on disk, and how much of it a crash may forget."""

from __future__ import annotations

from typing import Final

from redis.exceptions import RedisError

from kikao.sessions.stores.redis.servers import Servers
from kikao.sessions.stores.redis.wire import pack

_CURE: Final = (
    "Set `appendonly yes` in the configuration of the server (CONFIG SET appendonly yes does it at once); see "
    "docs/how-to/run-on-redis.md."
)
NOTHING: Final = (
    f"it keeps nothing on disk (appendonly no, no save): a restart forgets every session. {_CURE}"
)
NOW_AND_THEN: Final = f"it saves only now and then (appendonly no): a crash forgets what came since. {_CURE}"
UNKNOWN: Final = (
    "it writes no log of its changes (appendonly no), and whether it saves at all our user may not ask (CONFIG GET): a "
    f"crash forgets at least what came since. {_CURE}"
)


async def forgets(servers: Servers) -> str:
    """What a crash of these servers forgets, in a sentence, of which the worst is `NOTHING`; empty where it is little.

    Raises `StoreUnavailable`.
    """
    found = {await _forgets(servers, sample) for sample in servers.samples()}
    return next((each for each in (NOTHING, NOW_AND_THEN, UNKNOWN) if each in found), "")


async def _forgets(servers: Servers, sample: int) -> str:
    append, save, info = await servers.look(
        [
            (sample, pack(words))
            for words in (
                (b"CONFIG", b"GET", b"appendonly"),
                (b"CONFIG", b"GET", b"save"),
                (b"INFO", b"persistence"),
            )
        ]
    )
    if isinstance(append, RedisError) or isinstance(save, RedisError) or not append or not save:
        log_is_off = not isinstance(info, RedisError) and b"aof_enabled:0" in bytes(info).splitlines()
        return UNKNOWN if log_is_off else ""
    if bytes(append[1]) != b"no":
        return ""
    return NOW_AND_THEN if bytes(save[1]).strip() else NOTHING
