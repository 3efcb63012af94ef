"""Live sessions in the settings: keys of tokens and origins, from the file and the environment, and what is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kikao.config import Settings, SettingsError, load
from tests.config.asking import KEY_TEXT, PRODUCTION, problem, problems, toml
from tests.config.test_jwt import ed_key, private, public, rsa_key

SECRET = bytes(range(100, 140))
TEXT = base64.b64encode(SECRET).decode()
OTHER = base64.b64encode(SECRET[::-1]).decode()
KEYS = f"k1:HS256:{TEXT}"


def loaded(cwd: Path, text: str = "", **environ: str) -> Settings:
    return load(environ, toml(cwd, text), makes_keys=True)


def test_without_any_there_are_none(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.jwt.keys, found.jwt.leeway, found.jwt.lifetime) == ((), 10, 86_400)
    assert found.live.origins == ("//localhost", "//127.0.0.1", "//[::1]")
    assert found.live.same_host
    assert not [line for line in found.describe() if "live" in line]
    assert not (tmp_path / "kikao-data" / "jwt-key").exists()


def test_keys_stand_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "idp.pem").write_bytes(public(rsa_key()))
    (tmp_path / "own.pem").write_bytes(private(ed_key()))
    found = loaded(
        tmp_path,
        KIKAO_JWT_KEYS=f"{KEYS}, idp.2:RS256:idp.pem,Own_3:EdDSA:{tmp_path}/own.pem",
        KIKAO_JWT_AUDIENCE="kikao",
        KIKAO_JWT_ISSUER="https://app.example.com/",
        KIKAO_JWT_LEEWAY="0",
        KIKAO_JWT_LIFETIME="600",
    )
    assert [(key.kid, key.algorithm, key.signs) for key in found.jwt.keys] == [
        ("k1", "HS256", True),
        ("idp.2", "RS256", False),
        ("Own_3", "EdDSA", True),
    ]
    assert found.jwt.keys[0].material.reveal() == SECRET
    assert (found.jwt.audience, found.jwt.issuer) == ("kikao", "https://app.example.com/")
    assert (found.jwt.leeway, found.jwt.lifetime) == (0, 600)
    told = "\n".join(found.describe()) + repr(found)
    assert "keys k1 (HS256), idp.2 (RS256, verifies only), Own_3 (EdDSA)" in told
    assert TEXT not in told


@pytest.mark.parametrize(
    "keys",
    [
        f'keys = ["k1:HS256:{TEXT}", "k2:HS256:{OTHER}"]',
        f'[jwt.keys]\nk1 = "HS256:{TEXT}"\nk2 = "HS256:{OTHER.rstrip("=")}"',
        f'[jwt.keys]\nk1 = "HS256:{TEXT.replace("+", "-").replace("/", "_")}"\nk2 = "HS256:{OTHER}"',
    ],
)
def test_keys_stand_in_the_file_as_a_list_or_a_table(tmp_path: Path, keys: str) -> None:
    found = loaded(tmp_path, f"[jwt]\n{keys}")
    assert [key.material.reveal() for key in found.jwt.keys] == [SECRET, SECRET[::-1]]
    assert [key.kid for key in found.jwt.keys] == ["k1", "k2"]


def test_one_key_and_one_origin_need_no_list_and_the_environment_wins(tmp_path: Path) -> None:
    text = f'[jwt]\nkeys = "{KEYS}"\nleeway = 5\n[live]\norigins = "https://App.example.com"'
    found = loaded(tmp_path, text, KIKAO_JWT_LEEWAY="7")
    assert (len(found.jwt.keys), found.jwt.leeway) == (1, 7)
    assert (found.live.origins, found.live.same_host) == (("https://app.example.com",), False)
    assert "pages that may open live sessions: https://app.example.com" in found.describe()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JWT_KEYS", "t0ken", "key 1 must be kid:algorithm:key"),
        ("JWT_KEYS", f"{KEYS},k2:none:t0ken", "key 2 must be kid:algorithm:key"),
        ("JWT_KEYS", f"k1:hs256:{TEXT}", "HS256, RS256, EdDSA"),
        ("JWT_KEYS", f"k 1:HS256:{TEXT}", "key 1 must be kid:algorithm:key"),
        ("JWT_KEYS", "k1:HS256:t0ken!", "key k1 is not base64"),
        ("JWT_KEYS", "k1:HS256:t0ken", "key k1 is not base64"),
        ("JWT_KEYS", "k1:HS256:t0kent0k", "has 6 octets, not 32 to 256"),
        ("JWT_KEYS", f"{KEYS},{KEYS}", "key id k1 is there twice"),
        ("JWT_KEYS", ",", "is empty"),
        (
            "JWT_KEYS",
            "k1:RS256:t0kenMIIEvgIBADANBgkqhkiG9w0BAQEFAASC",
            "must name a file that ends with .pem",
        ),
        ("JWT_KEYS", "k1:RS256:none.pem", "none.pem cannot be read (No such file"),
        ("JWT_KEYS", "k1:EdDSA:~/own.pem", "without ~"),
        ("JWT_AUDIENCE", "a\tb", "without control characters"),
        ("JWT_ISSUER", "x" * 257, "1 to 256 characters"),
        ("JWT_LEEWAY", "61", "from 0 to 60"),
        ("JWT_LEEWAY", "soon", "whole number"),
        ("JWT_LIFETIME", "59", "from 60 to 2592000"),
        ("LIVE_ORIGINS", "https://app.example.com/", "without a path"),
        ("LIVE_ORIGINS", "https://t0ken@example.com", "must be https://host"),
        ("LIVE_ORIGINS", ",", "is empty"),
    ],
)
def test_what_is_wrong_with_one(tmp_path: Path, name: str, value: str, told: str) -> None:
    only = problem({f"KIKAO_{name}": value}, tmp_path)
    assert only.startswith(f"KIKAO_{name} (environment): ")
    assert told in only
    assert f"Set for example: KIKAO_{name}=" in only
    assert "t0ken" not in only


def test_a_file_that_is_no_key_is_told_by_the_id_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(b"\0" * 20_000)
    (tmp_path / "b.pem").write_bytes(public(ed_key()))
    assert "a.pem is longer than a key" in problem({"KIKAO_JWT_KEYS": "k1:RS256:a.pem"}, tmp_path)
    assert "key k1 is no RSA key" in problem({"KIKAO_JWT_KEYS": "k1:RS256:b.pem"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jwt = 7", "jwt (kikao.toml): must be a table. Write [jwt]"),
        ("live = []", "live (kikao.toml): must be a table. Write [live]"),
        ('[jwt]\nkey = "t0ken"', "jwt.key (kikao.toml): no such setting. Did you mean keys?"),
        ('[live]\nhosts = ["t0ken"]', "live.hosts (kikao.toml): no such setting. There are: origins"),
        ("[jwt]\nkeys = [7]", "must be a list of texts"),
        ("[jwt.keys]\nk1 = 7", "must be a list of texts"),
        ('[jwt]\nleeway = "5"', "must be a whole number, not a text"),
    ],
)
def test_what_is_wrong_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    only = problem({}, toml(tmp_path, text))
    assert told in only
    assert "t0ken" not in only


def test_a_misspelt_variable_is_told(tmp_path: Path) -> None:
    assert "Did you mean KIKAO_JWT_KEYS?" in problem({"KIKAO_JWT_KEY": KEYS}, tmp_path)
    assert "Did you mean KIKAO_LIVE_ORIGINS?" in problem({"KIKAO_LIVE_ORIGIN": "*"}, tmp_path)


def test_whoever_makes_tokens_cannot_open_what_is_stored(tmp_path: Path) -> None:
    environ = {"KIKAO_SECRET_KEYS": f"s1:{KEY_TEXT}", "KIKAO_JWT_KEYS": f"k1:HS256:{KEY_TEXT}"}
    only = problem(environ, tmp_path)
    assert "key k1 is also the secret key s1" in only
    assert KEY_TEXT not in only


def test_development_lets_any_page_in_where_it_is_told_to(tmp_path: Path) -> None:
    found = loaded(tmp_path, KIKAO_LIVE_ORIGINS="*,http://phone.example:5173")
    assert found.live.origins == ("*", "http://phone.example:5173")


def test_production_wants_pages_that_nobody_changes(tmp_path: Path) -> None:
    told = problems({**PRODUCTION, "KIKAO_LIVE_ORIGINS": "*,http://app.example.com"}, tmp_path)
    assert "* lets every page" in told[0]
    assert "Use https" in told[1]
    good = "https://app.example.com,//*.example.org,http://localhost:3000,http://[::1]"
    found = load({**PRODUCTION, "KIKAO_LIVE_ORIGINS": good}, tmp_path)
    assert found.live.origins == tuple(good.split(","))
    assert load(PRODUCTION, tmp_path).live.origins == ()


def test_tenants_have_their_own(tmp_path: Path) -> None:
    text = f"""
        [tenants.acme.jwt]
        keys = ["k1:HS256:{TEXT}"]
        [tenants.acme.live]
        origins = ["https://acme.example.com"]
        [tenants.shop]
    """
    environ = {"KIKAO_TENANT_SHOP_JWT_KEYS": f"k2:HS256:{OTHER}"}
    acme, shop = (load(environ, toml(tmp_path, text), tenant=name) for name in ("acme", "shop"))
    assert [key.kid for key in acme.jwt.keys] == ["k1"]
    assert [key.kid for key in shop.jwt.keys] == ["k2"]
    assert acme.live.origins == ("https://acme.example.com",)
    for name, value in (("KIKAO_JWT_KEYS", KEYS), ("KIKAO_LIVE_ORIGINS", "*")):
        with pytest.raises(SettingsError, match="belongs to one tenant"):
            load({name: value}, tmp_path, tenant="acme")
    with pytest.raises(SettingsError, match=r"Write \[tenants.acme.jwt\]"):
        load({}, toml(tmp_path, f'[jwt]\nkeys = "{KEYS}"\n[tenants.acme]'), tenant="acme")
