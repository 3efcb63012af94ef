"""Paytota (Uganda): `POST /ussd/paytota`.

Contract: the provider's documentation. Nothing was checked on a live line.

- A request is JSON: shortcode, msisdn, mccmnc, sessionid, state, message. State START begins a dialogue, END says that
  it is over. That an answer has CONTINUE is presumed, since replies have it: no example shows one.
- The one example of a START has the message `1`, on shortcode 165: it is taken for what was dialled behind the code.
- The reply is the same envelope: msisdn, sessionid, state CONTINUE or END, message.
- The header Signature is a signature over the body, octet for octet as it came: RSA, PKCS#1 v1.5, SHA-256, in base64.
  It is checked before anything is read, with the provider's public key, KIKAO_USSD_PAYTOTA_PUBLIC_KEY.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window". A signed request
  that somebody overheard can be sent again, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kikao.channels.channel import Request, Response
from kikao.channels.edge import Denied
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names
from kikao.channels.ussd.signing import public_keys, signed
from kikao.config import Option

EXAMPLE: Final = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAieUprc3Unj/9IiDqR7LIcbmYeczvNvSQypoK8vsKPz4/Q0sbIJzNXIb1GuGW0Gvx78b7"
    "CcEGWnCoi8aLoAm87YMs4/Tfr0ny0dRPVxDwCNh684hX7X4XHthlhYK6XjQk4AiGjSq9zh7S+HcszC5V9tRUNvGChbe4Z1yfj922PT8svssWs0PG"
    "Iece5zT5REz8CW8BfGviQRNJZ7XOoTuLqWix4w7Dr1EnrUhO7tfCkBe+KVJFk1F8cz2EEj1fc3O7rR/J2QdcAnzgs8/TQ+tfjZCtuzqlcaazDufH"
    "mUfaO4MvHB3ZlggGKK26gtb9HbRG5yXVWaE8I5ANZ0sxm4yfYwIDAQAB"
)
"""A public key of nobody: its private one was never kept."""


class Paytota(Latest):
    """The gateway `paytota`: the last answer only, signed requests, a redelivery known by the same body shortly after.

    Without `public_key` signatures are not looked at, and whoever knows the path can post as any member.
    """

    slug = "paytota"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    whole_codes = False
    names = Names(("sessionid",), "msisdn", "message", "mccmnc", ("shortcode",), "state")
    states: Mapping[str, Happening] = {"start": "new", "continue": "reply", "end": "end"}
    echoes = ("msisdn",)
    options = (
        Option(
            name="public_key",
            about=(
                "the RSA key, of at least 2048 bits, that the provider signs requests with: PEM, or DER in base64 on "
                "one line; while it changes, the old and the new one with a comma between them"
            ),
            example=EXAMPLE,
            guards=True,
            check=public_keys,
        ),
    )
    contract = Contract(
        provider="Paytota",
        places="Uganda",
        certainty="documented",
        source="the provider's documentation of USSD",
        new="`state` is `START`",
        reply="`state` is `CONTINUE` (presumed: replies have it)",
        end="`state` is `END`",
        copies="the same body within a second of its reply",
        authentication=("path token", "allow-list", "signature"),
        notes=(
            "The header `Signature` is checked over the raw body, before anything is read, where `PUBLIC_KEY` is set; "
            "a proxy that writes the body anew breaks it.",
            "A signature has no time in it: who overhears a request can send it again. Set a path token as well.",
            "Simulated phones cannot sign, so leave `PUBLIC_KEY` out in development.",
        ),
        on_a_phone=("answer a question: `state` of that request is `CONTINUE`",),
        wanted=(
            "`state` of an answer: `CONTINUE` is presumed",
            "what `message` of `START` is: kikao takes it for what was dialled behind the code, as `1` of `*165*1#`",
            "an id that tells a request that is sent again",
            "what it wants to read in answer to `END`: kikao answers as it ends a dialogue",
            "times within which a reply must come",
        ),
    )

    def __init__(self, **settings: Any) -> None:
        """Raises `ValueError` for a `public_key` that is none."""
        super().__init__(**settings)
        self._keys = public_keys(self.given["public_key"]) if self.given["public_key"] else ()

    def verify(self, request: Request) -> None:
        """The signature over the body as it came. Raises `Denied` (403)."""
        if self._keys and not signed(self._keys, request.headers.get("signature", ""), request.body):
            raise Denied(403, "signature wrong or missing")

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """What was dialled behind the code: with the code before it, or without."""
        message = self.typed(fields, self.names.text)
        if message.startswith("*") or message == code:
            return super().ahead(fields, code)[0], ""
        return message, ""

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as message; state END closes the dialogue."""
        return {"sessionid": inbound.dialogue, "state": "END" if ends else "CONTINUE", "message": text}

    def acknowledge(self, inbound: Inbound) -> Response:
        """The envelope of an end, without a screen."""
        return self.reply(inbound, "", ends=True)
