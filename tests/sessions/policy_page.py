"""The tables of the reference of sessions, made from the code: `python -m tests.sessions.policy_page`.

A test fails while a page is not what this makes of it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, get_args

from msgspec import structs

from kikao.sessions.policy import (
    BOUNDARIES,
    DEFAULTS,
    Address,
    Boundary,
    Explicit,
    Groups,
    Identifier,
    MissingIdentifier,
    SessionPolicy,
    identifier_name,
    key_parts,
    url_part,
)

PAGES: Final = Path(__file__).parent.parent.parent / "docs" / "reference"

PLACES: Final[Mapping[str, Address]] = {
    "ussd": Address(
        "ussd", "nalo", "+256772000001", "*284#", "+256772000001", "pay.example/ussd/nalo", "dialogue-9"
    ),
    "ussd, number hidden": Address(
        "ussd", "nalo", "x7/Q", "*284#", "", "pay.example/ussd/nalo", "dialogue-9"
    ),
    "sms": Address("sms", "nalo", "+256772000001", "", "+256772000001", "pay.example/sms/nalo"),
    "whatsapp": Address("whatsapp", "cloud-api", "256772000001", "", "", "pay.example/whatsapp"),
    "telegram": Address("telegram", "bot-api", "4711", "", "", "pay.example/telegram"),
    "socket": Address("socket", "phoenix", "asha", "", "", "pay.example/socket/websocket", "join-3"),
}
"""Somebody met in each way there is."""

URLS: Final = (
    "pay.example/ussd/nalo",
    "pay.example:8443/ussd/nalo",
    "pay.example/a/b",
    "pay.example/a_b",
    "kampala.branches.pay.example/ussd/africastalking",
    "kampala-central.branches.pay.example/ussd/africastalking",
)


def of_country(address: Address) -> str:
    """An identifier as an app may write one."""
    return address.msisdn[:4] or "abroad"


IDENTIFIERS: Final[Sequence[Identifier]] = (
    "",
    "address",
    "member",
    "msisdn",
    "user_id",
    "request_id",
    Explicit("kiosk-7"),
    of_country,
)


def sets() -> list[frozenset[Boundary]]:
    """All 16 sets of boundaries."""
    return [frozenset(some) for size in range(5) for some in itertools.combinations(BOUNDARIES, size)]


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def table(*head: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table with its head."""
    return "\n".join([row(*head), "|" + "---|" * len(head), *(row(*cells) for cells in rows)])


def code(parts: Iterable[str]) -> str:
    """Parts of a key, each as code."""
    return " ".join(f"`{part}`" for part in parts)


def named(boundaries: Iterable[str]) -> str:
    """A set of boundaries."""
    return ", ".join(boundary for boundary in BOUNDARIES if boundary in boundaries) or "none"


def outcome(address: Address, policy: SessionPolicy) -> str:
    """The key of somebody, or why there is none."""
    try:
        return code(key_parts(address, policy, flow="wallet"))
    except MissingIdentifier as error:
        return f"error: {str(error).rpartition(': ')[2]}"


def boundaries() -> str:
    """What each set of boundaries puts before the identifier."""
    kiosk = Explicit("kiosk-7")
    rows = [
        (
            named(some),
            code(
                key_parts(PLACES["ussd"], SessionPolicy(boundaries=some, identifier=kiosk), flow="wallet")[
                    :-1
                ]
            )
            or "nothing",
        )
        for some in sets()
    ]
    return table("boundaries", "parts, for a dial at nalo", rows=rows)


def identifiers() -> str:
    """What each identifier puts at the end, for everybody."""
    rows = []
    for identifier in IDENTIFIERS:
        policy = SessionPolicy(boundaries=frozenset(), identifier=identifier)
        for place, address in PLACES.items():
            rows.append((word(identifier), place, outcome(address, policy)))
    return table("identifier", "met on", "parts", rows=rows)


def word(identifier: Identifier) -> str:
    """An identifier as it is written in a policy."""
    if isinstance(identifier, str):
        return f'`"{identifier}"`'
    return '`Explicit("kiosk-7")`' if isinstance(identifier, Explicit) else "a function"


def span(seconds: float | None) -> str:
    """A time as people say it."""
    if seconds is None:
        return "no limit"
    for name, length in (("day", 86400), ("hour", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            count = round(seconds / length)
            return f"{count} {name}{'s' if count > 1 and name != 'min' else ''}"
    return f"{seconds:g} s" if seconds else "none"


def channels() -> str:
    """The defaults."""
    rows = [
        (
            f"`{channel}`",
            named(policy.boundaries),
            " + ".join(
                f"`{part.partition(':')[0]}`"
                for part in key_parts(PLACES[channel], policy, flow="")[len(policy.boundaries) :]
            ),
            span(policy.idle),
            span(policy.absolute),
            span(policy.reconnection),
            span(policy.resume),
            policy.opens,
            span(policy.outcome),
        )
        for channel, policy in DEFAULTS.items()
    ]
    return table(
        "channel",
        "boundaries",
        "identifier",
        "idle",
        "absolute",
        "reconnection",
        "resume",
        "opens",
        "outcome",
        rows=rows,
    )


def shorthands() -> str:
    """The shorthands."""
    made = {
        "SessionPolicy()": SessionPolicy(),
        "SessionPolicy.durable()": SessionPolicy.durable(),
        "SessionPolicy.ephemeral()": SessionPolicy.ephemeral(),
        "SessionPolicy.across_gateways()": SessionPolicy.across_gateways(),
        "SessionPolicy.across_channels()": SessionPolicy.across_channels(),
        "SessionPolicy.per_url()": SessionPolicy.per_url(),
        "SessionPolicy.shared()": SessionPolicy.shared(),
    }
    rows = [
        (
            f"`{text}`",
            named(policy.boundaries),
            identifier_name(policy.identifier),
            code(key_parts(PLACES["ussd"], policy, flow="wallet")),
        )
        for text, policy in made.items()
    ]
    return table("policy", "boundaries", "identifier", "key of a dial at nalo", rows=rows)


def urls() -> str:
    """The url rule."""
    return table("host and path", "part", rows=[(f"`{url}`", f"`url:{url_part(url)}`") for url in URLS])


def groups() -> str:
    """What a group changes."""
    there = structs.replace(PLACES["telegram"], group="-1001234567890")
    policies: dict[str, Callable[..., SessionPolicy]] = {
        "SessionPolicy()": SessionPolicy,
        "SessionPolicy.durable()": SessionPolicy.durable,
        "SessionPolicy.across_channels()": SessionPolicy.across_channels,
        "SessionPolicy.shared()": SessionPolicy.shared,
    }
    rows = [
        (f"`{text}`", f'`"{whose}"`', outcome(there, policy(groups=whose)))
        for text, policy in policies.items()
        for whose in get_args(Groups)
    ]
    return table("policy", "groups", "key in the group", rows=rows)


def everything() -> Iterator[str]:
    """Every combination, by where somebody is met."""
    for place, address in PLACES.items():
        yield f"## {place}\n"
        rows = []
        for some in sets():
            for identifier in IDENTIFIERS:
                if identifier == "member" and some - {"flow"}:
                    continue
                policy = SessionPolicy(boundaries=some, identifier=identifier)
                rows.append((named(some), word(identifier), outcome(address, policy)))
        yield table("boundaries", "identifier", "key", rows=rows) + "\n"


TABLES: Final = {
    "channels": channels,
    "shorthands": shorthands,
    "boundaries": boundaries,
    "identifiers": identifiers,
    "urls": urls,
    "groups": groups,
}

KEYS_HEAD: Final = """# Session keys

Every combination of boundaries, identifier and channel, with the parts that a key is made of. What boundaries and
identifiers are: [sessions](sessions.md). The identifier `"member"` is not with boundaries other than flow.

The app's entry flow is `wallet`. Somebody is met as `+256772000001` dialling `*284#` at the gateway nalo, by
WhatsApp as its user `256772000001`, which is an id and no number, as user 4711 on Telegram,
as user `asha` on the socket. "Number hidden" is a gateway that gives a token in place of the number.

"""


def current(page: str) -> str:
    """A page as it should be: its text, with the tables made anew."""
    if page == "session-keys.md":
        return KEYS_HEAD + "\n".join(everything())
    text = (PAGES / page).read_text(encoding="utf-8")
    for name, make in TABLES.items():
        marked = re.compile(f"(<!-- table: {name} -->\n\n).*?(<!-- end -->)", re.DOTALL)
        found = marked.findall(text)
        if len(found) != 1:
            raise ValueError(f"{page} has {len(found)} places for the table {name!r}")
        text = marked.sub(lambda match, make=make: f"{match[1]}{make()}\n\n{match[2]}", text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for page in ("sessions.md", "session-keys.md"):
        (PAGES / page).write_text(current(page), encoding="utf-8")
