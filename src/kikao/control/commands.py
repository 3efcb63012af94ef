"""What can be asked of a server, and by whom it is done."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

A = TypeVar("A", bound=msgspec.Struct)
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an item


class Call(msgspec.Struct, Generic[A, I], frozen=True):
    """A command: its name, what it takes, and what each item that comes back is."""

    name: str
    takes: type[A]
    gives: type[I]


class Nothing(msgspec.Struct, frozen=True):
    """The arguments of a command that takes none."""


class CommandRefused(Exception):
    """A command that is not carried out, and why: for the operator, who is shown the text."""

    SAFE = True


class Ask(Protocol):
    """Whoever carries out commands: `Commands` in this process, a `Visitor` in another."""

    def ask(self, call: Call[A, I], args: A) -> AsyncGenerator[I, None]:
        """Carry out a command; the items as they come. Raises `CommandRefused`."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """A command as it is registered."""

    call: Call[Any, Any]
    run: Callable[[Any], AsyncGenerator[Any, None]]


class Commands:
    """The commands of a server, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Asked] = {}

    def add(self, call: Call[A, I], run: Callable[[A], AsyncGenerator[I, None]]) -> None:
        """Offer a command. `run` is an async generator; what it refuses it raises as `CommandRefused`.

        Raises `ValueError` for a name that is taken.
        """
        if call.name in self._by_name:
            raise ValueError(f"there is a command {call.name!r} already")
        self._by_name[call.name] = Asked(call, run)

    def ask(self, call: Call[A, I], args: A) -> AsyncGenerator[I, None]:
        """See `Ask.ask`."""
        return self.find(call.name).run(args)

    def find(self, name: str) -> Asked:
        """Raises `CommandRefused` that lists what there is."""
        asked = self._by_name.get(name)
        if asked is None:
            raise CommandRefused(
                f"there is no command {name[:60]!r}. There are: {', '.join(self) or 'none'}. "
                "Is the server of the same kikao as this command?"
            )
        return asked

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)
