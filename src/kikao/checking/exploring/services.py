"""Stand-ins for an app's services: nothing real is called, every answer is one that the service may give.

What a method may answer was registered with `examples`, else it is made up from its return type. A call may fail, too.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from kikao.checking.exploring.oracle import Oracle
from kikao.checking.exploring.values import REFUSALS, Maker, Unmade, size
from kikao.conversation.errors import BackendError, RefusedError
from kikao.conversation.examples import examples_of
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.i18n import Amount

MOST: Final = 48
"""Answers of one call that are tried."""

FAILURES: Final[tuple[BaseException, ...]] = (BackendError(), TimeoutError(), ConnectionError())


class Circumstances:
    """In which turn a service is called: what decides, whether for an effect, in which currency."""

    def __init__(self, numbers: Sequence[int] = (), texts: Sequence[str] = ()) -> None:
        self.oracle = Oracle()
        self.within: Literal["read", "effect", "check"] = "read"
        """What a call is for: a look-up, an effect, or what became of an effect."""
        self.currency = "UGX"
        self.injected = False
        """A failure was answered."""
        self.unknown: dict[str, str] = {}
        """Methods of whose answers nothing is known, and the place where each is defined."""
        self._numbers = numbers
        self._texts = texts
        self._known: dict[tuple[Any, ...], list[Any]] = {}

    def answer(self, site: str, method: Any, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What a call gives, or raises."""
        amount = next((each for each in (*args, *named.values()) if isinstance(each, Amount)), None)
        currency = self.currency if amount is None else amount.currency
        key = (site, self.within, currency)
        ways = self._known.get(key)
        if ways is None:
            ways = self._known[key] = self._ways(site, method, currency)
        usual = tuple(not isinstance(way, _UNUSUAL) for way in ways)
        found = self.oracle.choose(f"{site}/{self.within}", ways, usual)
        if isinstance(found, _Computed):
            return found.function(*args, **named)
        if isinstance(found, BaseException):
            self.injected = True
            raise type(found)(*found.args) if not isinstance(found, BackendError | RefusedError) else found
        return found

    def value(self, site: str, kind: Any) -> Any:
        """A value of an attribute."""
        try:
            ways = Maker(self.currency, self._numbers, self._texts).values(kind)
        except Unmade:
            self.unknown.setdefault(site, "")
            ways = [None]
        return self.oracle.choose(site, ways[:MOST], (True,) * len(ways[:MOST]))

    def _ways(self, site: str, method: Any, currency: str) -> list[Any]:
        registered = examples_of(method)
        kind = _returned(method)
        if registered:
            ways: list[Any] = [_Computed(each) if _is_function(each) else each for each in registered]
        else:
            try:
                ways = Maker(currency, self._numbers, self._texts).values(kind)
            except Unmade:
                self.unknown.setdefault(site, _place(method))
                ways = [None]
        ways = _longest_first(ways)
        if self.within == "effect":
            ways += _of_an_effect(ways, kind)
        elif self.within == "check":
            ways = _of_a_check(ways)
        return [*ways[: MOST - len(FAILURES)], *FAILURES]


def _of_an_effect(ways: list[Any], kind: Any) -> list[Any]:
    """What any effect may come to besides: refused for each reason there is, unknown."""
    mentioned = _mentioned(kind)
    known = {way.code for way in ways if isinstance(way, Refused) and way.text is None}
    known |= {way.code for way in ways if isinstance(way, RefusedError)}
    returned = Refused in mentioned or any(isinstance(way, Refused) for way in ways)
    more: list[Any] = [
        Refused(code) if returned else RefusedError(code) for code in REFUSALS if code not in known
    ]
    return [*more, Unknown()] if returned else more


def _of_a_check(ways: list[Any]) -> list[Any]:
    """What a check may answer: one that is made to answer something else is told where it is written."""
    right = [way for way in ways if isinstance(way, Done | Voided | Unknown | _Computed | BaseException)]
    missing = [kind() for kind in (Voided, Unknown) if not any(isinstance(way, kind) for way in right)]
    return [*(right or map(Done, ways)), *missing]


class StandIn:
    """In place of a service: its methods answer as `Circumstances` say."""

    def __init__(self, kind: Any, real: object, around: Circumstances) -> None:
        self._kind = kind
        self._real = real
        self._around = around

    def __getattr__(self, name: str) -> Any:
        kinds = [each for each in (self._kind, type(self._real)) if isinstance(each, type)]
        site = f"{getattr(kinds[0] if kinds else self._kind, '__name__', self._kind)}.{name}"
        for kind in kinds:
            found = inspect.getattr_static(kind, name, None)
            if isinstance(found, staticmethod | classmethod):
                found = found.__func__
            if isinstance(found, property):
                return self._around.value(site, _returned(found.fget))
            if inspect.isfunction(found):
                return self._method(site, found)
        real = getattr(self._real, name, None)
        if real is not None and not callable(real):
            return real
        for kind in kinds:
            hints = _hints(kind)
            if name in hints:
                return self._around.value(site, hints[name])
        if name.startswith("__"):
            raise AttributeError(name)
        if real is not None:
            return self._method(site, real)
        raise AttributeError(f"{site.replace('.', ' has no ', 1)}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        site = getattr(self._kind, "__name__", str(self._kind))
        return self._around.answer(site, self._real or self._kind, args, kwargs)

    def _method(self, site: str, method: Any) -> Callable[..., Any]:
        around = self._around

        def answer(*args: Any, **kwargs: Any) -> Any:
            return around.answer(site, method, args, kwargs)

        async def answer_later(*args: Any, **kwargs: Any) -> Any:
            return answer(*args, **kwargs)

        return answer_later if inspect.iscoroutinefunction(method) else answer


def stand_in(kind: Any, services: Mapping[Any, Any] | None, around: Circumstances) -> Any:
    """What stands for a service. `services` are the app's, None where nothing is known of them before they start.

    Raises `LookupError` for what the app has not. What holds no behaviour, a Struct of settings, is itself.
    """
    real = None
    if services is not None:
        if kind not in services:
            raise LookupError(
                f"the app has no service {getattr(kind, '__name__', kind)}. Pass it in App(services=...)"
            )
        real = services[kind]
    plain = type(real) if real is not None else kind
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct) and not _has_methods(plain):
        if real is not None:
            return real
        try:
            return plain()
        except TypeError:
            return around.value(plain.__name__, plain)
    return StandIn(kind, real, around)


def _has_methods(kind: type) -> bool:
    return any(inspect.isfunction(each) for name, each in vars(kind).items() if not name.startswith("_"))


class _Computed:
    """An example that depends on the call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


_UNUSUAL: Final = (BaseException, Refused, Unknown, Voided)


def _is_function(value: object) -> bool:
    return inspect.isroutine(value)


def _longest_first(ways: list[Any]) -> list[Any]:
    """The longest answer becomes what is answered where nothing else was decided."""
    plain = [
        way for way in ways if not isinstance(way, Refused | Unknown | Voided | BaseException | _Computed)
    ]
    if not plain or any(isinstance(way, _Computed) for way in ways):
        return ways
    longest = max(plain, key=lambda way: 0 if isinstance(way, bool) else size(way))
    return [longest, *(way for way in ways if way is not longest)]


def _returned(method: Any) -> Any:
    hints = _hints(method)
    return hints.get("return", _Nothing)


def _hints(thing: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(thing, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


class _Nothing:
    """Stands for an annotation that is missing: nothing can be made of it."""


def _mentioned(kind: Any) -> set[Any]:
    found = {typing.get_origin(kind) or kind}
    for each in typing.get_args(kind):
        found |= _mentioned(each) if not isinstance(each, str | int) else set()
    return found


def _place(method: Any) -> str:
    code = getattr(inspect.unwrap(method), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""
