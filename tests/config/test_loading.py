"""Where settings come from: nothing set, the file and the environment."""

import base64
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.config import Settings, load
from tests.alone import alone
from tests.config.asking import KEY_TEXT, TOKEN, toml


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
    alone(monkeypatch, tmp_path)
    monkeypatch.setenv("KIKAO_RELEASE", "3")
    assert load().release == 3
    assert load().data == tmp_path / "kikao-data"


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
