"""The page behind a one-time link: a member enters what their chat must not keep.

    GET  /secret/{token}    nothing but a button: programs that look at links in chats see no amount and use nothing up
    POST /secret/{token}    `step=open`: what it is for, and the field; `step=use&secret=…`: the answer

Each says whose it is, by the host that the app is reached at. No script, nothing from elsewhere, kept by no cache. The
answer is a turn like any other, of the session that asks: what comes of it is told in the chat.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from kikao.arrivals import Arrivals
from kikao.channels.channel import Response
from kikao.channels.chat.secret_links import PATH, Asking, SecretLinks
from kikao.channels.edge import Denied, Guard, Receive, Scope, admit
from kikao.control import CommandRefused
from kikao.conversation.journal import Pending
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import Text, Translate, t
from kikao.sessions.finding import Finder
from kikao.sessions.keeper import Sessions
from kikao.sessions.sealing import SealError
from kikao.sessions.store import StoreUnavailable

MAX_BODY: Final = 4096
"""Octets of what the form sends."""

LONGEST: Final = 256
"""Characters of a secret."""

TITLE: Final = t("Only you can see this page")
WHY: Final = t("What you enter here is not kept in your chat.")
OPEN: Final = t("Continue")
SEND: Final = t("Send")
DONE: Final = t("Thank you. Go back to your chat to see the result.")
OVER: Final = t("This link is no longer good. Go back to your chat and write anything to get a new one.")
AWAY: Final = t("This did not go through. Try again.")

STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.25rem}p{margin:.6rem 0}.about{font-weight:600}.wrong{color:#a40000}.whose{color:#595959}"
    "input,button{font:inherit;width:100%;box-sizing:border-box;padding:.8rem;margin:.4rem 0;border-radius:.5rem}"
    "input{border:1px solid #767676}button{border:0;background:#0b5d3b;color:#fff}"
)

SAFE: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow, noarchive, nosnippet"),
)
"""A style that stands in the page is all that it loads: no script, no frame, no address handed on."""


class SecretPage:
    """Answers what is asked under `/secret/`. `rest` of the guard is the token, which no log has."""

    def __init__(
        self,
        links: SecretLinks,
        sessions: Sessions,
        arrivals: Arrivals,
        translate: Callable[[str], Translate],
        locale: str,
    ) -> None:
        self._links = links
        self._finder = Finder(sessions)
        self._arrivals = arrivals
        self._translate = translate
        self._locale = locale

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Raises `Denied` for what is no request to such a page."""
        path: str = scope["path"]
        request = await admit(scope, receive, rest=path.removeprefix(PATH), guard=_GUARD)
        asking = self._links.read(request.rest)
        if asking is None:
            return self._said(self._translate(self._locale), OVER, status=410)
        translate = self._translate(asking.locale or self._locale)
        if request.method != "POST":
            return self._page(translate, f"<p>{_text(translate(WHY))}</p>{_form('open', translate(OPEN))}")
        fields = _fields(request.body)
        try:
            pending = await self._pending(asking)
        except (StoreUnavailable, SealError, CommandRefused):
            return self._said(translate, AWAY, status=503)
        if pending is None:
            return self._said(translate, OVER, status=410)
        if fields.get("step") != "use" or not fields.get("secret"):
            return self._field(pending, translate)
        response = await self._arrivals.one(asking.answered(Secret(fields["secret"][:LONGEST])))
        if response.status != 200:
            return self._field(pending, translate, AWAY, status=503)
        return self._said(translate, DONE)

    async def _pending(self, asking: Asking) -> Pending | None:
        """The question, if it is still the one that is open."""
        seen = await self._finder.look(asking.key)
        if seen is None or seen.session is None or seen.session.dialogue is None:
            return None
        run = seen.session.conversation.run
        if seen.session.dialogue.shown != asking.mark or run is None or not run.secret:
            return None
        return run.pending

    def _field(
        self, pending: Pending, translate: Translate, wrong: Text | None = None, *, status: int = 200
    ) -> Response:
        screen = pending.screen
        about = "".join(f'<p class="about">{_text(translate(text))}</p>' for text in screen.about)
        error = wrong or pending.error
        told = f'<p class="wrong" role="alert">{_text(translate(error))}</p>' if error is not None else ""
        prompt = _text(translate(screen.body[-1]))
        field = (
            f'<label>{prompt}<input type="password" name="secret" inputmode="numeric" autocomplete="off" '
            f'maxlength="{LONGEST}" required autofocus></label>'
        )
        return self._page(translate, f"{about}{told}{_form('use', translate(SEND), field)}", status=status)

    def _said(self, translate: Translate, text: Text, *, status: int = 200) -> Response:
        return self._page(translate, f"<p>{_text(translate(text))}</p>", status=status)

    def _page(self, translate: Translate, body: str, *, status: int = 200) -> Response:
        title, whose = _text(translate(TITLE)), _text(self._links.host)
        text = (
            '<!doctype html><html><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{whose} · {title}</title><style>{STYLE}</style></head>"
            f'<body><p class="whose">{whose}</p><h1>{title}</h1>{body}</body></html>'
        )
        return Response(status, SAFE, text.encode())


def _form(step: str, label: str, field: str = "") -> str:
    return (
        f'<form method="post" autocomplete="off">{field}'
        f'<input type="hidden" name="step" value="{step}"><button>{_text(label)}</button></form>'
    )


def _fields(body: bytes) -> dict[str, str]:
    """The fields of the form. Raises `Denied` for what is no form."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=4))
    except ValueError:
        raise Denied(400, "secret page: the body is no form") from None


def _text(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


_GUARD: Final = Guard(("GET", "HEAD", "POST"), max_body=MAX_BODY, rest=re.compile("[A-Za-z0-9_-]{16,2048}"))
