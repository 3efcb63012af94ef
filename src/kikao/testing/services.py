"""Services in a mood: slow, away, breaking off or talking nonsense, without a line of theirs being touched.

A flow gets each service of a `Stage` as a stand-in that passes every call on, like a connection to another machine:
what was asked for is done to its end there, whether or not whoever asked still lives to hear the answer.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Generic, Literal, TypeVar

from kikao.testing.outside import Outside

T = TypeVar("T")

Kind = Literal["slow", "stalls", "away", "breaks", "answers"]


class Mood:
    """What a service does with some of its methods, until `end` or the end of a `with`."""

    def __init__(self, kind: Kind, methods: tuple[str, ...], times: int | None, answer: Any) -> None:
        self.kind = kind
        self.methods = methods
        """The methods it is about; all if empty."""
        self.answer = answer
        self.began = asyncio.Event()
        """Set when a call has met the mood; with `slow`, when its effect has happened."""
        self.over = asyncio.Event()
        self._left = times

    def end(self) -> None:
        """The service is well again; what it held back goes on its way."""
        self._left = 0
        self.over.set()

    release = end

    def takes(self, method: str) -> bool:
        """Whether a call falls under the mood; each that does is counted."""
        if self._left == 0 or (self.methods and method not in self.methods):
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def __enter__(self) -> Mood:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Service(Generic[T]):
    """The handle on one service. `real` is the service itself, for what a test asks it directly.

    Each mood takes names of `async` methods, all of them when none is given, and with `times` is over after so many
    calls. Of several moods the one that was set last counts. All raise `LookupError` for a name that is no such method.
    """

    def __init__(self, real: T, outside: Outside) -> None:
        self.real = real
        self.name = type(real).__name__
        self._outside = outside
        self._moods: list[Mood] = []
        self.stand_in: T = _stand_in(real, self._called)
        """What flows get."""

    def slow(self, *methods: str, times: int | None = None) -> Mood:
        """The effect happens, and its answer waits for `release`: the deadline of who asked passes."""
        return self._set("slow", methods, times)

    def stalls(self, *methods: str, times: int | None = None) -> Mood:
        """The request waits on its way for `release`: nothing has happened yet, and still may after the deadline."""
        return self._set("stalls", methods, times)

    def away(self, *methods: str, times: int | None = None) -> Mood:
        """`ConnectionError` before anything happens."""
        return self._set("away", methods, times)

    def breaks(self, *methods: str, times: int | None = None) -> Mood:
        """The effect happens, and `ConnectionResetError` is all that comes back."""
        return self._set("breaks", methods, times)

    def answers(self, method: str, answer: Any, *, times: int | None = None) -> Mood:
        """The effect happens, and `answer` comes back in place of what the service said."""
        return self._set("answers", (method,), times, answer)

    def well(self) -> None:
        """End every mood."""
        for mood in self._moods:
            mood.end()
        self._moods.clear()

    def _set(self, kind: Kind, methods: tuple[str, ...], times: int | None, answer: Any = None) -> Mood:
        for method in methods:
            if not _is_async(self.real, method):
                have = [name for name in dir(self.real) if name[0] != "_" and _is_async(self.real, name)]
                raise LookupError(
                    f"{self.name} has no async method {method!r}; it has {', '.join(have) or 'none'}"
                )
        mood = Mood(kind, methods, times, answer)
        self._moods.append(mood)
        return mood

    def _called(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        call = functools.partial(method, *args, **kwargs)
        if _is_async(self.real, name):
            mood = next((mood for mood in reversed(self._moods) if mood.takes(name)), None)
            return self._perform(f"{self.name}.{name}", call, mood)
        return call()

    async def _perform(self, name: str, call: Callable[[], Any], mood: Mood | None) -> Any:
        if mood is None:
            return await self._outside.perform(name, call())
        if mood.kind == "away":
            mood.began.set()
            raise ConnectionError(f"{name}: the service is away")

        async def there() -> Any:
            if mood.kind == "stalls":
                mood.began.set()
                await self._outside.hold(mood.over)
            answer = await call()
            mood.began.set()
            if mood.kind == "slow":
                await self._outside.hold(mood.over)
            return answer

        answer = await self._outside.perform(name, there())
        if mood.kind == "breaks":
            raise ConnectionResetError(f"{name}: the connection broke off")
        return mood.answer if mood.kind == "answers" else answer


def _is_async(service: Any, name: str) -> bool:
    """Whether it has an `async` method, or an object with an `async` call, of that name."""
    if isinstance(inspect.getattr_static(service, name, None), property):
        return False
    method = getattr(service, name, None)
    if not callable(method):
        return False
    return any(map(inspect.iscoroutinefunction, (inspect.unwrap(method), type(method).__call__)))


_OWN: Final = frozenset(
    "__class__ __class_getitem__ __del__ __delattr__ __dir__ __getattr__ __getattribute__ __init__ __init_subclass__ "
    "__new__ __reduce__ __reduce_ex__ __setattr__ __subclasshook__".split()
)
"""Special methods a stand-in does not take from what it stands for."""


def _stand_in(real: T, called: Callable[..., Any]) -> T:
    """An object that is `real` to all who use it, but whose methods go through `called`."""
    kind = type(real)
    if kind.__module__ == "builtins":  # a plain value, a class, a function
        return real

    def get(_: Any, name: str) -> Any:
        value = getattr(real, name)
        return functools.partial(called, name, value) if _is_async(real, name) else value

    def set_(_: Any, name: str, value: Any) -> None:
        setattr(real, name, value)

    def special(name: str) -> Callable[..., Any]:
        return lambda _, *args, **kwargs: getattr(real, name)(*args, **kwargs)

    members: dict[str, Any] = {
        name: special(name)
        for name in dir(kind)
        if name.startswith("__") and name.endswith("__") and name not in _OWN
        if (own := getattr(kind, name)) is not getattr(object, name, None) and callable(own)
    }
    members |= {
        "__slots__": (),
        "__class__": property(lambda _: kind),
        "__getattr__": get,
        "__setattr__": set_,
        "__repr__": lambda _: repr(real),
    }
    stand_in: T = type(f"StandInFor{kind.__name__}", (), members)()
    return stand_in
