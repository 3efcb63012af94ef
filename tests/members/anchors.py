"""Sessions as far as links see them: where those of each address are kept, and which are alive."""

from __future__ import annotations

from kikao.members.known import Move

Named = tuple[str, str]


class Anchors:
    """Keeps the contract of `Anchor`: a call moves one address, does no harm twice, and refuses what is alive."""

    def __init__(self) -> None:
        self.kept: dict[Named, Named] = {}
        self.alive: set[Named] = set()
        self.asked: list[Move] = []

    async def __call__(self, move: Move) -> bool:
        self.asked.append(move)
        address, to = (move.address.kind, move.address.identity), (move.to.kind, move.to.identity)
        if self.kept.get(address, address) == to:
            return True
        if self.where(address) in self.alive:
            return False
        self.kept[address] = to
        return True

    def where(self, address: Named) -> Named:
        """Where the sessions of an address are."""
        seen = {address}
        while (to := self.kept.get(address, address)) != address:
            assert to not in seen, "a circle"
            seen.add(to)
            address = to
        return address


async def anywhere(move: Move) -> bool:
    """Where no policy identifies by member, nothing has to move."""
    return True
