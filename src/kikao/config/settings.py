"""What kikao runs with: the settings that exist, their types, and what `kikao` says about them at start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from kikao.config.hidden import Hidden, SecretKeys
from kikao.config.jwt import JwtSettings
from kikao.config.media import MediaSettings
from kikao.config.origins import LiveSettings
from kikao.config.urls import MEMORY, Where

Network = IPv4Network | IPv6Network
Environment = Literal["dev", "production"]
Access = Literal["loopback", "everyone", "off"]


class UssdSettings(msgspec.Struct, frozen=True):
    """A USSD gateway: who may call its address, and what it carries."""

    token: Hidden | None = None
    """The last segment of its path."""
    allow: tuple[Network, ...] = ()
    """Networks it calls from; empty for every address."""
    septets: int = 160
    """What a page may have in the GSM 7-bit alphabet: 182 for a network that is known to carry a full USSD string."""
    codes: tuple[str, ...] = ()
    """The service codes served there, as members dial them."""
    region: str = ""
    """The country whose national numbers it may send, ISO 3166-1 (`UG`); empty for none."""
    options: Mapping[str, Hidden] = {}
    """The settings of its own, by name."""
    connects: str = ""
    """Host and port where kikao connects to, of a gateway that nobody calls."""

    def describe(self, name: str) -> str:
        """A line for the start."""
        token = "set" if self.token else "not set"
        allow = ", ".join(map(str, self.allow)) or "every address"
        called = f"connects to {self.connects}" if self.connects else f"path token {token}, allowed: {allow}"
        codes = f", codes: {', '.join(self.codes)}" if self.codes else ""
        own = "".join(f", {option} set" for option in self.options)
        return f"ussd {name}: {called}, pages of {self.septets} septets{codes}{own}"


class WebhookSettings(msgspec.Struct, frozen=True):
    """Where messages go that flows post under one name, and how."""

    url: Hidden
    """A path and a query may hold a token."""
    host: str
    """What of that may be shown: scheme, host and port."""
    secrets: tuple[Hidden, ...] = ()
    """Each signs; the first is the present one."""
    interval: float = 0.0
    """Seconds from one message to the next, over all processes; 0 for as fast as it goes."""
    burst: int = 1
    """How many may leave at once after a rest."""
    timeout: int = 10
    """Seconds a try may take."""

    def describe(self, name: str) -> str:
        """A line for the start."""
        signed = "signed" if self.secrets else "not signed"
        pace = f"one each {self.interval:g} s" if self.interval else "no pace"
        return f"webhook {name}: {self.host}, {signed}, {pace}"


class WhatsAppSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A business number on WhatsApp, at the Cloud API."""

    phone_number_id: str
    """What webhooks and calls name the number by: digits."""
    token: Hidden
    """Shown with each call."""
    app_secrets: tuple[Hidden, ...] = ()
    """One signs webhooks; without any nothing is taken."""
    verify_token: Hidden | None = None
    """What the provider shows when the webhook is set; without it none can be."""
    api_url: str = "https://graph.facebook.com"
    """Without a path; another one for emulators and proxies."""
    api_version: str = "v23.0"
    read_marks: bool = True
    """Whether members see that they were read, and that somebody types."""

    def describe(self, name: str) -> str:
        """A line for the start."""
        signed = "webhooks signed" if self.app_secrets else "no app secret, so its webhooks are refused"
        verify = "set" if self.verify_token else "not set"
        called = f"number {self.phone_number_id} at {self.api_url}/{self.api_version}"
        return f"whatsapp {name}: {called}, {signed}, verify token {verify}"


class TelegramSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A Telegram bot."""

    token: Hidden
    """Part of the address of each call."""
    secret: Hidden | None = None
    """Shown with each webhook; without it nothing is taken there, and updates are polled for."""
    username: str = ""
    """The bot's, without `@`; empty until Telegram is asked."""
    api_url: str = "https://api.telegram.org"

    def describe(self, name: str) -> str:
        """A line for the start."""
        shown = f"@{self.username} " if self.username else ""
        updates = (
            "webhook with a secret" if self.secret else "no secret: polled for updates, its webhook is closed"
        )
        return f"telegram {name}: {shown}at {self.api_url}, {updates}"


class SmsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An account that sends and receives SMS."""

    sender: str = ""
    """A short code or an alphanumeric name; empty for the account's own."""
    token: Hidden | None = None
    """The last segment of its path."""
    allow: tuple[Network, ...] = ()
    """Networks it calls from; empty for every address."""
    api_url: str = ""
    """Empty for the provider's."""
    options: Mapping[str, Hidden] = {}
    """The settings of its own, by name."""

    def describe(self, name: str) -> str:
        """A line for the start."""
        token = "set" if self.token else "not set"
        allow = ", ".join(map(str, self.allow)) or "every address"
        own = "".join(f", {option} set" for option in self.options)
        return f"sms {name}: from {self.sender or 'the account'}, path token {token}, allowed: {allow}{own}"


class SimulatedEndpoint(msgspec.Struct, frozen=True):
    """Something that the simulator's phones can dial: an app of a tenant, as one gateway brings its members."""

    name: str
    gateway: str
    description: str = ""
    icon: str = ""
    """A letter or a picture of the Unicode; empty for the first letter of the name."""
    colour: str = ""
    """`#rrggbb`; empty for one that the page chooses."""
    channel: str = "ussd"
    path: str = ""
    """Where the server has the gateway, without its path token."""
    code: str = ""
    """The service code that is dialled; empty for the gateway's first."""
    host: str = ""
    """What the requests say they were sent to; tenants that a policy tells by url differ in it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What kikao runs with. Make it with `load`; paths are absolute."""

    env: Environment
    data: Path
    """The folder of files; made with mode 0700 when first needed."""
    store: Where
    """Sessions: `memory:`, the path of a SQLite file, or the URL of PostgreSQL, Redis or Valkey."""
    records: Where
    """Members, audit and app tables: the path of a SQLite file, or the URL of PostgreSQL."""
    bus: Where = Where(MEMORY)
    """What carries messages between processes: `memory:` where there is one, or the URL of PostgreSQL or Redis."""
    secret_keys: SecretKeys
    """By key id, the first seals; none where nothing is stored yet and nobody was to make any."""
    trusted_proxies: tuple[Network, ...] = ()
    operator_token: Hidden | None = None
    """What operators show for metrics, and for whatever else is theirs."""
    audit_days: int = 0
    """How long the records keep what became of effects; 0 for no trail."""
    drain: int = 0
    """Seconds that it serves on, and says that it is not ready, when it was told to stop."""
    tenant: str = ""
    """Whose they are, where one process serves several."""
    locale: str = ""
    """The language of new members; empty for the app's first."""
    turns: int = 1000
    """Inbounds that are dealt with at the same time; who comes beyond reads that the service is unavailable."""
    release: int = 0
    """Counts deploys that change flows."""
    log_events: tuple[str, ...] = ()
    """Names and patterns of the events that have log lines; empty for the usual ones."""
    ussd: Mapping[str, UssdSettings] = {}
    """By gateway, those that something is set for."""
    whatsapp: Mapping[str, WhatsAppSettings] = {}
    """By name; the one that the environment sets is called `cloud-api`."""
    telegram: Mapping[str, TelegramSettings] = {}
    """By name; the one that the environment sets is called `bot-api`."""
    sms: Mapping[str, SmsSettings] = {}
    """By gateway."""
    public_url: str = ""
    """Where members and providers reach this server: scheme and host, and maybe a path; no `/` at the end."""
    media: MediaSettings = MediaSettings()
    """Files that members send and flows show."""
    webhooks: Mapping[str, WebhookSettings] = {}
    """Where messages go that flows post, by the name they post to."""
    jwt: JwtSettings = JwtSettings()
    """What the tokens of live sessions have to be."""
    live: LiveSettings = LiveSettings()
    """Which pages may open live sessions."""
    keys_from: str = ""
    """Where the secret keys were found."""
    simulator: Access = "off"
    """Who may open `/simulator`: programs on this machine, everyone, nobody."""
    endpoints: tuple[SimulatedEndpoint, ...] = ()
    """What its phones can dial; one for each gateway where nothing is set."""

    @property
    def store_path(self) -> Path:
        """The file of sessions. Raises `ValueError` for a store that is none of SQLite."""
        if self.store.kind != "sqlite":
            raise ValueError(f"there is no file of sessions: they are in {self.store}")
        return Path(self.store)

    @property
    def media_folder(self) -> Path:
        """Where files are kept; made when the first one comes."""
        return self.media.folder or self.data / "media"

    def without_simulator(self) -> Settings:
        """The same for one of several processes, or apps: the phones of a simulator live in one alone."""
        return structs.replace(self, simulator="off")

    def describe(self) -> list[str]:
        """What is on, a line each. Secrets show as set or not set."""
        keys = ", ".join(self.secret_keys)
        proxies = ", ".join(map(str, self.trusted_proxies)) or "none"
        lines = [
            f"environment: {self.env}" + (", not safe to expose" if self.env == "dev" else ""),
            f"data folder: {self.data}",
            f"sessions: {'memory, lost when the process ends' if self.store == MEMORY else self.store}",
            f"records: {self.records}{self._ledger()}",
            f"bus: {'this process alone' if self.bus == MEMORY else self.bus}",
            f"secret keys: set, from {self.keys_from} ({keys}; the first seals)",
            f"trusted proxies: {proxies}",
            f"operator token: {self._operators()}",
            f"audit trail: {f'kept for {self.audit_days} days' if self.audit_days else 'off'}",
            f"release: {self.release}",
            f"turns at once: {self.turns}, drain: {self.drain} s",
            f"simulator: {_SIMULATOR[self.simulator]}",
            self.media.describe(self.data),
        ]
        lines += [ussd.describe(gateway) for gateway, ussd in sorted(self.ussd.items())]
        if not self.ussd:
            lines.append("ussd: no gateway has a path token or allow-list")
        lines += [number.describe(name) for name, number in sorted(self.whatsapp.items())]
        lines += [bot.describe(name) for name, bot in sorted(self.telegram.items())]
        lines += [account.describe(name) for name, account in sorted(self.sms.items())]
        if self.whatsapp or self.telegram or self.public_url:
            lines.append(f"public address: {self._public()}")
        lines += [webhook.describe(name) for name, webhook in sorted(self.webhooks.items())]
        if self.jwt.keys:
            lines += [self.jwt.describe(), self.live.describe()]
        return lines

    def _ledger(self) -> str:
        """What else is in the records, and whether that is safe."""
        if self.store.kind != "redis":
            return ""
        kept = "; keeps the steps that a failover of the session store may forget"
        return (
            kept
            if self.records.is_shared
            else f"{kept}, for workers on this machine alone: not for production"
        )

    def _public(self) -> str:
        """Where links lead, and who can open them."""
        if not self.public_url:
            return "not set, so that there are no links, and no chat asks for a secret"
        here = urlsplit(self.public_url).hostname in ("127.0.0.1", "::1", "localhost")
        return self.public_url + (": links in chats open on this machine only" if here else "")

    def _operators(self) -> str:
        if self.operator_token is not None:
            return "set"
        return "not set, /metrics is " + ("for this machine alone" if self.env == "dev" else "closed")


_SIMULATOR: Final = {
    "off": "off",
    "loopback": "for this machine alone",
    "everyone": "for everyone who reaches this address",
}


class SettingsError(Exception):
    """Settings kikao does not start with. `problems` has every one; none carries a secret value."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        head = "these settings keep it from starting:"
        super().__init__("\n- ".join([head, *self.problems]))
