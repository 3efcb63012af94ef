"""Steps of the server, its store and the services: what goes wrong, and what is well again."""

from __future__ import annotations

from typing import Final

from kikao.sessions.store import CALLS
from kikao.testing.context import Play
from kikao.testing.registry import built_in

SERVICE: Final = r"(?P<service>The \w[\w ]*?|[A-Z]\w*)"
METHODS: Final = r"(?P<methods>\w+(?: and \w+)*)"
WRITE: Final = rf"(?P<call>{'|'.join(CALLS)})"
TIMES: Final = r"(?:, (?P<times>once|\d+ times))?"


@built_in(r"The server dies\.", "The server dies.")
async def dies(play: Play) -> None:
    """kill -9, now."""
    await play.stage.crash()


@built_in(
    rf"The server dies (?P<moment>before|after) the (?P<nth>next|second|third) {WRITE}\.",
    "The server dies {before} the {next} {commit}.",
)
def dies_at(play: Play, moment: str, nth: str, call: str) -> None:
    """Before or after a write of the session store: the next, second or third claim, intent, commit … from now."""
    play.stage.crash_at(call, before=moment == "before", nth=NTH[nth])


@built_in(r"The server starts again\.", "The server starts again.")
async def starts_again(play: Play) -> None:
    """Another process over the same store and services; a living one ends first, as at a deploy."""
    await play.stage.restart()


@built_in(r"The server comes to rest\.", "The server comes to rest.")
async def settles(play: Play) -> None:
    """Effects under way come to their end, and recovery looks once at what is due."""
    await play.stage.settle()


@built_in(r"The store is away\.", "The store is away.")
def store_away(play: Play) -> None:
    """It takes nothing."""
    play.stage.faults.unavailable = True


@built_in(r"The store is back\.", "The store is back.")
def store_back(play: Play) -> None:
    """It takes everything again."""
    play.stage.faults.unavailable = False


@built_in(
    rf"The store (?P<does>keeps|loses) the (?P<nth>next|second|third) {WRITE} without an answer\.",
    "The store {keeps} the {next} {commit} without an answer.",
)
def store_unanswered(play: Play, does: str, nth: str, call: str) -> None:
    """An ambiguous write: it is there, or it is not, and the server does not hear which."""
    play.stage.leave_unanswered(call, stored=does == "keeps", nth=NTH[nth])


@built_in(
    rf"{SERVICE} is slow(?: to answer {METHODS})?{TIMES}\.",
    "The {bank} is slow [to answer {transfer} [and {balance}]] [, once].",
)
def is_slow(play: Play, service: str, methods: str | None, times: str | None) -> None:
    """The effect happens, and the answer stays out until it is well: the deadline passes."""
    play.stage.service_called(service).slow(*_names(methods), times=_times(times))


@built_in(
    rf"{SERVICE} stalls(?: at {METHODS})?{TIMES}\.",
    "The {bank} stalls [at {transfer}] [, once].",
)
def stalls(play: Play, service: str, methods: str | None, times: str | None) -> None:
    """The request waits on its way until it is well: nothing has happened yet."""
    play.stage.service_called(service).stalls(*_names(methods), times=_times(times))


@built_in(
    rf"{SERVICE} breaks off(?: after {METHODS})?{TIMES}\.",
    "The {bank} breaks off [after {transfer}] [, once].",
)
def breaks_off(play: Play, service: str, methods: str | None, times: str | None) -> None:
    """The effect happens, and the connection breaks before the answer."""
    play.stage.service_called(service).breaks(*_names(methods), times=_times(times))


@built_in(
    rf"{SERVICE} is away(?: for {METHODS})?{TIMES}\.",
    "The {bank} is away [for {transfer}] [, 2 times].",
)
def is_away(play: Play, service: str, methods: str | None, times: str | None) -> None:
    """No connection: nothing happens."""
    play.stage.service_called(service).away(*_names(methods), times=_times(times))


@built_in(rf"{SERVICE} is well again\.", "The {bank} is well again.")
async def is_well(play: Play, service: str) -> None:
    """Every mood of it ends, what it held back goes on, and the server comes to rest."""
    play.stage.service_called(service).well()
    await play.stage.settle()


NTH: Final = {"next": 1, "second": 2, "third": 3}


def _names(methods: str | None) -> list[str]:
    return methods.split(" and ") if methods else []


def _times(times: str | None) -> int | None:
    return None if times is None else 1 if times == "once" else int(times.split()[0])
