"""The pages of the gateways, `gateways/*.md`, written from what each gateway declares: run `make gateways`.

What stands there is in `src/kikao/channels/ussd/gateways/`, above all in each `contract`. A test compares.
"""

import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from kikao.channels.calling import Call
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.channels.ussd.registry import SLUGS, UNSERVED, client, example, gateway, kind
from kikao.config import Hidden, Option, UssdSettings

DOCS: Final = Path(__file__).parent
FOLDER: Final = DOCS / "gateways"

WIDTH: Final = 118
"""Characters of a line of text."""

FAMILIES: Final = {
    "accumulated": "Each request carries everything typed since the dial",
    "last": "Each request carries the last answer only",
    "async": "Each request is acknowledged at once, and the screen goes out as a call of its own",
}

SHOWN: Final = "s3cret"
"""What stands in samples where an example says in words what a setting is."""

IN_THE_URL: Final = (
    "What members type is in the URL, PINs too. kikao logs no URL; switch off the access log of every proxy before it "
    "([how](../how-to/connect-africastalking.md#3-put-a-proxy-in-front)), and have the provider keep none."
)
"""What whoever connects a gateway that mostly calls by GET has to know."""

COPIES: Final = {
    "exact": "A request that is sent again is recognised for {kept}, and gets the bytes of the first reply: nothing is "
    "done twice, however late it comes.",
    "window": "Nothing tells a request that is sent again from the same answer given twice. While the first is being "
    "processed, or within a second of its reply, the same answer is taken for a copy and gets the same bytes; later it "
    "is a new answer. What moves money is safe all the same: effects have keys of their own, and a PIN that comes "
    "again is not taken as the answer to a question that asks for none.",
    "none": "Nothing tells a request that is sent again from a new answer, and kikao does not guess: it is an answer. "
    "What moves money is safe all the same: effects have keys of their own.",
}

TOLD: Final = (
    ("a member dials", "new"),
    ("a member answers", "reply"),
    ("the dialogue is over", "end"),
    ("the member, or the network, broke it off", "abort"),
    ("the member did not answer in time", "timeout"),
    ("something that is no dialogue", "notice"),
    ("the member could not be charged", "charge_failed"),
    ("a request is sent again", "copies"),
)

WANTED: Final = (
    ("Yo! Uganda", "no contract of its USSD was found, only that of its payments"),
    ("Vodacom Tanzania, Tigo, Halotel, each directly", "no contract was found"),
    ("Clickatell", "the product exists; of its contract only the times are known"),
    (
        "Bonga / Olivetree (Kenya)",
        "whether `message` carries everything typed or the last answer is not stated",
    ),
    ("YateBTS", "what its callback signals is documented, what its fields are called is not"),
    ("SouthPawsl (Sierra Leone)", "known from one old implementation"),
    ("MTN Rwanda, before MADAPI", "XML-RPC, known from one old implementation"),
    ("MTN Nigeria, before MADAPI", "a protocol of its own over TCP, known from one old implementation"),
    ("TrueAfrican (Uganda)", "XML-RPC, known from one old implementation"),
    ("TruTeq SSMI", "a protocol of its own over TCP; the same provider's HTTP is served, as `truroute`"),
    ("Wigal, version 1", "how its reply divides its fields is not documented; version 2 is served"),
)

HEAD: Final = "<!-- Written by `make gateways`, from {source}: change it there. -->"

INDEX: Final = """{head}

# Gateways

USSD comes to an app through a provider, and each has a dialect of its own. kikao speaks these; which are served is a
matter of [settings](../reference/settings.md), the app is the same on all of them.

**kikao was tried on a live line with none of them.** *Documented* rests on what the provider itself, or several
independent sources, say. *Experimental* rests, at least in part, on less, such as programs that talk to the provider:
its page says on what. Test each on a phone, on every network, before members dial.

{list}

A provider that is missing here is [one file and its fixtures](../how-to/add-a-gateway.md), and there is
[a guide that starts from its first request](../how-to/integrate-a-provider.md).

## How each tells what happens

There are three families:

{families}

{table}

An empty field is something that the provider does not tell, or not in a way that is known. *exact* copies are known
whenever they come; those in a *window* only within a second of the reply, where nothing else could tell them from the
same answer given twice. In the last column, *token* is a secret at the end of the URL and *list* one of the provider's
addresses: you set them, and production wants one of both. A *key* or a *signature* is the provider's own, besides.

## Wanted

These are not served, since something that matters is not known, and kikao does not guess. A provider's document, or a
trace of a dialogue with the numbers and what was typed replaced, is all that is missing:

{wanted}

On the page of each gateway stands what is not known of it.
"""


def written() -> dict[Path, str]:
    """Every page as it should be."""
    pages = {FOLDER / f"{slug}.md": _page(slug) for slug in SLUGS}
    return {FOLDER / "index.md": _index(), **pages}


def stale() -> list[str]:
    """The pages that are not as they should be, and those that should not be there."""
    pages = written()
    wrong = [path for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
    return sorted(path.name for path in [*wrong, *(set(FOLDER.glob("*.md")) - pages.keys())])


def table() -> Iterator[tuple[str, ...]]:
    """What each gateway tells and how, a row each below the names of the columns."""
    yield (
        "gateway",
        "country",
        "contract",
        "family",
        "dial",
        "answer",
        "end",
        "abort",
        "timeout",
        "copy",
        "dedupe",
        "authentication",
    )
    for slug in sorted(SLUGS):
        it, of = kind(slug), kind(slug).contract
        own = [how for how in of.authentication if how not in ("path token", "allow-list")]
        yield (
            f"`{slug}`",
            of.places,
            _standing(of),
            it.family,
            *(of.new, of.reply, of.end, of.abort, of.timeout, of.copies, it.dedupe),
            ", ".join(own if it.connects else ("token", "list", *own)),
        )


# --- the index ---


def _index() -> str:
    entries = []
    for slug in sorted(SLUGS, key=lambda slug: kind(slug).contract.provider.casefold()):
        of = kind(slug).contract
        sure = "Documented" if of.certainty == "documented" else "*Experimental*"
        entries.append(f"- [{of.provider}]({slug}.md), `{slug}`: {of.places}. {sure}")
    return INDEX.format(
        head=HEAD.format(source="`src/kikao/channels/ussd/gateways/`"),
        list="\n".join(entries),
        families=_items(f"*{family}*: {what[0].lower()}{what[1:]}." for family, what in FAMILIES.items()),
        table="\n".join(_table(table())),
        wanted="\n".join(f"- **{name}**: {why}" for name, why in (*_read_only(), *WANTED)),
    )


def _read_only() -> Iterator[tuple[str, str]]:
    for slug in UNSERVED:
        of = kind(slug).contract
        read = f"its requests are documented and read (`kikao ussd send --gateway {slug} --parse-only`)"
        yield f"{of.provider} ({of.places})", f"{read}; wanted is {of.wanted[0]}"


def _standing(of: Contract) -> str:
    return "documented" if of.certainty == "documented" else "experimental"


# --- a page ---


def _page(slug: str) -> str:
    settings = _sample(slug)
    found = gateway(slug, settings)
    parts = [
        HEAD.format(source=f"`src/{type(found).__module__.replace('.', '/')}.py`"),
        f"# {found.contract.provider}",
        *_about(found),
        "## Set it up",
        *_setup(found),
        "## Settings",
        *_settings(found),
        "## What it sends",
        *_exchange(found, settings),
        *_told(found.contract),
        "## Copies",
        _filled(COPIES[found.dedupe].format(kept=_time(found.retention))),
        "## Limits",
        *_limits(found),
    ]
    notes = (*found.contract.notes, *((IN_THE_URL,) if found.methods[0] == "GET" else ()))
    if notes:
        parts += ["## Know", _items(notes)]
    parts += ["## Test it", *_tests(found)]
    if found.contract.wanted or found.experimental:
        live = ("a trace of a dialogue on a live line",) if found.experimental else ()
        parts += ["## Not known", "Wanted, and not guessed:", _items((*found.contract.wanted, *live))]
    return "\n\n".join(parts) + "\n"


def _about(found: UssdGateway) -> Iterator[str]:
    of = found.contract
    yield _filled(f"`{found.slug}`: {of.places}. {FAMILIES[found.family]}. The contract is from {of.source}.")
    if found.experimental:
        yield _filled(
            "**Experimental**: not all of that is the provider's own word, so a part without which nobody is answered "
            "may be otherwise. Compare the first requests with what stands here before members dial."
        )
    guide = DOCS / "how-to" / f"connect-{found.slug}.md"
    if guide.exists():
        yield f"Step by step: [connect {of.provider}](../how-to/{guide.name})."


def _sample(slug: str) -> UssdSettings:
    """The settings of the examples; of a connection only what must be set, since the rest says how others differ."""
    needed = {option.name for option in kind(slug).options if option.required or not kind(slug).connects}
    given = example(slug)
    options = {name: value for name, value in given.options.items() if name in needed}
    for name, value in options.items():
        if value.reveal().startswith(b"<"):
            options[name] = Hidden(SHOWN.encode())
    return UssdSettings(codes=given.codes, options=options)


def _needs_codes(slug: str, settings: UssdSettings) -> bool:
    """Whether what is dialled behind a code is found only where the settings have the code: seen by dialling."""
    read = []
    for codes in ((), settings.codes):
        found = gateway(slug, UssdSettings(codes=codes, options=settings.options))
        phone = client(slug, "+256772000001", "*284#", settings)
        inbound = found.parse(phone.dial("d1", "1*500").request(f"/ussd/{slug}"))
        read.append(inbound.typed() if inbound.dialled is None else inbound.dialled.reveal())
    return read[0] != "1*500" == read[1]


def _setup(found: UssdGateway) -> Iterator[str]:
    if found.connects:
        needed = [option for option in found.options if option.required]
        yield _numbered(
            (
                *(f"Set `{_variable(found, option.name)}`: {option.about}." for option in needed),
                *(f"{step}." for step in found.contract.setup),
                *_codes(found),
            )
        )
        return
    guards = [option for option in found.options if option.guards]
    steps = [
        f"Set `{_variable(found, option.name)}`: {option.about}. By it the requests are known."
        for option in guards
    ]
    also = "Also set" if guards else "Set"
    steps.append(f"{also} `{_variable(found, 'token')}` to the output of `openssl rand -hex 24`.")
    others = [option for option in found.options if option.required and not option.guards]
    steps += [f"Set `{_variable(found, option.name)}`: {option.about}." for option in others]
    steps += [f"{step}." if step[-1] not in ".:" else step for step in found.contract.setup]
    steps += _codes(found)
    if isinstance(found, CallingGateway):
        when = "" if gateway(found.slug).pushes else ", where screens are pushed"
        steps.append(
            f"Install what calls the provider{when}: `pip install './kikao[webhooks]'` beside a checkout of kikao."
        )
    url = f"https://ussd.example.com/ussd/{found.slug}/<token>"
    behind = "; what it adds behind that is its own affair" if found.rest is not None else ""
    steps.append(f"Give the provider the URL `{url}`{behind}.")
    steps.append(
        f"Where its addresses are known, set `{_variable(found, 'allow')}` to them: "
        "[how](../how-to/connect-africastalking.md#4-let-only-the-provider-in)."
    )
    yield _numbered(steps)


def _codes(found: UssdGateway) -> Iterator[str]:
    code = _variable(found, "code")
    told = any(code in step for step in found.contract.setup)
    if not told and _needs_codes(found.slug, _sample(found.slug)):
        yield (
            f"For [long dials](../reference/navigation.md#long-dials), set `{code}` to your service codes, as members "
            "dial them: only they tell where the code ends. Without it what is dialled behind a code is not read."
        )


def _settings(found: UssdGateway) -> Iterator[str]:
    rows = [("setting", "what it is", "for example", "default")]
    if not found.connects:
        rows += [
            (_code(_variable(found, "token")), "the secret end of the URL", "`openssl rand -hex 24`", ""),
            (
                _code(_variable(found, "allow")),
                "the provider's networks",
                "`203.0.113.0/24,198.51.100.7`",
                "all",
            ),
        ]
    rows += [
        (_code(_variable(found, "code")), "your service codes", "`*920*1806#`", ""),
        (_code(_variable(found, "region")), "country of numbers without a country code", "`UG`", ""),
        (_code(_variable(found, "septets")), "characters of a page", "`182`", "160"),
    ]
    for option in found.options:
        what = option.about + (" (required)" if option.required else "")
        example = _code(textwrap.shorten(option.example, 60, placeholder=" …"))
        default = _default(option)
        rows.append((_code(_variable(found, option.name)), what, example, default and _code(default)))
    yield "\n".join(_table(rows))


def _default(option: Option) -> str:
    """In the notation of the example."""
    return f"{int(option.default):#04x}" if option.example.startswith("0x") else option.default


def _exchange(found: UssdGateway, settings: UssdSettings) -> Iterator[str]:
    phone = client(found.slug, "+256772000001", "*284#", settings)
    dialled, answered = phone.dial("d1"), phone.answer("1")
    inbound = found.parse(answered.request(f"/ussd/{found.slug}"))
    if found.connects:
        yield "A member dials, and then answers 1, in the fields into which kikao reads what comes:"
        for exchange in (dialled, answered):
            yield _block(exchange.body.decode())
        return
    yield "A member dials, and then answers 1:"
    for exchange in (dialled, answered):
        yield _block(raw(found.slug, exchange))
    answers = (("1 Send\n2 Balance", False), ("Thank you", True))
    answering = gateway(found.slug)
    if isinstance(found, CallingGateway):
        if not answering.pushes:
            yield "A screen that waits for an answer, and one that ends the dialogue, as responses:"
            for text, ends in answers:
                yield _block(_answered(answering.reply(inbound, text, ends=ends)))
            yield "Where screens are pushed, each request is acknowledged instead:"
        else:
            yield "Each is acknowledged, whatever the screen:"
        yield _block(_answered(found.acknowledge(inbound)))
        yield "A screen that waits for an answer is a call to the provider, and so is one that ends the dialogue:"
        for text, ends in answers:
            yield _block(_called(found.call(Pushed.of(inbound, text, ends=ends, until=0.0), "0" * 32)))
        return
    yield "A screen that waits for an answer, and one that ends the dialogue:"
    for text, ends in answers:
        yield _block(_answered(found.reply(inbound, text, ends=ends)))


def _answered(reply: Response) -> str:
    head = [f"HTTP/1.1 {reply.status}", *(f"{name}: {value}" for name, value in reply.headers)]
    return "\n".join([*head, "", reply.body.decode()]).rstrip()


def _called(call: Call) -> str:
    head = [f"{call.method} {call.url.reveal().decode()} HTTP/1.1", *(f"{n}: {v}" for n, v in call.headers)]
    return "\n".join([*head, "", call.body.decode()]).rstrip()


def raw(slug: str, exchange: Exchange) -> str:
    """A request as it stands on the wire, with a place for the token."""
    target = f"/ussd/{slug}/<token>" + (f"/{exchange.rest}" if exchange.rest else "")
    target += f"?{exchange.query}" if exchange.query else ""
    head = [f"{exchange.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in exchange.headers)]
    return "\n".join([*head, "", exchange.body.decode()]).rstrip()


def _told(of: Contract) -> Iterator[str]:
    rows = [(what, getattr(of, name)) for what, name in TOLD if getattr(of, name)]
    yield "\n".join(_table([("what happens", "how it is told"), *rows]))


def _limits(found: UssdGateway) -> Iterator[str]:
    own = f", besides the {found.envelope} that the provider's syntax takes" if found.envelope else ""
    page = (
        f"a page has {found.budget.septets} septets of GSM 7-bit or {found.budget.units} characters of any other "
        f"alphabet{own}; {_code(_variable(found, 'septets') + '=182')} where every network is known to carry that"
    )
    yield _items((page, *found.contract.limits))


def _tests(found: UssdGateway) -> Iterator[str]:
    if found.connects:
        yield f"```text\nkikao chat module:app --gateway {found.slug}\n```"
        yield _filled("is a phone without a connection. Then on a phone, on each network:")
        yield _items(found.contract.on_a_phone)
        return
    yield "With a server running, be the provider:"
    called = " --listen 9000" if isinstance(found, CallingGateway) else ""
    chat = f"kikao chat --gateway {found.slug} --token <token>{called}"
    send = f"kikao ussd send request.txt --gateway {found.slug} --token <token>"
    yield f"```text\n{chat}\n{send}\n```"
    if called:
        yield _filled(
            "The phone is the provider here: start the server with "
            f"`{_variable(found, 'url')}=http://127.0.0.1:9000/`, so that it is called there."
        )
    yield _filled(
        "`request.txt` is one request from the provider's documents or its log, as it stands above; "
        "[how it is read](../how-to/integrate-a-provider.md). Then on a phone, on each network: "
        "[the list](../how-to/connect-africastalking.md#6-test-it-on-a-real-phone)"
        + (", and:" if found.contract.on_a_phone else ".")
    )
    if found.contract.on_a_phone:
        yield _items(found.contract.on_a_phone)


# --- Markdown ---


def _variable(found: UssdGateway, name: str) -> str:
    return f"KIKAO_USSD_{found.slug.upper()}_{name.upper()}"


def _code(text: str) -> str:
    return f"`{text}`"


def _time(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for place, row in enumerate(rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        if place == 0:
            yield "|" + "---|" * len(row)


def _block(text: str) -> str:
    return f"```text\n{text}\n```"


def _filled(text: str, begin: str = "") -> str:
    indent = " " * len(begin)
    return textwrap.fill(
        begin + text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _items(texts: Iterable[str]) -> str:
    return "\n".join(_filled(text, "- ") for text in texts)


def _numbered(texts: Iterable[str]) -> str:
    return "\n".join(_filled(text, f"{place}. ") for place, text in enumerate(texts, 1))


def main() -> None:
    """Write the pages anew; `--table` prints the table instead."""
    if "--table" in sys.argv:
        print("\n".join(_table(table())))
        return
    FOLDER.mkdir(exist_ok=True)
    pages = written()
    for path in set(FOLDER.glob("*.md")) - pages.keys():
        path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    print(f"wrote {len(pages)} pages into {FOLDER.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
