"""Middleware: in which order it stands, what it sees, and what it may do."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Outcome, Proceed, TurnContext, t
from kikao.cli.serving import announce
from kikao.config import load
from kikao.conversation.screens import Screen
from kikao.events import SessionEvent
from kikao.i18n.messages import Text
from kikao.members.directory import Directory
from kikao.testing import Stage
from kikao.testing.stage import UNHURRIED
from tests.around import NUMBER, SOLD, Around, Seen, a_stage, failures, nothing, turns
from tests.testing.shop import AWAY, HOW_MANY, PIN, MemoryTill, Till, flows_of

# --- order ---


async def test_the_first_is_the_outermost() -> None:
    story: list[str] = []

    def named(name: str) -> Around:
        async def around(turn: TurnContext, proceed: Proceed) -> Outcome:
            story.append(f"{name} before")
            outcome = await proceed()
            story.append(f"{name} after, {outcome.what}")
            return outcome

        return around

    async with a_stage(named("outer"), named("inner")) as stage:
        assert await stage.phone().dial() == HOW_MANY
    assert story == ["outer before", "inner before", "inner after, asked", "outer after, asked"]


def test_the_order_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async def extra(flag: int, turn: TurnContext, proceed: Proceed) -> None:
        await proceed()

    app = App(flows_of(), entry="buy", middleware=[Seen(), nothing, partial(extra, 1)])
    assert app.order() == ("Seen", "nothing", "extra")
    settings = load({}, tmp_path)
    announce((settings,), app.order(), "http://localhost:8000", welcome=False)
    assert "  middleware: Seen → nothing → extra → the turn\n" in capsys.readouterr().out
    announce((settings,), (), "http://localhost:8000", welcome=False)
    assert "middleware" not in capsys.readouterr().out


class NotAsync:
    def __call__(self, turn: TurnContext, proceed: Proceed) -> None: ...


@pytest.mark.parametrize("wrong", [lambda turn, proceed: proceed(), NotAsync(), Seen, "traces", None, print])
def test_what_cannot_be_middleware_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"middleware 2 is .*: it must be `async def name"):
        App(flows_of(), entry="buy", middleware=[nothing, wrong])


# --- what it sees ---


async def test_it_sees_where_a_turn_comes_from_and_what_became_of_it() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply("3")
    first, second = seen.before
    assert (first.channel, first.gateway, first.happening) == ("ussd", "africastalking", "new")
    assert second.happening == "reply"
    assert first.member == "+25677****01"
    (session,) = {e.session for e in stage.events if isinstance(e, SessionEvent)}
    assert first.session == second.session == session
    assert UNHURRIED / 2 < first.remaining() <= UNHURRIED
    assert [(o.what, o.flow, o.at, o.committed, o.error) for o in seen.after] == [
        ("asked", "buy", "cups#1", True, ""),
        ("asked", "buy", "pin#1", True, ""),
    ]
    assert all(outcome.ms > 0 for outcome in seen.after)


async def test_it_never_sees_what_was_typed_nor_who_it_was() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        assert (await phone.reply("3", PIN)) == SOLD
        assert not await stage.holds(PIN)
    told = [repr(outcome) for outcome in seen.after]
    told += [repr({name: getattr(turn, name) for name in turn.__slots__}) for turn in seen.before]
    assert not [text for text in told if PIN in text or NUMBER in text or NUMBER[1:] in text]


async def test_a_redelivery_passes_too_and_is_told_apart() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone()
        await phone.dial()
        first = phone.raw
        await phone.again()
        assert phone.raw == first
    assert [(outcome.what, outcome.committed) for outcome in seen.after] == [
        ("asked", True),
        ("duplicate", False),
    ]


async def test_context_variables_reach_the_flow_and_go_with_the_turn() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="none")
    found: list[str] = []
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        found.append(tenant.get())
        await chat.end(t("Hello."))

    async def tenancy(turn: TurnContext, proceed: Proceed) -> Outcome:
        tenant.set(turn.gateway)
        return await proceed()

    async with Stage(App(flows, entry="hello", members=False, middleware=[tenancy, nothing])) as stage:
        await stage.phone().dial()
        await stage.phone(gateway="nalo", code="*920#").dial()
    assert found == ["africastalking", "nalo"]
    assert tenant.get() == "none"


async def test_a_limited_inbound_is_no_turn() -> None:
    from kikao import Limits, Rate, SessionPolicy

    seen = Seen()
    app = App(
        flows_of(),
        entry="buy",
        members=False,
        services={Till: MemoryTill()},
        middleware=[seen],
        policy=SessionPolicy(limits=Limits(address=Rate(1, per=60))),
    )
    async with Stage(app) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.dial()
    assert [(outcome.what, outcome.committed) for outcome in seen.after] == [
        ("asked", True),
        ("limited", False),
    ]


# --- answering in place of the turn ---


class Maintenance:
    """Closed when told."""

    def __init__(self, answer: Any = None) -> None:
        self.closed = False
        self.answer = t("Back at {hour}.", hour=6) if answer is None else answer

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Any:
        return self.answer if self.closed else await proceed()


@pytest.mark.parametrize("answer", ["Closed.", t("Closed."), Screen((t("Closed."),))])
async def test_it_may_answer_and_then_nothing_is_consumed(answer: Text | Screen) -> None:
    maintenance, seen = Maintenance(answer), Seen()
    async with a_stage(seen, maintenance) as stage:
        phone = stage.phone()
        assert await phone.dial() == HOW_MANY
        maintenance.closed = True
        before = await stage.stored()
        assert await phone.reply("3") == "Closed."
        assert phone.ended  # there is no question that it could go on with
        assert [s.seen_at for s in await stage.stored()] == [s.seen_at for s in before]
        maintenance.closed = False
        assert (await phone.again()).startswith("Enter PIN")  # the same message, as if for the first time
        assert failures(stage) == []
        assert turns(stage) == ["asked", "answered", "asked"]
    assert [(o.what, o.by, o.committed) for o in seen.after] == [
        ("asked", "", True),
        ("answered", "Maintenance", False),
        ("asked", "", True),
    ]


async def test_an_answer_is_in_the_language_that_the_member_chose() -> None:
    maintenance = Maintenance(t("Service unavailable. Try again later."))
    locales: list[str] = []

    async def asks(turn: TurnContext, proceed: Proceed) -> Outcome:
        locales.append(await turn.locale())
        return await proceed()

    async with a_stage(asks, maintenance, members=True) as stage:
        directory = stage.server.members
        assert isinstance(directory, Directory)
        known = await directory.meet("msisdn", NUMBER)
        await directory.remember(known.id, locale="sw")
        maintenance.closed = True
        assert await stage.phone(NUMBER).dial() == "Huduma haipatikani kwa sasa. Jaribu tena baadaye."
        assert await stage.phone("+256772000009").dial() == AWAY
    assert locales == ["sw", ""]


async def test_what_is_outside_may_say_it_otherwise() -> None:
    async def kinder(turn: TurnContext, proceed: Proceed) -> Outcome | Text:
        outcome = await proceed()
        return outcome if outcome.committed else "We are sorry."

    async def broken(turn: TurnContext, proceed: Proceed) -> Outcome:
        raise LookupError("no switch")

    async with a_stage(kinder, broken) as stage:
        assert await stage.phone().dial() == "We are sorry."
        assert [name for name, _, _ in failures(stage)] == ["broken"]
        assert await stage.stored() == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("word " * 80, "takes 3 pages: it must fit into one"),
        (Screen((t("{x}", x=1.5),)), "of type float"),  # type: ignore[arg-type]
        (7, "returned a int"),
    ],
    ids=["long", "unfit", "number"],
)
async def test_an_answer_that_cannot_be_shown_is_unavailable(answer: Any, says: str) -> None:
    maintenance = Maintenance(answer)
    maintenance.closed = True
    async with a_stage(maintenance) as stage:
        assert await stage.phone().dial() == AWAY
        ((name, when, error),) = failures(stage)
        assert (name, when) == ("Maintenance", "before")
        assert says in error
        assert turns(stage) == ["unavailable"]
