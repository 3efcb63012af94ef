"""Reading settings: where each stands, what it means, and what production refuses."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from kikao.config.addresses import bus_at, path_at, records_at, store_at
from kikao.config.chat_refusals import Refusals
from kikao.config.chat_shapes import CHATS, PUBLIC_URL
from kikao.config.chat_shapes import variables as chat_variables
from kikao.config.chat_values import public_url
from kikao.config.chats import Chats
from kikao.config.gateways import Gateways, KnownGateways, Setting
from kikao.config.hidden import Hidden, SecretKeys
from kikao.config.key_file import KEY_FILE, keys_of
from kikao.config.live import TABLES as LIVE_TABLES
from kikao.config.live import Live
from kikao.config.live import variables as live_variables
from kikao.config.media import MediaSettings
from kikao.config.served import deserted, unshared
from kikao.config.settings import Access, Environment, Network, Settings, SettingsError, UssdSettings
from kikao.config.simulated import access, endpoints
from kikao.config.tenants import CHOSEN, FOLDER, OWN, OWN_TABLES, name_wrong, tables_of, variables
from kikao.config.urls import MEMORY, Where
from kikao.config.values import (
    Found,
    Wrong,
    count,
    days,
    environment,
    event_names,
    file_megabytes,
    hosts,
    is_everyone,
    kept_days,
    locale,
    megabytes,
    networks,
    operator_token,
    seconds,
    secret_keys,
    turns_at_once,
    typed,
)
from kikao.config.webhooks import KEYS as WEBHOOK
from kikao.config.webhooks import Webhooks

FILE: Final = "kikao.toml"

AUDIT_DAYS: Final = 365
"""Days that the audit trail is kept where nothing is set."""

DRAIN: Final = 2
"""Seconds of production's drain: as long as a load balancer that asks every second needs to look away."""

TURNS: Final = 1000

ALIKE: Final = 0.7
"""How much of a name must be in another to be meant by it: `secret` is no slip for `septets`."""

T = TypeVar("T")


def load(
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    gateways: KnownGateways = None,
    serves: Collection[str] = (),
    makes_keys: bool = False,
    workers: int = 1,
    tenant: str | None = None,
) -> Settings:
    """Settings from the environment and from `kikao.toml` in `cwd`. Raises `SettingsError`.

    `gateways` are the USSD gateways there are, with the settings of their own where it is a mapping (any name passes
    when None); `serves` those that the app turns on, each of which needs a token or an allow-list in production. With
    `makes_keys`, which is for whoever serves the app, a key file is made in development where neither keys nor data are
    yet; for everybody else there are no keys then. Whoever serves it in production, by `workers` processes, is also
    told of what they lack. They are the settings of a `tenant`, by default the one that `KIKAO_TENANT` names; empty for
    none.
    """
    environ = os.environ if environ is None else environ
    tenant = environ.get(CHOSEN, "") if tenant is None else tenant
    loading = _Loading(environ, cwd or Path.cwd(), gateways, tenant)
    return loading.settings(serves, makes_keys=makes_keys, workers=workers)


def tenants_named(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> tuple[str, ...]:
    """The tenants that settings are there of."""
    return tuple(
        sorted(_Loading(os.environ if environ is None else environ, cwd or Path.cwd(), None).tenants)
    )


SETTINGS: Final = {
    "env": Setting(str, "production"),
    "data": Setting(str, "/var/lib/kikao"),
    "store": Setting(str, "/var/lib/kikao/sessions.db"),
    "records": Setting(str, "/var/lib/kikao/records.db"),
    "bus": Setting(str, "redis://localhost:6379/0"),
    "secret_keys": Setting(list, "k1:<the output of: openssl rand -base64 32>"),
    "trusted_proxies": Setting(list, "10.0.0.0/8,127.0.0.1"),
    "operator_token": Setting(str, "<the output of: openssl rand -hex 24>"),
    "drain": Setting(int, "5"),
    "turns": Setting(int, "1000"),
    "audit_days": Setting(int, "365"),
    "release": Setting(int, "7"),
    "simulator": Setting(str, "off"),
    "log_events": Setting(list, "default,screen.shown"),
    "locale": Setting(str, "sw"),
    "public_url": PUBLIC_URL,
    "media": Setting(str, "/var/lib/kikao/media"),
    "media_days": Setting(int, "30"),
    "media_mb": Setting(int, "10000"),
    "media_file_mb": Setting(int, "20"),
    "media_hosts": Setting(list, "media.example.com"),
}
"""The plain settings, as in `kikao.toml`; in the environment `KIKAO_` and upper case. In the file, the simulator's is
`access` in `[simulator]`."""


class _Loading:
    """One reading of the settings, collecting problems."""

    def __init__(
        self,
        environ: Mapping[str, str],
        cwd: Path,
        gateways: KnownGateways,
        tenant: str = "",
    ) -> None:
        self.cwd = cwd.absolute()
        self.tenant = tenant
        self.own: set[str] = set()
        """Plain settings that are the tenant's own."""
        self.tenants: frozenset[str] = frozenset()
        """Those that anything is said of."""
        self.gateways = gateways
        self.problems: list[str] = []
        self.found: dict[str, Found] = {}
        self.found_endpoints: object = []
        self.webhooks = Webhooks(self.problems.append)
        self.chats = Chats(self.problems.append, self._unknown)
        self.ussd = Gateways(gateways, self.problems.append, self._unknown)
        self.live = Live(self.cwd, self.problems.append, self._unknown)
        if tenant and (wrong := name_wrong(tenant)):
            self.problems.append(f"{CHOSEN}: {wrong}.")
        self._read_file(self.cwd / FILE)
        seen = variables(environ, tenant)
        self.tenants |= seen.named
        for name, value in sorted(seen.common.items()):
            self._read_variable(name, name, value)
        for name, (set_as, value) in sorted(seen.own.items()):
            self._read_variable(name, set_as, value, own=True)
        if self.tenants and not tenant:
            self.problems.append(
                f"{CHOSEN}: the settings are those of tenants ({', '.join(sorted(self.tenants))}). Say which is meant, "
                f"for example: {CHOSEN}={min(self.tenants)}"
            )

    def settings(self, serves: Collection[str], *, makes_keys: bool, workers: int) -> Settings:
        env: Environment = self._take("env", environment, "dev")
        production = env == "production"
        data = self._take("data", partial(path_at, self.cwd), self.cwd / "kikao-data")
        if self.tenant and "data" not in self.own:
            data = data / FOLDER / self.tenant
        store: Where = self._take("store", partial(store_at, self.cwd), Where(data / "sessions.db"))
        records: Where = self._take("records", partial(records_at, self.cwd), Where(data / "records.db"))
        bus: Where = self._take("bus", partial(bus_at, self.cwd), store if store.is_shared else Where(MEMORY))
        self._refuse_common()
        if not data.is_dir() and os.path.lexists(data):
            self.problems.append(f"KIKAO_DATA: {data} is not a folder. Set the path of one.")
        if store == records and not store.is_shared:
            self.problems.append(
                f"KIKAO_STORE and KIKAO_RECORDS are both {store}. Give each a file of its own."
            )
        keys = self._take("secret_keys", secret_keys, None)
        proxies: tuple[Network, ...] = self._take("trusted_proxies", networks, ())
        operators: Hidden | None = self._take("operator_token", operator_token, None)
        audit_days: int = self._take("audit_days", days, AUDIT_DAYS)
        drain: int = self._take("drain", seconds, DRAIN if production else 0)
        turns: int = self._take("turns", turns_at_once, TURNS)
        release: int = self._take("release", count, 0)
        simulator: Access = self._take("simulator", access, "off" if production else "loopback")
        dialled = endpoints(
            self.found_endpoints, f"simulator.endpoints ({FILE})", self.gateways, self.problems.append
        )
        log_events: tuple[str, ...] = self._take("log_events", event_names, ())
        language: str = self._take("locale", locale, "")
        media = self._media()
        ussd = self.ussd.settings()
        webhooks = self.webhooks.settings(production=production)
        jwt, live = self.live.jwt(keys or {}), self.live.live(production=production)
        public: str = self._take("public_url", public_url, "")
        if self.tenant and public and "public_url" not in self.own:
            public = f"{public}/{self.tenant}"
        whatsapp, telegram, sms = self.chats.whatsapp(), self.chats.telegram(), self.chats.sms()
        self._refuse_shared(operators, ussd)
        chats = Refusals(self.problems.append, whatsapp, telegram, sms)
        chats.shared(operators)
        if lack := unshared(store, workers):
            self.problems.append(lack)
        if makes_keys and production and self.gateways and not (self.ussd.found or self.chats or jwt.keys):
            self.problems.append(deserted(self.gateways))
        if production:
            self._refuse_weak(keys or {})
            chats.unsafe(public)
            self._refuse_simulator(simulator)
            self._refuse_forgetful(store, records)
            self._refuse_unsafe(data, store, proxies, {**{name: UssdSettings() for name in serves}, **ussd})
        keys_from = self.found["secret_keys"].where if "secret_keys" in self.found else str(data / KEY_FILE)
        if keys is None and not self.problems:
            stands = _standing(data, store, records, anywhere=not makes_keys)
            keys = self._development_keys(data / KEY_FILE, stands, makes=makes_keys)
        if self.problems or keys is None:
            raise SettingsError(self.problems)
        return Settings(
            env=env,
            data=data,
            store=store,
            records=records,
            bus=bus,
            secret_keys=keys,
            trusted_proxies=proxies,
            operator_token=operators,
            drain=drain,
            audit_days=audit_days,
            turns=turns,
            release=release,
            log_events=log_events,
            ussd=ussd,
            whatsapp=whatsapp,
            telegram=telegram,
            sms=sms,
            public_url=public,
            media=media,
            webhooks=webhooks,
            jwt=jwt,
            live=live,
            keys_from=keys_from,
            simulator=simulator,
            endpoints=dialled,
            tenant=self.tenant,
            locale=language,
        )

    def _media(self) -> MediaSettings:
        usual = MediaSettings()
        return MediaSettings(
            folder=self._take("media", partial(path_at, self.cwd), None),
            days=self._take("media_days", kept_days, usual.days),
            most=self._take("media_mb", megabytes, usual.most),
            largest=self._take("media_file_mb", file_megabytes, usual.largest),
            hosts=self._take("media_hosts", hosts, ()),
        )

    # --- where values stand ---

    def _read_variable(self, name: str, set_as: str, value: str, *, own: bool = False) -> None:
        """A variable `KIKAO_…`, which a tenant's own was `set_as` by another name."""
        where = f"{set_as} (environment)"
        plain = name.removeprefix("KIKAO_").lower()
        if plain in SETTINGS and name.isupper():
            self._find(plain, Found(set_as, value, where, False), own=own)
        elif self.tenant and not own and name.startswith(_OWN):
            self.problems.append(f"{where}: {_ONE_TENANTS}. Set {CHOSEN}_{self.tenant.upper()}_{name[6:]}.")
        elif not any(
            of.read_variable(name, value, set_as) for of in (self.ussd, self.webhooks, self.chats, self.live)
        ):
            known = [f"KIKAO_{key.upper()}" for key in SETTINGS]
            known += self.ussd.variables() + chat_variables() + live_variables()
            self._unknown(where, name, [*known, *(f"KIKAO_WEBHOOK_<NAME>_{key.upper()}" for key in WEBHOOK)])

    def _read_file(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self.problems.append(f"{path}: cannot be read ({reason}). Make it readable, or remove it.")
            return
        import tomllib

        try:
            tables = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            self.problems.append(f'{path}: not TOML ({error}). Values of text go in quotes: data = "folder".')
            return
        own, self.tenants = tables_of(tables.pop("tenants", {}), self.tenant, FILE, self.problems.append)
        for name in OWN_TABLES if self.tenant else ():
            if name in tables:
                del tables[name]
                self.problems.append(
                    f"{name} ({FILE}): {_ONE_TENANTS}. Write [tenants.{self.tenant}.{name}]."
                )
        self._read_tables(tables, FILE)
        if self.tenant:
            self._read_tables(own, f"tenants.{self.tenant} in {FILE}", own=True)

    def _read_tables(self, tables: dict[str, Any], file: str, *, own: bool = False) -> None:
        ussd = tables.pop("ussd", {})
        self.webhooks.read_table(tables.pop("webhooks", {}), file)
        chats = {channel: tables.pop(channel) for channel in CHATS if channel in tables}
        for name in LIVE_TABLES:
            self.live.read_table(name, tables.pop(name, {}), file)
        self._read_simulator(tables.pop("simulator", {}), file)
        for key, value in tables.items():
            if key in SETTINGS:
                self._find(key, Found(key, value, f"{key} ({file})", True), own=own)
            else:
                self._unknown(
                    f"{key} ({file})", key, [*SETTINGS, *OWN_TABLES, "tenants"]
                )  # the simulator is a table, too
        self.ussd.read_table(ussd, file)
        self.chats.read_tables(chats, file)

    def _find(self, key: str, found: Found, *, own: bool) -> None:
        """A value of a plain setting. A tenant's own wins over what holds for all; then the environment does."""
        if own:
            self.own.add(key)
        elif key in self.own:
            return
        self.found[key] = found

    def _read_simulator(self, table: object, file: str) -> None:
        where = f"simulator ({file})"
        if not isinstance(table, dict):
            self.problems.append(f"{where}: must be a table. Write [simulator], access or endpoints below.")
            return
        for key, value in table.items():
            if key == "access":
                self.found["simulator"] = Found(key, value, f"simulator.access ({file})", True)
            elif key == "endpoints":
                self.found_endpoints = value
            else:
                self._unknown(f"simulator.{key} ({file})", key, ["access", "endpoints"])

    def _unknown(self, where: str, name: str, known: Sequence[str], prefix: str = "") -> None:
        """See `kikao.config.gateways.Unknown`."""
        import difflib

        by_word = {each.lower(): f"{prefix}{each.upper()}" if prefix else each for each in known}
        near = difflib.get_close_matches(name.lower(), by_word, 1, ALIKE)
        hint = f"Did you mean {by_word[near[0]]}?" if near else f"There are: {', '.join(by_word.values())}."
        self.problems.append(f"{where}: no such setting. {hint}")

    # --- what values mean ---

    def _take(self, name: str, parse: Callable[[Any], T], default: Any) -> Any:
        return self._parsed(self.found.get(name), SETTINGS[name], parse, default)

    def _parsed(self, found: Found | None, setting: Setting, parse: Callable[[Any], T], default: Any) -> Any:
        if found is None:
            return default
        try:
            return parse(typed(found, setting.kind))
        except Wrong as wrong:
            self.problems.append(f"{found.where}: {wrong}. Set for example: {setting.as_set(found)}")
            return default

    def _refuse_common(self) -> None:
        """Two tenants in one store would each find what the other sealed, and could not open it."""
        for name in sorted(OWN - self.own if self.tenant else ()):
            found = self.found.get(name)
            if found is not None and found.value != MEMORY:
                self.problems.append(
                    f"{found.where}: every tenant would have it in common. Set one for each: "
                    f"{CHOSEN}_{self.tenant.upper()}_{name.upper()}."
                )

    # --- what production refuses ---

    def _refuse_unsafe(
        self, data: Path, store: Where, proxies: tuple[Network, ...], ussd: Mapping[str, UssdSettings]
    ) -> None:
        refuse = self.problems.append
        if "secret_keys" not in self.found:
            refuse(
                "KIKAO_SECRET_KEYS: missing, and production makes no keys of its own. Set for example: "
                f"{SETTINGS['secret_keys'].example}. To keep what development stored, set the line in "
                f"{data / KEY_FILE}."
            )
        if store == MEMORY:
            refuse(
                "KIKAO_STORE: the memory store forgets every session at a restart. Set a path, or nothing."
            )
        self.ussd.refuse_open(ussd)
        if is_everyone(proxies):
            refuse(
                "KIKAO_TRUSTED_PROXIES: trusts every address, so that any caller may claim to be another. Set the "
                "addresses of your proxies."
            )
        mode = data.stat().st_mode & 0o777 if data.is_dir() else 0
        if mode & 0o007:
            refuse(
                f"KIKAO_DATA: other users of this machine may enter {data} (mode {mode:04o}). "
                f"Run: chmod o-rwx {data}"
            )

    def _refuse_forgetful(self, store: Where, records: Where) -> None:
        if store.kind == "redis" and records.kind != "postgresql":
            self.problems.append(
                f"KIKAO_STORE: a failover of Redis or Valkey may forget what was acknowledged, so steps that must not "
                f"be lost are kept in KIKAO_RECORDS as well. That has to be a database which all workers share, and "
                f"{records} is a file. Set KIKAO_RECORDS=postgresql://user:password@host/database."
            )

    def _refuse_simulator(self, simulator: Access) -> None:
        if simulator != "off":
            self.problems.append(
                f"{self.found['simulator'].where}: {simulator} lets whoever gets there act as any member and see what "
                "they said. Production has no simulator: set it to off, or remove it."
            )

    def _refuse_shared(self, operators: Hidden | None, ussd: Mapping[str, UssdSettings]) -> None:
        for gateway, own in sorted(ussd.items()):
            if operators is not None and own.token is not None and own.token.matches(operators):
                self.problems.append(
                    f"KIKAO_OPERATOR_TOKEN: is also the path token of {gateway}, which the provider knows. Set "
                    f"another: {SETTINGS['operator_token'].example}."
                )

    def _refuse_weak(self, keys: Mapping[str, bytes]) -> None:
        for kid, key in keys.items():
            if len(set(key)) < 12:  # one random key in 10^17
                self.problems.append(
                    f"{self.found['secret_keys'].where}: key {kid} is not random. Make one with: "
                    "openssl rand -base64 32"
                )

    def _development_keys(self, path: Path, stands: str, *, makes: bool) -> SecretKeys | None:
        """The keys of the key file; `stands` is data that was looked for before, which new keys would not open."""
        try:
            if stands and not path.exists():
                self.problems.append(
                    f"KIKAO_SECRET_KEYS: not set, and {path} does not exist, though {stands} does. Set the keys that "
                    "belong to this data, as its server has them; new ones would not open it."
                )
            else:
                return keys_of(path) if makes or path.exists() else SecretKeys({})
        except OSError as error:
            self.problems.append(
                f"{path}: cannot be made or read ({error.strerror}). Make the folder writable, or set "
                "KIKAO_SECRET_KEYS."
            )
        except Wrong as wrong:
            self.problems.append(
                f"{path}: {wrong}. Restore a copy; without these keys nothing that is stored can be opened."
            )
        return None


def _standing(data: Path, store: Where, records: Where, *, anywhere: bool) -> str:
    """A file of data that is there already, and was sealed with some keys; empty if there is none."""
    ours = [store] if store.kind == "sqlite" else []
    if records.kind == "sqlite" and (anywhere or Path(records).is_relative_to(data)):
        ours.append(records)  # elsewhere an app may have had it before kikao came
    return next((path for path in ours if os.path.exists(path)), "")


_OWN: Final = tuple(
    f"KIKAO_{name}_" for name in ("USSD", "WHATSAPP", "TELEGRAM", "SMS", "WEBHOOK", "JWT", "LIVE")
)
"""How variables begin that belong to one tenant."""
_ONE_TENANTS: Final = "belongs to one tenant"
