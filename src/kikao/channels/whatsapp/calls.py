"""Messages as calls of the Cloud API: what goes into the body of each.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from kikao.channels.calling import Call
from kikao.channels.chat.ladder import Limits, row_title
from kikao.channels.chat.message import Choice, Message, Parcel
from kikao.channels.chat.templates import LinkButton, QuickReply, Template, Templates
from kikao.config import Hidden
from kikao.config.settings import WhatsAppSettings

LIMITS: Final = Limits(text=4096, body=1024, buttons=3, title=20, rows=10, row=24, described=72, opens=20)
"""Characters, and how many. The label of a link has as many as that of a button."""

EMPTY: Final = "…"
"""Above choices that have no text: the provider wants one."""


class Calls:
    """Makes the calls of one number."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        base = f"{settings.api_url}/{settings.api_version}/{settings.phone_number_id}"
        self._messages = Hidden(f"{base}/messages".encode())
        self._headers = (
            ("Authorization", f"Bearer {settings.token.reveal().decode()}"),
            ("Content-Type", "application/json"),
            ("User-Agent", "kikao"),
            ("Accept-Encoding", "identity"),
        )

    def send(self, parcel: Parcel, name: str) -> Call:
        """A parcel as it is; `name` comes back in reports, and tells copies."""
        return self._call(
            {**_to(parcel.to), "biz_opaque_callback_data": name, **content(parcel.message, parcel.mark)}
        )

    def template(self, parcel: Parcel, templates: Templates, name: str) -> Call:
        """A parcel as the template that it names. Raises `MessageRefused` if the app has it no more."""
        assert parcel.template is not None
        found, language = templates.found(parcel.template)
        content = filled(found, language, parcel.template[1], parcel.mark)
        return self._call({**_to(parcel.to), "biz_opaque_callback_data": name, **content})

    def show(self, parcel: Parcel, what: dict[str, Any], name: str) -> Call:
        """Something that is shown, to where a parcel goes; see `CloudFiles.content`."""
        return self._call({**_to(parcel.to), "biz_opaque_callback_data": name, **what})

    def seen(self, message_id: str, *, typing: bool = False) -> Call:
        """A message of a member was read; and kikao is typing, which lasts for 25 seconds or until it has written."""
        seen: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        return self._call(seen | ({"typing_indicator": {"type": "text"}} if typing else {}))

    def _call(self, body: dict[str, Any]) -> Call:
        return Call(self._messages, self._headers, _ENCODER.encode(body))


def fitted(page: Message) -> Message:
    """A page as one message can have it: a link, or the asking for a location, leaves no room for choices to tap.

    Then they stand in the text, each with the key that is typed for it.
    """
    if not page.choices or not (page.link or page.wants == "location"):
        return page
    text = "\n".join([page.text, *(f"{choice.key} {choice.label}" for choice in page.choices)])
    return structs.replace(page, text=text, choices=(), layout="text", opens="")


def content(message: Message, mark: str) -> dict[str, Any]:
    """What a message holds, as a call says it."""
    if message.link is not None:
        parameters = {"display_text": message.link.label[: LIMITS.title], "url": message.link.url}
        return _interactive("cta_url", message, {"name": "cta_url", "parameters": parameters})
    if message.wants == "location" and not message.choices and len(message.text) <= LIMITS.body:
        return _interactive("location_request_message", message, {"name": "send_location"})
    if message.layout == "buttons" and message.choices:
        buttons = [
            {"type": "reply", "reply": {"id": f"{mark}:{choice.key}", "title": choice.label}}
            for choice in message.choices
        ]
        return _interactive("button", message, {"buttons": buttons})
    if message.layout == "list" and message.choices:
        rows = [_row(choice, mark) for choice in message.choices]
        opens = row_title(message.opens or EMPTY, _OPENS)
        return _interactive("list", message, {"button": opens, "sections": [{"rows": rows}]})
    return {"type": "text", "text": {"body": message.text, "preview_url": False}}


def filled(template: Template, language: str, values: Sequence[str], mark: str) -> dict[str, Any]:
    """A template with its values, as a call says it. A tap on a button that answers is one of the screen `mark`."""
    given = dict(zip(template.parameters, values, strict=True))
    components: list[dict[str, Any]] = []
    if template.header:
        components.append({"type": "header", "parameters": [_header(template, given[template.header])]})
    if template.body:
        parameters = [_parameter(template, name, given[name]) for name in template.body]
        components.append({"type": "body", "parameters": parameters})
    for place, button in enumerate(template.buttons):
        if isinstance(button, QuickReply):
            payload = {"type": "payload", "payload": f"{mark}:{button.key}" if mark else button.key}
            components.append(_button("quick_reply", place, payload))
        elif isinstance(button, LinkButton):
            components.append(_button("url", place, {"type": "text", "text": given[button.name]}))
    of = {"name": template.name, "language": {"code": language}}
    return {"type": "template", "template": {**of, **({"components": components} if components else {})}}


def _header(template: Template, value: str) -> dict[str, Any]:
    kind = template.header_kind
    if kind == "text":
        return _parameter(template, template.header, value)
    return {"type": kind, kind: {"link": value}}


def _parameter(template: Template, name: str, value: str) -> dict[str, Any]:
    return {"type": "text", "text": value, **({"parameter_name": name} if template.named else {})}


def _button(kind: str, place: int, parameter: dict[str, Any]) -> dict[str, Any]:
    return {"type": "button", "sub_type": kind, "index": str(place), "parameters": [parameter]}


def _interactive(kind: str, message: Message, action: dict[str, Any]) -> dict[str, Any]:
    interactive = {"type": kind, "body": {"text": message.text or EMPTY}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def _row(choice: Choice, mark: str) -> dict[str, Any]:
    title = row_title(choice.label, LIMITS)
    about = {"description": choice.label} if title != choice.label else {}
    return {"id": f"{mark}:{choice.key}", "title": title, **about}


def _to(address: str) -> dict[str, Any]:
    """A WhatsApp id is digits; what else names a member has a field of its own."""
    digits = address.removeprefix("+")
    to = {"to": digits} if digits.isdecimal() else {"recipient": address}
    return {"messaging_product": "whatsapp", "recipient_type": "individual", **to}


_OPENS: Final = structs.replace(LIMITS, row=LIMITS.opens)
_ENCODER: Final = msgspec.json.Encoder()
