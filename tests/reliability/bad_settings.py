"""Settings that nobody should write: variables, `kikao.toml`, addresses of stores, key files.

For every one of them:

- there are settings, or one `SettingsError` that names what is wrong; nothing else is raised, and nothing hangs;
- secrets (keys, tokens, passwords in addresses) are neither in the error nor in what `describe` shows;
- no half-written file is left: a key file is whole or not there;
- whoever has settings can make their store without connecting, or is told why not.
"""

from __future__ import annotations

import base64
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Final

from kikao.channels.ussd.registry import SLUGS
from kikao.config import Settings, SettingsError, load
from kikao.opening import make_store
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused
from tests.reliability import spoiling

SECRET: Final = "TopSecretOf7351zz"
"""Stands in every secret, in the clear."""

SEALED: Final = base64.b64encode(SECRET.encode() + bytes(range(32 - len(SECRET)))).decode()
"""A key that begins with it."""

SLOW: Final = 2.0
"""Seconds that no reading of settings may take."""

ADDRESSES: Final = (
    f"postgresql://user:{SECRET}@localhost:5432/kikao",
    f"postgresql://user:{SECRET}@[::1]/kikao?sslmode=require",
    f"postgresql:///kikao?host=/run/postgresql&password={SECRET}",
    f"redis://:{SECRET}@localhost:6379/0",
    f"rediss://user:{SECRET}@localhost/3",
    f"unix:///run/redis.sock?db=1&password={SECRET}",
    f"redis+sentinel://:{SECRET}@a:26379,b:26379/service/0",
    f"redis+cluster://:{SECRET}@a:6379,b:6379",
    f"valkey://:{SECRET}@localhost:6379/0",
    "memory:",
    "sqlite:///sessions.db",
    "some/where.db",
)

GOOD: Final = {
    "KIKAO_ENV": ("dev", "production"),
    "KIKAO_DATA": ("data", "data/deeper"),
    "KIKAO_STORE": ADDRESSES,
    "KIKAO_RECORDS": (*ADDRESSES[:3], "records.db"),
    "KIKAO_BUS": ADDRESSES[:10],
    "KIKAO_SECRET_KEYS": (f"k1:{SEALED}", f"k2:{SEALED},k1:{SEALED}"),
    "KIKAO_TRUSTED_PROXIES": ("10.0.0.0/8,127.0.0.1", "::/0"),
    "KIKAO_OPERATOR_TOKEN": (f"{SECRET}-operator-token",),
    "KIKAO_RELEASE": ("7",),
    "KIKAO_SIMULATOR": ("off", "loopback"),
    "KIKAO_LOG_EVENTS": ("default,screen.shown",),
    "KIKAO_USSD_NALO_TOKEN": (SECRET,),
    "KIKAO_USSD_NALO_CODE": ("*920*1806#",),
    "KIKAO_USSD_AFRICASTALKING_ALLOW": ("203.0.113.0/24",),
    "KIKAO_USSD_AFRICASTALKING_SEPTETS": ("182",),
}

PATHS: Final = ("KIKAO_DATA", "KIKAO_STORE", "KIKAO_RECORDS")

TOML: Final = f"""env = "dev"
data = "data"
store = "redis://:{SECRET}@localhost:6379/0"
secret_keys = ["k1:{SEALED}"]
trusted_proxies = ["10.0.0.0/8"]
operator_token = "{SECRET}-operator-token"
release = 7
log_events = ["default"]

[simulator]
access = "off"

[[simulator.endpoints]]
name = "Wallet"
gateway = "nalo"
code = "*284#"

[ussd.nalo]
token = "{SECRET}"
code = ["*920*1806#"]
septets = 160
""".encode()

KEY_FILE: Final = f"k1:{SEALED}\n".encode()


def _possible(text: str) -> str:
    """The text as an environment can hold it: octets, none of them 0, that are decoded as Python does."""
    octets = b"".join(
        bytes([ord(letter) & 0xFF])
        if "\udc80" <= letter <= "\udcff"
        else letter.encode("utf-8", "surrogatepass")
        for letter in text
    )
    return octets.replace(b"\0", b"").decode("utf-8", "surrogateescape")


class Settled:
    """A folder in which settings are read, again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.figures: Counter[str] = Counter()
        self.violations: list[str] = []
        self._folder = folder / "work"
        self._folder.mkdir()
        self._chance = random.Random(seed)

    def once(self) -> None:
        """Read spoiled settings, from some of the places where they may stand."""
        chance, folder = self._chance, self._folder
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        environ = self._environ() if chance.random() < 0.8 else {}
        what = f"environment {environ}"
        if chance.random() < 0.3:
            (folder / "kikao.toml").write_bytes(octets := spoiling.octets(chance, TOML))
            what += f", kikao.toml {octets!r}"
        if chance.random() < 0.2:
            (folder / "data").mkdir()
            (folder / "data" / "secret-keys").write_bytes(octets := spoiling.octets(chance, KEY_FILE))
            what += f", secret-keys {octets!r}"
        self._read(environ, what)

    def _environ(self) -> dict[str, str]:
        chance = self._chance
        names = chance.sample(list(GOOD), chance.choice((1, 2, 5)))
        environ = {name: chance.choice(GOOD[name]) for name in names}
        for name in chance.sample(names, chance.choice((0, 1, 1, len(names)))):
            value = environ.pop(name)
            match chance.randrange(5):
                case 0:
                    name = spoiling.text(chance, name)
                case 1:
                    value = self._spoiled(value)
                case 2 if name not in PATHS:  # a path is shown, whatever somebody made of it
                    value = chance.choice(GOOD[chance.choice(list(GOOD))])
                case _:
                    value = spoiling.text(chance, value) if SECRET not in value else self._spoiled(value)
            environ[name] = value
        return {
            _possible(name).replace("=", "") or "KIKAO_": _possible(value) for name, value in environ.items()
        }

    def _spoiled(self, value: str) -> str:
        """Octets around a secret are spoiled, not what divides it from them: then it would be a host, or a name."""
        before, secret, after = value.partition(SECRET)
        divided = max(before.rfind(mark) for mark in ":?&") if secret else len(before)
        sides = [before[: max(divided, 0)], before[max(divided, 0) :] + secret + after[:1], after[1:]]
        chosen = self._chance.choice((0, 2)) if secret else 0
        octets = spoiling.octets(self._chance, sides[chosen].encode())
        sides[chosen] = octets.replace(b"\0", b"").decode("utf-8", "surrogateescape")
        return "".join(sides)

    def _read(self, environ: dict[str, str], what: str) -> None:
        began = time.monotonic()
        self.figures["read"] += 1
        try:
            found = load(environ, self._folder, gateways=SLUGS, makes_keys=self._chance.random() < 0.2)
        except SettingsError as error:
            self.figures["refused"] += 1
            if not error.problems:
                self._violated(f"refused without a reason: {what}")
            self._shown(str(error), what)
        except Exception as error:
            self._violated(f"{type(error).__name__}: {error}: {what}")
        else:
            self.figures["taken"] += 1
            self._shown("\n".join(found.describe()) + repr(found), what)
            self._use(found, what)
        if time.monotonic() - began > SLOW:
            self.figures["hangs"] += 1
            self._violated(f"{time.monotonic() - began:.1f} s: {what}")
        if drafts := list(self._folder.rglob(".secret-keys.*")):
            self._violated(f"{drafts} are left: {what}")

    def _use(self, found: Settings, what: str) -> None:
        """What a server does first with them."""
        if not found.secret_keys:  # nobody was to make any, and nothing is stored
            return
        try:
            KeyRing(found.secret_keys)
            make_store(found)
        except StoreRefused as error:
            self.figures["stores refused"] += 1
            self._shown(str(error), what)
        except Exception as error:
            self._violated(f"made no store, {type(error).__name__}: {error}: {what}")
        else:
            self.figures["stores made"] += 1

    def _shown(self, text: str, what: str) -> None:
        if SECRET in text or SEALED[:20] in text:
            self.figures["secrets shown"] += 1
            self._violated(f"a secret is in {text}: {what}")

    def _violated(self, what: str) -> None:
        self.figures["violated"] += 1
        if len(self.violations) < 20:
            self.violations.append(what[:1500])


def run(folder: Path, count: int, seed: int) -> tuple[dict[str, int | float | str], list[str]]:
    """Read settings so often; the figures, and what was violated."""
    settled = Settled(folder, seed)
    for _ in range(count):
        settled.once()
    figures = settled.figures
    return {
        "settings read": figures["read"],
        "settings taken": figures["taken"],
        "settings refused": figures["refused"],
        "stores made of them": figures["stores made"],
        "slow readings": figures["hangs"],
        "secrets shown": figures["secrets shown"],
        "readings that broke a law": figures["violated"],
    }, settled.violations
