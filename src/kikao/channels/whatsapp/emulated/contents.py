"""What a message to a member may hold, and what they see of it.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from kikao.channels.emulating.chats import Button, Media
from kikao.channels.whatsapp.emulated.business import Business
from kikao.channels.whatsapp.emulated.rules import (
    ABOUT,
    BUTTON_ID,
    BUTTONS,
    CTA,
    EDGE,
    FLOW_CTA,
    OPENS,
    ROW,
    ROW_ID,
    ROWS,
    SHORT,
    SIZES,
    TEXT,
    TITLE,
    Breach,
    invalid,
    list_of,
    missing,
    object_of,
    text_of,
)
from kikao.channels.whatsapp.emulated.templates import filled


class Content(NamedTuple):
    """What a member sees of a message."""

    kind: str
    text: str
    rows: list[list[Button]]
    opens: str = ""
    media: Media | None = None
    free: bool = True
    """Whether it needs that the member has written lately."""
    marketing: bool = False


def content_of(api: Business, given: dict[str, Any]) -> Content:
    """Of the body of a call. Raises `Breach`."""
    kind = given.get("type", "text")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Breach(131051, f"Message type {kind!r} is unknown")
    return _KINDS[kind](api, given)


def _text(api: Business, given: dict[str, Any]) -> Content:
    return Content("text", text_of(object_of(given, "text"), "body", "text", TEXT), [])


def _media(kind: str) -> Callable[[Business, dict[str, Any]], Content]:
    def read(api: Business, given: dict[str, Any]) -> Content:
        media = object_of(given, kind)
        caption = text_of(media, "caption", kind, SHORT, needed=False)
        if caption and kind in ("audio", "sticker"):
            raise invalid(f"{kind} has no caption")
        return Content(kind, caption, [], media=file_of(api, kind, media))

    return read


def file_of(api: Business, kind: str, given: dict[str, Any]) -> Media:
    """What an `id` or a `link` leads to. Raises `Breach`."""
    if ("id" in given) == ("link" in given):
        raise invalid(f"{kind}: exactly one of id and link must be given")
    name = str(given.get("filename", ""))
    if "link" in given:
        link = text_of(given, "link", kind, 2048)
        if not link.startswith(("http://", "https://")):
            raise invalid(f"{kind}.link is no URL")
        return Media(name or link.rpartition("/")[2], "", None, link, kind)
    media = api.files.get(str(given["id"]))
    if media is None:
        raise invalid(f"{kind}.id: there is no media {given['id']!r}")
    fits = kind == "document" or media.mime.startswith(
        ("image" if kind == "sticker" else kind, "application/ogg")
    )
    if not fits or len(media.data or b"") > SIZES[kind]:
        raise Breach(131053, f"{media.mime} of {len(media.data or b'')} octets cannot be sent as {kind}")
    return Media(name or media.name, media.mime, media.data, kind=kind)


def _location(api: Business, given: dict[str, Any]) -> Content:
    where = object_of(given, "location")
    for name, most in (("latitude", 90), ("longitude", 180)):
        if name not in where:
            raise missing(f"location.{name}")
        try:
            fits = abs(float(where[name])) <= most
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise invalid(f"location.{name} is not within {most} degrees")
    said = (where.get("name"), where.get("address"), f"{where['latitude']}, {where['longitude']}")
    return Content("location", "\n".join(str(each) for each in said if each), [])


def _contacts(api: Business, given: dict[str, Any]) -> Content:
    shown = []
    for contact in list_of(given, "contacts", "message", 256):
        name = text_of(object_of(contact, "name", "contacts"), "formatted_name", "contacts.name", SHORT)
        shown.append(" ".join([name, *(str(each.get("phone", "")) for each in contact.get("phones", []))]))
    return Content("contacts", "\n".join(shown), [])


def _reaction(api: Business, given: dict[str, Any]) -> Content:
    reaction = object_of(given, "reaction")
    if text_of(reaction, "message_id", "reaction", SHORT) not in api.heard:
        raise invalid("reaction.message_id is of no message that was received")
    return Content("reaction", str(reaction.get("emoji", "")), [])


def _template(api: Business, given: dict[str, Any]) -> Content:
    text, rows, template = filled(object_of(given, "template"), api.templates)
    return Content("template", text, rows, free=False, marketing=template.category == "MARKETING")


def _interactive(api: Business, given: dict[str, Any]) -> Content:
    interactive = object_of(given, "interactive")
    kind = text_of(interactive, "type", "interactive", 64)
    if kind not in _ACTIONS:
        raise invalid(f"interactive.type: {kind!r} is not one of {', '.join(_ACTIONS)}")
    body = text_of(object_of(interactive, "body", "interactive"), "text", "interactive.body", SHORT)
    header, media = _header(api, interactive, kind)
    footer = ""
    if "footer" in interactive:
        footer = text_of(interactive["footer"], "text", "interactive.footer", EDGE)
    opens, rows = _ACTIONS[kind](object_of(interactive, "action", "interactive"))
    return Content("interactive", "\n\n".join(filter(None, (header, body, footer))), rows, opens, media)


def _header(api: Business, interactive: dict[str, Any], kind: str) -> tuple[str, Media | None]:
    if "header" not in interactive:
        return "", None
    header = object_of(interactive, "header", "interactive")
    sort = text_of(header, "type", "interactive.header", 16)
    if sort == "text":
        return text_of(header, "text", "interactive.header", EDGE), None
    if sort not in ("image", "video", "document") or kind == "list":
        raise invalid(f"interactive.header.type: {sort!r} is not for {kind}")
    return "", file_of(api, sort, object_of(header, sort, "interactive.header"))


def _buttons(action: dict[str, Any]) -> tuple[str, list[list[Button]]]:
    rows = []
    for each in list_of(action, "buttons", "action", BUTTONS):
        if not isinstance(each, dict) or each.get("type") != "reply":
            raise invalid("action.buttons: each is of type reply")
        reply = object_of(each, "reply", "buttons")
        name = text_of(reply, "id", "buttons.reply", BUTTON_ID)
        rows.append([Button(text_of(reply, "title", "buttons.reply", TITLE), name)])
    _unlike([row[0] for row in rows], "button")
    return "", rows


def _list(action: dict[str, Any]) -> tuple[str, list[list[Button]]]:
    opens = text_of(action, "button", "action", OPENS)
    sections = list_of(action, "sections", "action", ROWS)
    rows = []
    for section in sections:
        text_of(section, "title", "sections", ROW, needed=len(sections) > 1)
        for row in list_of(section, "rows", "sections", ROWS):
            name = text_of(row, "id", "rows", ROW_ID)
            about = text_of(row, "description", "rows", ABOUT, needed=False)
            rows.append([Button(text_of(row, "title", "rows", ROW), name, "row", about)])
    if len(rows) > ROWS:
        raise invalid(f"Total row count exceed max allowed count: {ROWS}, not {len(rows)}")
    ids = [row[0].value for row in rows]
    if len(set(ids)) < len(ids):
        raise invalid("rows: ids are not unique")
    return opens, rows


def _link(action: dict[str, Any]) -> tuple[str, list[list[Button]]]:
    if action.get("name") != "cta_url":
        raise invalid("action.name must be cta_url")
    parameters = object_of(action, "parameters", "action")
    label = text_of(parameters, "display_text", "parameters", CTA)
    return "", [[Button(label, text_of(parameters, "url", "parameters", 2000), "url")]]


def _flow(action: dict[str, Any]) -> tuple[str, list[list[Button]]]:
    if action.get("name") != "flow":
        raise invalid("action.name must be flow")
    parameters = object_of(action, "parameters", "action")
    text_of(parameters, "flow_message_version", "parameters", 8)
    if "flow_name" not in parameters:
        text_of(parameters, "flow_id", "parameters", 64)
    label = text_of(parameters, "flow_cta", "parameters", FLOW_CTA)
    return "", [[Button(label, str(parameters.get("flow_token", "")), "flow")]]


def _where(action: dict[str, Any]) -> tuple[str, list[list[Button]]]:
    if action.get("name") != "send_location":
        raise invalid("action.name must be send_location")
    return "", [[Button("Send location", "", "location")]]


def _unlike(buttons: list[Button], what: str) -> None:
    for name, values in (("title", [b.label for b in buttons]), ("id", [b.value for b in buttons])):
        if len(set(values)) < len(values):
            raise invalid(f"{what}: {name}s are not unique")


_ACTIONS: Final = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
    "flow": _flow,
    "location_request_message": _where,
}
_KINDS: Final[dict[str, Callable[[Business, dict[str, Any]], Content]]] = {
    "text": _text,
    **{kind: _media(kind) for kind in SIZES},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "template": _template,
    "interactive": _interactive,
}
