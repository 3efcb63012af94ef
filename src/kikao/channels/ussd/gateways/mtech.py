"""Mtech (Nigeria, Kenya): `POST /ussd/mtech`.

Contract: one implementation and its tests. Nothing was checked on a live line.

- A request is an element `page`: session_id, page_id, mobile_number, data, gate. page_id 0 with a mobile_number begins
  a dialogue; an answer has the pageId of the link in the page before as page_id, what was typed as data, and mostly no
  number. page_id 0 was seen in the middle of a dialogue, without a number. An element `status` tells that it was
  cancelled.
- The reply is an element `page`: session_id, `div` with the text, its lines parted by `<br />`, and navigation with one
  link that takes whatever is typed. Without navigation the dialogue is over. No line end may be in it.
- So that an answer without a number finds its member, the number is part of the pageId that kikao writes.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.markup import escaped, quoted, tag
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret

MAX_PAGE: Final = 64
"""Characters of page_id."""


class Mtech(UssdGateway):
    """The gateway `mtech`: the last answer only, a redelivery known by the same answer shortly after.

    Only a dial tells the gate, so it is no part of a session's key: a member has one session here.
    """

    slug = "mtech"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "abort"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    bare_numbers = True
    contract = Contract(
        provider="Mtech",
        places="Nigeria, Kenya",
        certainty="seen",
        source="one implementation that talks to it, and its tests",
        new="`page_id` is 0, and `mobile_number` is there",
        reply="any other request with `data`",
        abort="an element `status`, which is a cancellation of some kind",
        copies="the same answer within a second of its reply",
        limits=("a page must not have line ends: kikao sends `<br />`",),
        notes=(
            "Requests are not signed.",
            "Answers were seen without a number. kikao writes it into `pageId` (`index` and the digits), which comes "
            "back as `page_id`; an answer with neither is refused, since nobody knows whose it is.",
            "Only the first request tells the gate: a member has one session, whatever the gate.",
        ),
        on_a_phone=("answer three questions, and see that no answer is refused for its `page_id`",),
        wanted=(
            "whether any `pageId` comes back as it was written: `indexX` was seen to. If it does not, answers are "
            "refused",
            "why `page_id` 0 comes in the middle of a dialogue, without a number: such an answer is refused",
            "what `data` is at a dial: kikao reads only what was dialled behind a code of the settings",
            "what the values of `status` mean: they are all variations of a cancellation",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.xml(request, "page")
        dialogue = self.token(fields, "session_id", MAX_DIALOGUE)
        if "status" in fields:
            return self._cancelled(fields, dialogue)
        page = self.token(fields, "page_id", MAX_PAGE)
        phone = self._number_of(fields, page)
        typed = self.typed(fields, "data")
        happening: Happening = "new" if page == "0" else "reply"
        text, note = self.behind_code(typed) if happening == "new" else (typed, "")
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=dialogue,
            service_code=self.code_of(typed if happening == "new" else ""),
            keyed_by_code=False,
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as `div`; navigation lets the dialogue go on."""
        lines = "<br />".join(escaped(line) for line in _LINE_END.split(text))
        page_id = _INDEX + inbound.msisdn.removeprefix("+")
        link = f'<link accesskey="*" pageId={quoted(page_id)} />'
        navigation = "" if ends else f"<navigation>{link}</navigation>"
        return self._page(inbound.dialogue, f"<div>{lines}</div>{navigation}")

    def acknowledge(self, inbound: Inbound) -> Response:
        """A page with nothing on it."""
        return self._page(inbound.dialogue, "")

    def _page(self, dialogue: str, content: str) -> Response:
        page = f'<page version="2.0">{tag("session_id", dialogue)}{content}</page>'
        return Response(200, _HEADERS, f"{_DECLARATION}{page}".encode())

    def _number_of(self, fields: Mapping[str, object], page: str) -> str:
        if fields.get("mobile_number"):
            return self.number(fields, "mobile_number")
        if page.startswith(_INDEX) and len(page) > len(_INDEX):
            return self.number({"page_id": page.removeprefix(_INDEX)}, "page_id")
        raise self.refuse("field mobile_number is missing, and page_id has no number either")

    def _cancelled(self, fields: Mapping[str, object], dialogue: str) -> Inbound:
        status = fields["status"]
        phone = self.number(fields, "mobile_number") if fields.get("mobile_number") else ""
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening="abort",
            text=Secret(""),
            dialogue=dialogue,
            service_code=self.code_of(),
            keyed_by_code=False,
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=f"status {status}" if isinstance(status, str) and _STATUS(status) else "",
        )


_HEADERS: Final = (("content-type", "text/xml; charset=utf-8"),)
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_INDEX: Final = "index"
_REQUEST: Final = frozenset({"@version", "session_id", "page_id", "mobile_number", "data", "gate", "status"})
_LINE_END = re.compile("\r\n|\r|\n")
# A word, or fewer digits than a PIN has.
_STATUS = re.compile("[A-Za-z_-]{1,20}|[0-9]{1,3}").fullmatch
