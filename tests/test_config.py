"""Settings: every problem at once, each with a way out, and no secret in any text."""

import base64
import copy
import multiprocessing
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.config import Hidden, SecretKeys, Settings, SettingsError, Where, load

KEY = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY).decode()
TOKEN = "x9Hq2vTt-7LmB_4w"
PRODUCTION = {
    "KIKAO_ENV": "production",
    "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}",
    "KIKAO_USSD_AFRICASTALKING_TOKEN": TOKEN,
}


def problems(environ: dict[str, str], cwd: Path, **options: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load(environ, cwd, **options)
    assert str(refused.value).count("\n- ") == len(refused.value.problems)
    return refused.value.problems


def problem(environ: dict[str, str], cwd: Path, **options: Any) -> str:
    (only,) = problems(environ, cwd, **options)
    return only


def toml(cwd: Path, text: str) -> Path:
    (cwd / "kikao.toml").write_text(text, encoding="utf-8")
    return cwd


# --- development starts with nothing set ---


def test_production_on_redis_keeps_critical_steps_in_a_database_that_workers_share(tmp_path: Path) -> None:
    environ = {
        "KIKAO_ENV": "production",
        "KIKAO_STORE": "redis://cache/0",
        "KIKAO_SECRET_KEYS": f"k1:{base64.b64encode(os.urandom(32)).decode()}",
    }
    with pytest.raises(SettingsError, match="Set KIKAO_RECORDS=postgresql://user:password@host/database"):
        load(environ, tmp_path)
    shared = load({**environ, "KIKAO_RECORDS": "postgresql://db/kikao"}, tmp_path)
    assert any(line.endswith("a failover of the session store may forget") for line in shared.describe())
    alone = load({**environ, "KIKAO_ENV": "dev"}, tmp_path)
    assert any(line.endswith("on this machine alone: not for production") for line in alone.describe())


def test_nothing_set(tmp_path: Path) -> None:
    found = load({"PATH": "/bin"}, tmp_path, makes_keys=True)
    assert found.env == "dev"
    assert found.data == tmp_path / "kikao-data"
    assert found.store == str(tmp_path / "kikao-data" / "sessions.db")
    assert found.store_path == Path(found.store)
    assert found.records == str(tmp_path / "kikao-data" / "records.db")
    assert (found.trusted_proxies, found.release, found.ussd) == ((), 0, {})
    assert [len(key) for key in found.secret_keys.values()] == [32]
    assert "environment: dev, not safe to expose" in found.describe()


def test_the_process_s_own_environment_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("KIKAO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KIKAO_RELEASE", "3")
    monkeypatch.chdir(tmp_path)
    assert load().release == 3
    assert load().data == tmp_path / "kikao-data"


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = load({}, tmp_path, makes_keys=True)
    path = tmp_path / "kikao-data" / "secret-keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["secret-keys"]
    text = path.read_bytes()
    assert dict(load({}, tmp_path).secret_keys) == dict(first.secret_keys)
    assert path.read_bytes() == text
    assert not any(part in "\n".join(first.describe()) for part in text.decode().split())


def test_a_wide_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load({}, tmp_path, makes_keys=True)
    finally:
        os.umask(before)
    path = tmp_path / "kikao-data" / "secret-keys"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)] == [0o600, 0o700]


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    keys = dict(load({}, tmp_path, makes_keys=True).secret_keys)
    path.chmod(0o644)

    assert dict(load({}, tmp_path, makes_keys=True).secret_keys) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def keys_seen(cwd: Path) -> dict[str, bytes]:
    return dict(load({}, cwd, makes_keys=True).secret_keys)


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        seen = pool.map(keys_seen, [tmp_path] * 8, chunksize=1)
    assert all(keys == seen[0] for keys in seen)


def test_a_process_that_was_faster_keeps_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    fsync = os.fsync

    def rival_wins(fd: int) -> None:
        if not path.exists():
            path.write_text(f"dev:{KEY_TEXT}\n")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", rival_wins)
    assert dict(load({}, tmp_path, makes_keys=True).secret_keys) == {"dev": KEY}
    assert path.read_text() == f"dev:{KEY_TEXT}\n"
    assert [each.name for each in path.parent.iterdir()] == ["secret-keys"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"dev:", b"not keys", b"\xff", f"dev:{KEY_TEXT[:20]}".encode()]
)
def test_a_damaged_key_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    path.parent.mkdir()
    path.write_bytes(content)
    told = problem({}, tmp_path)
    assert told.startswith(f"{path}: ")
    assert "Restore a copy" in told
    assert KEY_TEXT[:20] not in told
    assert path.read_bytes() == content


def test_no_key_file_where_keys_are_set_or_settings_are_wrong(tmp_path: Path) -> None:
    load({"KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}, tmp_path)
    problems({"KIKAO_RELEASE": "x"}, tmp_path)
    assert not (tmp_path / "kikao-data").exists()


def test_only_who_serves_makes_keys(tmp_path: Path) -> None:
    assert dict(load({}, tmp_path).secret_keys) == {}
    assert not (tmp_path / "kikao-data").exists()
    made = load({}, tmp_path, makes_keys=True)
    assert dict(load({}, tmp_path).secret_keys) == dict(made.secret_keys)


@pytest.mark.parametrize("makes_keys", [False, True])
@pytest.mark.parametrize("name", ["sessions.db", "records.db"])
def test_no_new_keys_for_data_that_has_had_others(tmp_path: Path, name: str, makes_keys: bool) -> None:
    folder = tmp_path / "kikao-data"
    folder.mkdir()
    (folder / name).write_text("")
    told = problem({}, tmp_path, makes_keys=makes_keys)
    assert told.startswith("KIKAO_SECRET_KEYS: not set")
    assert str(folder / name) in told
    assert [each.name for each in folder.iterdir()] == [name]


def test_records_that_an_app_had_before_may_stand_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("")
    environ = {"KIKAO_RECORDS": "shop.db"}
    problem(environ, tmp_path)
    assert load(environ, tmp_path, makes_keys=True).secret_keys


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = problem({"KIKAO_DATA": "file/data"}, tmp_path, makes_keys=True)
    assert "cannot be made or read" in told
    assert "KIKAO_SECRET_KEYS" in told
    assert "is not a folder" in problem({"KIKAO_DATA": "file"}, tmp_path)


# --- where values come from ---

FILE = f"""
env = "production"
data = "state"
store = "sqlite:////srv/s.db"
records = "r.db"
release = 7
trusted_proxies = ["10.0.0.0/8", "::1"]
secret_keys = ["k2:{KEY_TEXT}", "k1:{KEY_TEXT}"]

[ussd.africastalking]
token = "{TOKEN}"
allow = ["203.0.113.0/24"]
"""


def test_the_file_says_everything(tmp_path: Path) -> None:
    found = load({}, toml(tmp_path, FILE))
    assert (found.env, found.release) == ("production", 7)
    assert (found.data, found.store, found.records) == (
        tmp_path / "state",
        "/srv/s.db",
        str(tmp_path / "r.db"),
    )
    assert found.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert list(found.secret_keys) == ["k2", "k1"]
    own = found.ussd["africastalking"]
    assert own.token is not None
    assert (own.token.reveal(), own.allow) == (TOKEN.encode(), (ip_network("203.0.113.0/24"),))


def test_the_environment_wins(tmp_path: Path) -> None:
    environ = {
        "KIKAO_ENV": "dev",
        "KIKAO_STORE": "memory:",
        "KIKAO_RELEASE": " 8 ",
        "KIKAO_TRUSTED_PROXIES": " 192.0.2.1 , 10.0.0.0/8,",
        "KIKAO_USSD_AFRICASTALKING_ALLOW": "198.51.100.7",
        "KIKAO_USSD_MTN_MADAPI_TOKEN": TOKEN * 2,
    }
    found = load(environ, toml(tmp_path, FILE))
    assert (found.env, found.store, found.release) == ("dev", "memory:", 8)
    assert found.trusted_proxies == (ip_network("192.0.2.1"), ip_network("10.0.0.0/8"))
    assert found.ussd["africastalking"].allow == (ip_network("198.51.100.7"),)
    assert found.ussd["africastalking"].token is not None
    assert found.ussd["mtn_madapi"].token is not None
    with pytest.raises(ValueError, match="no file"):
        _ = found.store_path


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(key=st.binary(min_size=32, max_size=32))
@settings(max_examples=20)
def test_keys_in_either_base64_with_or_without_padding(
    tmp_path_factory: pytest.TempPathFactory, encode: Callable[[bytes], bytes], key: bytes
) -> None:
    text = encode(key).decode()
    cwd = tmp_path_factory.getbasetemp()
    keys = load({"KIKAO_SECRET_KEYS": f"new:{text}, old-1:{text.rstrip('=')}"}, cwd).secret_keys
    assert dict(keys) == {"new": key, "old-1": key}


@pytest.mark.parametrize("memory", ["memory:", "memory", "memory://"])
def test_the_memory_store(tmp_path: Path, memory: str) -> None:
    found = load({"KIKAO_STORE": memory}, tmp_path)
    assert found.store == "memory:"
    assert "sessions: memory, lost when the process ends" in found.describe()


# --- stores of several processes ---

SERVERS = [
    (
        "postgresql://kikao:hunter2@db.example:5432/kikao",
        "postgresql",
        "postgresql://kikao:***@db.example:5432/kikao",
    ),
    ("postgresql:///kikao?host=/run/postgresql", "postgresql", "postgresql:///kikao?host=/run/postgresql"),
    ("postgres://db/kikao?password=hunter2&ssl=on", "postgresql", "postgres://db/kikao?password=***&ssl=on"),
    ("postgresql://a:hunter2@one,two:5433/kikao", "postgresql", "postgresql://a:***@one,two:5433/kikao"),
    ("redis://localhost", "redis", "redis://localhost"),
    ("postgresql://hunter2@db/kikao", "postgresql", "postgresql://***@db/kikao"),
    ("unix:///run/valkey.sock?db=1&hunter2", "redis", "unix:///run/valkey.sock?db=1&***"),
    ("rediss://:hunter2@[::1]:6380/3", "redis", "rediss://:***@[::1]:6380/3"),
    ("valkey://u:hunt%40er2@h/0", "redis", "valkey://u:***@h/0"),
    ("unix://u:hunter2@/run/valkey.sock?db=1", "redis", "unix://u:***@/run/valkey.sock?db=1"),
    ("redis+sentinel://:hunter2@a:1,b:2/main/0", "redis", "redis+sentinel://:***@a:1,b:2/main/0"),
    (
        "redis+sentinel://a:1/main?sentinel_password=hunter2",
        "redis",
        "redis+sentinel://a:1/main?sentinel_password=***",
    ),
    ("redis+cluster://a:1,b:2,c:3", "redis", "redis+cluster://a:1,b:2,c:3"),
]


@pytest.mark.parametrize(("url", "kind", "shown"), SERVERS, ids=[shown for *_, shown in SERVERS])
def test_the_url_of_a_store_is_kept_whole_and_shown_without_its_password(
    tmp_path: Path, url: str, kind: str, shown: str
) -> None:
    found = load({"KIKAO_STORE": url}, tmp_path, makes_keys=True)
    assert found.store == url
    assert (found.store.kind, found.store.is_shared) == (kind, True)
    assert found.bus == url, "what carries the sessions carries the messages between processes, too"
    assert f"sessions: {shown}" in found.describe()
    assert f"bus: {shown}" in found.describe()
    for text in (f"{found.store}", str(found.store), repr(found.store), repr(found), f"{found.store:>9}"):
        assert "hunt" not in text
    with pytest.raises(ValueError, match="there is no file of sessions") as raised:
        _ = found.store_path
    assert "hunt" not in str(raised.value)


@given(st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=1), st.text())
def test_no_part_of_a_password_is_shown_however_it_is_written(password: str, path: str) -> None:
    marked = f"<{password}>"
    assert marked not in str(Where(f"redis://user:{marked}@host/0"))
    assert marked not in str(Where(f"postgresql://user:{marked}@host/{path.replace(marked, '')}".rstrip("@")))


def test_records_on_a_server_and_a_bus_of_its_own(tmp_path: Path) -> None:
    url = "postgresql://kikao:hunter2@db/kikao"
    found = load(
        {"KIKAO_STORE": url, "KIKAO_RECORDS": url, "KIKAO_BUS": "redis://cache/1"}, tmp_path, makes_keys=True
    )
    assert (found.store, found.records, found.bus) == (url, url, "redis://cache/1")
    assert load({"KIKAO_STORE": url, "KIKAO_BUS": "memory:"}, tmp_path).bus == "memory:"
    assert load({}, tmp_path).bus == "memory:"
    assert "bus: this process alone" in load({}, tmp_path).describe()


# --- every problem at once ---


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    toml(
        tmp_path,
        """
        dat = "x"
        release = "7"
        trusted_proxies = "10.0.0.0/8"
        records = "redis://:hunter2@db/0"
        [ussd.africastalking]
        tokn = "hunter2hunter2hunter2"
        allow = ["10.0.0.1/8"]
        [ussd.nalo]
        token = "hunter2"
        [sms.x]
        """,
    )
    environ = {
        "KIKAO_ENV": "prod",
        "KIKAO_STOR": "x",
        "KIKAO_DATA": "  ",
        "KIKAO_SECRET_KEYS": "k1:hunter2",
        "KIKAO_USSD_AFRICASTALKING_SECRET": "hunter2",
    }
    told = problems(environ, tmp_path)
    assert [each.partition(": ")[0] for each in told] == [
        "dat (kikao.toml)",
        "sms (kikao.toml)",
        "ussd.africastalking.tokn (kikao.toml)",
        "KIKAO_STOR (environment)",
        "KIKAO_USSD_AFRICASTALKING_SECRET (environment)",
        "KIKAO_ENV (environment)",
        "KIKAO_DATA (environment)",
        "records (kikao.toml)",
        "KIKAO_SECRET_KEYS (environment)",
        "trusted_proxies (kikao.toml)",
        "release (kikao.toml)",
        "ussd.africastalking.allow (kikao.toml)",
        "ussd.nalo.token (kikao.toml)",
    ]
    assert "hunter2" not in "\n".join(told)
    assert "Did you mean data?" in told[0]
    assert "Did you mean KIKAO_STORE?" in told[3]
    assert "must be dev or production, not 'prod'. Set for example: KIKAO_ENV=production" in told[5]
    assert 'Set for example: trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]' in told[9]
    assert "must be a whole number, not a text. Set for example: release = 7" in told[10]
    assert "write 10.0.0.0/8" in told[11]
    assert 'token = "<the output of: openssl rand -hex 24>"' in told[12]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ENV", "Production", "must be dev or production"),
        ("ENV", "", "is empty"),
        ("DATA", "~/kikao", "without ~"),
        ("DATA", "caf\udce9", "is not UTF-8"),
        ("DATA", "d/" + "x" * 201, "is too long for a path"),
        ("STORE", "x/" * 500, "is too long for a path"),
        ("DATA", "redis://:hunter2@cache/0", "must be a path, and looks like the address of a server"),
        ("STORE", "redis:/:hunter2@cache/0", "must be a path, and looks like the address of a server"),
        ("ENV", "hunter2-hunter2-", "not what stands there (16 characters)"),
        ("SIMULATOR", "hunter2@", "not what stands there (8 characters)"),
        ("STORE", "mysql://:hunter2@cache/0", "mysql cannot be used here"),
        ("STORE", "postgresql://a:hunter2@db", "must name the database"),
        ("STORE", "localhost:5432/kikao", "without the scheme of its address"),
        ("RECORDS", "db.example:5432", "without the scheme of its address"),
        ("STORE", "[::1]:6379/0", "without the scheme of its address"),
        ("STORE", "postgresql://a:hunter2@secret@db/kikao", "is no address"),
        ("RECORDS", "postgresql://a:hunter2@secret@db/kikao", "is no address"),
        ("STORE", "redis://a:hunter2@secret@cache/0", "is no address"),
        ("BUS", "redis+sentinel://a:hunter2@secret@one:1/main", "is no address"),
        ("STORE", "unix://a:hunter2@secret@/run/valkey.sock", "is no address"),
        ("STORE", "postgresql://a:hunter2@", "must name the database"),
        ("STORE", "postgresql://a:hunter2@db:many/kikao", "is no address"),
        ("STORE", "postgresql://a:hunt#er2@db/kikao", "write spaces and : / ? # [ ] @ % as %"),
        ("STORE", "postgresql://a:hunter2@d b/kikao", "is no address"),
        ("STORE", "postgresql://a:hunter2@[::1/kikao", "is no address"),
        ("STORE", "postgresql://a:hunter2@,/kikao", "must name its host"),
        ("STORE", "redis://:hunter2@/0", "must name its host: redis://host:port"),
        ("STORE", "redis://:hunter2@cache/members", "must name the database by its number"),
        ("STORE", "redis://:hunter2@cache:1,other:2/0", "has several hosts"),
        ("STORE", "unix://?password=hunter2", "must name the socket"),
        ("STORE", "redis+sentinel://:hunter2@one:1,two:2", "must name the service"),
        ("STORE", "redis+cluster://:hunter2@one:1/3", "a Cluster has one alone"),
        ("RECORDS", "redis://:hunter2@cache/0", "redis cannot be used here"),
        ("RECORDS", "memory:", "must be a path, sqlite:///path or postgresql://"),
        ("BUS", "sessions.db", "must be memory:"),
        ("BUS", "sqlite:///sessions.db", "must be memory:"),
        ("BUS", "kafka://:hunter2@q/0", "kafka cannot be used here"),
        ("STORE", "sqlite://", "must be memory:, a path, sqlite:///path"),
        ("STORE", "sqlite:///", "must be memory:, a path, sqlite:///path"),
        ("STORE", ":memory:", "must be memory:, a path, sqlite:///path"),
        ("RECORDS", "memory:", "memory cannot be used here; must be a path"),
        ("SECRET_KEYS", KEY_TEXT, "key 1 must be kid:base64"),
        ("SECRET_KEYS", f"K1:{KEY_TEXT}", "key 1 must be kid:base64"),
        ("SECRET_KEYS", f"{'k' * 17}:{KEY_TEXT}", "key 1 must be kid:base64"),
        ("SECRET_KEYS", f"k1:{KEY_TEXT},k1:{KEY_TEXT}", "key id k1 is there twice"),
        ("SECRET_KEYS", f"k1:{KEY_TEXT},k2:{KEY_TEXT}!", "key k2 is not base64"),
        ("SECRET_KEYS", f"k1:{KEY_TEXT}AAAA", "key k1 is not base64"),
        ("SECRET_KEYS", f"k1:{base64.b64encode(KEY + KEY).decode()}", "key k1 has 64 bytes, not 32"),
        ("SECRET_KEYS", "k1:ŋ", "key k1 is not base64"),
        ("SECRET_KEYS", ",", "is empty"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "is no network or address"),
        ("TRUSTED_PROXIES", "10.0.0.5/24", "write 10.0.0.0/24"),
        ("TRUSTED_PROXIES", "*", "'*' is no network or address"),
        ("RELEASE", "-1", "must be a whole number from 0"),
        ("RELEASE", "1.5", "must be a whole number from 0"),
        ("RELEASE", "٣", "must be a whole number from 0"),
        ("RELEASE", "9999999999", "must be a whole number from 0"),
        ("OPERATOR_TOKEN", "hunter2", "must be 24 to 256"),
        ("OPERATOR_TOKEN", "hunter2 hunter2 hunter2 hunter2", "must be 24 to 256"),
        ("OPERATOR_TOKEN", "hunter2=hunter2=hunter2=hunter2", "must be 24 to 256"),
        ("OPERATOR_TOKEN", "hunter2" + "ŋ" * 24, "must be 24 to 256"),
        ("OPERATOR_TOKEN", "hunter2" * 4, "is not random"),
        ("OPERATOR_TOKEN", "x" * 257, "must be 24 to 256"),
        ("USSD_NALO_TOKEN", "hunter2/hunter2/hunter2", "must be 16 to 128"),
        ("USSD_NALO_TOKEN", "x" * 129, "must be 16 to 128"),
        ("TRUSTED_PROXIES", "hunter2hunter2hunter2", "what stands there (21 characters) is no network"),
        ("LOG_EVENTS", "hunter2hunter2hunter2", "what stands there (21 characters) is no name"),
        ("USSD_NALO_CODE", "hunter2hunter2hunter2", "what stands there (21 characters) is no service code"),
        ("USSD_NALO_ALLOW", "localhost", "is no network or address"),
        ("USSD__TOKEN", TOKEN, "no such setting"),
        ("USSD_NALO_PORT", "1", "no such setting"),
        ("PUBLIC_URL", "https://x", "no such setting"),
        ("data", "x", "no such setting. Did you mean KIKAO_DATA?"),
        ("", "x", "no such setting"),
    ],
)
def test_what_is_wrong_with_a_variable(tmp_path: Path, name: str, value: str, told: str) -> None:
    found = problem({f"KIKAO_{name}": value}, tmp_path)
    assert found.startswith(f"KIKAO_{name} (environment): ")
    assert told in found
    assert "hunter2" not in found
    assert KEY_TEXT[:8] not in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data = folder", "not TOML"),
        ("data = 'x\n", "not TOML"),
        ("data = " + "[" * 5000, "not TOML"),
        ("release = " + "9" * 5000, "not TOML"),
        ("release = true", "must be a whole number, not true or false"),
        ("release = 1.0", "must be a whole number, not float"),
        ("release = -1", "must be a whole number from 0"),
        ("data = 2026-01-05", "must be a text, not date"),
        ("data = ''", "is empty"),
        ("secret_keys = [1]", "must be a list of texts"),
        ("secret_keys = []", "is empty"),
        ("trusted_proxies = []", "is empty"),
        ("[data]", "must be a text, not a table"),
        ("ussd = 1", "Write [ussd.africastalking]"),
        ("[ussd]\nnalo = 'hunter2'", "Write [ussd.nalo]"),
        ("[ussd.Nalo]", "no USSD gateway 'Nalo'"),
        ("[ussd.nalo.token]", "must be a text, not a table"),
    ],
)
def test_what_is_wrong_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    found = problem({}, toml(tmp_path, text))
    assert "kikao.toml" in found
    assert told in found
    assert "hunter2" not in found


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "kikao.toml").write_bytes(b"data = '\xff'")
    assert "cannot be read (it is not UTF-8)" in problem({}, tmp_path)
    (tmp_path / "kikao.toml").unlink()
    (tmp_path / "kikao.toml").mkdir()
    assert "cannot be read" in problem({}, tmp_path)


def test_a_gateway_there_is_not(tmp_path: Path) -> None:
    there = ("africastalking",)
    told = problem({"KIKAO_USSD_AFRICASTALKIN_TOKEN": TOKEN}, tmp_path, gateways=there)
    assert "no USSD gateway 'africastalkin'. There are: africastalking." in told
    assert "no USSD gateway 'nalo'" in problem({}, toml(tmp_path, "[ussd.nalo]"), gateways=there)


# --- gateways ---


def test_a_gateway_s_pages_and_codes(tmp_path: Path) -> None:
    found = load({"KIKAO_USSD_NALO_TOKEN": TOKEN}, tmp_path).ussd["nalo"]
    assert (found.septets, found.codes) == (160, ())
    environ = {"KIKAO_USSD_NALO_SEPTETS": "182", "KIKAO_USSD_NALO_CODE": "*920*1806#, *920#,*920#"}
    loaded = load(environ, tmp_path)
    assert loaded.ussd["nalo"].septets == 182
    assert loaded.ussd["nalo"].codes == ("*920*1806#", "*920#")
    line = "ussd nalo: path token not set, allowed: every address, pages of 182 septets, codes: *920*1806#, *920#"
    assert line in loaded.describe()
    toml(tmp_path, '[ussd.nalo]\nseptets = 140\ncode = ["*380*77#"]\n')
    from_file = load({"KIKAO_USSD_NALO_SEPTETS": "80"}, tmp_path).ussd["nalo"]
    assert (from_file.septets, from_file.codes) == (80, ("*380*77#",))


@pytest.mark.parametrize("septets", ["79", "183", "0", "-1", "1e2", "160.0", " ", "full"])
def test_a_page_that_no_network_carries(tmp_path: Path, septets: str) -> None:
    told = problem({"KIKAO_USSD_NALO_SEPTETS": septets}, tmp_path)
    assert told.startswith("KIKAO_USSD_NALO_SEPTETS (environment): ")
    assert told.endswith("Set for example: KIKAO_USSD_NALO_SEPTETS=182")


@pytest.mark.parametrize(
    "code",
    ["920", "*920", "920#", "*#", "**920#", "*920*#", "*9a0#", "*920*1806##", "*920#1#", ",", "*" * 99],
)
def test_what_is_no_service_code(tmp_path: Path, code: str) -> None:
    told = problem({"KIKAO_USSD_NALO_CODE": code}, tmp_path)
    assert told.endswith("Set for example: KIKAO_USSD_NALO_CODE=*920*1806#")


def test_pages_and_codes_do_not_open_a_gateway_in_production(tmp_path: Path) -> None:
    for name, value in (("SEPTETS", "182"), ("CODE", "*920#")):
        assert "nalo" in problem({**PRODUCTION, f"KIKAO_USSD_NALO_{name}": value}, tmp_path)


def test_two_databases_are_two_files(tmp_path: Path) -> None:
    told = problem({"KIKAO_STORE": "one.db", "KIKAO_RECORDS": f"sqlite:///{tmp_path}/x/../one.db"}, tmp_path)
    assert "KIKAO_STORE and KIKAO_RECORDS are both" in told


# --- production refuses what is not safe ---


def test_production_starts(tmp_path: Path) -> None:
    found = load(PRODUCTION, tmp_path, gateways=("africastalking",), serves=("africastalking",))
    assert found.env == "production"
    assert not found.data.exists()


def test_production_without_keys_says_how_to_keep_what_is_stored(tmp_path: Path) -> None:
    environ = {**PRODUCTION}
    del environ["KIKAO_SECRET_KEYS"]
    told = problem(environ, tmp_path)
    assert told.startswith("KIKAO_SECRET_KEYS: missing")
    assert "openssl rand -base64 32" in told
    assert str(tmp_path / "kikao-data" / "secret-keys") in told
    assert not (tmp_path / "kikao-data").exists()


def test_production_refuses_keys_that_nobody_drew(tmp_path: Path) -> None:
    zeros = base64.b64encode(bytes(32)).decode()
    told = problem({**PRODUCTION, "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT},k0:{zeros}"}, tmp_path)
    assert "key k0 is not random" in told
    assert zeros not in told


def test_production_refuses_a_store_that_forgets(tmp_path: Path) -> None:
    assert "memory store forgets" in problem({**PRODUCTION, "KIKAO_STORE": "memory:"}, tmp_path)


def test_production_refuses_a_gateway_open_to_strangers(tmp_path: Path) -> None:
    environ = {name: value for name, value in PRODUCTION.items() if "USSD" not in name}
    told = problem(environ, tmp_path, serves=("africastalking",))
    assert told.startswith("KIKAO_USSD_AFRICASTALKING_TOKEN, KIKAO_USSD_AFRICASTALKING_ALLOW: neither")
    assert "/ussd/africastalking/<token>" in told
    assert "neither" in problem(environ, toml(tmp_path, "[ussd.nalo]"))
    toml(tmp_path, "")
    load({**environ, "KIKAO_USSD_NALO_ALLOW": "203.0.113.0/24"}, tmp_path)
    for everybody in ("0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "10.0.0.1,::/1,8000::/1"):
        told = problem({**environ, "KIKAO_USSD_NALO_ALLOW": everybody}, tmp_path)
        assert "a network of every address does not" in told
    load({**environ, "KIKAO_USSD_NALO_ALLOW": "0.0.0.0/1,8000::/1"}, tmp_path)


def test_production_refuses_to_trust_everybody(tmp_path: Path) -> None:
    for everybody in ("0.0.0.0/0", "::/0", "128.0.0.0/1,0.0.0.0/1"):
        told = problem({**PRODUCTION, "KIKAO_TRUSTED_PROXIES": f"10.0.0.0/8,{everybody}"}, tmp_path)
        assert "any caller may claim to be another" in told


def test_production_refuses_a_data_folder_others_may_enter(tmp_path: Path) -> None:
    data = tmp_path / "kikao-data"
    data.mkdir()
    data.chmod(0o755)
    told = problem(PRODUCTION, tmp_path)
    assert "mode 0755" in told
    assert f"chmod o-rwx {data}" in told
    data.chmod(0o750)
    load(PRODUCTION, tmp_path)


def test_production_tells_all_of_it(tmp_path: Path) -> None:
    environ = {"KIKAO_ENV": "production", "KIKAO_STORE": "memory:", "KIKAO_RELEASE": "x"}
    assert len(problems(environ, tmp_path, serves=("africastalking", "nalo"))) == 5


def test_who_serves_in_production_is_told_in_one_list(tmp_path: Path) -> None:
    told = problems({"KIKAO_ENV": "production"}, tmp_path, gateways=("nalo",), makes_keys=True, workers=3)
    assert [each.partition(":")[0] for each in told] == [
        "--workers 3",
        "no gateway is open, so nobody could reach the app. Set KIKAO_USSD_NALO_TOKEN to a long random text.",
        "KIKAO_SECRET_KEYS",
    ]
    assert not list(tmp_path.iterdir())
    asked = {"KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}
    assert load(asked, tmp_path, gateways=("nalo",)).env == "production", "a command needs no gateway"


# --- the operator token ---

OPERATOR = "0f8d5e1c9a7b3f6420d1c8e7"


@pytest.mark.parametrize("token", [OPERATOR, "q83vEjRWeJCrze/+q83vEjRWeJCrze8=", "a.b_c~d-e+f/g" * 3])
def test_the_operator_token_is_what_a_bearer_may_carry(tmp_path: Path, token: str) -> None:
    found = load({**PRODUCTION, "KIKAO_OPERATOR_TOKEN": token}, tmp_path)
    assert found.operator_token is not None
    assert found.operator_token.reveal() == token.encode()
    assert "operator token: set" in found.describe()
    for text in (repr(found), "\n".join(found.describe())):
        assert token not in text


def test_without_an_operator_token_it_is_told_who_sees_metrics(tmp_path: Path) -> None:
    assert "operator token: not set, /metrics is for this machine alone" in load({}, tmp_path).describe()
    assert "operator token: not set, /metrics is closed" in load(PRODUCTION, tmp_path).describe()


def test_a_token_that_a_provider_knows_is_no_operator_token(tmp_path: Path) -> None:
    environ = {**PRODUCTION, "KIKAO_OPERATOR_TOKEN": OPERATOR, "KIKAO_USSD_AFRICASTALKING_TOKEN": OPERATOR}
    told = problem(environ, tmp_path)
    assert "is also the path token of africastalking" in told
    assert OPERATOR not in told


# --- secrets stay hidden ---


def test_no_text_of_the_settings_has_a_secret(tmp_path: Path) -> None:
    found = load(PRODUCTION, tmp_path)
    lines = "\n".join(found.describe())
    for text in (repr(found), str(found), f"{found}", lines):
        assert TOKEN not in text
        assert KEY_TEXT not in text
        assert repr(KEY)[2:-1] not in text
    assert "secret keys: set, from KIKAO_SECRET_KEYS (environment) (k1; the first seals)" in lines
    assert "ussd africastalking: path token set, allowed: every address" in lines


@pytest.mark.parametrize("secret", [Hidden(b"hunter2"), SecretKeys({"k1": b"hunter2"})])
def test_a_hidden_value_has_no_text_and_no_copy(secret: Hidden | SecretKeys) -> None:
    assert "hunter2" not in f"{secret} {secret!r}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            leak(secret)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[union-attr]


def test_settings_do_not_change(tmp_path: Path) -> None:
    found = load({}, tmp_path)
    with pytest.raises(AttributeError):
        found.env = "production"  # type: ignore[misc]
    assert isinstance(found, Settings)


def test_settings_load_nothing_heavy() -> None:
    script = "import sys; before = set(sys.modules); import kikao.config; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"tomllib", "difflib", "cryptography", "starlette", "uvicorn", "sqlalchemy", "httpx"}


# --- the simulator ---


def test_the_simulator_is_for_this_machine_in_development_and_off_in_production(tmp_path: Path) -> None:
    assert load({}, tmp_path).simulator == "loopback"
    assert load(PRODUCTION, tmp_path).simulator == "off"
    assert load({**PRODUCTION, "KIKAO_SIMULATOR": "off"}, tmp_path).simulator == "off"
    assert "simulator: for this machine alone" in load({}, tmp_path).describe()
    assert "simulator: off" in load(PRODUCTION, tmp_path).describe()


@pytest.mark.parametrize("access", ["loopback", "everyone"])
def test_production_refuses_the_simulator(tmp_path: Path, access: str) -> None:
    told = problem({**PRODUCTION, "KIKAO_SIMULATOR": access}, tmp_path)
    assert told.startswith(
        f"KIKAO_SIMULATOR (environment): {access} lets whoever gets there act as any member"
    )
    told = problem(PRODUCTION, toml(tmp_path, f'[simulator]\naccess = "{access}"'))
    assert told.startswith("simulator.access (kikao.toml): ")


def test_who_may_open_the_simulator(tmp_path: Path) -> None:
    assert load({}, toml(tmp_path, '[simulator]\naccess = "everyone"')).simulator == "everyone"
    assert load({"KIKAO_SIMULATOR": "off"}, tmp_path).simulator == "off"
    assert problem({"KIKAO_SIMULATOR": "on"}, tmp_path) == (
        "KIKAO_SIMULATOR (environment): must be loopback, everyone or off, not 'on'. "
        "Set for example: KIKAO_SIMULATOR=off"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'simulator = "off"',
            "simulator (kikao.toml): must be a table. Write [simulator], access or endpoints",
        ),
        (
            "[simulator]\naccess = false",
            'access (kikao.toml): must be a text, not true or false. Set for example: access = "off"',
        ),
        ("[simulator]\nacess = 1", "simulator.acess (kikao.toml): no such setting. Did you mean access?"),
    ],
)
def test_the_simulators_table(tmp_path: Path, text: str, told: str) -> None:
    assert told in problem({}, toml(tmp_path, text))
