"""An airtime provider, in memory. It honours idempotency keys, and says what became of each."""

import asyncio

import msgspec

from kikao import Amount, Done, ErrorCode, Refused, Voided, t


class Receipt(msgspec.Struct, frozen=True):
    ref: str
    amount: Amount
    number: str


class Provider:
    def __init__(self, stock: int = 60_000) -> None:
        self.stock = stock
        self.delay = 0.0  # seconds before it answers
        self._kept: dict[str, tuple[object, Receipt] | None] = {}  # by key; None is a tombstone

    async def top_up(self, number: str, amount: Amount, *, key: str) -> Done[Receipt] | Refused:
        request = (number, amount)
        if key in self._kept:
            kept = self._kept[key]
            if kept is None or kept[0] != request:
                return Refused(ErrorCode.REJECTED)
            return Done(kept[1])
        if amount.minor > self.stock:
            return Refused(ErrorCode.REJECTED, t("We have too little airtime left. Try a smaller amount."))
        self.stock -= amount.minor
        receipt = Receipt(f"A{len(self._kept) + 1}", amount, number)
        self._kept[key] = (request, receipt)  # in a database: one transaction with the line above
        await asyncio.sleep(self.delay)
        return Done(receipt)

    async def find(self, key: str) -> Done[Receipt] | Voided:
        kept = self._kept.setdefault(key, None)  # a key nobody used gets its tombstone, in one act
        return Voided() if kept is None else Done(kept[1])
