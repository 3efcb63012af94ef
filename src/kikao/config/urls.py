"""Where data lies: the address of a store as the settings have it, and what of it may be shown.

An address may hold a password. So it is a text that shows itself without one, wherever it is printed.
"""

from __future__ import annotations

import re
from typing import Final, Literal

MEMORY: Final = "memory:"
"""What keeps sessions in the process."""

Kind = Literal["memory", "sqlite", "postgresql", "redis"]

HIDDEN: Final = "***"

SHORTEST_SECRET: Final = 16
"""Characters of the shortest token there may be: what is as long is not shown where it may be one."""

POSTGRESQL: Final = ("postgresql", "postgres")
_SERVERS: Final = ("", "+sentinel", "+cluster")
REDIS: Final = frozenset(
    ["unix", *(f"{name}{of}" for name in ("redis", "rediss", "valkey", "valkeys") for of in _SERVERS)]
)
"""How addresses of Redis and Valkey begin: with `s` by TLS, through a Unix socket, or of several servers."""


class Where(str):
    """The address of a store. Its text is all of it; what is shown of it is what `shown` gives.

    So `Records(where)` and the clients of databases get the whole address, and `f"{where}"`, `str(where)` and
    `repr(where)` never have a password. What the methods of a text make of it has all of it again.
    """

    __slots__ = ()

    @property
    def kind(self) -> Kind:
        """Which store it is of."""
        return kind(self)

    @property
    def is_shared(self) -> bool:
        """Whether several processes, and several machines, may use it at the same time."""
        return self.kind in ("postgresql", "redis")

    def __str__(self) -> str:
        return shown(self)

    def __format__(self, spec: str) -> str:
        return format(shown(self), spec)

    def __repr__(self) -> str:
        return repr(shown(self))


def kind(where: str) -> Kind:
    """Which store an address is of. A path is one of SQLite."""
    if where == MEMORY:
        return "memory"
    scheme, sides, _ = where.partition("://")
    if sides and scheme in POSTGRESQL:
        return "postgresql"
    return "redis" if sides and scheme in REDIS else "sqlite"


def shown(where: str) -> str:
    """The address without the passwords that stand in it."""
    scheme, sides, rest = where.partition("://")
    if not sides:
        return where[:]
    rest = _PARAMETER(_parameter, rest)
    credentials, at, place = rest.rpartition("@")
    user, colon, password = credentials.partition(":")
    if user and not colon:  # a password without its colon, perhaps
        user = HIDDEN
    return f"{scheme}://{user}{colon}{HIDDEN if password else ''}{at}{place}"


def _parameter(found: re.Match[str]) -> str:
    """A parameter, with its value if it is one of those that hold no secret, and no longer than these are."""
    before, name, equals, value = found[1], found[2], found[3], found[4]
    if not equals:
        return f"{before}{HIDDEN if name else ''}"
    return found[0] if name in _OPEN and len(value) < SHORTEST_SECRET else f"{before}{name}={HIDDEN}"


_PARAMETER = re.compile("([?&])([^=&]*)(=?)([^&]*)").sub
_OPEN: Final = frozenset(
    "application_name connect_timeout database db dbname host max_connections port protocol socket_connect_timeout "
    "socket_timeout ssl ssl_cert_reqs sslmode target_session_attrs timeout user username".split()
)
