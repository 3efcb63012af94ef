"""What the settings of one tenant are, where a server has several."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.config import load, tenants_named
from kikao.config.tenants import name_wrong
from tests.config.asking import PRODUCTION, TOKEN, problem, problems, toml

TABLES = """
drain = 7
locale = "sw"

[tenants.acme]
drain = 9

[tenants.acme.ussd.nalo]
code = "*920*1#"

[tenants.ujamaa]
records = "ujamaa.db"

[tenants.ujamaa.webhooks.crm]
url = "http://127.0.0.1:9/crm"
"""


def test_what_stands_outside_of_tenants_holds_for_all_and_a_tenants_own_wins(tmp_path: Path) -> None:
    cwd = toml(tmp_path, TABLES.replace('"*920*1#"', '["*920*1#"]'))
    acme = load({"KIKAO_DRAIN": "3"}, cwd, tenant="acme", makes_keys=True)
    ujamaa = load({"KIKAO_DRAIN": "3", "KIKAO_TENANT": "ujamaa"}, cwd, makes_keys=True)
    assert (acme.tenant, acme.drain, acme.locale, list(acme.ussd), list(acme.webhooks)) == (
        "acme",
        9,
        "sw",
        ["nalo"],
        [],
    )
    assert (ujamaa.tenant, ujamaa.drain, list(ujamaa.ussd), list(ujamaa.webhooks)) == (
        "ujamaa",
        3,
        [],
        ["crm"],
    )


def test_each_has_a_folder_and_keys_of_its_own(tmp_path: Path) -> None:
    acme, ujamaa = (load({}, tmp_path, tenant=name, makes_keys=True) for name in ("acme", "ujamaa"))
    assert acme.data == tmp_path / "kikao-data/tenants/acme"
    assert Path(acme.store).parent == Path(acme.records).parent == acme.data
    assert acme.secret_keys != ujamaa.secret_keys
    assert (
        load({"KIKAO_TENANT_ACME_DATA": str(tmp_path / "a")}, tmp_path, tenant="acme").data == tmp_path / "a"
    )


def test_variables_of_a_tenant_are_as_all_are_behind_its_name(tmp_path: Path) -> None:
    environ = {
        **{name: value for name, value in PRODUCTION.items() if "USSD" not in name},
        "KIKAO_TENANT_ACME_USSD_MTN_MADAPI_TOKEN": TOKEN,
        "KIKAO_TENANT_ACME_LOCALE": "lg",
        "KIKAO_TENANT_UJAMAA_USSD_NALO_TOKEN": "another_token_of_theirs",
    }
    acme = load(environ, tmp_path, tenant="acme", gateways=("mtn_madapi", "nalo"))
    assert list(acme.ussd) == ["mtn_madapi"]
    assert acme.locale == "lg"


def test_a_name_in_small_letters_is_told(tmp_path: Path) -> None:
    told = problem({"KIKAO_TENANT_acme_STORE": "memory:"}, tmp_path, tenant="acme")
    assert told.startswith("KIKAO_TENANT_acme_STORE (environment): no such setting.")


@pytest.mark.parametrize("name", ["KIKAO_USSD_NALO_TOKEN", "KIKAO_WEBHOOK_CRM_URL"])
def test_what_belongs_to_one_is_not_set_for_all(tmp_path: Path, name: str) -> None:
    told = problem({name: "x" * 20}, tmp_path, tenant="acme")
    assert told.startswith(f"{name} (environment): belongs to one tenant. ")
    assert f"KIKAO_TENANT_ACME_{name[6:]}" in told


def test_nor_in_the_file(tmp_path: Path) -> None:
    assert "Write [tenants.acme.ussd]" in problem({}, toml(tmp_path, "[ussd.nalo]"), tenant="acme")


@pytest.mark.parametrize("name", ["store", "records", "bus"])
def test_no_two_have_a_store_in_common(tmp_path: Path, name: str) -> None:
    environ = {f"KIKAO_{name.upper()}": "postgresql://kikao:s3cret-of-theirs@db/kikao"}
    (told,) = [each for each in problems(environ, tmp_path, tenant="acme") if "in common" in each]
    assert f"KIKAO_TENANT_ACME_{name.upper()}" in told
    assert "s3cret" not in told


def test_memory_is_nobodys_in_common(tmp_path: Path) -> None:
    assert load({"KIKAO_STORE": "memory:"}, tmp_path, tenant="acme", makes_keys=True).store == "memory:"


def test_a_problem_stands_where_it_was_set(tmp_path: Path) -> None:
    cwd = toml(tmp_path, "[tenants.acme]\ndrian = 1\n[tenants.acme.ussd.nalo]\nseptets = 1")
    assert [
        each.partition(":")[0] for each in problems({"KIKAO_TENANT_ACME_TURNS": "x"}, cwd, tenant="acme")
    ] == [
        "drian (tenants.acme in kikao.toml)",
        "KIKAO_TENANT_ACME_TURNS (environment)",
        "ussd.nalo.septets (tenants.acme in kikao.toml)",
    ]


def test_who_does_not_say_which_is_asked(tmp_path: Path) -> None:
    told = problem({}, toml(tmp_path, "[tenants.acme]\n[tenants.ujamaa]"))
    assert told.startswith("KIKAO_TENANT: the settings are those of tenants (acme, ujamaa).")
    assert "KIKAO_TENANT=acme" in problem({"KIKAO_TENANT_ACME_LOCALE": "sw"}, tmp_path)


def test_tenants_that_are_no_tables(tmp_path: Path) -> None:
    assert "must be tables" in problem({}, toml(tmp_path, "tenants = 3"), tenant="acme")
    assert "must be tables" in problem({}, toml(tmp_path, "[tenants]\nacme = 3"), tenant="acme")


@pytest.mark.parametrize("name", ["", "Acme", "a_b", "4ever", "ussd", "metrics", "x" * 21, "a/b"])
def test_names_that_are_none(name: str) -> None:
    assert name_wrong(name)
    assert not name_wrong("acme2")


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    assert "no name of a tenant" in problems({"KIKAO_TENANT": "../x"}, tmp_path)[0]


def test_tenants_are_those_that_anything_is_said_of(tmp_path: Path) -> None:
    cwd = toml(tmp_path, "[tenants.acme]\n[tenants.ujamaa]")
    assert tenants_named({"KIKAO_TENANT_DUKA_STORE": "memory:"}, cwd) == ("acme", "duka", "ujamaa")
    assert tenants_named({}, tmp_path / "elsewhere") == ()
