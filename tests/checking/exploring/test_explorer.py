"""Exploring an app: every answer and every outcome, how far it came, and what broke."""

from __future__ import annotations

import datetime as dt
import functools
import socket
import sys
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from kikao.checking.exploring import Options, explore
from kikao.conversation import (
    BackendError,
    Chat,
    Choice,
    Date,
    Done,
    ErrorCode,
    Invalid,
    Location,
    Media,
    Money,
    Number,
    Phone,
    Pin,
    Refused,
    RefusedError,
    Step,
    Text,
)
from kikao.conversation.flows import Flows
from kikao.conversation.outcomes import Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n import Amount, t
from tests.checking.exploring.apps import app_of, codes, found, line_of


class Receipt(msgspec.Struct, frozen=True):
    ref: str
    amount: Amount


class Shop(Protocol):
    """A service as a flow sees it."""

    async def open(self) -> bool: ...

    async def price(self, count: int) -> Amount: ...

    async def pay(self, amount: Amount, pin: Secret, *, key: str) -> Done[Receipt] | Refused: ...

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown: ...


async def buying(chat: Chat) -> None:
    """A flow with all kinds of branches, each of which can be taken."""
    shop = chat.service(Shop)
    if not await chat.read("open", shop.open):
        await chat.end(t("We are closed."))
    count = await chat.ask("count", Number(1, 100), t("How many?"))
    if count > 12:
        await chat.say(t("That is a lot."))
    price = await chat.read("price", lambda: shop.price(count))
    await chat.confirm("ok", t("Pay {price}?", price=price) if price.minor else t("Take it, it is free?"))
    try:
        receipt = await chat.secret(
            "pin", Pin(), t("Enter your PIN"), use=lambda p, key: shop.pay(price, p, key=key), check=shop.find
        )
    except RefusedError as refused:
        if refused.code is ErrorCode.LOCKED:
            await chat.end(t("Call us."))
        raise
    await chat.end(t("Paid. Ref {ref}", ref=receipt.ref))


def test_everything_that_can_happen_is_tried() -> None:
    exploration = explore(app_of(buying, services={Shop: None}))

    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 9 of 9 branches"
    assert exploration.flows == ("buying",)
    assert exploration.screens > 10


def test_the_same_app_gives_the_same() -> None:
    first, second = (explore(app_of(buying, services={Shop: None})) for _ in range(2))

    assert first == second


def test_the_functions_are_as_they_were() -> None:
    code = buying.__code__

    explore(app_of(buying, services={Shop: None}))

    assert buying.__code__ is code
    assert not [name for name in globals() if name.startswith("__kikao")]


def test_a_branch_that_is_not_reached_is_reported_with_its_place_and_the_figure() -> None:
    async def unlikely(chat: Chat) -> None:
        name = await chat.ask("name", Text(max=20), t("Name?"))
        if name.startswith("Z") and len(name) % 7 == 5:  # unlikely
            await chat.end(t("Lucky."))
        await chat.end(t("Bye."))

    exploration = explore(app_of(unlikely))

    coverage = exploration.coverage
    assert (coverage.reached, coverage.total) == (1, 4)
    assert [branch.what for branch in coverage.unreached] == [
        "`name.startswith('Z')` is never true",
        "`len(name) % 7 == 5` is never false",
        "`len(name) % 7 == 5` is never true",
    ]
    notes = found(exploration, "K304")
    assert {note.line for note in notes} == {line_of("# unlikely", __file__)}
    assert str(coverage) == "explored 1 of 4 branches"


class Till:
    """A service without annotations."""

    def __init__(self) -> None:
        self.name = "Till"

    async def count(self):  # type: ignore[no-untyped-def]
        raise AssertionError("never called while exploring")

    def rate(self, of: int) -> int:
        raise AssertionError("never called while exploring")


async def counting(chat: Chat) -> None:
    till = chat.service(Till)
    count = await chat.read("count", till.count)
    rate = await chat.read("rate", lambda: till.rate(1))
    if rate == 7:
        await chat.say(t("Seven."))
    await chat.end(t("{till} has {count}.", till=till.name, count=str(count)))


def test_a_real_service_is_never_called_and_what_is_not_known_of_it_is_told() -> None:
    exploration = explore(app_of(counting, services={Till: Till()}))

    (note,) = found(exploration, "K304")
    assert "Till.count" in note.message
    assert note.line == line_of("async def count(self)", __file__)
    assert "examples" in note.hint
    assert str(exploration.coverage) == "explored 2 of 2 branches"


def test_a_service_that_the_app_has_not_breaks_the_flow() -> None:
    (broken,) = found(explore(app_of(counting)), "K305")

    assert broken.code == "K305"
    assert "no service Till" in broken.message
    assert broken.line == line_of("till = chat.service(Till)", __file__)


def test_a_flow_that_breaks_is_told_with_the_answers_that_lead_there() -> None:
    async def dividing(chat: Chat) -> None:
        await chat.ask("name", Choice(["Asha", "Binta"]), t("Who?"))
        parts = await chat.ask("parts", Number(0, 9), t("How many parts?"))
        share = 100 // parts  # breaks
        await chat.end(t("{share} each.", share=share))

    (broken,) = explore(app_of(dividing)).findings

    assert broken.code == "K305"
    assert broken.message.startswith("ZeroDivisionError: integer ")
    assert broken.line == line_of("# breaks", __file__)
    assert (broken.flow, broken.key) == ("dividing", "parts")
    assert broken.hint.startswith("Mend the error; ")
    assert broken.hint.endswith("After: dial > name: 'Asha' > parts: 0")


def test_the_text_of_an_error_is_told_on_one_line_and_in_short() -> None:
    class Odd: ...

    async def breaking(chat: Chat) -> None:
        name = await chat.ask("name", Text(), t("Name"))
        raise ValueError(f"{name} is\nno name:3: of {Odd()} " + 300 * "x")

    (broken,) = found(explore(app_of(breaking)), "K305")  # one, whatever the names it broke with

    assert broken.line == line_of("is\\nno name", __file__)
    assert " is no name:3: of <" in broken.message
    assert " at 0x" not in broken.message
    assert broken.message.startswith("ValueError: ")
    assert len(broken.message) <= len("ValueError: ") + 200


def test_an_effect_that_breaks_in_the_flows_own_code_is_told() -> None:
    class Bank(Protocol):
        async def pay(self, key: str) -> str: ...

    async def paying(chat: Chat) -> None:
        bank = chat.service(Bank)

        async def pay(key: str) -> str:
            return (await bank.pay(key)).no_such_name  # type: ignore[attr-defined,no-any-return]

        await chat.step("pay", pay, retry="key")
        await chat.end(t("Paid."))

    broken = found(explore(app_of(paying, services={Bank: None})), "K305")

    assert [each.message for each in broken] == ["the effect of 'pay': AttributeError"]


def test_every_kind_of_question_gets_right_and_wrong_answers() -> None:
    async def everything(chat: Chat) -> None:
        await chat.ask("place", Location(), t("Where?"))
        await chat.ask("file", Media(("image",)), t("A photo"))
        day = await chat.ask("day", Date(past=False), t("When?"))
        if day > dt.date(2030, 1, 1):
            await chat.say(t("That is far off."))
        code = await chat.ask("code", Text(3, 10, pattern=r"[A-Z]{3}\d*"), t("Your code"))
        if code == "ABC1":
            await chat.say(t("Right."))
        amount = await chat.ask("amount", Money("KES", min=1000, max=500_000), t("How much?"))
        if amount > Amount("KES", 123_456):
            await chat.say(t("Much."))
        number = await chat.ask("number", Phone("KE"), t("Number?"))
        if number == chat.member.msisdn:
            await chat.end(t("That is yours."))
        await chat.end(t("Bye."))

    exploration = explore(app_of(everything))

    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 8 of 8 branches"


def test_validators_accept_refuse_and_fail() -> None:
    class Directory(Protocol):
        async def known(self, name: str) -> bool: ...

    async def asking(chat: Chat) -> None:
        directory = chat.service(Directory)

        async def known(name: str) -> None:
            try:
                there = await directory.known(name)
            except BackendError:
                raise Invalid(t("Try later.")) from None
            if not there:
                raise Invalid(t("Nobody has that name."))

        await chat.ask("name", Text(max=20), t("Name?"), validate=known)
        await chat.end(t("Bye."))

    exploration = explore(app_of(asking, services={Directory: None}))

    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 3 of 3 branches"


def test_answers_may_be_wrong_until_the_conversation_ends() -> None:
    async def strict(chat: Chat) -> None:
        await chat.ask("number", Number(1, 3), t("A number"), attempts=4)
        await chat.end(t("Bye."))

    assert explore(app_of(strict)).screens == 3  # the question, its end, and the end of patience


def test_a_conversation_goes_on_a_day_later_and_at_the_next_dial() -> None:
    async def shopping(chat: Chat) -> None:
        began = await chat.now()
        if await chat.session.get("cart"):
            await chat.end(t("There is something in your cart."))
        await chat.ask("item", Choice(["Tea", "Milk"]), t("Item?"))
        if (await chat.now() - began).total_seconds() > 3600:
            await chat.end(t("Too late."))
        await chat.session.set("cart", 1)
        await chat.end(t("Bye."))

    assert str(explore(app_of(shopping)).coverage) == "explored 4 of 4 branches"


def test_effects_may_be_late_unknown_and_refused() -> None:
    class Bank(Protocol):
        async def pay(self, key: str) -> str: ...

        async def find(self, key: str) -> Done[str] | Voided | Unknown: ...

    async def paying(chat: Chat) -> None:
        bank = chat.service(Bank)
        await chat.ask("ok", Choice(["Yes"]), t("Pay?"))
        try:
            done = await chat.steps_parallel(
                {"one": Step(bank.pay, "check", bank.find), "two": Step(bank.pay, "key")}
            )
        except RefusedError as refused:
            if refused.code is ErrorCode.LIMITED:
                await chat.end(t("Enough for today."))
            raise
        await chat.end(t("Paid {ref}.", ref=done["one"]))

    exploration = explore(app_of(paying, services={Bank: None}))

    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 3 of 3 branches"


def test_a_bound_that_is_met_is_told() -> None:
    exploration = explore(app_of(buying, services={Shop: None}), options=Options(turns=5))

    assert exploration.turns == 5
    assert exploration.bound.startswith("the bound of 5 turns was met, with ")
    assert any(exploration.bound in note.message for note in found(exploration, "K304"))


def test_time_is_a_bound_too() -> None:
    exploration = explore(app_of(buying, services={Shop: None}), options=Options(seconds=0.0))

    assert exploration.bound.startswith("the bound of 0 seconds was met")


def test_a_loop_is_not_followed_for_ever() -> None:
    async def looping(chat: Chat) -> None:
        times = 0
        while await chat.choose("more", t("More?"), {True: t("Yes"), False: t("No")}):
            times += 1
            if times > 1000:
                await chat.end(t("Enough."))
        await chat.end(t("Bye."))

    exploration = explore(app_of(looping), options=Options(patience=200))

    assert "200 turns brought nothing new" in exploration.bound
    assert [note.message for note in found(exploration, "K304")][1] == "`times > 1000` is never true"


def test_a_loop_that_never_asks_is_found() -> None:
    async def spinning(chat: Chat) -> None:
        while True:
            await chat.say(t("Round and round."))  # spins

    (loop,) = explore(app_of(spinning)).findings

    assert (loop.code, loop.line) == ("K303", line_of("# spins", __file__))


def test_a_menu_that_nothing_leaves_is_found() -> None:
    async def trapped(chat: Chat) -> None:
        while True:
            what = await chat.choose("menu", t("Menu"), {"a": t("News"), "b": t("Prices")})  # trap
            await chat.say(t("Nothing about {what}.", what=what))

    (loop,) = explore(app_of(trapped)).findings

    assert (loop.code, loop.key, loop.line) == ("K303", "menu", line_of("# trap", __file__))


def test_a_menu_with_an_end_is_no_trap() -> None:
    async def home(chat: Chat) -> None:
        while True:
            if await chat.choose("menu", t("Menu"), {"a": t("News"), "b": t("Leave")}) == "b":
                await chat.end(t("Bye."))
            await chat.say(t("No news."))

    async def away(chat: Chat) -> None:
        await chat.choose("go", t("Go home?"), ["Yes"])
        await chat.goto("home")

    assert codes(explore(app_of(home, away, services={}))) == ["K301"]
    assert codes(explore(app_of(away, home))) == []


def test_flows_that_nothing_leads_to_are_found() -> None:
    async def entry(chat: Chat) -> None:
        kind = await chat.choose("kind", t("Kind?"), ["called", "gone"])
        if kind == "called":
            await chat.call("child")
        await chat.goto("other")

    async def child(chat: Chat) -> None:
        await chat.say(t("Here."))

    async def other(chat: Chat) -> None:
        await chat.end(t("Bye."))

    async def alone(chat: Chat) -> None:
        await chat.call("company")

    async def company(chat: Chat) -> None:
        await chat.end(t("Bye."))

    exploration = explore(app_of(entry, child, other, alone, company))

    assert [finding.flow for finding in found(exploration, "K301")] == ["alone", "company"]
    assert exploration.flows == ("entry", "child", "other")


def test_what_leads_to_a_flow_behind_an_unexplored_branch_leads_to_it() -> None:
    async def entry(chat: Chat) -> None:
        name = await chat.ask("name", Text(max=9), t("Name?"))
        if len(name) == 4 and name[3] == "!":
            await chat.goto("secret-room")
        await chat.end(t("Bye."))

    async def secret_room(chat: Chat) -> None:
        await chat.end(t("Hello."))

    assert set(codes(explore(app_of(entry, secret_room)))) == {"K304"}


def test_nothing_outside_is_reached(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]

        async def outgoing(chat: Chat) -> None:
            try:
                with socket.socket() as calling:
                    calling.connect(("127.0.0.1", port))
            except OSError:
                await chat.say(t("Offline."))
            try:
                (tmp_path / "written").write_text("x", encoding="utf-8")
            except OSError:
                await chat.say(t("No disk."))
            await chat.end(t("Bye."))

        exploration = explore(app_of(outgoing))
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()

    assert list(tmp_path.iterdir()) == []
    assert [note.message.partition(" ")[0] for note in found(exploration, "K304")] == [
        "open",
        "socket.connect",
    ]
    (tmp_path / "later").write_text("x", encoding="utf-8")  # afterwards all is as it was


def test_folders_links_and_prompts_are_refused_too(tmp_path: Path) -> None:
    async def making(chat: Chat) -> None:
        for reach in (
            (tmp_path / "folder").mkdir,
            lambda: (tmp_path / "link").symlink_to("nowhere"),
            lambda: tmp_path.chmod(0o500),
            lambda: input("?"),
        ):
            try:
                reach()
            except OSError:
                await chat.say(t("No."))
        await chat.end(t("Bye."))

    exploration = explore(app_of(making))

    assert list(tmp_path.iterdir()) == []
    assert [note.message.partition(" ")[0] for note in found(exploration, "K304")] == [
        "builtins.input",
        "os.chmod",
        "os.mkdir",
        "os.symlink",
    ]


def test_a_flow_that_ends_python_does_not_end_the_check() -> None:
    async def quitting(chat: Chat) -> None:
        await chat.ask("name", Text(), t("Name"))
        sys.exit(0)

    (broken,) = found(explore(app_of(quitting)), "K305")
    assert broken.message == "SystemExit: 0"
    assert broken.key == "name"


def test_flows_that_call_each_other_for_ever_are_loops() -> None:
    async def here(chat: Chat) -> None:
        await chat.ask("go", Choice(["There"]), t("Here"))
        await chat.call("there")

    async def there(chat: Chat) -> None:
        await chat.ask("go", Choice(["Here"]), t("There"))
        await chat.call("here")

    async def leaving(chat: Chat) -> None:
        if await chat.ask("go", Choice([("Again", 1), ("Leave", 2)]), t("Leave?")) == 1:
            await chat.call("leaving")
        await chat.end(t("Bye."))

    endless = explore(app_of(here, there))
    assert codes(endless)[:1] == ["K303"]
    assert codes(explore(app_of(leaving))) == []


def test_a_long_way_is_told_in_short() -> None:
    async def long(chat: Chat) -> None:
        for at in range(20):
            await chat.ask(f"{at}{'q' * 90}", Choice(["On"]), t("On"))
        raise ValueError("x" * 999)

    (broken,) = found(explore(app_of(long)), "K305")

    assert len(broken.hint) < 1500
    assert len(broken.key) <= 80


def test_a_secret_is_in_no_finding() -> None:
    seen: list[str] = []

    class Bank(Protocol):
        async def look(self, pin: Secret, key: str) -> str: ...

    async def leaking(chat: Chat) -> None:
        bank = chat.service(Bank)

        async def use(pin: Secret, key: str) -> str:
            seen.append(pin.reveal())
            await bank.look(pin, key)
            raise ValueError(pin.reveal())

        await chat.secret("pin", Pin(), t("PIN"), use=use)
        raise RuntimeError(seen[-1])

    exploration = explore(app_of(leaking, services={Bank: None}))

    assert seen
    assert found(exploration, "K305")
    assert not [f for f in exploration.findings if any(pin in str(f) for pin in seen)]


def test_flows_may_be_partial_functions() -> None:
    async def greeting(chat: Chat, name: str) -> None:
        await chat.end(t("Hello {name}.", name=name) if chat.member.msisdn else t("Hello."))

    flows = Flows()
    flows.flow("hello")(functools.partial(greeting, name="Asha"))
    exploration = explore(type(app_of(buying))(flows, entry="hello", members=False))

    assert exploration.flows == ("hello",)
    assert exploration.coverage.total == 2


def test_members_of_other_channels_have_no_number() -> None:
    async def hello(chat: Chat) -> None:
        await chat.end(t("Your number: {n}", n=chat.member.msisdn) if chat.member.msisdn else t("Hello."))

    assert str(explore(app_of(hello, channels=("ussd", "telegram"))).coverage) == "explored 2 of 2 branches"
    assert str(explore(app_of(hello)).coverage) == "explored 1 of 2 branches"
