"""Conversations as texts that anybody can read: what members do, and every screen they see.

A story in `stories/en` is played by phones on the real wallet. Each step is a line; the screen that follows stands
below it, indented, as it was on the phone:

    Asha dials.
        Hello Asha. Choose an option.
        1 Send money

`stories/lg` and `stories/sw` hold the same steps with the screens of those languages. After a change of wording or of
a step in `stories/en`, `python -m tests.wallet.storyteller` writes all screens anew: read what changed before you
commit it.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from kikao.app import App
from kikao.config import load
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.members import directory
from kikao.records import Records
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.policy import SessionPolicy
from kikao.testing import Clock, Phone, Stage
from kikao_apps.wallet import operations
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.flows import flows
from kikao_apps.wallet.ledger import MIGRATIONS, REF_ALPHABET, REF_LENGTH, VERSION_TABLE, Ledger
from kikao_apps.wallet.service import CATALOGS, LOCALES
from tests.wallet.ledgers import GIFT, IN_MEMORY, a_key, cheap_pins, services_of, write_migrated

STORIES: Final = Path(__file__).parent / "stories"
GATEWAYS: Final = ("africastalking", "nalo")
NALO: Final = {"KIKAO_USSD_NALO_CODE": "*284#", "KIKAO_USSD_NALO_SEPTETS": "156"}
"""Its code, for long dials, and pages as long as those of Africa's Talking, which puts four characters before each."""

NUMBERS: Final = {
    "Asha": "+256700000001",
    "Binta": "+256700000002",
    "Chidi": "+256700000003",
    "Dayo": "+256700000004",
    "Wanjiku": "+254712000005",
}
PIN: Final = "2580"
WRONG_PIN: Final = "1379"
MEMBERS: Final = (directory.MIGRATIONS, directory.VERSION_TABLE)
SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}


class Story(NamedTuple):
    """A title and the steps below it, without screens."""

    title: str
    steps: tuple[str, ...]


def stories(text: str) -> list[Story]:
    """The stories of a file: `# ` begins one, an indented line belongs to a screen."""
    found: list[Story] = []
    for line in text.splitlines():
        if line.startswith("# "):
            found.append(Story(line[2:], ()))
        elif line and not line.startswith(" "):
            found[-1] = Story(found[-1].title, (*found[-1].steps, line))
    return found


def sections(text: str) -> dict[str, str]:
    """Each story as it is written, by its title."""
    pieces = re.split(r"^# (.+)\n", text, flags=re.MULTILINE)[1:]
    return {title: body.strip("\n") for title, body in zip(pieces[::2], pieces[1::2], strict=True)}


async def played(story: Story, locale: str, gateway: str) -> str:
    """A story with the screens that the wallet shows in a language, through a gateway."""
    async with a_town(locale, gateway, story.steps) as town:
        lines = []
        for step in story.steps:
            screen = await town.play(step)
            lines += [step, *(f"    {line}" for line in screen), *([""] if screen else [])]
        books = await town.ledger.audit()
        assert books.right, books
    return "\n".join(lines).strip("\n")


class Town:
    """A wallet at work, the phones in town, its bank's moods, its operator."""

    def __init__(self, stage: Stage, locale: str, gateway: str) -> None:
        self._stage = stage
        self._gateway = gateway
        self._language = str(list(LOCALES).index(locale) + 1)
        self._phones: dict[str, Phone] = {}
        self._last: Phone | None = None
        self._start_pin = ""

    @property
    def ledger(self) -> Ledger:
        real = self._stage.service(Bank).real
        assert isinstance(real, Ledger)
        return real

    async def play(self, step: str) -> list[str]:
        """Do what a line says; the lines of the screen that it led to. Raises `AssertionError` for a strange line."""
        for pattern, act in STEPS.items():
            if match := re.fullmatch(pattern, step):
                phone = await act(self, **match.groupdict())
                return self._screen(phone) if phone is not None else []
        raise AssertionError(f"nobody knows how to do this: {step}")

    def _screen(self, phone: Phone) -> list[str]:
        self._last = phone
        return [*phone.screen.splitlines(), *(["(end)"] if phone.ended else [])]

    def phone(self, name: str) -> Phone:
        if name not in self._phones:
            self._phones[name] = self._stage.phone(NUMBERS[name], gateway=self._gateway)
        return self._phones[name]

    # --- what members do ---

    async def dial(self, who: str, ahead: str | None = None, answers: str | None = None) -> Phone:
        phone = self.phone(who)
        await phone.dial(ahead or "")
        return await self.answer(who, answers) if answers else phone

    async def answer(self, who: str, answers: str) -> Phone:
        """One after the other; only the last screen is told."""
        named = {"the start PIN": self._start_pin, "her language": self._language}
        await self.phone(who).reply(*(named.get(answer, answer) for answer in answers.split(" then ")))
        return self.phone(who)

    async def hang_up(self, who: str) -> None:
        await self.phone(who).hang_up()

    async def again(self) -> Phone:
        assert self._last is not None
        await self._last.again()
        return self._last

    async def wait(self, count: str, unit: str) -> None:
        self._stage.clock.advance(int(count) * SECONDS[unit])

    # --- what happened before ---

    async def register(self, who: str, currency: str | None = None, name: str | None = None) -> None:
        """An account, and a language that was chosen at an earlier dial."""
        await self.open_account(who, currency or "UGX", name or who)
        await self.phone(who).dial()
        await self.phone(who).reply(self._language)
        await self.phone(who).hang_up()
        self._stage.clock.advance(600)

    async def open_account(self, who: str, currency: str = "UGX", name: str = "") -> None:
        number, pin = NUMBERS[who], Secret(PIN)
        await self.ledger.propose_pin(number, pin, key=a_key())
        opened = await self.ledger.open_account(number, name or who, currency, pin, key=a_key())
        assert isinstance(opened, Done)

    async def lock(self, who: str) -> None:
        for _ in range(3):
            await self.ledger.balance(NUMBERS[who], Secret(WRONG_PIN), key=a_key())

    async def sent(self, who: str, currency: str, amount: str, to: str) -> None:
        money = Amount(currency, int(amount.replace(",", "")))
        paid = await self.ledger.transfer(NUMBERS[who], NUMBERS[to], money, pin=Secret(PIN), key=a_key())
        assert isinstance(paid, Done)

    # --- what the bank does ---

    async def be_slow(self, call: str) -> None:
        self._stage.service(Bank).slow(call)

    async def break_off(self, call: str) -> None:
        self._stage.service(Bank).breaks(call)

    async def talk(self, call: str, nonsense: str) -> None:
        self._stage.service(Bank).answers(call, NONSENSE[nonsense])

    async def be_away(self) -> None:
        self._stage.service(Bank).away()

    async def be_well(self) -> None:
        self._stage.service(Bank).well()
        await self._stage.settle()

    # --- what the server and the operator do ---

    async def die(self, moment: str) -> None:
        self._stage.crash_at("commit", before=moment == "before")

    async def restart(self) -> None:
        await self._stage.restart()

    async def unlock(self, who: str) -> None:
        async with self._operator() as records:
            assert await operations.unlock(records, NUMBERS[who], self._stage.clock.now)

    async def give_start_pin(self, who: str) -> None:
        async with self._operator() as records:
            now = self._stage.clock.now
            pin = await operations.give_start_pin(records, cheap_pins(), NUMBERS[who], now)
            self._start_pin = pin.reveal()

    async def forget(self, who: str) -> None:
        await self.ledger.forget(NUMBERS[who])

    async def was_so_before(self, **_: str) -> None:
        """What `a_town` was built with."""

    @asynccontextmanager
    async def _operator(self) -> AsyncIterator[Records]:
        records = Records(self._stage.settings.records)
        try:
            yield records
        finally:
            await records.close()


Act = Callable[..., Awaitable[Phone | None]]

WHO: Final = "(?P<who>[A-Z][a-z]+)"
STEPS: Final[Mapping[str, Act]] = {
    rf"{WHO} dials(?: (?P<ahead>[\d*]+))?(?: and answers (?P<answers>.+))?\.": Town.dial,
    rf"{WHO} answers (?P<answers>.+)\.": Town.answer,
    rf"{WHO} hangs up\.": Town.hang_up,
    r"The gateway sends the request again\.": Town.again,
    r"(?P<count>\d+) (?P<unit>second|minute|hour)s? pass(?:es)?\.": Town.wait,
    rf"{WHO} has an account(?: in (?P<currency>[A-Z]{{3}}))?(?: as (?P<name>.+))?\.": Town.register,
    rf"{WHO} opens an account elsewhere\.": Town.open_account,
    rf"{WHO}'s account is locked\.": Town.lock,
    rf"{WHO} sent (?P<currency>[A-Z]{{3}}) (?P<amount>[\d,]+) to (?P<to>[A-Z][a-z]+)\.": Town.sent,
    r"The bank is slow to answer (?P<call>\w+)\.": Town.be_slow,
    r"The bank breaks off after (?P<call>\w+)\.": Town.break_off,
    r"The bank answers (?P<call>\w+) with (?P<nonsense>.+)\.": Town.talk,
    r"The bank is away\.": Town.be_away,
    r"The bank is well again\.": Town.be_well,
    r"The server dies (?P<moment>before|after) the next commit\.": Town.die,
    r"The server starts again\.": Town.restart,
    rf"The operator unlocks {WHO}'s account\.": Town.unlock,
    rf"The operator gives {WHO} a start PIN\.": Town.give_start_pin,
    rf"{WHO} is forgotten\.": Town.forget,
    r"A member may send (?P<count>\d+) requests a minute\.": Town.was_so_before,
    r"Accounts begin with nothing\.": Town.was_so_before,
}
"""What a line may say."""

NONSENSE: Final[Mapping[str, Any]] = {
    "nothing": None,
    "a text": "OK",
    "done with nothing": Done(None),
    "done with a text": Done("OK"),
}


@asynccontextmanager
async def a_town(locale: str, gateway: str, steps: tuple[str, ...] = ()) -> AsyncIterator[Town]:
    """The wallet with its bank, on a clock that stands still."""
    clock = Clock()
    refs = random.Random(1)

    services = services_of(
        clock,
        gift=None if "Accounts begin with nothing." in steps else GIFT,
        new_ref=lambda: "".join(refs.choices(REF_ALPHABET, k=REF_LENGTH)),
    )
    permits = [int(match[1]) for step in steps if (match := re.match(r"A member may send (\d+)", step))]
    limits = Limits(address=Rate(permits[0], burst=permits[0])) if permits else Limits()
    app = App(
        flows,
        entry="wallet",
        services=services,
        locales=LOCALES,
        catalogs=[CATALOGS],
        policy=SessionPolicy(limits=limits),
    )
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        settings = load({"KIKAO_DATA": folder, **NALO}, Path(folder), gateways=GATEWAYS, makes_keys=True)
        await write_migrated(Path(settings.records), (MIGRATIONS, VERSION_TABLE), MEMBERS)
        async with Stage(app, settings, clock=clock) as stage:
            yield Town(stage, locale, gateway)


def files() -> Iterator[str]:
    """The names of the files of stories."""
    return (path.name for path in sorted((STORIES / "en").glob("*.txt")))


async def write_all() -> None:
    """Write every screen anew, in every language, from the steps in English."""
    for name in files():
        told = stories((STORIES / "en" / name).read_text(encoding="utf-8"))
        for locale in LOCALES:
            texts = [f"# {story.title}\n\n{await played(story, locale, GATEWAYS[0])}\n" for story in told]
            path = STORIES / locale / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n\n".join(texts), encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(STORIES)}: {len(texts)} stories\n")


if __name__ == "__main__":
    asyncio.run(write_all())
