"""What a member's operator is asked to charge for a screen, where the gateway can pass that on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from kikao.conversation.errors import Misuse
from kikao.conversation.facts import Fact
from kikao.conversation.journal import Charged, Conversation, Entry, Run
from kikao.conversation.posting import Leaving
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount

CHARGE: Final = "#charge"
"""In a journal, where a message has its destination."""


class Charge(Leaving):
    """Yielded by a flow: have this charged with the turn's screen."""

    __slots__ = ("amount",)

    def __init__(self, key: str, amount: Amount, place: str) -> None:
        super().__init__(key, place)
        if not isinstance(amount, Amount) or amount.minor <= 0:
            raise Misuse(f"{place}: what is charged is an Amount of more than 0.")
        self.amount = amount

    def enter(
        self,
        run: Run,
        conversation: Conversation,
        secrets: Sequence[Secret],
        destinations: Collection[str] | None,
    ) -> list[Fact]:
        """See `Leaving.enter`. Raises `Misuse` for the second in a turn."""
        if conversation.charge is not None:
            raise Misuse(f"{self.place}: a turn has one screen, and so one charge: add the amounts up.")
        run.observe(Entry(self.key, "post", "", CHARGE))
        conversation.charge = Charged(run.flow, self.key, self.amount)
        return []
