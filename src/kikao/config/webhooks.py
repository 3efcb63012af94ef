"""Webhooks in the settings: where messages of flows go, `[webhooks.NAME]` or `KIKAO_WEBHOOK_NAME_URL` and its like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult

from kikao.config.called import called, is_loopback
from kikao.config.hidden import Hidden
from kikao.config.settings import WebhookSettings
from kikao.config.values import Found, Wrong, typed

KEYS: Final[Mapping[str, tuple[type, str]]] = {
    "url": (str, "https://crm.example.com/kikao"),
    "secret": (list, "<the output of: openssl rand -hex 32>"),
    "pace": (str, "10/s"),
    "burst": (int, "20"),
    "timeout": (int, "10"),
}
"""The settings of a webhook, each with its kind and an example."""

MAX_TIMEOUT: Final = 60

_VARIABLE = re.compile(f"KIKAO_WEBHOOK_([A-Z][A-Z0-9_]*)_({'|'.join(KEYS).upper()})").fullmatch
_NAME = re.compile("[a-z][a-z0-9_]{0,39}").fullmatch
_PACE = re.compile("([0-9]{1,6})/(s|min|h)").fullmatch
_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Webhooks:
    """One reading of them. `problem` hears of each that is wrong."""

    def __init__(self, problem: Callable[[str], None]) -> None:
        self._problem = problem
        self._found: dict[str, dict[str, Found]] = {}

    def read_table(self, tables: object, file: str) -> None:
        """`[webhooks]` of the file."""
        if not isinstance(tables, dict):
            self._problem(f"webhooks ({file}): must be tables. Write [webhooks.crm].")
            return
        for name, table in tables.items():
            where = f"webhooks.{name} ({file})"
            if not _NAME(name):
                self._problem(f"{where}: a name has a-z, 0-9 and _, a letter first, 40 at most.")
            elif not isinstance(table, dict):
                self._problem(f"{where}: must be a table. Write [webhooks.{name}], {', '.join(KEYS)} below.")
            else:
                self._found.setdefault(name, {})
                for key, value in table.items():
                    where = f"webhooks.{name}.{key} ({file})"
                    if key in KEYS:
                        self._found.setdefault(name, {})[key] = Found(key, value, where, True)
                    else:
                        self._problem(f"{where}: no such setting. There are: {', '.join(KEYS)}.")

    def read_variable(self, name: str, value: str, set_as: str = "") -> bool:
        """A variable of the environment, which was `set_as` by another name; False for one that is none of these."""
        match = _VARIABLE(name)
        if match is None or not _NAME(match[1].lower()):
            return False
        set_as = set_as or name
        where = f"{set_as} (environment)"
        self._found.setdefault(match[1].lower(), {})[match[2].lower()] = Found(set_as, value, where, False)
        return True

    def settings(self, *, production: bool) -> dict[str, WebhookSettings]:
        """All that were found, by name."""
        return {name: self._webhook(name, production) for name in sorted(self._found)}

    def _webhook(self, name: str, production: bool) -> WebhookSettings:
        shown = f"KIKAO_WEBHOOK_{name.upper()}"
        own = self._found[name]
        if "url" not in own:
            self._problem(f"{shown}_URL: missing, though the webhook is declared. {_set(name, 'url')}")
        url = self._value(name, "url", called, None)
        secrets = self._value(name, "secret", _secrets, ())
        if production and url is not None and url.scheme == "http" and not is_loopback(url.hostname or ""):
            self._problem(f"{shown}_URL: http is read and changed by whoever is on the way. Use https.")
        if production and "secret" not in own:
            self._problem(
                f"{shown}_SECRET: missing, so the receiver could not tell who sends. {_set(name, 'secret')}"
            )
        return WebhookSettings(
            url=Hidden(b"" if url is None else url.geturl().encode()),
            host="" if url is None else f"{url.scheme}://{_host(url)}",
            secrets=secrets,
            interval=self._value(name, "pace", _interval, 0.0),
            burst=self._value(name, "burst", _from_one(10_000), 1),
            timeout=self._value(name, "timeout", _from_one(MAX_TIMEOUT), 10),
        )

    def _value(self, name: str, key: str, parse: Callable[[Any], Any], default: Any) -> Any:
        found = self._found[name].get(key)
        if found is None:
            return default
        try:
            return parse(typed(found, KEYS[key][0]))
        except Wrong as wrong:
            self._problem(f"{found.where}: {wrong}. {_set(name, key)}")
            return default


def _set(name: str, key: str) -> str:
    return f"Set for example: KIKAO_WEBHOOK_{name.upper()}_{key.upper()}={KEYS[key][1]}"


def _host(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _secrets(values: list[str]) -> tuple[Hidden, ...]:
    if not 1 <= len(values) <= 3:
        raise Wrong("must be one text, or up to three while it is being changed")
    for value in values:
        if not (32 <= len(value) <= 256 and value.isascii() and value.isprintable()):
            raise Wrong("must be 32 to 256 characters of ASCII")
        if len(set(value)) < 8:
            raise Wrong("is not random")
    return tuple(Hidden(value.encode()) for value in values)


def _interval(value: str) -> float:
    match = _PACE(value)
    if match is None or int(match[1]) == 0:
        raise Wrong("must be how many may leave in which time, as 10/s, 300/min or 5000/h")
    return _SECONDS[match[2]] / int(match[1])


def _from_one(most: int) -> Callable[[int], int]:
    def check(value: int) -> int:
        if not 1 <= value <= most:
            raise Wrong(f"must be a whole number from 1 to {most}")
        return value

    return check
