"""One request of a provider, by hand: how a gateway reads it, and what a server answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace

from kikao.channels.channel import BadRequest, Response
from kikao.channels.edge import Denied
from kikao.channels.inbound import TURNS, Inbound
from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.channels.ussd.gateway import UssdReader
from kikao.channels.ussd.registry import SLUGS, UNSERVED, client, kind, reader
from kikao.cli.phone import DEFAULT_URL, over_http
from kikao.cli.raw_requests import Unreadable, read_request
from kikao.cli.serving import give_up, standing_settings
from kikao.config import SettingsError, UssdSettings
from kikao.testing.differences import boxed

HAPPENINGS: Final = {
    "new": "a dialogue begins",
    "reply": "a member answered",
    "end": "the dialogue is over",
    "abort": "the dialogue was broken off",
    "timeout": "the member did not answer in time",
    "notice": "a notice that belongs to no dialogue",
    "charge_failed": "the member could not be charged",
}

WAYS_ON: Final[Mapping[int, str]] = {
    HTTPStatus.FORBIDDEN: "this address is not on the gateway's ALLOW, or a key or signature is wrong",
    HTTPStatus.NOT_FOUND: "the path token is wrong (--token), or the server does not serve this gateway",
    HTTPStatus.METHOD_NOT_ALLOWED: "the gateway expects another method",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests of this address were refused: wait a minute",
}
"""What a status means that says nothing of its own."""


def send(
    file: str,
    slug: str,
    *,
    url: str | None,
    token: str | None,
    region: str | None,
    parse_only: bool,
    show_typed: bool,
) -> None:
    """Show how a request is read, send it, and show what came back. Exits with 1 when it is refused."""
    if slug not in SLUGS and slug not in UNSERVED:
        give_up(f"there is no gateway {slug!r}. There are: {', '.join(SLUGS)}")
    if slug in UNSERVED and not parse_only:
        give_up(f"{UNSERVED[slug]} With --parse-only its requests can be read")
    if parse_only and (url or token):
        give_up("--parse-only sends nothing: leave --url and --token out")
    settings = standing_settings().ussd.get(slug, UssdSettings())
    if region is not None:
        settings = replace(settings, region=region.upper())
    try:
        found = reader(slug, settings)
    except SettingsError as error:
        give_up(str(error))
    phone = None if slug in UNSERVED else client(slug, "+256772000001", "*284#", settings)
    shape = Exchange("", JSON, b"") if phone is None else phone.dial("example")
    octets = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        exchange = read_request(octets, shape, found.rest)
    except Unreadable as problem:
        give_up(f"{file}: {problem}")
    _show_request(slug, exchange)
    inbound = _read(found, exchange, show_typed=show_typed)
    if parse_only or phone is None:
        raise SystemExit(0 if inbound is not None else 1)
    path = f"/ussd/{slug}" + (f"/{token}" if token else "")
    began = time.perf_counter()
    response = over_http(url or DEFAULT_URL)(replace(exchange, path=path))
    _show_reply(response, (time.perf_counter() - began) * 1000)
    if response.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise SystemExit(1)
    if inbound is not None and inbound.happening in TURNS and found.family != "async":
        try:
            text, alive = phone.read(response)
        except (ValueError, LookupError, TypeError):
            give_up("the reply is not what this gateway answers: is another one behind this URL?")
        _show_screen(text, alive=alive)


def show_gateways() -> None:
    """The gateways, a line each."""
    rows = [("gateway", "provider", "places", "family", "copies", "")]
    for slug in sorted(SLUGS):
        it, of = kind(slug), kind(slug).contract
        experimental = "" if of.certainty == "documented" else "experimental"
        rows.append((slug, of.provider, of.places, it.family, it.dedupe, experimental))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


# --- how it is read ---


def _read(found: UssdReader, exchange: Exchange, *, show_typed: bool) -> Inbound | None:
    """What the gateway understands, shown; None when it refuses the request, and why is shown."""
    request = exchange.request(f"/ussd/{found.slug}")
    if request.method not in found.methods:
        _refused(f"the method is {request.method}, this gateway expects {' or '.join(found.methods)}")
        return None
    try:
        found.verify(request)
        inbound = found.parse(request)
    except Denied as denied:
        _refused(f"{denied.reason} (HTTP {denied.status})")
        return None
    except BadRequest as refused:
        _refused(str(refused))
        return None
    click.secho("read as", bold=True)
    for name, value in (*_fields(inbound, show_typed=show_typed), ("copies", found.contract.copies)):
        click.echo(f"  {name:<14}{value}")
    if inbound.unknown_fields:
        click.secho(f"  unknown fields: {', '.join(inbound.unknown_fields)} (not read)", fg="yellow")
    return inbound


def _fields(inbound: Inbound, *, show_typed: bool) -> Iterator[tuple[str, str]]:
    said = HAPPENINGS[inbound.happening]
    if inbound.happening == "reply" and (inbound.accumulated or inbound.dialled is not None):
        said = "a member answered, or dials, if this dialogue was not met before"
    yield "happening", f"{inbound.happening}: {said}"
    yield "identity", inbound.identity
    if inbound.msisdn != inbound.identity:
        yield "msisdn", inbound.msisdn or "hidden by the provider"
    for name in ("dialogue", "service_code", "network", "note"):
        if value := getattr(inbound, name):
            yield name, value
    if inbound.happening in TURNS:
        typed = {"dialled ahead" if inbound.happening == "new" else "typed": inbound.typed()}
        if inbound.dialled is not None:
            typed["dialled ahead"] = inbound.dialled.reveal()
        for what, text in typed.items():
            yield what, repr(text) if show_typed else _length(text)
    if inbound.echo:
        yield "sent back", ", ".join(name for name, _ in inbound.echo)


def _length(typed: str) -> str:
    return f"{len(typed)} characters (--show-typed shows them)" if typed else "nothing"


def _refused(reason: str) -> None:
    click.secho("refused", bold=True)
    click.secho(f"  {reason}", fg="red")


# --- what goes over the wire ---


def _show_request(slug: str, exchange: Exchange) -> None:
    behind = f"/…/{exchange.rest}" if exchange.rest else ""
    size = len(exchange.body) or len(exchange.query)
    kind_ = dict(exchange.headers).get("content-type", "") if exchange.body else "query"
    click.secho(f"{exchange.method} /ussd/{slug}{behind}, {size} octets ({kind_ or 'body'})", bold=True)


def _show_reply(response: Response, ms: float) -> None:
    click.secho(f"answered {response.status} in {ms:.0f} ms", bold=True)
    for name, value in response.headers:
        if name.lower() not in ("date", "server", "content-length", "connection"):
            click.echo(f"  {name.lower()}: {value}")
    body = response.body.decode(errors="replace")
    failed = response.status >= HTTPStatus.MULTIPLE_CHOICES
    for line in body.splitlines():
        click.secho(f"  {line}", fg="red" if failed else None)
    if failed and (why := WAYS_ON.get(response.status)):
        click.secho(f"  {why}", fg="red")


def _show_screen(text: str, *, alive: bool) -> None:
    click.echo("\n".join(boxed(text.splitlines())))
    click.echo("it waits for an answer" if alive else "the dialogue is over")
