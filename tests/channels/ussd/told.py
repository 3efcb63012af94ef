"""The fixtures of the gateways, `fixtures/<slug>.json`: what a provider tells, and what it is answered.

A file has defaults for all of its cases, `requests` and `replies`. A case of `requests` is a `method`, `rest` of the
path, `query`, `headers` and `body`, under settings (`codes`, `options`, `region`), each of which may be left out; and
either the `inbound` it is read as, field by field, or a part of the text it is `refused` with. A case of `replies` says
`to` which request (the name of its case, or a body), with what `text`, and whether that `ends`; and the `status`,
`headers` and `body` of the reply, octet for octet. Where the provider's syntax changes a text, `reads` is what arrives.
Of a gateway that is
answered by a call, `pushed` is that: its `url`, `headers` and `body`.
`long_dial` says why nobody can dial ahead, where that is so. In all of them `CANARY` is what must never be shown.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

import pytest

from kikao.channels.channel import Request, Response
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.gateway import UssdGateway, UssdReader
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.channels.ussd.registry import SLUGS, UNSERVED, gateway, kind, reader
from kikao.config import Hidden, UssdSettings

FIXTURES: Final = Path(__file__).parent / "fixtures"
CANARY: Final = "4321"
EVERY: Final = (*SLUGS, *UNSERVED)
"""Also those whose requests are read, and that nobody can be served over."""
NUMBER: Final = "+233241234567"
CODE: Final = "*284#"

Case = dict[str, Any]


@cache
def fixtures(slug: str) -> Case:
    """A gateway's file. Raises `AssertionError` where there is none."""
    path = FIXTURES / f"{slug}.json"
    assert path.exists(), f"{slug} has no fixtures: write {path}"
    found: Case = json.loads(path.read_text(encoding="utf-8"))
    return found


def cases(part: str) -> list[Any]:
    """Every case of every gateway, as parameters of a test."""
    return [
        pytest.param(slug, case, id=f"{slug}: {case['case']}")
        for slug in EVERY
        if (FIXTURES / f"{slug}.json").exists()
        for case in fixtures(slug).get(part, [])
    ]


def settings_of(slug: str, case: Case | None = None, *, septets: int = 160) -> UssdSettings:
    """What a case is read under."""
    found = {**fixtures(slug), **(case or {})}
    options = {name: Hidden(value.encode()) for name, value in found.get("options", {}).items()}
    return UssdSettings(
        septets=septets,
        codes=tuple(found.get("codes", ())),
        region=found.get("region", ""),
        options=options,
    )


def made(slug: str, case: Case | None = None, *, septets: int = 160) -> UssdGateway:
    """A gateway under the settings of a case."""
    return gateway(slug, settings_of(slug, case, septets=septets))


def environment(slug: str) -> dict[str, str]:
    """The settings of a file as they stand in an environment, with a code that phones dial."""
    found = fixtures(slug)
    given = {"code": CODE, **found.get("options", {})}
    if found.get("region"):
        given["region"] = found["region"]
    return {f"KIKAO_USSD_{slug.upper()}_{name.upper()}": value for name, value in given.items()}


def reading(slug: str, case: Case | None = None) -> UssdReader:
    """What reads requests under the settings of a case, also where nobody can be served over it."""
    return reader(slug, settings_of(slug, case))


def request_of(slug: str, case: Case) -> Request:
    """A case as it comes in through the edge."""
    found: Case = {"method": kind(slug).methods[0], "rest": "", "query": "", "headers": {}, "body": ""}
    found |= {name: value for name, value in fixtures(slug).items() if name in found}
    found |= {name: value for name, value in case.items() if name in found}
    headers = {name.lower(): value for name, value in found["headers"].items()}
    return Request(
        found["method"],
        f"/ussd/{slug}",
        found["query"].encode(),
        headers,
        found["body"].encode(),
        found["rest"],
    )


def asked_by(slug: str, case: Case) -> tuple[Case, Request]:
    """The request that a case of `replies` answers, and the case that it is."""
    named = [each for each in fixtures(slug)["requests"] if each["case"] == case["to"]]
    asked = named[0] if named else {"body": case["to"]}
    settings = {name: case[name] for name in ("codes", "options", "region") if name in case}
    return {**asked, **settings}, request_of(slug, asked)


def reads(slug: str, found: UssdGateway, inbound: Inbound, text: str, *, ends: bool) -> Response:
    """What a phone reads of a screen: the reply, or the call that is made of it."""
    reply = found.reply(inbound, text, ends=ends)
    if not isinstance(found, CallingGateway) or not found.pushes:
        return reply
    assert reply == found.acknowledge(inbound)
    pushed = Pushed.read(found.pushed(inbound, text, ends=ends, until=0.0)[0])
    call = found.call(pushed, "00" * 16)
    return Response(200, call.headers, call.body)


def shows(request: Request) -> str:
    """All of a request in which something could be that must not be shown."""
    parts = [request.body.decode(errors="replace"), unquote_plus(request.query.decode()), request.rest]
    return "\n".join([*parts, *request.headers.values()])
