"""What the faulty flows call."""

from kikao import Done, Refused, Secret


class Bank:
    """A bank that does everything and nothing."""

    async def pay(self, pin: Secret, key: str) -> Done[str] | Refused:
        return Done("AB12")

    async def reward(self, key: str) -> Done[None]:
        return Done(None)

    async def close(self) -> None: ...
