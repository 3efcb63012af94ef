"""Exploring an app: its conversations are held with every answer and every outcome, without its services."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kikao.app import App
from kikao.checking.exploring.answering import Answering
from kikao.checking.exploring.asking import listening_engine
from kikao.checking.exploring.code import FlowCode
from kikao.checking.exploring.exploration import Exploration, Options
from kikao.checking.exploring.outside import kept_inside
from kikao.checking.exploring.pages import Pages
from kikao.checking.exploring.probes import Probes
from kikao.checking.exploring.search import START, Search
from kikao.checking.exploring.services import Circumstances
from kikao.checking.exploring.verdicts import verdicts
from kikao.checking.findings import Finding
from kikao.checking.own_services import own_services
from kikao.conversation.member import Member

NUMBER: Final = "+256772000001"
ZONE: Final = "Africa/Kampala"


def explore(app: App, *, options: Options | None = None) -> Exploration:
    """Hold the app's conversations in every way there is, and say what was found.

    The same app gives the same each time, unless the bound of seconds is met. Services are never opened: what they may
    answer is made up from the return types of their methods, or registered with `kikao.examples`. The network,
    programs and files to write are refused to the app's code.

    Call it from outside of an event loop, in a process that serves nobody: while it works, the functions of the flows
    have probes in them.
    """
    options = options or Options()
    code = FlowCode(app.engine.flows)
    numbers, texts = code.constants()
    around = Circumstances(numbers, texts)
    engine, heard = listening_engine(app.engine)
    probes = Probes(code.functions)
    search = Search(
        engine,
        heard,
        services=_services(app),
        around=around,
        answering=Answering(numbers, texts, START.date(), NUMBER),
        probes=probes,
        members=list(_members(app)),
        files=frozenset(each.__code__.co_filename for each in code.functions),
        options=options,
    )
    with probes, _Quiet(), kept_inside() as refused:
        asyncio.run(_held(search))
    findings = verdicts(app, code, search, probes, around, refused)
    if "ussd" in app.channels:
        translates = {locale: app.catalogs.translate(locale) for locale in engine.locales}
        pages = Pages(translates, options, place_of=code.place_of, constants=code.strings())
        findings += pages.findings(search.gallery)
    held = tuple(flow.name for flow in app.engine.flows if code.function_of(flow) in probes.entered)
    return Exploration(
        findings=sorted(findings, key=_order),
        coverage=probes.coverage,
        flows=held,
        screens=len(search.gallery),
        turns=search.turns,
        bound=search.bound,
    )


async def _held(search: Search) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    await search.run()


class _Quiet:
    """What the app logs and Python warns of while it is explored says nothing of a member."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)

    def __exit__(self, *error: object) -> None:
        logging.disable(self._level)
        self._warnings.__exit__(None, None, None)


def _services(app: App) -> Mapping[Any, Any] | None:
    """The app's services by type; None where they only come to be when it starts."""
    services = app.declared_services
    return None if services is None else {**dict.fromkeys(own_services(app)), **services}


def _members(app: App) -> Iterator[tuple[Member, str]]:
    """Who may come: unknown, with each language chosen, without a zone, on each of the channels."""
    locales = list(app.engine.locales)
    for channel in app.channels:
        number = NUMBER if channel in ("ussd", "sms", "whatsapp") else ""
        member = Member("f" * 32, channel, number, "", ZONE)
        yield member, locales[0]
        for locale in locales:
            yield Member("f" * 32, channel, number, locale, ZONE), locale
        yield Member("f" * 32, channel, number), locales[0]


def _order(finding: Finding) -> tuple[str, int, str, str, str]:
    return finding.file, finding.line, finding.code, finding.locale, finding.message
