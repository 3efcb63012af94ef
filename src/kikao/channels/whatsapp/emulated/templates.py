"""Templates that were approved, and whether a message fits one."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from kikao.channels.chat.templates import LinkButton, PlainButton, QuickReply, Template
from kikao.channels.emulating.chats import Button
from kikao.channels.whatsapp.emulated.rules import SHORT, Breach, object_of, text_of


class Approved(NamedTuple):
    """A template as the provider has it, in one language. What is filled in stands as `{{1}}`."""

    name: str
    body: str
    language: str = "en"
    header: str = ""
    """A text, or `image`, `video` or `document` for media."""
    footer: str = ""
    buttons: tuple[tuple[str, str], ...] = ()
    """Kind (`quick_reply`, `url`, `flow`) and label; the label of a `url` that takes a parameter ends in `{{1}}`."""
    category: str = "UTILITY"
    """`MARKETING` is not for members who do not want that."""
    status: str = "APPROVED"
    """Or `PAUSED`, or `DISABLED`."""

    @classmethod
    def declared(cls, template: Template) -> list[Approved]:
        """What an app declares, as it might have been approved: its name, and its values one after the other."""
        header = "" if not template.header else "{{1}}"
        blanks = [f"{{{{{n}}}}}" for n in range(1, len(template.body) + 1)]
        return [
            cls(
                template.name,
                " ".join([template.name, *blanks]),
                language,
                header=header if template.header_kind == "text" else template.header_kind,
                buttons=tuple(map(_declared, template.buttons)),
            )
            for language in dict.fromkeys(template.languages.values())
        ]


class Filled(NamedTuple):
    """What a member sees of one."""

    text: str
    rows: list[list[Button]]
    template: Approved


MEDIA: Final = ("image", "video", "document")


def _declared(button: QuickReply | LinkButton | PlainButton) -> tuple[str, str]:
    if isinstance(button, QuickReply):
        return "quick_reply", button.key
    return "url", "Open {{1}}" if isinstance(button, LinkButton) else "Open"


def filled(given: Any, known: list[Approved]) -> Filled:
    """A template with what is to stand in it; of several that are called the same the last. Raises `Breach`."""
    name = text_of(given, "name", "template", 512)
    code = text_of(object_of(given, "language", "template"), "code", "template.language", 16)
    template = next((each for each in reversed(known) if (each.name, each.language) == (name, code)), None)
    if template is None:
        raise Breach(132001, f"template name ({name}) does not exist in {code}", 404)
    if template.status != "APPROVED":
        raise Breach(
            132015 if template.status == "PAUSED" else 132016, f"template {name} is {template.status}"
        )
    parts: dict[str, Any] = {"body": None, "header": None}
    buttons: dict[int, dict[str, Any]] = {}
    for component in given.get("components", []):
        kind = str(component.get("type", "")).lower()
        if kind == "button":
            buttons[_index(component, template)] = component
        elif kind in parts:
            parts[kind] = component.get("parameters", [])
        else:
            raise Breach(132012, f"components: unknown type {kind!r}")
    body = _put(template.body, parts["body"] or [], "body")
    shown = [_header(template, parts["header"] or []), body, template.footer]
    if len(body) > SHORT:
        raise Breach(132005, f"body: {len(body)} characters, more than {SHORT}")
    rows = [[_button(n, template, buttons.get(n, {}))] for n in range(len(template.buttons))]
    return Filled("\n\n".join(filter(None, shown)), rows, template)


def _header(template: Approved, parameters: list[Any]) -> str:
    if template.header not in MEDIA:
        return _put(template.header, parameters, "header")
    if len(parameters) != 1:
        raise Breach(132000, f"header: number of localizable_params ({len(parameters)}) does not match 1")
    if parameters[0].get("type") != template.header or not parameters[0].get(template.header):
        raise Breach(132012, f"header: Format mismatch, expected {template.header.upper()}")
    return f"({template.header})"


def _put(text: str, parameters: list[Any], where: str) -> str:
    wanted = sorted(set(_BLANK.findall(text)), key=int)
    if len(wanted) != len(parameters):
        raise Breach(
            132000,
            f"{where}: number of localizable_params ({len(parameters)}) does not match the expected number of "
            f"params ({len(wanted)})",
        )
    values = dict(zip(wanted, (_value(each, where) for each in parameters), strict=True))
    return _BLANK.sub(lambda found: values[found[1]], text)


def _value(parameter: Any, where: str) -> str:
    kind = parameter.get("type") if isinstance(parameter, dict) else None
    if kind in ("currency", "date_time"):
        return text_of(object_of(parameter, str(kind), where), "fallback_value", f"{where}.{kind}", SHORT)
    if kind != "text":
        raise Breach(132012, f"{where}: parameter of type {kind!r}")
    value = text_of(parameter, "text", f"{where}.parameters", SHORT)
    if "\n" in value or "\t" in value or "    " in value:
        raise Breach(132012, f"{where}: a parameter has a new line, a tab, or more than 4 spaces in a row")
    return value


def _index(component: dict[str, Any], template: Approved) -> int:
    index = str(component.get("index", ""))
    if not index.isdigit() or int(index) >= len(template.buttons):
        raise Breach(132012, f"button: there is no button at index {index}")
    kind = template.buttons[int(index)][0]
    if component.get("sub_type") != kind:
        raise Breach(132012, f"button at index {index} is of type {kind}")
    return int(index)


def _button(place: int, template: Approved, component: dict[str, Any]) -> Button:
    kind, label = template.buttons[place]
    parameters = component.get("parameters", [])
    if kind == "quick_reply":
        payload = next((each.get("payload") for each in parameters if each.get("type") == "payload"), label)
        return Button(label, str(payload), "text")
    if kind == "url":
        plain = _BLANK.sub("", label)
        value = _put(label, parameters, f"button {place}").removeprefix(plain)
        return Button(plain.strip(), value, "url")
    return Button(label, "", "flow")


_BLANK: Final = re.compile(r"\{\{(\d+)\}\}")
