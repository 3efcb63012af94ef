"""How WhatsApp shows that a webhook is its own, and asks whether one is ours.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from kikao.channels.channel import Request, Response
from kikao.channels.edge import Denied
from kikao.config import Hidden

SIGNATURE = "x-hub-signature-256"

_SIGNED = re.compile("sha256=([0-9a-f]{64})").fullmatch
_CHALLENGE = re.compile("[A-Za-z0-9._-]{1,200}").fullmatch


def signed_with(request: Request, secrets: Iterable[Hidden]) -> list[Hidden]:
    """Which of these secrets signed a request, over its body octet for octet. Raises `Denied` if none did.

    All of them are tried, so that the time tells nothing of which.
    """
    match = _SIGNED(request.headers.get(SIGNATURE, ""))
    given = match[1].encode() if match is not None else b""
    found = [
        secret
        for secret in secrets
        if hmac.compare_digest(
            hmac.new(secret.reveal(), request.body, hashlib.sha256).hexdigest().encode(), given
        )
    ]
    if not found:
        raise Denied(403, f"{SIGNATURE} {'wrong' if given else 'missing, or of another form'}")
    return found


def challenged(request: Request, tokens: Iterable[Hidden]) -> Response:
    """The answer to the request with which a webhook is set. Raises `Denied`."""
    try:
        asked = dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        asked = {}
    given = Hidden(asked.get("hub.verify_token", "").encode(errors="replace"))
    fits = [token.matches(given) for token in tokens if token.reveal()]
    challenge = asked.get("hub.challenge", "")
    if not any(fits) or asked.get("hub.mode") != "subscribe" or not _CHALLENGE(challenge):
        raise Denied(
            403, "hub.verify_token wrong or missing" if not any(fits) else "no question of a webhook"
        )
    return Response(200, (("content-type", "text/plain; charset=utf-8"),), challenge.encode())
