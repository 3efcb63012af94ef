"""Members with a bad line: they read what is shown, answer, mistype, go back, hang up, and dial again.

What a member sends is a `Message`; the gateway delivers it, perhaps twice, perhaps late, perhaps to another worker.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from kikao.channels.inbound import Inbound
from kikao.conversation import Secret
from kikao.conversation.errors import TEXTS, ErrorCode
from kikao.i18n import t
from tests.reliability.simulation import laws
from tests.reliability.simulation.bank import Order
from tests.reliability.simulation.edge import START
from tests.reliability.simulation.flows import PEOPLE
from tests.talk import PlainGateway

if TYPE_CHECKING:
    from tests.reliability.simulation.world import World

RECENT: Final = t("Your last request is still being processed. Dial again shortly.")
APOLOGIES: Final = frozenset(
    f"END {text.msgid}".encode()
    for text in (TEXTS[ErrorCode.BACKEND_UNAVAILABLE], TEXTS[ErrorCode.UNKNOWN_OUTCOME], RECENT)
)
"""Not turns, or turns that only ask for patience: the gateway may try again."""

RECEIPT: Final = re.compile(r"(?:Paid|Bought) UGX ([\d,]+)\. Ref (T\d+x)")
SEND: Final = re.compile(r"Pay UGX ([\d,]+) to (\w+)\? Fee")
AIRTIME: Final = re.compile(r"Buy UGX ([\d,]+) of airtime")
BILL: Final = re.compile(r"Pay UGX ([\d,]+) of the bill\?")
PERSON: Final = re.compile(rf"^(\d+) ({'|'.join(PEOPLE)})$", re.MULTILINE)
BROKEN: Final = TEXTS[ErrorCode.INTERNAL].msgid.encode()

PROMPTS: Final = {
    "Pay whom?": "to",
    "How much?": "amount",
    "Airtime for": "amount",
    "Pay how much": "amount",
    "Any comment?": "words",
    "Your name?": "words",
}
CONTINUES: Final = ("Continue where", "We are checking")


class Message:
    """A request as the gateway sends it, perhaps several times."""

    __slots__ = (
        "begins",
        "consumed",
        "dialogue",
        "doubts",
        "flying",
        "id",
        "past",
        "reply",
        "sent_at",
        "text",
    )

    def __init__(self, id_: str, text: str, dialogue: str, sent_at: float, *, begins: bool) -> None:
        self.id = id_
        self.sent_at = sent_at
        self.text = text
        self.dialogue = dialogue
        self.begins = begins
        self.consumed = False
        """Whether anything was written for it."""
        self.past = False
        """Whether its screen is gone, so that nobody would send it on for the first time."""
        self.doubts = 0
        """How often it was answered that its outcome is being checked: it makes no sense to go on asking."""
        self.flying = 0
        """How many copies of it are on their way."""
        self.reply = b""
        """What acknowledged it."""


class Gateway(PlainGateway):
    """The gateway of all members."""

    def __init__(self, retention: float) -> None:
        super().__init__()
        self.retention = retention


class Member:
    """One member. `single`: the gateway sends answers one by one; else everything typed since the dial."""

    def __init__(self, world: World, number: str, pin: str, wrong: str, flow: str, *, single: bool) -> None:
        self.world = world
        self.number = number
        self.flow = flow
        self.single = single
        self.gateway = world.gateway
        self.sent: list[Message] = []
        self.text = ""
        self.ended = True
        self.open: list[tuple[Order, ...]] = []
        """Orders under way, of which nobody said what became of them."""
        self.doubtful = False
        """Whether something was typed that a bank refuses for certain: a wrong PIN, or too much."""
        self.sure = False
        """Whether the right PIN comes next for certain."""
        self.waits = False
        """Whether nobody answered, and the line is still open."""
        self._pin = pin
        self._wrong = wrong
        self._amounts: set[str] = set()
        self._confirming: Order | None = None
        self._typed = ""
        self._dials = 0
        self._strays: list[asyncio.Task[None]] = []

    # What members do.

    async def live(self, screens: int) -> None:
        """Dial, and go on for so many screens, with everything that goes wrong."""
        chance = self.world.chance
        await self._dial()
        for _ in range(screens):
            if self.waits:
                await self._pokes()
                continue
            if self.ended or chance.random() < 0.04:
                await asyncio.sleep(chance.choice((1.0, 8.0, 25.0)))
                await self._dial()
                continue
            if chance.random() < 0.25:
                await asyncio.sleep(chance.choice((0.5, 3.0, 12.0)))
            if self.world.weather.changes and chance.random() < self.world.weather.changes:
                self.world.reorders()
            if self.world.weather.rotates and chance.random() < self.world.weather.rotates:
                self.world.rotates()
            await self._answer()

    async def pays(self) -> bool:
        """On a good day: one wrong PIN, then the right one. Whether it comes to that."""
        world = self.world
        world.bank.top_up(self.number, 5000)
        before = sum(m.order.payer == self.number for m in world.bank.movements)
        registered = len(world.bank.registered)
        self.sure = False
        await self._dial()
        for _ in range(20):
            if self.ended:
                await asyncio.sleep(20.0)
                await self._dial()
            if any(words in self.text for words in CONTINUES):
                await self._say("2")
            else:
                await self._answer()
            if sum(m.order.payer == self.number for m in world.bank.movements) > before:
                return True
            if self.flow == "2" and len(world.bank.registered) > registered:
                return True
        return False

    async def remember(self) -> None:
        """The gateway sends some things once more that were acknowledged: the replies are the same."""
        acknowledged = [message for message in self.sent if message.reply]
        for message in self.world.chance.sample(acknowledged, min(2, len(acknowledged))):
            await self._deliver(message)

    async def rest(self) -> None:
        """Wait for what is still on its way."""
        if self._strays:
            await asyncio.wait(self._strays)

    async def _dial(self) -> None:
        chance = self.world.chance
        self._dials += 1
        self._typed = ""
        self.ended = False
        ahead = ""
        if not self.world.calm and chance.random() < 0.6:
            ahead = self._long_dial()
        await self._send(self._message(ahead, begins=True))

    def _long_dial(self) -> str:
        """`*284*1*2*750#`: the first answers are dialled at once."""
        world = self.world
        if self.flow == "1" and not world.weather.changes:
            amount = world.amount()
            self._amounts.add(amount)
            world.laws.typed["Pay whom?"].add(PEOPLE[1])
            world.laws.typed["How much?"].add(amount)
            return f"1*2*{amount}"
        return self.flow

    def _message(self, text: str, *, begins: bool = False) -> Message:
        dialogue, now = f"{self.number}/{self._dials}", self.world.loop.now
        if self.single:
            message = Message(f"{self.number}/{len(self.sent)}", text, dialogue, now, begins=begins)
        else:
            self._typed = f"{self._typed}*{text}" if self._typed and text else text or self._typed
            message = Message(f"{dialogue}|{self._typed}", self._typed, dialogue, now, begins=begins)
        self.sent.append(message)
        return message

    async def _answer(self) -> None:
        screen, text = self.text, self._choice()
        world = self.world
        if world.single and world.weather.hurries and not world.calm and world.chance.random() < 0.06:
            await self._hurries(screen, text)
        elif text == "1" and not self.world.calm and self.world.chance.random() < 0.08:
            # Two taps: the second one answers what was not seen yet, if the first one was quick.
            first, second = self._message(text), self._message(text)
            second.past = True
            self.world.laws.tapped()
            self.world.trouble("member", "taps twice")
            await asyncio.gather(self._deliver(first, first=True), self._deliver(second, first=True))
            first.past = True
            self._shown(second)
        else:
            await self._say(text)

    async def _hurries(self, screen: str, text: str) -> None:
        """Type, and at once something else, which can answer nothing but the screen that is looked at.

        The one process of the world is given both at the same time, so that the second arrives while the first is
        being processed, whatever becomes of that.
        """
        laws, hasty = self.world.laws, f"hasty {self.world.amount()}"
        for prompt, typed in laws.typed.items():
            if prompt in screen:
                typed |= {hasty, f"{text}*{hasty}"}
        first, second = self._message(text), self._message(hasty)
        second.past = True
        self.world.trouble("member", "types ahead")
        await asyncio.gather(
            self._deliver(first, first=True, at_once=True), self._deliver(second, first=True, at_once=True)
        )
        first.past = True
        self._shown(second)

    async def _pokes(self) -> None:
        """Nobody answered: in a chat one writes something else, whatever question that may come to."""
        self.waits = False
        text = f"hello {self.world.amount()}"
        for typed in self.world.laws.typed.values():
            typed.add(text)
        await asyncio.sleep(self.world.chance.choice((1.0, 18.0, 21.0)))
        self.world.trouble("member", "writes again")
        await self._say(text)
        if self.world.chance.random() < self.world.weather.impatient:
            await asyncio.sleep(40.0)

    async def _say(self, text: str) -> None:
        await self._send(self._message(text))

    def _choice(self) -> str:
        """What to type, looking at the screen."""
        world, text = self.world, self.text
        chance = world.chance.random
        prompt = next((prompt for prompt in world.laws.typed if prompt in text), "")
        if not world.calm:
            if RECEIPT.search(text) and chance() < 0.2:
                return "0"  # back over what is done
            if chance() < 0.05:
                odd = world.chance.choice(("0", "0", "00", "odd"))
                if odd == "odd":
                    odd = f"odd {world.amount()}"
                    if prompt:
                        world.laws.typed[prompt].add(odd)
                return odd
        kind = next((kind for words, kind in PROMPTS.items() if words in text), "")
        if kind == "to":
            key, shown = world.chance.choice(PERSON.findall(text))
            world.laws.typed[prompt].add(shown)
            return str(key)
        if kind == "amount":
            answer = world.amount()
            self._amounts.add(answer)
        elif kind == "words":
            whole = (
                world.weather.idle < laws.EXPIRES_IN_DIALOGUES
            )  # a long dial takes what is between two stars
            answer = f"words {'' if whole else '*'}{world.amount()}"
        elif "Your PIN?" in text:
            return self._secret()
        elif order := self._quoted(text):
            return self._agree(order)
        elif any(words in text for words in CONTINUES):
            return str(world.chance.choice(("1", "1", "2")))
        elif "Main menu" in text:
            self._confirming = None
            return self.flow
        else:
            return "1"
        if prompt:
            world.laws.typed[prompt].add(answer)
        return answer

    def _secret(self) -> str:
        world = self.world
        # A registration moves nothing: "not carried out" may be said of that, and of what a wrong PIN was given for.
        self.open.append((self._confirming or Order("register", self.number, "", 0),))
        if (not world.calm and world.chance.random() < world.weather.mistakes) or (
            world.calm and not self.sure
        ):
            self.doubtful = self.sure = True
            return self._wrong
        if self._confirming is not None:
            world.laws.confirmed[self._confirming] += 1
        return self._pin

    def _quoted(self, text: str) -> tuple[Order, ...]:
        """What a confirmation says."""
        if found := SEND.search(text):
            amount, to = int(found[1].replace(",", "")), found[2]
            return (Order("send", self.number, to, amount),)
        if found := AIRTIME.search(text):
            return (Order("airtime", self.number, "telco", int(found[1].replace(",", ""))),)
        if found := BILL.search(text):
            amount = int(found[1].replace(",", ""))
            left = Order("left", self.number, "landlord", amount)
            return left, Order("right", self.number, "waterworks", amount)
        return ()

    def _agree(self, orders: tuple[Order, ...]) -> str:
        world, order = self.world, orders[0]
        known = order.kind != "send" or order.payee in world.laws.typed["Pay whom?"]
        if not known or str(order.minor) not in self._amounts:
            world.laws.broken(laws.MISQUOTED, str(order))
        if not world.calm and world.chance.random() < 0.08:
            return "0"  # no, another amount
        if order.kind == "send":
            self._confirming = order
        else:
            world.laws.confirmed.update(orders)
            self.open.append(orders)
        return "1"

    # What gateways do.

    async def _send(self, message: Message) -> None:
        """Send until there is an answer; a gateway that waited too long sends again."""
        world, weather, chance = self.world, self.world.weather, self.world.chance
        if not world.calm and chance.random() < weather.copies:
            self._stray(message, (0.0, 0.0, 0.01, 1.0, 10.0))
        for again in range(6 if world.calm else chance.choice(weather.tries)):
            if again:
                await asyncio.sleep(chance.choice((0.1, 2.0, 16.0)))
            task = world.loop.create_task(self._deliver(message))
            self._strays.append(task)
            await asyncio.wait({task}, timeout=7.0)
            if message.reply or message.doubts > 1:
                break
        while message.flying and not message.reply:  # noqa: ASYNC110 - simulated time
            await asyncio.sleep(0.5)
        message.past = True
        if not message.reply:
            self._stray(message, (5.0, 25.0, 35.0, 45.0))  # the provider has not given up
        elif not world.calm and chance.random() < weather.late:
            self._stray(message, (1.0, 5.0, 20.0))
        self._shown(message)

    def _shown(self, message: Message) -> None:
        if message.reply:
            self._see(message.reply)
        else:
            self.ended = True
            self.waits = (
                self.single
                and not self.world.calm
                and self.world.chance.random() < self.world.weather.impatient
            )

    def _stray(self, message: Message, after: tuple[float, ...]) -> None:
        """The same request once more, at some time."""
        world = self.world
        world.trouble("gateway", "sends again")

        async def later() -> None:
            await asyncio.sleep(world.chance.choice(after))
            await self._deliver(message)

        self._strays.append(world.loop.create_task(later()))

    async def _deliver(self, message: Message, *, first: bool = False, at_once: bool = False) -> None:
        world = self.world
        inbound = Inbound(
            channel="ussd",
            gateway="plain",
            identity=self.number,
            happening="new" if message.begins else "reply",
            text=Secret(message.text),
            dialogue=message.dialogue,
            msisdn=self.number,
            message_id=Secret(message.id),
            accumulated=not self.single,
            sent_at=START + message.sent_at if world.timed else None,
        )
        message.flying += 1
        try:
            if not at_once:
                await asyncio.sleep(world.chance.random() * 0.004)
            if message.past and not first and not message.consumed:
                return  # nobody sends what nobody is looking at
            if world.loop.now - message.sent_at > world.weather.retention - 1.0:
                return  # nor what is older than copies may be
            life = world.pick()
            if life is None:
                return
            if world.tracing:
                world.note(life.name, f"<- {message.id[-24:]!r} {'dial' if message.begins else ''}")
            response = await life.handle(inbound, self.gateway, message)
            if response is None:
                world.note(life.name, "no reply")
                return
            world.note(life.name, f"-> {response.body.decode()!r}")
            await asyncio.sleep(world.chance.random() * 0.004)
            self._acknowledged(message, response.body)
        finally:
            message.flying -= 1

    def _acknowledged(self, message: Message, reply: bytes) -> None:
        if BROKEN in reply:
            self.world.laws.broken(laws.BROKE)
        if reply in APOLOGIES:
            message.doubts += reply.startswith(b"END We are checking")
            return
        if not reply:  # dropped, since it is older than copies may be
            if self.world.loop.now - message.sent_at < self.world.weather.retention - 1.0:
                self.world.laws.broken(laws.LOST, "an inbound was dropped before its time")
            return
        if message.reply and message.reply != reply:
            self.world.laws.broken(laws.CHANGED_REPLY, f"{message.reply!r} became {reply!r}")
        if message.reply:
            self.world.count("duplicates answered")
        else:
            self.world.count("turns acknowledged")
        message.reply = reply

    # What members see.

    def _see(self, reply: bytes) -> None:
        state, _, self.text = reply.decode().partition(" ")
        self.ended = state == "END"
        world, bank = self.world, self.world.bank
        for amount, ref in RECEIPT.findall(self.text):
            minor = int(amount.replace(",", ""))
            self.open = [orders for orders in self.open if orders[0].minor != minor]
            if not any(m.ref == ref and m.order.minor == minor for m in bank.movements):
                world.laws.broken(laws.FALSE_RECEIPT)
        if "not carried out" in self.text:
            if not bank.tombstones and not self.doubtful:
                world.laws.broken(laws.GUESSED)
            if self.open and all(bank.carried_out(order) for orders in self.open for order in orders):
                world.laws.broken(laws.NOT_SENT)
