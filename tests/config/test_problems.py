"""What is wrong with settings: every problem at once, each with a way out, and no secret in any text."""

import base64
from pathlib import Path

import pytest

from tests.config.asking import KEY, KEY_TEXT, TOKEN, problem, problems, toml


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
        "KIKAO_LOCALE": "Swahili",
        "KIKAO_SECRET_KEYS": "k1:hunter2",
        "KIKAO_USSD_AFRICASTALKING_SECRET": "hunter2",
    }
    told = problems(environ, tmp_path)
    assert [each.partition(": ")[0] for each in told] == [
        "dat (kikao.toml)",
        "ussd.africastalking.tokn (kikao.toml)",
        "sms.x (kikao.toml)",
        "KIKAO_STOR (environment)",
        "KIKAO_USSD_AFRICASTALKING_SECRET (environment)",
        "KIKAO_ENV (environment)",
        "KIKAO_DATA (environment)",
        "records (kikao.toml)",
        "KIKAO_SECRET_KEYS (environment)",
        "trusted_proxies (kikao.toml)",
        "release (kikao.toml)",
        "KIKAO_LOCALE (environment)",
        "ussd.africastalking.allow (kikao.toml)",
        "ussd.nalo.token (kikao.toml)",
    ]
    assert "hunter2" not in "\n".join(told)
    assert "Did you mean data?" in told[0]
    assert "Did you mean KIKAO_STORE?" in told[3]
    assert "must be dev or production, not 'prod'. Set for example: KIKAO_ENV=production" in told[5]
    assert 'Set for example: trusted_proxies = ["10.0.0.0/8", "127.0.0.1"]' in told[9]
    assert "must be a whole number, not a text. Set for example: release = 7" in told[10]
    assert "write 10.0.0.0/8" in told[12]
    assert "'Swahili' is no language" in told[11]
    assert 'token = "<the output of: openssl rand -hex 24>"' in told[13]


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
        ("PUBLIC_URI", "https://x", "Did you mean KIKAO_PUBLIC_URL?"),
        ("PUBLIC_URL", "https://x?y=1", "must not have a query"),
        ("PUBLIC_URL", "x.example", "must begin with https:// and a host"),
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
