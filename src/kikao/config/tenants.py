"""Tenants in the settings: `[tenants.NAME]`, or `KIKAO_TENANT_NAME_` in place of `KIKAO_`.

What stands outside of these holds for every tenant, but for what is one's own: gateways, webhooks, and where data is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

CHOSEN: Final = "KIKAO_TENANT"
"""The variable that says which tenant a command is about."""

FOLDER: Final = "tenants"
"""Of the data folder: each tenant has one there."""

OWN: Final = frozenset({"store", "records", "bus", "media"})
"""Plain settings that no two tenants may have in common, unless they say `memory:`."""

OWN_TABLES: Final = ("ussd", "whatsapp", "telegram", "sms", "webhooks", "jwt", "live", "simulator")

_PREFIX: Final = f"{CHOSEN}_"

_PLACES: Final = frozenset(
    "ussd sms whatsapp telegram socket simulator console api healthz readyz metrics".split()
)
"""What a path begins with already."""


class Variables(NamedTuple):
    """The environment as a tenant has it."""

    common: dict[str, str]
    own: dict[str, tuple[str, str]]
    """By the plain name: the name as it was set, and the value."""
    named: frozenset[str]
    """The tenants that have variables, as far as these can be told apart: up to the first `_`."""


def variables(environ: Mapping[str, str], tenant: str) -> Variables:
    """The environment, seen by a tenant, or by nobody in particular."""
    common: dict[str, str] = {}
    own: dict[str, tuple[str, str]] = {}
    named = set()
    for name, value in environ.items():
        if name.startswith(_PREFIX):
            whose, _, plain = name.removeprefix(_PREFIX).partition("_")
            named.add(whose.lower())
            if tenant and whose.lower() == tenant:
                # Misspelt where the name is not in capitals, and then nothing that is read.
                own[f"KIKAO_{plain}" if whose.isupper() else name] = (name, value)
        elif name.startswith("KIKAO_") and name != CHOSEN:
            common[name] = value
    return Variables(common, own, frozenset(named))


def tables_of(
    tenants: object, tenant: str, file: str, problem: Callable[[str], None]
) -> tuple[dict[str, Any], frozenset[str]]:
    """What `[tenants]` of the file says of one tenant, and which tenants it names."""
    if not isinstance(tenants, dict) or not all(isinstance(table, dict) for table in tenants.values()):
        problem(f"tenants ({file}): must be tables. Write [tenants.{tenant or 'acme'}].")
        return {}, frozenset()
    return tenants.get(tenant, {}), frozenset(tenants)


def name_wrong(name: str) -> str:
    """What is wrong with a tenant's name; empty where nothing is."""
    if not _NAME(name):
        return f"{name[:40]!r} is no name of a tenant: a-z and 0-9, a letter first, 20 at most"
    return f"{name!r} is what other paths begin with: choose another name" if name in _PLACES else ""


_NAME = re.compile("[a-z][a-z0-9]{0,19}").fullmatch
