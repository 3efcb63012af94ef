"""Effects between a flow and the turn that performs them: what to do under which key, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn, Protocol, TypeVar

import msgspec
from msgspec import structs

from kikao.conversation.answers import Answer
from kikao.conversation.errors import (
    TEXTS,
    WAYS_ON,
    BackendError,
    ErrorCode,
    Invalid,
    Misuse,
    RefusedError,
    WayOn,
)
from kikao.conversation.inputs import Given, Reply
from kikao.conversation.journal import (
    EFFECTS,
    Conversation,
    Entry,
    Intent,
    Retry,
    Run,
    encode_value,
)
from kikao.conversation.outcomes import Check, Done, Effect, Refused, Unknown, Voided
from kikao.conversation.redaction import redacted
from kikao.conversation.secrets import Secret
from kikao.conversation.suspension import Signal, told_to_stop
from kikao.events import described
from kikao.i18n.messages import Message, Text, t, unfit

T = TypeVar("T")

SETTLED: Final = t("Your last request was completed.")
NOT_DONE: Final = t("Your last request was not carried out.")
UNCERTAIN: Final = t(
    "We could not confirm your last request. Enter your PIN again to make sure; it will not be done twice."
)
NOT_CARRIED_OUT: Final = Refused(ErrorCode.REJECTED, NOT_DONE)
"""A voided step: the member decides anew, from the last plain question."""


@dataclass(frozen=True, slots=True)
class Step:
    """An effect as a flow declares it.

    `retry` says what may follow when the outcome is unknown: "key" the service de-duplicates on our key, do it again;
    "check" ask `check` first; "never" leave it to a human. `done` is what to tell the member of it later: a text, or
    a function of the result. `args` joins the digest that guards the key, where the journal alone does not say it.
    `critical=False` says that nothing is lost if a failover forgets that it was begun (see `Chat.step`).
    """

    effect: Effect
    retry: Retry
    check: Check | None = None
    done: Text | Callable[[Any], Text] | None = None
    args: Any = None
    critical: bool = True

    def __post_init__(self) -> None:
        if self.retry not in ("key", "check", "never"):
            raise Misuse(f'retry must be "key", "check" or "never", not {self.retry!r}')
        if self.retry == "check" and self.check is None:
            raise Misuse('retry="check" needs check=..., which says what became of a key')


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an attempt at an effect, as data that a journal can take."""

    kind: Literal["done", "refused", "unknown", "voided"]
    entry: Entry | None = None
    receipt: Text | None = None
    refusal: Refused | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One effect to perform now: call it once and it never raises, except to be cancelled."""

    intent: Intent
    perform: Callable[[], Coroutine[Any, Any, Settled]]
    asks: bool = False
    """It only asks what became of an earlier attempt."""


class Perform(Signal):
    """Yielded by a flow: perform these effects, with their intents made durable first."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[tuple[str, Literal["step", "secret"], Step, Secret | None]]) -> None:
        self.items = items


class Host(Protocol):
    """What the engine asks of the turn around it. The turn owns the store, the clock and the randomness."""

    now: dt.datetime
    """The instant of this turn (UTC); it does not move during the turn."""
    deadline: float
    """Event-loop time at which the reply must be on its way."""
    destinations: Collection[str] | None
    """Names that messages are known to leave to, None where nobody asks: what goes elsewhere waits, and is told."""

    def new_run(self) -> tuple[str, bytes]:
        """A fresh run id (at least 128 random bits) and a 32-byte secret."""
        ...

    def service(self, kind: Callable[..., T]) -> T:
        """The app's service of that type. Raises `LookupError`."""
        ...

    async def intend(self, works: Sequence[Work]) -> None:
        """Make the conversation as it is now durable, before these effects. Raises when it is not."""
        ...

    async def perform(self, works: Sequence[Work]) -> list[Settled | None]:
        """Perform effects at the same time; None for those still running at the deadline.

        Those go on, and their outcome reaches the run later.
        """
        ...


def entered(answer: Answer[str], reply: Reply, today: dt.date) -> Secret | Text:
    """The secret that was typed, or the sentence that says what is wrong with it, which never repeats it.

    Raises `Misuse` for whatever else the answer type raises: its own error would carry the secret into the flow, and so
    would a variable of this frame.
    """
    try:
        return Secret(answer.parse(Given(reply.text.reveal(), today), ()))
    except Invalid as problem:
        return TEXTS[ErrorCode.INVALID_INPUT] if _wrong_with(problem.text, reply.text) else problem.text
    except Exception as problem:  # noqa: BLE001 - a mistake in an answer type of the app's
        broke = described(problem)
    raise Misuse(f"{type(answer).__name__}.parse: {broke}. It must return a text, or raise Invalid.")


async def never(token: str) -> NoReturn:
    """The effect of a step that is only ever checked."""
    raise AssertionError("this step is only ever checked")


def attempt(intent: Intent, step: Step, secret: Secret | None = None) -> Work:
    """Do the effect under the intent's key."""

    async def perform() -> Settled:
        # No variable here has what the service says: its error holds this frame.
        try:
            return settle(intent, step, await step.effect(intent.token), secret)
        except RefusedError as error:
            settled = settle(intent, step, Refused(error.code, error.text), secret)
            return replace(settled, reason=_reason(error.reason, secret)) if error.reason else settled
        except BackendError as error:
            return settle(intent, step, Unknown(error.code), secret)
        except BaseException as error:  # noqa: BLE001 - nobody can say that nothing happened
            return settle(intent, step, _unknown(error), secret)

    return Work(intent, perform)


def inquire(intent: Intent, step: Step) -> Work:
    """Ask the service what became of the intent's key."""

    async def perform() -> Settled:
        if step.check is None:
            return Settled("unknown", reason="the step has no check")
        try:
            result = await step.check(intent.token)
        except BaseException as error:  # noqa: BLE001 - no answer is no answer
            result = _unknown(error)
        if not isinstance(result, Done | Voided | Unknown):
            result = Unknown(
                f"check answered {type(result).__name__}: it must answer Done, Voided or Unknown"
            )
        return settle(intent, step, result, None)

    return Work(intent, perform, asks=True)


def settle(intent: Intent, step: Step, result: Any, secret: Secret | None) -> Settled:
    """An outcome as data, without the secret. A result that cannot be kept leaves the outcome open."""
    try:
        if isinstance(result, Voided):
            return Settled("voided")
        if isinstance(result, Unknown):
            return Settled("unknown", reason=_reason(result.reason, secret))
        if isinstance(result, Refused):
            return _refused(result, secret)
        return _done(intent, step, result.result if isinstance(result, Done) else result, secret)
    except Exception as error:  # noqa: BLE001 - an answer of a service that breaks when it is looked at
        return Settled("unknown", reason=_reason(f"{type(error).__name__} in the answer", secret))


def _unknown(error: BaseException) -> Unknown:
    """What an error says of an effect: its type. Its text may hold the secret, so it goes no further.

    Raises it if it is not about the effect: the task or the process is told to stop.
    """
    if told_to_stop(error) or isinstance(error, KeyboardInterrupt | GeneratorExit):
        raise error
    return Unknown(type(error).__name__)


def _refused(refused: Refused, secret: Secret | None) -> Settled:
    if not isinstance(refused.code, ErrorCode):
        return Settled("unknown", reason=f"refused with a {type(refused.code).__name__}, not an ErrorCode")
    wrong = "" if refused.text is None else _wrong_with(refused.text, secret)
    if wrong:
        return Settled("refused", refusal=Refused(refused.code), reason=f"the refusal {wrong}")
    return Settled("refused", refusal=refused)


def _done(intent: Intent, step: Step, value: Any, secret: Secret | None) -> Settled:
    try:
        tag, data = encode_value(value, intent.key)
    except Misuse as error:
        return Settled("unknown", reason=_reason(str(error), secret))
    clean = _clean(data, secret)
    entry = Entry(intent.key, intent.kind, tag, clean)
    if clean != data:
        return Settled("done", entry, reason=f"the result {HELD}")
    receipt, reason = None, ""
    try:
        receipt = _reference(value)
        if step.done is not None:
            receipt = step.done(value) if callable(step.done) else step.done
    except Exception as error:  # noqa: BLE001 - the effect happened all the same
        reason = _reason(f"done= raised {type(error).__name__}", secret)
    if receipt is not None and (wrong := _wrong_with(receipt, secret)):
        receipt, reason = None, f"the text of done= {wrong}"
    return Settled("done", entry, receipt, reason=reason)


HELD: Final = "held the secret; a service must not return it"


def _clean(data: Any, secret: Secret | None) -> Any:
    return data if secret is None else redacted(data, secret.reveal())


def _wrong_with(text: Text, secret: Secret | None) -> str:
    """Why a text from outside cannot be kept; empty if it can."""
    try:
        data = msgspec.msgpack.decode(msgspec.msgpack.encode(text))
    except (TypeError, ValueError, OverflowError):
        data = None
    if data is None or unfit(text):
        return "has a parameter that is no plain value"
    return "" if _clean(data, secret) == data else HELD


def _reason(reason: Any, secret: Secret | None) -> str:
    """For the log."""
    return str(_clean(reason, secret)) if isinstance(reason, str) else f"a {type(reason).__name__}"


def _reference(value: Any) -> Text | None:
    ref = getattr(value, "ref", None)
    return t("Done. Ref {ref}", ref=ref) if isinstance(ref, str) else None


def apply(run: Run, token: str, settled: Settled) -> bool:
    """Write what became of an intent into its run; False when the run has no such open intent (any more).

    A group of parallel effects enters the journal together, in its declared order, once all of it is settled.
    """
    position = next((i for i, intent in enumerate(run.intents) if intent.token == token), None)
    if position is None:
        return False
    intent = run.intents[position]
    if settled.kind == "unknown":
        run.intents[position] = structs.replace(intent, tries=intent.tries + 1)
        return True
    if settled.kind == "done":
        assert settled.entry is not None
        run.intents[position] = structs.replace(intent, entry=settled.entry)
        if settled.receipt is not None:
            run.receipts[intent.key] = settled.receipt
    else:
        run.attempts[intent.key] = run.attempts.get(intent.key, 0) + 1
        refusal = settled.refusal or (None if intent.kind == "secret" else NOT_CARRIED_OUT)
        if refusal is None or asks_again(intent, refusal.code):
            del run.intents[position]
        else:
            run.intents[position] = structs.replace(intent, entry=_refusal_entry(intent.key, refusal))
    if all(intent.entry is not None for intent in run.intents):
        for intent in run.intents:
            assert intent.entry is not None
            run.append(intent.entry)
            if run.at == intent.key:  # asked again while nobody could say what became of it
                run.pending = None
        run.intents.clear()
    return True


def apply_late(run: Run, token: str, settled: Settled) -> bool:
    """`apply`, for an outcome that came after the reply: what the flow will not say itself becomes a notice."""
    intent = next((intent for intent in run.intents if intent.token == token), None)
    refused = settled.refusal
    if intent is not None and refused is not None and asks_again(intent, refused.code):
        run.notices.append(refused.text or TEXTS[refused.code])
    if intent is not None and settled.kind == "voided" and intent.kind == "secret":
        run.notices.append(NOT_DONE)
    return apply(run, token, settled)


def unpark(conversation: Conversation, run: Run, since: int) -> None:
    """Let a parked run go when nothing of it is open any more, and keep what to tell of it.

    `since` is the length its journal had before.
    """
    if run.intents or not any(parked is run for parked in conversation.parked):
        return
    conversation.parked = [parked for parked in conversation.parked if parked is not run]
    conversation.notices.extend(outcomes(run, since) or [NOT_DONE])


def outcomes(run: Run, since: int) -> list[Text]:
    """What to tell of the effects from journal entry `since` on."""
    texts: list[Text] = []
    for entry in run.journal[since:]:
        if entry.kind == "refused":
            texts.append(refusal(entry).text)
        elif entry.kind in EFFECTS:
            texts.append(run.receipts.get(entry.key, SETTLED))
    return texts


def asks_again(intent: Intent, code: ErrorCode) -> bool:
    """True when a refusal puts the same question again: a wrong secret is never recorded, only asked for anew."""
    return intent.kind == "secret" and WAYS_ON[code] is WayOn.SAME


def _refusal_entry(key: str, refusal: Refused) -> Entry:
    text = refusal.text or TEXTS[refusal.code]
    return Entry(key, "refused", "", [refusal.code.value, msgspec.to_builtins(text)])


def refusal(entry: Entry) -> RefusedError:
    """The error that a recorded refusal raises in the flow, now and on every replay."""
    code, text = entry.value
    return RefusedError(ErrorCode(code), msgspec.convert(text, Message))
