"""Which branches there are in a function, and which were taken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from types import FunctionType
from typing import Any

import pytest

from kikao.checking.exploring.probes import ROUNDS, EndlessLoop, Probes


def watched(functions: list[Callable[..., Any]]) -> Probes:
    return Probes([function for function in functions if isinstance(function, FunctionType)])


def broken(changed: bool) -> None:
    assert changed
    raise RuntimeError


def missing(function: Callable[..., Any], *calls: tuple[Any, ...]) -> tuple[int, list[str]]:
    """How many branches a function has, and those that some calls leave out."""
    probes = watched([function])
    with probes:
        for call in calls:
            with contextlib.suppress(ValueError):
                result = function(*call)
                if asyncio.iscoroutine(result):
                    asyncio.run(result)
    return probes.coverage.total, [branch.what for branch in probes.coverage.unreached]


def conditions(a: Any, b: Any) -> int:
    if a and not b:
        return 1
    if a == 2 or b:
        return 2
    return 3 if b is None else 4


def test_a_condition_is_counted_by_its_operands() -> None:
    assert missing(conditions, (1, 0)) == (
        10,
        [
            "`a` is never false",
            "`b` is never true",
            "`a == 2` is never false",
            "`a == 2` is never true",
            "`b` is never false",
            "`b` is never true",
            "`b is None` is never false",
            "`b is None` is never true",
        ],
    )
    every = [(1, 0), (2, 1), (3, 1), (0, 0), (0, None)]
    assert missing(conditions, *every) == (10, [])


def loops(items: list[int], most: int) -> list[int]:
    found = [item for item in items if item > 2]
    for item in items:
        found += [item]
    for number in (1, 2):
        found += [number]
    for _ in range(3):
        pass
    while most > 0:
        most -= 1
    return found or [0]


def test_a_loop_over_what_came_from_outside_may_have_no_item() -> None:
    total, left = missing(loops, ([1], 0))

    assert total == 10
    assert left == [
        "`item > 2` is never true",
        "`for item in items`: never without an item",
        "`most > 0` is never true",
        "`found` is never false",
    ]
    assert missing(loops, ([1, 3], 1), ([], 0)) == (10, ["`found` is never false"])


def raising(value: Any) -> str:
    try:
        number = 10 // value
    except ZeroDivisionError:
        return "zero"
    except (TypeError, ValueError):
        return "no number"
    else:
        match number:
            case 10:
                return "all"
            case int() if number > 4:
                return "much"
            case _:
                return "little"


def test_handlers_and_cases_have_one_branch_each() -> None:
    assert missing(raising, (1,)) == (
        7,
        [
            "`except ZeroDivisionError`: never caught",
            "`except (TypeError, ValueError)`: never caught",
            "`case int()`: never",
            "`number > 4` is never false",
            "`number > 4` is never true",
            "`case _`: never",
        ],
    )
    assert missing(raising, (1,), (0,), ("x",), (2,), (5,)) == (7, [])


def outer(values: list[int]) -> list[int]:
    """Branches of what is defined inside count as well."""

    def inner(value: int) -> int:
        return 1 if value else 2

    class Local:
        def twice(self, value: int) -> int:
            return 2 * value if value > 1 else value

    return sorted(map(Local().twice, map(inner, values)), key=lambda value: value or 7)


def test_functions_inside_of_functions_count() -> None:
    total, left = missing(outer, ([0, 1],))

    assert (total, left) == (6, ["`value` is never false"])


async def streaming(found: list[int]) -> int:
    async def source() -> AsyncIterator[int]:
        for each in found:
            yield each

    total = 0
    async for each in source():
        assert each > 0
        total += each
    return total


def test_async_loops_have_one_branch_and_asserts_none() -> None:
    assert missing(streaming, ([],)) == (
        3,
        ["`for each in found`: never with an item", "`async for each in source()`: never with an item"],
    )


def set_up(chat: Any) -> int:
    return 1 if len(chat.locales) > 1 else 2


async def grown(chat: Any) -> int:
    return 1 if await chat.version("new") else 2


def test_what_the_app_is_and_what_releases_were_is_no_branch() -> None:
    assert missing(set_up) == (0, [])
    assert missing(grown) == (0, [])


def test_the_functions_are_as_they_were_after_an_error() -> None:
    code = loops.__code__

    with pytest.raises(RuntimeError), watched([loops]):
        broken(loops.__code__ is not code)

    assert loops.__code__ is code
    assert "__kikao_if__" not in globals()


def spinning() -> None:
    while True:
        pass


def test_a_loop_goes_round_only_so_often() -> None:
    probes = watched([spinning])

    with probes, pytest.raises(EndlessLoop):
        spinning()

    assert probes.rounds == ROUNDS + 1


def test_what_has_no_source_is_told() -> None:
    space: dict[str, Any] = {}
    exec("def made(a):\n    return 1 if a else 2", space)

    probes = Probes([space["made"]])

    with probes:
        assert space["made"](1) == 1
    assert probes.unread == [space["made"]]
    assert probes.coverage.total == 0


def test_what_was_called_is_known() -> None:
    probes = watched([loops, raising])

    with probes:
        raising(1)

    assert probes.entered == {raising}
