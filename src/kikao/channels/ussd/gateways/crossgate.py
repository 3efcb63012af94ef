"""Crossgate Solutions (Kenya): `GET /ussd/crossgate`.

Contract: the provider's page on its USSD API; nothing was checked on a live line.

- A request is a query: session_id, msisdn, network_code, ussd_string, service_code. `ussd_string` is empty at first,
  then everything typed since the dial, joined by `*`.
- The reply is plain text that begins with `CON ` or `END `. "The menus should not contain special characters as the
  telcos are unable to render such characters and will lead to service disruptions": see `Crossgate.spelled`.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names
from kikao.i18n.plain import plain


class Crossgate(Accumulated):
    """The gateway `crossgate`: accumulated text, a redelivery known by session id and text."""

    slug = "crossgate"
    methods = ("GET",)
    names = Names("session_id", "msisdn", "service_code", "ussd_string", "network_code")
    contract = Contract(
        provider="Crossgate Solutions",
        places="Kenya",
        certainty="documented",
        source="the provider's page on its USSD API",
        new="`ussd_string` is empty, or `session_id` is new (a long dial)",
        reply="`ussd_string` grows",
        copies="the same `session_id` and `ussd_string`",
        limits=("no special characters",),
        notes=(
            "Requests are not signed.",
            "Nothing is told when a member hangs up.",
            "The provider forbids special characters without saying which they are. kikao writes every screen in ASCII "
            "without `[ ] { } | \\ ~ ^`: accents are dropped (`José` is `Jose`), letters written out (`ŋ` is `ng'`), "
            "signs dropped; a letter or digit of another script is a `?`, so languages of other scripts cannot be "
            "served here.",
        ),
        on_a_phone=("a screen with `&`, `<`, `@` and `$`, which kikao leaves as they are",),
        wanted=(
            "which characters are special",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )

    def spelled(self, text: str) -> str:
        """In ASCII that no telco's network breaks on; see `plain`."""
        return plain(text)
