"""What went over the wire between a provider and the app, for each phone, with nothing in it that opens a door."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.console.simulator.chats.views import ExchangeView
from kikao.console.simulator.listening import Done
from kikao.console.simulator.masking import KEY, masked
from kikao.console.simulator.views import MASK, ReplyView, RequestView
from kikao.events import ScreenShown

MOST: Final = 200
"""Exchanges of a phone that are kept: the latest."""

PLAIN: Final = frozenset("content-type accept accept-encoding user-agent retry-after content-length".split())
"""Headers that are shown as they are: any other may be a key."""

LONGEST: Final = 20_000
"""Characters of a body that are shown."""


class Traffic:
    """Of one provider. `keys` are what is shown to nobody; phones are told apart by the id of their member."""

    def __init__(self, channel: str, keys: Collection[str]) -> None:
        self._channel = channel
        self._keys = tuple(keys)
        self._kept: dict[str, deque[ExchangeView]] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._phones: Counter[str] = Counter()
        self.hidden: dict[str, str] = {}
        """What a member is typing that nobody may see, by their id, while it is on its way."""
        self.busy: list[str] = []
        """Members who are doing something now: a call that names nobody is made for the last of them."""

    def expect(self, member: str) -> None:
        """There is one more phone of this member on the table."""
        self._phones[member] += 1
        self._kept.setdefault(member, deque(maxlen=MOST))

    def forget(self, member: str) -> None:
        """There is one less."""
        self._phones[member] -= 1
        if self._phones[member] <= 0:
            for kept in (self._phones, self._kept, self._counts):
                kept.pop(member, None)

    def of(self, member: str, since: int) -> tuple[ExchangeView, ...]:
        """The exchanges of a phone that came after its one of this number."""
        return tuple(each for each in self._kept.get(member, ()) if each.n > since)

    def last(self, member: str) -> int:
        """The number of its last one; 0 for none."""
        return self._counts.get(member, 0)

    def knows(self, call: Call) -> bool:
        """Whether a call is for somebody who has a phone on the table."""
        to = _recipient(_read(dict(call.headers), call.body))
        return to in self._kept

    def delivered(
        self, exchange: Exchange, response: Response, heard: Sequence[Done | ScreenShown], began: float
    ) -> None:
        """A webhook, and what the app answered."""
        said = _loads(exchange.body)
        turns = [event for event in heard if not isinstance(event, ScreenShown)]
        what = turns[-1].what if turns else ""
        headers = {name: value if name.lower() in PLAIN else KEY for name, value in exchange.headers}
        request = RequestView(exchange.method, exchange.path, headers, self._shown(exchange.body, said))
        self._keep(
            _people(said),
            "webhook",
            _kind(self._channel, said),
            request,
            ReplyView(response.status, dict(response.headers), self._shown(response.body)),
            began,
            what=what,
        )

    def called(self, call: Call, answer: Answer | None, began: float) -> None:
        """A call of the app, and the provider's answer; None where none came."""
        url = urlsplit(call.url.reveal().decode())
        said = _read(dict(call.headers), call.body)
        to = _recipient(said)
        path = self._without_keys(f"{url.scheme}://{url.netloc}{url.path}")
        headers = {name: value if name.lower() in PLAIN else KEY for name, value in call.headers}
        body = call.body
        if said is None and body:
            body = f"({len(body)} octets)".encode()
        request = RequestView(call.method, path, headers, self._shown(body, said))
        reply = None
        if answer is not None:
            is_text = answer.header("content-type").startswith(("application/json", "text/"))
            shown = self._shown(answer.body) if is_text else f"({len(answer.body)} octets)"
            reply = ReplyView(answer.status, dict(answer.headers), shown)
        name = _called(self._channel, url.path, said)
        people = [to] if to else self.busy[-1:]
        self._keep(people, "call", name, request, reply, began)

    def _keep(
        self,
        people: Iterable[str],
        way: Any,
        name: str,
        request: RequestView,
        reply: ReplyView | None,
        began: float,
        *,
        what: str = "",
    ) -> None:
        ms = round((time.perf_counter() - began) * 1000, 2)
        for member in dict.fromkeys(people):
            if member in self._kept:
                self._counts[member] += 1
                status = reply.status if reply is not None else 0
                self._kept[member].append(
                    ExchangeView(
                        self._counts[member], way, name, status, ms, what, what == "duplicate", request, reply
                    )
                )

    def _shown(self, body: bytes, said: Any = None) -> str:
        """A body as it may be shown."""
        hidden = {text for text in self.hidden.values() if text}
        if hidden:
            said = _loads(body) if said is None else said
            if said is not None:
                body = json.dumps(without(said, hidden), ensure_ascii=False).encode()
        return self._without_keys(body.decode(errors="replace"))[:LONGEST]

    def _without_keys(self, text: str) -> str:
        return _LINK(r"\1" + KEY, masked(text, self._keys))


def without(said: Any, hidden: Collection[str]) -> Any:
    """What was said, with `MASK` for each text that is one of `hidden`."""
    if isinstance(said, str):
        return MASK if said in hidden else said
    if isinstance(said, dict):
        return {key: without(value, hidden) for key, value in said.items()}
    if isinstance(said, list):
        return [without(value, hidden) for value in said]
    return said


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _read(headers: dict[str, str], body: bytes) -> Any:
    """The fields of a call; None for a body that is no text."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(errors="replace")))
    return _loads(body) if body and not kind.startswith("multipart/") else None


def _recipient(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    return str(said.get("chat_id") or said.get("to") or said.get("recipient") or "").removeprefix("+")


def _people(said: Any) -> list[str]:
    """The ids of everybody whom a webhook is about."""
    found: list[str] = []
    if isinstance(said, dict):
        for key, value in said.items():
            if key in ("from", "wa_id", "recipient_id") and isinstance(value, str):
                found.append(value)
            elif key == "from" and isinstance(value, dict) and not value.get("is_bot"):
                found.append(str(value.get("id", "")))
            elif key not in ("reply_to_message", "contacts", "contact"):
                found += _people(value)
    elif isinstance(said, list):
        for each in said:
            found += _people(each)
    return found


def _kind(channel: str, said: Any) -> str:
    """What a webhook is, in the provider's words."""
    if not isinstance(said, dict):
        return "webhook"
    if channel == "telegram":
        return next((key for key in said if key != "update_id"), "update")
    values = [change["value"] for entry in said.get("entry", ()) for change in entry.get("changes", ())]
    kinds = [
        *(message.get("type", "message") for value in values for message in value.get("messages", ())),
        *(f"status: {each.get('status')}" for value in values for each in value.get("statuses", ())),
    ]
    return ", ".join(dict.fromkeys(kinds)) or "change"


def _called(channel: str, path: str, said: Any) -> str:
    """What a call is, in the provider's words."""
    name = path.rpartition("/")[2]
    if channel == "telegram" or not isinstance(said, dict):
        return name
    if said.get("status") == "read":
        return "read"
    kind = said.get("type", "")
    interactive = said.get("interactive")
    if isinstance(interactive, dict):
        kind = f"{kind} {interactive.get('type', '')}"
    return str(kind or name)


_LINK: Final = re.compile(r"(/secret/)[A-Za-z0-9_-]+").sub
