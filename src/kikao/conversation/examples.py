"""What a service may answer, written beside it: `kikao check` holds conversations with these answers.

    class Bank(Protocol):
        @examples(Done(Receipt("ABCD2345", ...)), Refused(ErrorCode.INSUFFICIENT_BALANCE))
        async def transfer(self, to: str, amount: Amount, *, key: str) -> Done[Receipt] | Refused: ...

Nothing of it is looked at while an app serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "__kikao_examples__"


def examples(*answers: Any) -> Callable[[F], F]:
    """Register what a method of a service may answer, in place of what would be made up from its return type.

    An answer that is an exception is raised; one that is a function is called with the arguments of the call and gives
    the answer. Name the longest values there can be, and one answer for each way a flow may go on. Raises `ValueError`
    for none.
    """
    if not answers:
        raise ValueError("examples() of nothing: give at least one answer")

    def register(method: F) -> F:
        setattr(method, _MARK, answers)
        return method

    return register


def examples_of(method: object) -> tuple[Any, ...]:
    """What `examples` registered with a method; empty where it did not."""
    found: tuple[Any, ...] = getattr(method, _MARK, ())
    return found
