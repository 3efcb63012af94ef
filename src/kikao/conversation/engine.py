"""What a member may do besides answering: dial again, go back, go home, cancel, change the language, read on.

`Engine.advance` is the only door into a conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import structs

from kikao.conversation.answers import find
from kikao.conversation.chat import CANCELLED, CHOOSE_LANGUAGE
from kikao.conversation.effects import SETTLED, UNCERTAIN, Host, outcomes, unpark
from kikao.conversation.errors import TEXTS, ErrorCode, Misuse, OlderCode
from kikao.conversation.facts import Fact, fact
from kikao.conversation.flows import Flows
from kikao.conversation.inputs import Dial, Event, Reply, Settle, Tell
from kikao.conversation.journal import FORMAT, ORDINALS, QUESTIONS, Conversation, Run
from kikao.conversation.member import Member
from kikao.conversation.navigation import Command, Key, Navigation
from kikao.conversation.runner import HostError, Overdue, Runner, Turned, Uncertain, shown
from kikao.conversation.screens import Option, Screen
from kikao.conversation.secrets import Secret
from kikao.conversation.shortcuts import Shortcut, Shortcuts
from kikao.conversation.signals import Parked
from kikao.conversation.suspension import told_to_stop
from kikao.events import AnswerRefused, FlowAbandoned, SessionReset
from kikao.i18n.messages import Text, t

ALREADY_DONE: Final = t("This is already done and cannot be undone.")
AT_START: Final = t("You are at the start.")

RESUME: Final = Screen(
    (t("Continue where you stopped?"),),
    (Option("1", t("Continue"), "continue"), Option("2", t("Start again"), "restart")),
)
CHECKING: Final = Screen(
    (t("We are checking your last request: it may still go through."),),
    (Option("1", t("Check again"), "continue"), Option("2", t("Start again"), "restart")),
)
WORKING: Final = Screen((t("Your last request is still being processed. Dial again shortly."),), ends=True)

MAX_PARKED: Final = 3
"""How many runs with an open effect a member may leave behind before starting another."""

MAX_AHEAD: Final = 20
"""How many answers of a long dial are taken; each runs the flow once."""


class Engine:
    """The flows of an app and how members move in them. Holds nothing of any conversation.

    `entry` is the flow a dial starts; `locales` are the languages to choose from, code → its own name.
    """

    def __init__(
        self,
        flows: Flows,
        *,
        entry: str,
        navigation: Navigation | None = None,
        locales: Mapping[str, str] | None = None,
        shortcuts: Mapping[str, Shortcut] | None = None,
    ) -> None:
        if flows.get(entry) is None:
            raise ValueError(
                f"the entry flow {entry!r} is not defined; defined are {[f.name for f in flows]}"
            )
        self.flows = flows
        self.entry = entry
        self.shortcuts = None if shortcuts is None else Shortcuts(shortcuts, flows)
        """The long dials there are; None where all are taken as answers from the entry flow on."""
        self.locales = dict(locales or {"en": "English"})
        self.navigation = navigation or Navigation()
        if len(self.locales) < 2:
            self.navigation = structs.replace(self.navigation, language=Key((), ""))
        self._languages = self.navigation.with_back(
            Screen(
                (CHOOSE_LANGUAGE,),
                tuple(Option(str(i), name, code) for i, (code, name) in enumerate(self.locales.items(), 1)),
            )
        )

    async def advance(self, conversation: Conversation, event: Event, member: Member, host: Host) -> Turned:
        """One event. Changes `conversation` in place.

        Raises `OlderCode` when newer code wrote it (nothing is changed), and whatever the host raises.
        """
        self.refuse_newer(conversation)
        conversation.charge = None
        if conversation.posts:
            conversation.posts = []
        runner = Runner(
            conversation,
            member,
            flows=self.flows,
            entry=self.entry,
            navigation=self.navigation,
            locales=self.locales,
            host=host,
            afresh=isinstance(event, Dial),
        )
        if isinstance(event, Reply):
            turned = await self._reply(conversation, runner, event)
        elif isinstance(event, Dial):
            turned = await self._dial(conversation, runner, event)
        elif isinstance(event, Settle):
            turned = await self._settle(conversation, runner)
        elif isinstance(event, Tell):
            turned = await self._tell(conversation, runner)
        else:
            turned = await self._show(conversation, runner, late=event.late)
        turned.facts = runner.facts
        return turned

    def refuse_newer(self, conversation: Conversation) -> None:
        """Raises `OlderCode` for what newer code wrote: storing it again here could lose what only that code knows."""
        for run in conversation.runs():
            if run.release > self.flows.release or run.format > FORMAT:
                raise OlderCode(
                    f"flow {run.flow!r}: written by release {run.release} (format {run.format}), this worker has "
                    f"release {self.flows.release} (format {FORMAT})"
                )

    def displayed(self, conversation: Conversation, screen: Screen) -> Screen:
        """A screen as a channel is to show it: with the lines that turn its pages, should it need several."""
        pending = conversation.run.pending if conversation.run is not None else None
        if pending is None or conversation.overlay or screen.ends:
            return self.navigation.displayed(screen)
        return self.navigation.displayed(screen, pending.literal)

    def paged(self, conversation: Conversation, turned: Turned, pages: int) -> None:
        """Told by the channel: the screen took so many pages; there may be fewer now than when a page was turned.

        A long last screen stays open until it is read.
        """
        run, turned.page = conversation.run, min(turned.page, pages - 1)
        if turned.screen.ends:
            unread = turned.page < pages - 1
            conversation.farewell = turned.screen if unread else None
        if turned.screen.ends or conversation.overlay:
            conversation.page, conversation.pages = turned.page, pages
        elif run is not None and run.pending is not None and run.pending.pages != pages:
            run.pending = structs.replace(run.pending, page=turned.page, pages=pages)

    def asked(self, conversation: Conversation) -> Screen | None:
        """What the member is asked, or reads on, as it is displayed; None where nothing is. Changes nothing."""
        run = conversation.run
        if conversation.overlay:
            return self.displayed(conversation, self._question(conversation.overlay, conversation.error))
        if conversation.farewell is not None:
            return self.displayed(conversation, conversation.farewell)
        return None if run is None or run.pending is None else self.displayed(conversation, shown(run))

    def at_menu(self, conversation: Conversation) -> bool:
        """Whether the open question is the one that the entry flow begins with, for the first time or again."""
        run = conversation.run
        if run is None or run.pending is None or run.flow != self.entry:
            return False
        first = next((entry.key for entry in run.journal if entry.kind in QUESTIONS), run.pending.key)
        return run.pending.key.rpartition("#")[0] == first.rpartition("#")[0]

    async def _dial(self, conversation: Conversation, runner: Runner, event: Dial) -> Turned:
        conversation.overlay, conversation.farewell, conversation.page = "", None, 0
        run = conversation.run
        if run is not None and run.intents:
            return self._still_checking(conversation, await runner.go(dialled=True))
        if run is not None and run.pending is None and not run.failed:
            return await runner.go(dialled=True)  # an outcome waits to be told
        if run is not None and event.resume != "anew" and not event.ahead:
            if self._can_resume(run):
                on = event.resume == "on"
                return await self._resume(conversation, runner) if on else self._offer(conversation, "resume")
            conversation.notices.extend(run.recorded())
        # What waits to be told must be seen.
        ahead = () if conversation.notices or _untold(run) else event.ahead[:MAX_AHEAD]
        if run is not None and self._can_resume(run):
            runner.facts.append(_reset(run, "dial"))
        meant = None if self.shortcuts is None else self.shortcuts.meant(ahead)
        if meant is None and (self.shortcuts is None or not self.shortcuts.dialled):
            return await self._answer_ahead(
                runner, await self._home(runner, "dial"), [("", each) for each in ahead]
            )
        turned = await self._home(runner, "dial", meant.flow if meant is not None else self.entry)
        if meant is None:
            return turned
        turned.taken = meant.path
        return await self._answer_ahead(runner, turned, meant.answers, before=meant.path)

    async def _answer_ahead(
        self, runner: Runner, turned: Turned, answers: Iterable[tuple[str, Secret]], *, before: int = 0
    ) -> Turned:
        """Answer plain questions with what was dialled, each its own where a key is given; `before` was taken already.

        Stops at a confirmation or a secret, at a wrong answer, and at another question.
        """
        conversation = runner.conversation
        for taken, (key, answer) in enumerate(answers, before + 1):
            run = conversation.run
            pending = run.pending if run is not None else None
            if turned.what != "asked" or pending is None or pending.screen.secret or pending.screen.whole:
                break
            if key and pending.key != f"{key}{ORDINALS[1]}":
                break
            runner.keep()
            turned = await runner.go(Reply(answer))
            turned.taken = taken
            if conversation.run is run and run is not None and run.pending is not None and run.pending.error:
                break
        return turned

    def _can_resume(self, run: Run) -> bool:
        if run.pending is None:
            return True
        screen = run.pending.screen
        if screen.secret or screen.whole:
            return run.last_question(plain=True) is not None
        # Look-ups alone are nothing to come back to.
        return run.last_question() is not None or run.barrier() > 0 or run.flow != self.entry

    async def _resume(self, conversation: Conversation, runner: Runner) -> Turned:
        run = conversation.run
        if run is None:
            return await self._home(runner)
        if run.pending is None or run.intents:
            return await runner.go(dialled=True)
        if run.pending.screen.secret or run.pending.screen.whole:
            question = run.last_question(plain=True)
            assert question is not None
            run.truncate(question)
            return await runner.go()
        run.pending = structs.replace(run.pending, error=None, page=0)
        return Turned(shown(run), "asked", run.flow, run.pending.key)

    async def _reply(self, conversation: Conversation, runner: Runner, reply: Reply) -> Turned:
        if conversation.overlay:
            return await self._overlay(conversation, runner, reply)
        if conversation.farewell is not None:
            return await self._read_on(conversation, runner, reply)
        run = conversation.run
        if run is None:
            return await self._home(runner)
        if run.pending is None:
            return await self._show(conversation, runner)
        pending = run.pending
        command = self.navigation.command(
            reply.text.reveal(), pending.screen, pending.literal, page=pending.page, pages=pending.pages
        )
        if command is None:
            return await runner.go(reply)
        return await self._move(conversation, runner, run, command)

    async def _move(self, conversation: Conversation, runner: Runner, run: Run, command: Command) -> Turned:
        pending = run.pending
        assert pending is not None
        if run.intents and command in ("home", "cancel"):
            return self._offer(conversation, "checking")
        if command == "home":
            return await self._home(runner, "home")
        if command == "cancel":
            runner.facts.append(_reset(run, "cancel"))
            self._leave(runner, "cancel")
            return Turned(Screen((*run.recorded(), CANCELLED), ends=True), "cancelled", run.flow)
        if command == "language":
            conversation.page = 0
            return self._offer(conversation, "language")
        if command == "back":
            question = run.last_question()
            if question is not None:
                run.truncate(question)
                return await runner.go()
            if run.intents:
                error = CHECKING.body[0]
            else:
                error = (run.recorded() or [ALREADY_DONE])[-1] if run.barrier() else AT_START
            run.pending = structs.replace(pending, error=error)
        else:
            page = pending.page + (1 if command == "more" else -1)
            run.pending = structs.replace(pending, page=page)
        return Turned(shown(run), "shown", run.flow, pending.key, run.pending.page if run.pending else 0)

    async def _home(
        self, runner: Runner, why: Literal["home", "restart", "dial"] = "home", flow: str = ""
    ) -> Turned:
        runner.conversation.notices.extend(_untold(runner.conversation.run))
        self._leave(runner, why)
        runner.start(flow or self.entry)
        return await runner.go()

    async def _show(self, conversation: Conversation, runner: Runner, *, late: bool = False) -> Turned:
        if conversation.overlay:
            return self._offer(conversation, conversation.overlay, error=conversation.error)
        if conversation.farewell is not None:
            return Turned(conversation.farewell, "shown", page=conversation.page)
        run = conversation.run
        if late and conversation.waiting and (run is None or run.pending is None):
            # Told here it would be told to nobody, and the next answer would be one to a question that nobody saw.
            return Turned(WORKING, "working")
        if run is None:
            return await self._home(runner)
        if run.pending is None:
            return self._still_checking(conversation, await runner.go())
        return Turned(shown(run), "shown", run.flow, run.pending.key, run.pending.page)

    async def _tell(self, conversation: Conversation, runner: Runner) -> Turned:
        """Go on with what became of an effect; for when it is `untold`. What was left behind stands above the rest."""
        run = conversation.run
        if run is not None and run.pending is None:
            conversation.overlay = ""  # it asked about what is known by now
            return await runner.go()
        notices, conversation.notices = tuple(conversation.notices), []
        if run is None or run.pending is None or conversation.overlay:
            return Turned(Screen(notices), "shown")
        screen = shown(run)
        run.pending = structs.replace(run.pending, page=0)
        return Turned(
            structs.replace(screen, body=(*notices, *screen.body)), "shown", run.flow, run.pending.key
        )

    def _leave(self, runner: Runner, why: Literal["home", "cancel", "restart", "dial"]) -> None:
        """Let go of the run; one with an open effect is parked, so that recovery still finds out about it."""
        conversation = runner.conversation
        run, conversation.run = conversation.run, None
        if run is not None:
            runner.facts.append(fact(FlowAbandoned, flow=run.flow, at=run.at, what=why))
        if run is not None and run.intents:
            run.pending, run.notices = None, []
            conversation.parked.append(run)

    def _still_checking(self, conversation: Conversation, turned: Turned) -> Turned:
        run = conversation.run
        if run is None or not run.intents or turned.what == "overdue":
            return turned
        run.notices.extend(notice for notice in turned.told if notice != UNCERTAIN)  # not seen yet
        return self._offer(conversation, "checking", turned)

    def _offer(
        self,
        conversation: Conversation,
        overlay: str,
        cause: Turned | None = None,
        *,
        error: Text | None = None,
    ) -> Turned:
        conversation.overlay = overlay  # type: ignore[assignment]
        conversation.error = error
        run = conversation.run
        turned = Turned(
            self._question(overlay, error), "offered", run.flow if run else "", overlay, conversation.page
        )
        if cause is not None:
            turned.reasons = cause.reasons
        return turned

    def _question(self, overlay: str, error: Text | None) -> Screen:
        screen = {"resume": RESUME, "checking": CHECKING, "language": self._languages}[overlay]
        return screen if error is None else structs.replace(screen, body=(error, *screen.body))

    async def _overlay(self, conversation: Conversation, runner: Runner, reply: Reply) -> Turned:
        overlay, text = conversation.overlay, reply.text.reveal()
        offered = self._offer(conversation, overlay, error=conversation.error)
        command = self.navigation.command(
            text, offered.screen, page=conversation.page, pages=conversation.pages
        )
        if command == "more" or command == "previous":
            conversation.page += 1 if command == "more" else -1
            offered.page = conversation.page
            return offered
        if command == "back" and overlay == "language":
            conversation.overlay, conversation.page = "", 0
            return await self._show(conversation, runner)
        option = find(text, offered.screen.options)
        if option is None:
            conversation.page = 0
            runner.facts.append(fact(AnswerRefused, flow=offered.flow, at=overlay))
            return self._offer(conversation, overlay, error=TEXTS[ErrorCode.INVALID_INPUT])
        conversation.overlay, conversation.page = "", 0
        if overlay == "language":
            conversation.speak(str(option.value))
            return await self._show(conversation, runner)
        if option.value == "continue":
            turned = await self._resume(conversation, runner)
            return self._offer(conversation, "checking", turned) if turned.what == "unknown" else turned
        run = conversation.run
        if run is not None and run.intents and len(conversation.parked) >= MAX_PARKED:
            return self._offer(conversation, "checking")
        if run is not None:
            runner.facts.append(_reset(run, "restart"))
        return await self._home(runner, "restart")

    async def _read_on(self, conversation: Conversation, runner: Runner, reply: Reply) -> Turned:
        farewell, page = conversation.farewell, conversation.page
        assert farewell is not None
        command = self.navigation.command(reply.text.reveal(), farewell, page=page, pages=conversation.pages)
        if command == "home":
            conversation.farewell, conversation.page = None, 0
            if conversation.over:  # what was ended has no more to do with what begins
                conversation.data, conversation.over = {}, False
            return await self._home(runner)
        if command == "more" or command == "previous":
            page += 1 if command == "more" else -1
        return Turned(farewell, "shown", page=page)

    async def _settle(self, conversation: Conversation, runner: Runner) -> Turned:
        """Find out what became of open intents, of the running flow and of parked ones."""
        turned = Turned(Screen(()), "settled", conversation.run.flow if conversation.run else "")
        for run in [run for run in conversation.runs() if run.intents]:
            before = len(run.journal)
            try:
                signal = await runner.leg(run, None, settle=True)
                asked = isinstance(signal, Uncertain | Overdue)
                if isinstance(signal, Parked):
                    turned.error = Misuse(signal.detail)
            except HostError as problem:
                assert problem.__cause__ is not None
                raise problem.__cause__ from None
            except (Exception, asyncio.CancelledError) as problem:  # one flow must not stop the others
                if told_to_stop(problem):
                    raise
                turned.error, asked = problem, False
            if run.intents:
                turned.what = "unknown"
                if not asked:  # nobody could even be asked: not so soon again
                    run.intents = [structs.replace(intent, tries=intent.tries + 1) for intent in run.intents]
            unpark(conversation, run, before)
        turned.reasons = runner.reasons
        return turned


def _reset(run: Run, by: Literal["restart", "cancel", "dial"]) -> Fact:
    return fact(SessionReset, flow=run.flow, at=run.at, by=by)


def _untold(run: Run | None) -> list[Text]:
    """What a run that is left has done that its member may not know.

    What a broken run did was told at once, but nobody knows whether that reply arrived.
    """
    if run is None:
        return []
    if run.failed:
        return [*run.notices, *(run.recorded() or ([SETTLED] if run.acted else []))]
    if run.pending is not None or run.intents:
        return run.notices
    asked = [index for index, entry in enumerate(run.journal, 1) if entry.kind in QUESTIONS]
    return [*run.notices, *outcomes(run, asked[-1] if asked else 0)]
