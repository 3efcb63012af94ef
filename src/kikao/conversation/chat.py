"""What a flow talks through: the primitives, and the sugar made of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from kikao.conversation.answers import Answer, Choice, Confirm
from kikao.conversation.attached import Attached
from kikao.conversation.charging import Charge
from kikao.conversation.data import SessionData
from kikao.conversation.errors import Misuse
from kikao.conversation.flows import Flow
from kikao.conversation.forgotten import hear
from kikao.conversation.journal import BARRIERS, Entry, derive, encode_value
from kikao.conversation.posting import Leaving, Post, body_of
from kikao.conversation.primitives import Primitives
from kikao.conversation.screens import Value
from kikao.conversation.signals import Changed, Ended, Moved
from kikao.conversation.suspension import here
from kikao.i18n.messages import Text, t, unfit
from kikao.i18n.money import Amount

T = TypeVar("T")

CANCELLED = t("Cancelled.")
CHOOSE_LANGUAGE = t("Choose language")


class Chat(Primitives):
    """One turn of one run. A flow gets it as its first argument and never makes one."""

    __slots__ = ()

    async def choose(
        self,
        name: str,
        prompt: Text,
        options: Mapping[Any, Text] | Sequence[tuple[Text, Value]] | Sequence[str],
        *,
        attempts: int | None = None,
    ) -> Any:
        """Ask to choose one of some options (value → label, or pairs of label and value); returns the value."""
        return await self.ask(name, Choice(options), prompt, attempts=attempts)

    async def confirm(self, name: str, text: Text, *, ends: bool = True) -> bool:
        """Show what is about to happen, whole, and go on only with a yes. A no ends the conversation.

        With `ends=False` the answer is returned instead.
        """
        agreed = await self.ask(name, Confirm(), text)
        if not agreed and ends:
            await self.end(CANCELLED)
        return agreed

    async def menu(self, name: str, title: Text, flows: Sequence[Flow | str]) -> Any:
        """Offer flows by their titles and hold the one chosen, here; returns what it returns."""
        offered = [self._flow(flow) for flow in flows]
        chosen = await self.ask(name, Choice([(flow.title, flow.name) for flow in offered]), title)
        return await self.call(self._flow(chosen))

    async def language(
        self, name: str = "language", prompt: Text = CHOOSE_LANGUAGE, *, again: bool = False
    ) -> str:
        """Ask for the language, unless the member chose one before or there is only one; returns its code.

        The next screen is in that language, and it is kept for the member's later sessions. `again` asks anyway.
        """
        known = self.member.locale if self.member.locale in self.locales and not again else ""
        chosen: str = await self.read(f"{name} chosen", lambda: known)
        if chosen or len(self.locales) < 2:
            return chosen or self.locale
        answered = len(self._journal)
        locale: str = await self.choose(name, prompt, self.locales)
        if len(self._journal) > answered:  # this very turn
            self._conversation.speak(locale)
        return locale

    async def form(self, fields: Mapping[str, tuple[Answer[Any], Text]]) -> dict[str, Any]:
        """Ask several questions in order; returns the answers by name."""
        return {name: await self.ask(name, answer, prompt) for name, (answer, prompt) in fields.items()}

    async def call(self, flow: Flow | str, *, compact: bool = False, **args: Any) -> Any:
        """Hold another flow as part of this one. Its questions have their own scope, so names and loops are free.

        With `compact`, what the child observed is forgotten once it returns (unless it did something that counts) and
        only its result is kept: for long loops. Back then goes to the question before the call.
        """
        child = self._flow(flow)
        key = self._key(child.name)
        if compact and self._at < self._length and self._journal[self._at].key == key:
            recorded = await self._recorded(key, "call")
            if recorded is not None:
                return recorded[0]
        start, outer = self._at, (self._scope, self._counts)
        self._scope, self._counts = key + "/", {}
        result = await child.function(self, **args)
        self._scope, self._counts = outer
        live = self._at == self._length and not self._suspended
        if compact and live and not any(e.kind in BARRIERS for e in self._journal[start:]):
            entry = Entry(key, "call", *encode_value(result, here(self._coro)))
            self._run.truncate(start)
            self._run.append(entry)
            self._at = self._length = start + 1
        return result

    async def say(self, text: Text) -> None:
        """Show a text together with the next question (or the end)."""
        await self._still_live()
        self._in_own_task("say")
        if wrong := unfit(text):
            self._fail(f"{here(self._coro)}: {wrong}.")
        self._said.append(text)

    async def show(self, attached: Attached) -> None:
        """Show a photo, a document, a place ... together with the next question (or the end), as `say` does a text.

        It goes out with the screen of this turn, and not again when that screen is shown again. A channel that cannot
        show it says what there is to say of it. Raises `Misuse` for anything but an `Attached`.
        """
        await self._still_live()
        self._in_own_task("show")
        if not isinstance(attached, Attached):
            self._fail(
                f"{here(self._coro)}: what is shown is an Attached, such as Attached.image(file): a text is for `say`."
            )
        self._said.append(attached)

    async def post(self, name: str, to: str, data: Any) -> None:
        """Post a message to another system, `[webhooks.<to>]` of the settings: plain values, sent as JSON.

        It leaves once this turn is stored, never if it is not, and is not waited for; what happens to it then the flow
        does not hear. It is posted once however often the flow is run again, and back never passes it. Raises `Misuse`
        for what cannot be sent, or holds a secret.
        """
        await self._goes_out(name, lambda key, place: Post(key, to, body_of(data, to, place), place))

    async def _goes_out(self, name: str, made: Callable[[str, str], Leaving]) -> None:
        """Let something leave with the turn, once; `made` is told its key and its place in the code."""
        key = self._key(name)
        if await self._recorded(key, "post") is not None:
            return
        await self._live(key)
        if self._changed or self._reply is not None:
            # The member answered a question that is gone: nothing may leave on the strength of that.
            await self._suspend(Changed(f"{here(self._coro)}: {key!r} comes where a question was open"))
        await made(key, here(self._coro))
        self._at = self._length = len(self._journal)

    async def charge(self, name: str, amount: Amount) -> None:
        """Have the member's operator charge this with the next screen, where the gateway has a way to ask for it.

        It is asked for once, with the screen of the turn that comes here first: the same bytes again for a copy of the
        request, never with another screen, and not at all where the turn is not stored. Back never passes it. A hint is
        all it is: whether the operator charged is not told. Raises `Misuse` for what is no amount of more than 0, and
        for two in one turn.
        """
        await self._goes_out(name, lambda key, place: Charge(key, amount, place))

    async def end(self, text: Text | None = None) -> NoReturn:
        """Show a last text and end the conversation. Nothing after it runs."""
        if self._at < self._length:
            await self._diverge("end", self._journal[self._at])
        await self._live("end")
        if wrong := unfit(text or ""):
            self._fail(f"{here(self._coro)}: {wrong}.")
        await self._suspend(Ended([*self._said, *([] if text is None else [text])]))

    async def goto(self, flow: Flow | str, **args: Any) -> NoReturn:
        """Leave this conversation and hold another; there is no way back into this one.

        `args` are plain values or msgspec Structs, like the result of a `read`.
        """
        child = self._flow(flow)
        if self._at < self._length:
            await self._diverge("goto", self._journal[self._at])
        await self._live("goto")
        where = here(self._coro)
        kept = {name: encode_value(value, where) for name, value in args.items()}
        await self._suspend(Moved(child.name, kept, [*self._said]))

    async def restart_with(self, **state: Any) -> NoReturn:
        """Start the conversation again with `state` as its flow's arguments and an empty journal: for endless loops.

        Inside a called flow it is the outermost flow that starts again.
        """
        await self.goto(self._run.flow, **state)

    async def version(self, name: str) -> bool:
        """A marker for changing a flow in flight: False for runs that passed here before the marker existed."""
        key = self._key(name)
        if self._at < self._length:
            if self._journal[self._at].key != key:
                return False
            await self._recorded(key, "version")
            return True
        await self._live(key)
        if self._run.pending is None or self._run.pending.key == key:
            self._record(key, "version", "", True)
            return True
        # A question is open that was asked before the marker existed.
        return False

    async def now(self) -> dt.datetime:
        """The time of the turn that first came here (UTC), the same on every replay."""
        key = self._key("now")
        recorded = await self._recorded(key, "read")
        if recorded is None:
            await self._live(key)
            recorded = (self._record(key, "read", "", self._host.now.isoformat()).value,)
        return dt.datetime.fromisoformat(recorded[0])

    def random(self, name: str) -> random.Random:
        """A random generator that gives the same numbers on every replay, and cannot be guessed from outside."""
        return random.Random(derive(self._run.seed, "random/" + self._key(name)))  # noqa: S311 - seeded by a secret

    @property
    def session(self) -> SessionData:
        """The session's data, kept from one flow to the next: `await chat.session.get("cart")`."""
        return SessionData(self, self._conversation)

    def service(self, kind: Callable[..., T]) -> T:
        """The app's service of that type. Raises `Misuse` when the app has none."""
        try:
            return self._host.service(kind)
        except LookupError as error:
            missing = str(error)
        raise Misuse(f"{here(self._coro)}: {missing}")

    def _flow(self, flow: Flow | str) -> Flow:
        """The flow that is meant; a name must be one that is registered."""
        found = flow if isinstance(flow, Flow) else self._flows.get(flow)
        if found is None:
            names = ", ".join(each.name for each in self._flows)
            self._fail(f"{here(self._coro)}: there is no flow {flow!r}. There are: {names}. Mend the name.")
        return found


def _forgot(owner: object, name: str) -> bool:
    """A method's coroutine was dropped before it began; False where the turn is over anyway."""
    chat = owner.chat if isinstance(owner, SessionData) else owner
    if not isinstance(chat, Primitives) or chat._suspended or chat._coroutine is None:
        return False
    called = name if chat is owner else f"session.{name}"
    place = here(chat._coroutine)
    chat._misuse = chat._misuse or Misuse(
        f"{place}: an `await` is missing before the call of {called!r} of chat."
    )
    return True


hear(_forgot)
