"""Services in a mood: slow, away, breaking or talking nonsense, without a line of theirs being touched.

A flow gets each service of a `Stage` as a stand-in that passes every call on, like a connection to another machine:
what was asked for is done to its end there, whether or not whoever asked still lives to hear the answer.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Final, Generic, Literal, TypeVar

T = TypeVar("T")

Kind = Literal["slow", "stalls", "away", "breaks", "answers"]


class Mood:
    """What one service does with some of its methods, until `end` or the end of a `with`."""

    def __init__(self, kind: Kind, methods: frozenset[str], times: int | None, answer: Any) -> None:
        self.kind = kind
        self.methods = methods
        self.answer = answer
        self.held = 0
        """How many calls wait for their release."""
        self._left = times
        self._released = asyncio.Event()

    def end(self) -> None:
        """The service is well again; answers that it held back go out."""
        self._left = 0
        self._released.set()

    release = end

    def takes(self, method: str) -> bool:
        """Whether this call falls under the mood; each that does is counted."""
        if self._left == 0 or method not in self.methods:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    async def hold(self) -> None:
        """Wait until the mood ends."""
        self.held += 1
        try:
            await self._released.wait()
        finally:
            self.held -= 1

    def __enter__(self) -> Mood:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Service(Generic[T]):
    """The handle on one service. `real` is the service itself, for what a test asks it directly.

    Every mood takes names of `async` methods and, with `times`, ends after so many calls. A mood that is set later is
    asked first. All raise `LookupError` for a method the service does not have.
    """

    def __init__(self, real: T, outside: Outside) -> None:
        self.real = real
        self._outside = outside
        self._moods: list[Mood] = []
        self.stand_in: T = _stand_in(real, self._call)
        """What flows get."""

    def slow(self, *methods: str, times: int | None = None) -> Mood:
        """The effect happens at once, and the answer waits for `release`: the deadline passes."""
        return self._set("slow", methods, times)

    def stalls(self, *methods: str, times: int | None = None) -> Mood:
        """The request waits on its way for `release`: nothing has happened yet, and still may."""
        return self._set("stalls", methods, times)

    def away(self, *methods: str, times: int | None = None) -> Mood:
        """`ConnectionError` before anything happens; of every method when none is named."""
        return self._set("away", methods or tuple(_async_methods(self.real)), times)

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
        name = type(self.real).__name__
        if not methods:
            raise LookupError(f"{kind}: name the methods of {name} that it is about")
        have = list(_async_methods(self.real))
        for method in methods:
            if method not in have:
                raise LookupError(
                    f"{name} has no async method {method!r}; it has {', '.join(have) or 'none'}"
                )
        mood = Mood(kind, frozenset(methods), times, answer)
        self._moods.append(mood)
        return mood

    async def _call(self, name: str, method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        mood = next((mood for mood in reversed(self._moods) if mood.takes(name)), None)
        kind = None if mood is None else mood.kind
        if mood is not None and kind == "away":
            raise ConnectionError(f"{type(self.real).__name__} is away")

        async def there() -> Any:
            if mood is not None and kind == "stalls":
                await self._outside.hold(mood)
            answer = await method(*args, **kwargs)
            if mood is not None and kind == "slow":
                await self._outside.hold(mood)
            return answer

        answer = await self._outside.run(there())
        if kind == "breaks":
            raise ConnectionResetError(f"{type(self.real).__name__} broke off")
        return mood.answer if mood is not None and kind == "answers" else answer


class Outside:
    """The world outside of the process: calls to services that are under way there."""

    def __init__(self) -> None:
        self.held = 0
        """How many of them are held by a mood."""
        self._calls: set[asyncio.Task[Any]] = set()

    @property
    def at_work(self) -> int:
        """How many of them will end without anybody's doing."""
        return len(self._calls) - self.held

    async def run(self, call: Any) -> Any:
        """Perform a call that goes on when whoever asked dies."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def hold(self, mood: Mood) -> None:
        """Keep a call until its mood ends."""
        self.held += 1
        try:
            await mood.hold()
        finally:
            self.held -= 1

    async def close(self) -> None:
        """The end of the world: what is under way is cancelled."""
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _ended(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # perhaps nobody is there any more to hear of it


def _async_methods(service: Any) -> Iterator[str]:
    for name in dir(service):
        if not name.startswith("__") and inspect.iscoroutinefunction(
            inspect.getattr_static(service, name, None)
        ):
            yield name


_OWN: Final = frozenset(
    {"__class__", "__class_getitem__", "__del__", "__init_subclass__", "__subclasshook__"}
)


def _stand_in(real: T, call: Callable[..., Any]) -> T:
    """An object that is `real` to all who use it, but whose `async` methods go through `call`."""
    methods = frozenset(_async_methods(real))
    if not methods:
        return real

    def get(_: Any, name: str) -> Any:
        value = getattr(real, name)
        return functools.partial(call, name, value) if name in methods else value

    def set_(_: Any, name: str, value: Any) -> None:
        setattr(real, name, value)

    def special(name: str) -> Callable[..., Any]:
        return lambda _, *args, **kwargs: getattr(real, name)(*args, **kwargs)

    kind = type(real)
    names = [
        name
        for name in dir(kind)
        if name.startswith("__") and not hasattr(object, name) and callable(getattr(kind, name))
    ]
    members: dict[str, Any] = {name: special(name) for name in names if name not in _OWN}
    members |= {
        "__slots__": (),
        "__getattr__": get,
        "__setattr__": set_,
        "__repr__": special("__repr__"),
        "__class__": property(lambda _: kind),
    }
    stand_in: T = type(f"StandInFor{kind.__name__}", (), members)()
    return stand_in
