"""USSD gateways in the settings: `[ussd.NAME]` or `KIKAO_USSD_NAME_TOKEN` and its like.

Some settings every gateway has; others are a gateway's own (`Option`), such as the key that its provider signs with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from kikao.config.hidden import Hidden
from kikao.config.settings import Network, UssdSettings
from kikao.config.values import (
    Found,
    Wrong,
    is_everyone,
    networks,
    path_token,
    region,
    septets,
    service_codes,
    typed,
)

T = TypeVar("T")


class Option(msgspec.Struct, frozen=True):
    """A setting that one gateway has for itself. Its value is a text, kept hidden."""

    name: str
    """Lower case: `public_key`."""
    about: str
    """What it is, for the gateway's page."""
    example: str
    guards: bool = False
    """Whether a request is known to be the provider's by it: production takes it for a path token. A text without a
    `check` has to be as long as one."""
    default: str = ""
    check: Callable[[str], object] | None = None
    """Raises `ValueError` that says what is wrong with a value, without the value."""
    required: bool = False
    """Whether the gateway can do nothing without it, once it is in the settings."""
    address: bool = False
    """Whether it is a part of where kikao connects to, instead of being called: no secret."""


KnownGateways = Collection[str] | Mapping[str, Sequence[Option] | str] | None
"""Their names, with the settings of their own where it is a mapping, or with a text that says why nobody can be served
over that gateway; None where any name passes."""


class Unknown(Protocol):
    """Hears of a setting that does not exist, and of those that do; names of variables begin with `prefix`."""

    def __call__(self, where: str, name: str, known: Sequence[str], prefix: str = "") -> None: ...


class Setting(NamedTuple):
    """How a plain setting is written."""

    kind: type
    example: str

    def as_set(self, found: Found) -> str:
        """The example, as it is written where the value was found."""
        if not found.from_file:
            return f"{found.name}={self.example}"
        listed = '", "'.join(self.example.split(","))
        written = {str: f'"{self.example}"', list: f'["{listed}"]', int: self.example}[self.kind]
        return f"{found.name} = {written}"


COMMON: Final = {
    "token": Setting(str, "<the output of: openssl rand -hex 24>"),
    "allow": Setting(list, "203.0.113.0/24,198.51.100.7"),
    "septets": Setting(int, "182"),
    "code": Setting(list, "*920*1806#"),
    "region": Setting(str, "UG"),
}
"""What every gateway has, each with its kind and an example."""

LEAST: Final = 16
"""Characters of a text that keeps strangers out by itself."""

MAX_OPTION: Final = 8192
"""Octets of a gateway's own setting: a public key in PEM has about 800."""


class Gateways:
    """One reading of them. `problem` hears of each that is wrong, `unknown` of each setting that does not exist."""

    def __init__(
        self,
        known: KnownGateways,
        problem: Callable[[str], None],
        unknown: Unknown,
    ) -> None:
        self._known = known
        self._problem = problem
        self._unknown = unknown
        self.found: dict[str, dict[str, Found]] = {}

    def read_table(self, tables: object, file: str) -> None:
        """`[ussd]` of the file."""
        if not isinstance(tables, dict):
            self._problem(f"ussd ({file}): must be tables. Write [ussd.africastalking].")
            return
        for gateway, table in tables.items():
            where = f"ussd.{gateway} ({file})"
            if not isinstance(table, dict):
                self._problem(f"{where}: must be a table. Write [ussd.{gateway}], {', '.join(COMMON)} below.")
            elif self._is_gateway(gateway, where):
                own = self.found.setdefault(gateway, {})
                names = self._names(gateway)
                for key, value in table.items():
                    where = f"ussd.{gateway}.{key} ({file})"
                    if key in names:
                        own[key] = Found(key, value, where, True)
                    else:
                        self._unknown(where, key, names)

    def read_variable(self, name: str, value: str, set_as: str = "") -> bool:
        """A variable of the environment, which was `set_as` by another name; False for one that is none of these."""
        set_as = set_as or name
        where = f"{set_as} (environment)"
        meant = self._meant(name)
        for gateway, key in meant:
            if key in self._names(gateway):
                if self._is_gateway(gateway, where):
                    self.found.setdefault(gateway, {})[key] = Found(set_as, value, where, False)
                return True
        if meant:
            gateway, key = meant[0]
            if self._is_gateway(gateway, where):
                self._unknown(where, key, self._names(gateway), set_as.removesuffix(key.upper()))
            return True
        match = _COMMON_VARIABLE(name)
        return match is not None and not self._is_gateway(match[1].lower(), where)

    def settings(self) -> dict[str, UssdSettings]:
        """All that were found, by name."""
        return {name: self._gateway(name, own) for name, own in sorted(self.found.items())}

    def variables(self) -> list[str]:
        """How the variables are called, for whoever misspelt one."""
        return [f"KIKAO_USSD_<GATEWAY>_{key.upper()}" for key in COMMON]

    def refuse_open(self, settings: Mapping[str, UssdSettings]) -> None:
        """What production refuses: a gateway that anybody may post to."""
        for gateway, own in sorted(settings.items()):
            found = self.found.get(gateway, {})
            open_to_all = is_everyone(own.allow)
            guards = [option for option in self._options(gateway) if option.guards and option.name in found]
            guarded = any(_is_strong(option, found[option.name].value) for option in guards)
            but = " (a network of every address does not)" if open_to_all else ""
            but += f", nor does a text of less than {LEAST} characters" if guards else ""
            if not guarded and "token" not in found and (open_to_all or "allow" not in found):
                self._problem(
                    f"KIKAO_USSD_{gateway.upper()}_TOKEN, KIKAO_USSD_{gateway.upper()}_ALLOW: neither keeps strangers "
                    f"from posting as any member{but}. "
                    f"Set TOKEN to {COMMON['token'].example}, and give the gateway the path "
                    f"/ussd/{gateway}/<token>; or set ALLOW to the gateway's networks."
                )

    # --- which setting is meant ---

    def _meant(self, name: str) -> list[tuple[str, str]]:
        """The gateways and settings that a variable may name, the longest gateway first."""
        if not name.startswith("KIKAO_USSD_") or not name.isupper():
            return []
        rest = name.removeprefix("KIKAO_USSD_").lower()
        if self._known is None:
            match = _COMMON_VARIABLE(name)
            return [] if match is None else [(match[1].lower(), match[2].lower())]
        names = sorted((slug for slug in self._known if rest.startswith(f"{slug}_")), key=len, reverse=True)
        return [(slug, rest[len(slug) + 1 :]) for slug in names]

    def _options(self, gateway: str) -> Sequence[Option]:
        found = self._known.get(gateway, ()) if isinstance(self._known, Mapping) else ()
        return () if isinstance(found, str) else found

    def _unserved(self, gateway: str) -> str:
        """Why nobody can be served over it, if so."""
        found = self._known.get(gateway, "") if isinstance(self._known, Mapping) else ""
        return found if isinstance(found, str) else ""

    def _names(self, gateway: str) -> list[str]:
        return [*COMMON, *(option.name for option in self._options(gateway))]

    def _is_gateway(self, gateway: str, where: str) -> bool:
        if why := self._unserved(gateway):
            self._problem(f"{where}: {why}")
            return False
        if gateway in self._known if self._known is not None else _GATEWAY(gateway):
            return True
        served = None if self._known is None else [each for each in self._known if not self._unserved(each)]
        known = ", ".join(served) if served is not None else "names of a-z, 0-9 and _"
        self._problem(f"{where}: no USSD gateway {gateway[:40]!r}. There are: {known}.")
        return False

    # --- what values mean ---

    def _gateway(self, gateway: str, own: dict[str, Found]) -> UssdSettings:
        default = UssdSettings()
        options = self._given(gateway, own)
        address = [option for option in self._options(gateway) if option.address]
        parts = [options.get(each.name, Hidden(each.default.encode())).reveal().decode() for each in address]
        allow: tuple[Network, ...] = self._value(own, "allow", networks, default.allow)
        return UssdSettings(
            token=self._value(own, "token", path_token, default.token),
            allow=allow,
            septets=self._value(own, "septets", septets, default.septets),
            codes=self._value(own, "code", service_codes, default.codes),
            region=self._value(own, "region", region, default.region),
            options=options,
            connects=":".join(parts),
        )

    def _given(self, gateway: str, own: dict[str, Found]) -> dict[str, Hidden]:
        given: dict[str, Hidden] = {}
        for option in self._options(gateway):
            found = own.get(option.name)
            setting = Setting(str, option.example)
            if found is None:
                if option.required:
                    self._problem(
                        f"KIKAO_USSD_{gateway.upper()}_{option.name.upper()}: missing, and {gateway} can do nothing "
                        f"without it. Set for example: {option.example}"
                    )
                continue
            value = self._parsed(found, setting, option_value(option), None)
            if value is not None:
                given[option.name] = value
        return given

    def _value(self, own: dict[str, Found], name: str, parse: Callable[[Any], T], default: T) -> T:
        found = own.get(name)
        return default if found is None else self._parsed(found, COMMON[name], parse, default)

    def _parsed(self, found: Found, setting: Setting, parse: Callable[[Any], T], default: T) -> T:
        try:
            return parse(typed(found, setting.kind))
        except Wrong as wrong:
            self._problem(f"{found.where}: {wrong}. Set for example: {setting.as_set(found)}")
            return default


def _is_strong(option: Option, value: object) -> bool:
    """Whether nobody guesses it: one with a check of its own is as it has to be; else it is as long as a path token."""
    return option.check is not None or (isinstance(value, str) and len(value) >= LEAST)


def option_value(option: Option) -> Callable[[str], Hidden]:
    """What reads its value. Raises `Wrong`, without the value."""

    def parse(value: str) -> Hidden:
        if not value or len(value.encode()) > MAX_OPTION or "\0" in value:
            raise Wrong(f"must be a text of 1 to {MAX_OPTION} octets")
        if option.check is not None:
            try:
                option.check(value)
            except ValueError as error:
                raise Wrong(str(error)) from None
        return Hidden(value.encode())

    return parse


_COMMON_VARIABLE = re.compile(f"KIKAO_USSD_([A-Z0-9_]+)_({'|'.join(COMMON).upper()})").fullmatch
_GATEWAY = re.compile("[a-z0-9_]{1,40}").fullmatch
