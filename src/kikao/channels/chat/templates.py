"""Templates: messages that a provider approved beforehand, sent where it takes no other, with values filled in.

    RECEIVED = Template("payment_received", {"en": "en_US", "lg": "lg"}, body=("name", "amount"))

    app = App(flows, entry="home", templates=[RECEIVED])
    await messages.send(key, to, text, over="whatsapp", template=RECEIVED(name="Asha", amount=t("{a}", a=amount)))

What is declared is what the provider has: which values a template takes, in which order, and in which languages it was
approved. So a name that is misspelt or missing is found where the message is written, and not at the provider.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from kikao.channels.chat.message import MessageRefused
from kikao.i18n.messages import Text, Translate

LONGEST: Final = 1024
"""Characters of a value."""

MOST_BUTTONS: Final = 10

Header = Literal["text", "image", "video", "document"]


class QuickReply(msgspec.Struct, frozen=True):
    """A button of a template that answers: a tap is as if `key` had been typed."""

    key: str


class LinkButton(msgspec.Struct, frozen=True):
    """A button of a template that opens a page, the end of whose address is the value `name`."""

    name: str


class PlainButton(msgspec.Struct, frozen=True):
    """A button of a template that takes no value."""


Button = QuickReply | LinkButton | PlainButton


class Filling(msgspec.Struct, frozen=True):
    """A template and its values, by name. They may say anything: do not log or show them."""

    template: Template
    values: Mapping[str, Text]

    def written(self, translate: Translate, locale: str) -> tuple[str, tuple[str, ...]]:
        """As a parcel keeps it: the template with the language, and the values in order. Raises `MessageRefused`."""
        template = self.template
        values = tuple(_value(template, name, translate(self.values[name])) for name in template.parameters)
        return f"{template.name}/{template.language(locale)}", values

    def __repr__(self) -> str:
        return f"<template {self.template.name}, filled>"


class Template(msgspec.Struct, frozen=True):
    """A template as it was approved. Calling it with its values makes a `Filling`."""

    name: str
    """Of a-z, 0-9 and _."""
    languages: Mapping[str, str]
    """The provider's code by the app's locale: `{"en": "en_US"}`. The first one is that of all other members."""
    body: tuple[str, ...] = ()
    """The names of the values, in the order of `{{1}}`, `{{2}}` and so on."""
    header: str = ""
    """The name of the value in the header, empty for none. Of an image, a video or a document it is the address."""
    header_kind: Header = "text"
    buttons: tuple[Button, ...] = ()
    """In their order, as far as the last one that takes a value or answers."""
    named: bool = False
    """Whether it was approved with names in place of numbers: `{{name}}`."""

    def __call__(self, **values: Text) -> Filling:
        """Its values, by their names. Raises `MessageRefused` for one that is missing, or that it does not have."""
        wanted = self.parameters
        missing = [name for name in wanted if name not in values]
        strange = [name for name in values if name not in wanted]
        if missing or strange:
            said = [f"{'no value for ' + ', '.join(missing)}" if missing else ""]
            said.append(f"no place for {', '.join(strange)}" if strange else "")
            raise MessageRefused(
                f"template {self.name}: {' and '.join(filter(None, said))}. It takes: {', '.join(wanted) or 'none'}."
            )
        return Filling(self, values)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all its values, in the order in which a parcel has them: header, body, links."""
        links = [button.name for button in self.buttons if isinstance(button, LinkButton)]
        return (*filter(None, [self.header]), *self.body, *links)

    def language(self, locale: str) -> str:
        """The provider's code of the language that comes next to a locale."""
        base = re.split("[-_]", locale)[0]
        found = self.languages.get(locale) or self.languages.get(base)
        return found or next(iter(self.languages.values()))


class Templates:
    """Those that an app declares, by name. Raises `ValueError` for what cannot be one.

    `locales` are the languages of the app: one that a template names besides would be sent to nobody.
    """

    def __init__(self, templates: Iterable[Template] = (), locales: Collection[str] | None = None) -> None:
        self._known: dict[str, Template] = {}
        for template in templates:
            strange = [] if locales is None else [each for each in template.languages if each not in locales]
            wrong = wrong_with(template)
            if strange and not wrong:
                wrong = f"the app speaks no {strange[0][:20]!r}. It speaks: {', '.join(locales or ())}"
            if wrong:
                raise ValueError(f"template {template.name[:40]!r}: {wrong}")
            if template.name in self._known:
                raise ValueError(f"template {template.name!r} is declared twice")
            self._known[template.name] = template

    def __contains__(self, template: object) -> bool:
        return isinstance(template, Template) and self._known.get(template.name) == template

    def __iter__(self) -> Iterator[Template]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def found(self, written: tuple[str, tuple[str, ...]]) -> tuple[Template, str]:
        """The template that a parcel names, and the language. Raises `MessageRefused` if the app has it no more."""
        name, _, language = written[0].partition("/")
        template = self._known.get(name)
        if template is None:
            raise MessageRefused(f"template {name} is not declared")
        if len(written[1]) != len(template.parameters):
            raise MessageRefused(f"template {name} takes other values now")
        return template, language or template.language("")


def wrong_with(template: Template) -> str:
    """What a provider would not take; empty where nothing is wrong."""
    if not _NAME(template.name):
        return "a name has a-z, 0-9 and _, 512 at most"
    if not template.languages:
        return "it was approved in some language: give its code"
    for locale, code in template.languages.items():
        if not _LANGUAGE(code):
            return f"{code[:20]!r}, for {locale[:20]}, is no code of a language: en, en_US or pt_BR"
    names = template.parameters
    if not all(map(_PARAMETER, names)):
        return "a value is named by a-z, 0-9 and _, a letter first"
    if len(set(names)) < len(names):
        return "two of its values have the same name"
    if len(template.buttons) > MOST_BUTTONS:
        return f"it has more than {MOST_BUTTONS} buttons"
    if template.header_kind != "text" and not template.header:
        return f"its header is {template.header_kind}: name the value with its address"
    return ""


def _value(template: Template, name: str, text: str) -> str:
    """A value as providers take it: in one line, without several spaces in a row. Raises `MessageRefused`."""
    value = " ".join(text.split())
    if not value:
        raise MessageRefused(f"template {template.name}: the value {name} is empty.")
    if len(value) > LONGEST:
        raise MessageRefused(
            f"template {template.name}: the value {name} has more than {LONGEST} characters."
        )
    return value


_NAME = re.compile("[a-z0-9_]{1,512}").fullmatch
_PARAMETER = re.compile("[a-z][a-z0-9_]{0,39}").fullmatch
_LANGUAGE = re.compile("[a-z]{2,3}(_[A-Z]{2,4})?").fullmatch
