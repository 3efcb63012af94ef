"""What the kernel keeps for TCP sockets, which no process shows, as far as a machine tells. Linux only."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

_CACHES: Final = frozenset(
    {"TCP", "TCPv6", "sock_inode_cache", "filp", "lsm_file_cache", "eventpoll_epi", "ep_head"}
)
"""Of the kernel's allocator: what an open socket has by itself. Its name (a `dentry` of some 200 octets) cannot be told
from that of any other file, and is left out."""

_PAGE: Final = 4096


class Kept(NamedTuple):
    """In all, for both ends of each connection in this machine. KiB."""

    queues: float
    """What was sent and not read, and what is kept ready for more."""
    structures: float | None
    """None where only root may see it, and this is another."""

    @classmethod
    def now(cls) -> Kept:
        """As it is."""
        tcp = Path("/proc/net/sockstat").read_text().partition("\nTCP:")[2].splitlines()[0]
        pages = int(tcp.partition(" mem ")[2].split()[0])
        try:
            lines = Path("/proc/slabinfo").read_text().splitlines()[2:]
        except OSError:
            return cls(pages * _PAGE / 1024, None)
        # name, objects in use, objects, octets of one
        found = (line.split()[:4] for line in lines)
        octets = sum(int(used) * int(size) for name, used, _, size in found if name in _CACHES)
        return cls(pages * _PAGE / 1024, octets / 1024)

    def each(self, before: Kept, ends: int) -> Kept:
        """What came since then, for each of so many ends."""
        queues = (self.queues - before.queues) / ends
        if self.structures is None or before.structures is None:
            return Kept(queues, None)
        return Kept(queues, (self.structures - before.structures) / ends)
