"""The four primitives of a conversation, and how they meet the journal: `ask`, `read`, `step`, `secret`.

Each looks into the journal first; the first open question takes the member's answer, the next one suspends the flow.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NoReturn, TypeVar, overload

import msgspec

from kikao.conversation.answers import Answer
from kikao.conversation.changes import UPDATED, asks_another, differs
from kikao.conversation.effects import NOT_DONE, UNCERTAIN, Host, Perform, Step, entered, never, refusal
from kikao.conversation.errors import BackendError, ErrorCode, Invalid, Misuse
from kikao.conversation.flows import Flow, Flows
from kikao.conversation.inputs import Given, Reply
from kikao.conversation.journal import (
    ORDINALS,
    QUESTIONS,
    Conversation,
    Entry,
    Kind,
    Pending,
    Retry,
    Run,
    decode_value,
    encode_value,
    fresh,
)
from kikao.conversation.member import Member
from kikao.conversation.navigation import Navigation
from kikao.conversation.outcomes import Check, Effect
from kikao.conversation.screens import Said, Screen, parted
from kikao.conversation.secrets import Secret
from kikao.conversation.signals import Asked, Changed, Ended, Parked
from kikao.conversation.suspension import Signal, here
from kikao.i18n.messages import Text, t, unfit

T = TypeVar("T")


class Primitives:
    """One turn of one run: the journal first, then the member."""

    __slots__ = (
        "_at",
        "_at_home",
        "_changed",
        "_conversation",
        "_coroutine",
        "_counts",
        "_flows",
        "_host",
        "_inside",
        "_journal",
        "_length",
        "_misuse",
        "_navigation",
        "_reply",
        "_run",
        "_said",
        "_scope",
        "_suspended",
        "_task",
        "locales",
        "member",
    )

    def __init__(
        self,
        run: Run,
        member: Member,
        conversation: Conversation,
        reply: Reply | None,
        *,
        host: Host,
        flows: Flows,
        navigation: Navigation,
        locales: Mapping[str, str],
        at_home: bool = False,
    ) -> None:
        self.member = member
        self.locales = locales
        self._conversation = conversation
        self._run = run
        self._journal = run.journal
        self._length = len(run.journal)
        self._at = 0
        self._scope = ""
        self._counts: dict[str, int] = {}
        self._said: list[Said] = []
        self._reply = reply
        self._host = host
        self._flows = flows
        self._navigation = navigation
        self._at_home = at_home
        self._suspended = False
        self._changed = ""
        self._inside = ""
        self._misuse: Misuse | None = None
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._task: asyncio.Task[Any] | None = None

    def begin(self, flow: Flow) -> Coroutine[Any, Any, Any]:
        """Start the flow from the top; called once by the runner, in the task of the turn."""
        self._task = asyncio.current_task()
        args = {name: decode_value(tag, data) for name, (tag, data) in self._run.args.items()}
        self._coroutine = coroutine = flow.function(self, **args)
        return coroutine

    @property
    def locale(self) -> str:
        """The language that this turn's screen will be in."""
        return self._conversation.locale

    @property
    def misuse(self) -> Misuse | None:
        """The first thing the flow did that it must not do, even if the flow swallowed the error."""
        return self._misuse

    @property
    def changed(self) -> str:
        """Where and how the code no longer asks what it asked before, so that the member is asked again; or empty."""
        return self._changed

    @property
    def unread(self) -> Entry | None:
        """The first entry that the flow has not come to."""
        return self._journal[self._at] if self._at < len(self._journal) else None

    @property
    def said(self) -> list[Said]:
        """What waits for the next screen."""
        return self._said

    # The four primitives.

    async def ask(
        self,
        name: str,
        answer: Answer[T],
        prompt: Text,
        *,
        validate: Callable[[T], Awaitable[None]] | None = None,
        invalid: Text | None = None,
        attempts: int | None = None,
        over: Text | None = None,
    ) -> T:
        """Ask and return the answer, typed and valid.

        `validate` may look further (a network check, at most half the turn's time): it raises `Invalid`, or
        `BackendError` when it could not tell, and runs once, never on replay. `invalid` replaces the sentence for a
        wrong answer; after `attempts` wrong ones the conversation ends, with `over` or that. No limit by default.
        """
        # Every question answered before comes through here on every turn: `_key` is written out.
        counts = self._counts
        counts[name] = count = counts.get(name, 0) + 1
        key = self._scope + name + ORDINALS[count]
        at = self._at
        if at < self._length:
            entry = self._journal[at]
            if entry.key == key and entry.kind in QUESTIONS and entry.tag == answer.tag:
                self._at = at + 1
                if self._said:
                    self._said.clear()
                if answer.decode is not None:
                    return answer.decode(entry.value)
                value: T = entry.value
                return value if type(value) is str else fresh(value)
            await self._diverge(key, entry)
        return await self._ask(key, answer, prompt, validate, invalid, (attempts, over))

    async def _ask(
        self,
        key: str,
        answer: Answer[T],
        prompt: Text,
        validate: Callable[[T], Awaitable[None]] | None,
        invalid: Text | None,
        ends: tuple[int | None, Text | None],
    ) -> T:
        """The question that is open: take the reply to it, or show it."""
        await self._live(key)
        (attempts, over), pending, tries = ends, self._run.pending, 0
        error: Text | None = None
        if self._reply is not None:
            reply, self._reply = self._reply, None
            if pending is None or pending.key != key or pending.tag != answer.tag:
                self._asks_another(key, answer, pending)
            else:
                try:
                    value = await self._parse(key, answer, pending, reply, validate)
                except Invalid as problem:
                    error, tries = invalid or problem.text, pending.tries + 1
                    if attempts is not None and tries >= attempts:
                        await self._suspend(Ended([over or error], ErrorCode.LIMITED))
                else:
                    stored = answer.encode(value)
                    self._record(key, "confirm" if answer.whole else "ask", answer.tag, stored)
                    if answer.whole and self.member.channel != "ussd":  # its secrets are entered elsewhere
                        self._run.agreed = pending.screen.body
                    self._run.pending = None
                    self._said.clear()
                    return answer.decode(stored) if answer.decode is not None else fresh(stored)
        return await self._suspend(self._question(key, answer, prompt, error, tries))

    @overload
    async def read(self, name: str, look: Callable[[], Awaitable[T]]) -> T: ...

    @overload
    async def read(self, name: str, look: Callable[[], T]) -> T: ...

    async def read(self, name: str, look: Callable[[], Any]) -> Any:
        """Look something up and remember it: a fee, a balance, a flag. What is remembered is what replays see.

        A backend that fails raises (`BackendError`, `OSError`, `TimeoutError`): the member sees the previous
        question again with the error. Results are plain values or msgspec Structs; each turn gets a fresh copy.
        """
        key = self._key(name)
        recorded = await self._recorded(key, "read")
        if recorded is None:
            await self._live(key)
            self._inside = key
            try:
                found = look()
                value = await found if inspect.isawaitable(found) else found
            finally:
                self._inside = ""
            await self._still_live()
            entry = self._record(key, "read", *encode_value(value, here(self._coro)))
            recorded = (decode_value(entry.tag, entry.value),)
        return recorded[0]

    async def step(
        self,
        name: str,
        effect: Effect,
        *,
        retry: Retry,
        check: Check | None = None,
        done: Text | Callable[[Any], Text] | None = None,
        args: Any = None,
        critical: bool = True,
    ) -> Any:
        """Do something to the outside world, effectively once when the service honours the key it is given.

        `effect(key)` returns a result, or `Done`, `Refused`, `Unknown`; an exception means unknown. See `Step` for
        the rest. Raises `RefusedError` when the service refused. Back never passes a step that is done.

        On a store that a failover may make forget (Redis) it is kept in the records as well, before it begins;
        `critical=False` saves that for one that may be forgotten.
        """
        return (await self.steps_parallel({name: Step(effect, retry, check, done, args, critical)}))[name]

    async def steps_parallel(self, steps: Mapping[str, Step]) -> dict[str, Any]:
        """Do several effects at the same time, each under its own key; returns the results by name.

        All of them are settled before the flow goes on; then the first refusal, if any, is raised.
        """
        keys = {name: self._key(name) for name in steps}
        ours = set(keys.values())
        found: dict[str, Entry] = {}
        while True:
            while self._at < self._length and self._journal[self._at].key in ours:
                entry = self._journal[self._at]
                found[entry.key] = entry
                self._at += 1
            missing = [
                (keys[name], "step", step, None) for name, step in steps.items() if keys[name] not in found
            ]
            if not missing:
                break
            if self._at < self._length:
                await self._diverge(missing[0][0], self._journal[self._at])
            await self._live(missing[0][0])
            if self._changed or self._reply is not None:
                # The member answered a question that is gone: an effect must not be the answer to that.
                await self._suspend(
                    Changed(f"{here(self._coro)}: {missing[0][0]!r} comes where a question was open")
                )
            await Perform(missing)  # type: ignore[arg-type]
            self._length = len(self._journal)
        for key in keys.values():
            if found[key].kind == "refused":
                raise refusal(found[key])
        return {name: await self._value(found[key]) for name, key in keys.items()}

    async def secret(
        self,
        name: str,
        answer: Answer[str],
        prompt: Text,
        *,
        use: Callable[[Secret, str], Awaitable[Any]],
        check: Check | None = None,
        done: Text | Callable[[Any], Text] | None = None,
        critical: bool = True,
    ) -> Any:
        """Ask for a secret and use it at once: it exists only inside `use(secret, key)`, never in the journal.

        A refusal with `WRONG_SECRET` asks again; any other raises `RefusedError`. When the outcome is unknown, `check`
        is asked; a service that cannot tell gets the same key again with the next secret entered. `critical` is as for
        `step`: a PIN that only shows a balance need not be kept.
        """
        key = self._key(name)
        recorded = await self._recorded(key, "secret")
        if recorded is not None:
            return recorded[0]
        await self._live(key)
        pending, reply, self._reply = self._run.pending, self._reply, None
        probe = Step(never, "check" if check else "never", check, done, critical=critical)
        news = len(self._run.notices)
        if self._run.intent(key) is not None:
            await Perform([(key, "secret", probe, None)])
            recorded = await self._recorded(key, "secret")
            if recorded is not None:
                return recorded[0]
            still_open = self._run.intent(key) is not None
            self._run.notices.append(UNCERTAIN if still_open else NOT_DONE)
        tries: int = 0
        error: Text | None = None
        if reply is not None:
            if pending is None or pending.key != key or pending.tag != answer.tag:
                self._asks_another(key, answer, pending)
            else:
                tries = pending.tries
                secret = entered(answer, reply, self._host.now.date())
                if not isinstance(secret, Secret):
                    error, tries = secret, tries + 1
                else:
                    del self._run.notices[news:]  # the next screen says what came of it
                    step = Step(lambda token: use(secret, token), probe.retry, check, done, critical=critical)
                    refused = await Perform([(key, "secret", step, secret)])
                    recorded = await self._recorded(key, "secret")
                    if recorded is not None:
                        return recorded[0]
                    error = refused
        return await self._suspend(self._question(key, answer, prompt, error, tries, secret=True))

    # How it works.

    def _key(self, name: str) -> str:
        counts = self._counts
        counts[name] = count = counts.get(name, 0) + 1
        return self._scope + name + ORDINALS[count]

    @property
    def _coro(self) -> Coroutine[Any, Any, Any]:
        assert self._coroutine is not None
        return self._coroutine

    async def _recorded(self, key: str, kind: Kind) -> tuple[Any] | None:
        """What the journal holds of a read, a secret, a call or a marker; None when it is yet to be made."""
        if self._suspended:
            return None
        self._length = len(self._journal)
        if self._at >= self._length:
            return None
        entry = self._journal[self._at]
        if kind == "secret" and entry.key == key:
            self._said.clear()  # shown with the question
        if entry.key == key and entry.kind == "refused":
            self._at += 1
            raise refusal(entry)
        if entry.key == key and entry.kind == kind:
            try:
                value = decode_value(entry.tag, entry.value)
            except (LookupError, msgspec.ValidationError):
                pass  # the type of the result changed: as good as another entry
            else:
                self._at += 1
                return (value,)
        await self._diverge(key, entry)
        return None

    async def _value(self, entry: Entry) -> Any:
        try:
            return decode_value(entry.tag, entry.value)
        except (LookupError, msgspec.ValidationError) as error:
            detail = f"the record of {entry.key!r} no longer fits the code ({type(error).__name__})"
            await self._suspend(Parked(detail))

    def _record(self, key: str, kind: Kind, tag: str, value: Any) -> Entry:
        entry = Entry(key, kind, tag, value)
        self._run.observe(entry)
        self._at = self._length = len(self._journal)
        return entry

    async def _diverge(self, key: str, entry: Entry) -> None:
        """The code asks for `key` where the journal has another entry: forget what may be forgotten, or park."""
        await self._still_live()
        detail = differs(self._coro, key, entry)
        if self._at < self._run.barrier():
            await self._suspend(Parked(detail))
        self._run.truncate(self._at)
        self._length = self._at
        self._reply, self._changed = None, detail
        self._run.notices.append(UPDATED)

    def _asks_another(self, key: str, answer: Answer[Any], pending: Pending | None) -> None:
        self._changed = asks_another(self._coro, key, answer.tag, pending)
        self._run.notices.append(UPDATED)

    async def _live(self, key: str) -> None:
        """The journal is used up: from here on things happen. Raises `Misuse` for what a flow must not do here."""
        if self._suspended:
            await self._still_live()
        if self._misuse is not None:
            raise self._misuse
        self._in_own_task(key)
        if self._inside:
            self._fail(
                f"{here(self._coro)}: {key!r} runs inside the look-up or the validator of {self._inside!r}, which does "
                "not run again on replay. Ask and read before it."
            )
        if self._run.intents and self._run.intent(key) is None:
            await self._suspend(
                Parked(f"{here(self._coro)}: the code comes to {key!r} where an effect is open")
            )
        self._run.need_room(key)

    def _in_own_task(self, key: str) -> None:
        if asyncio.current_task() is not self._task:
            self._fail(
                f"{here(self._coro)}: {key!r} runs in a task of its own (gather, create_task, wait_for, TaskGroup) or "
                "inside an effect. Ask one question after another; use `chat.form` for several questions, "
                "`chat.steps_parallel` for several effects."
            )

    async def _still_live(self) -> None:
        if self._suspended:
            if self._misuse is not None:
                await (
                    Signal()
                )  # something catches even that error, maybe for ever: only a yield gets out of it
            self._fail(
                f"{here(self._coro)}: the flow goes on after a question is open. Something caught the end of the turn: "
                "a bare `except`, `except BaseException`, `finally` or `suppress` around a question."
            )

    def _fail(self, text: str) -> NoReturn:
        problem = Misuse(text)
        self._misuse = self._misuse or problem
        raise problem

    async def _suspend(self, signal: Signal) -> NoReturn:
        self._suspended = True
        self._length = -1
        await signal
        raise AssertionError("a suspended flow is closed, never resumed")

    async def _parse(
        self,
        key: str,
        answer: Answer[T],
        pending: Pending,
        reply: Reply,
        validate: Callable[[T], Awaitable[None]] | None,
    ) -> T:
        given = Given(reply.text.reveal(), self._host.now.date(), reply.attachment)
        value = answer.parse(given, pending.screen.options)
        if validate is not None:
            loop = asyncio.get_running_loop()
            patience = loop.time() + max(0.0, self._host.deadline - loop.time()) / 2
            self._inside = key
            try:
                async with asyncio.timeout_at(patience):
                    await validate(value)
            except TimeoutError:
                raise BackendError(
                    ErrorCode.BACKEND_TIMEOUT, t("We could not check this. Try again.")
                ) from None
            finally:
                self._inside = ""
        return value

    def _question(
        self,
        key: str,
        answer: Answer[Any],
        prompt: Text,
        error: Text | None,
        tries: int,
        *,
        secret: bool = False,
    ) -> Asked:
        options, back = answer.options(), self._run.last_question() is not None
        home = back or self._run.barrier() > 0 or not self._at_home
        navigation, literal = self._navigation.offered(answer, back=back, home=home)
        notices, self._run.notices = self._run.notices, []
        body, shows = parted((*notices, *self._said, prompt)) if self._said else ((*notices, prompt), ())
        if wrong := unfit(prompt, error or "", *(option.label for option in options)):
            self._fail(f"{here(self._coro)}: {wrong}.")
        about, wants = self._run.agreed if secret else (), answer.wants
        screen = Screen(body, options, navigation, answer.whole, secret, about, wants, shows)
        return Asked(Pending(key, answer.tag, screen, error, tries, literal), notices)
