"""Settings of files: where they stand, what is wrong, and what tenants must not share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.config import MediaSettings, load
from tests.config.asking import PRODUCTION, problem, problems


def test_without_a_setting_files_are_in_the_data_folder(tmp_path: Path) -> None:
    found = load({}, tmp_path, makes_keys=True)
    assert found.media == MediaSettings()
    assert found.media_folder == tmp_path / "kikao-data" / "media"
    assert f"files: {found.media_folder}, for 30 days, 10,000 MB at most, 20 MB each" in found.describe()


def test_the_file_and_the_environment_say_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "kikao.toml").write_text(
        'media = "files"\nmedia_days = 7\nmedia_hosts = ["*.Media.example"]\n'
    )
    environ = {"KIKAO_MEDIA_DAYS": "3", "KIKAO_MEDIA_MB": "500", "KIKAO_MEDIA_FILE_MB": "5"}
    found = load(environ, tmp_path, makes_keys=True)
    assert found.media == MediaSettings(
        folder=tmp_path / "files", days=3, most=500_000_000, largest=5_000_000, hosts=("*.media.example",)
    )
    assert found.media_folder == tmp_path / "files"
    assert "fetched also from *.media.example" in "\n".join(found.describe())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("DAYS", "0", "must be a whole number of days from 1 to 3650"),
        ("DAYS", "soon", "must be a whole number"),
        ("MB", "0", "must be a whole number of megabytes from 1"),
        ("FILE_MB", "101", "must be a whole number of megabytes from 1 to 100"),
        ("HOSTS", "*", "is no host, nor *. and the end of some"),
        ("HOSTS", "media.example.com,*.com", "'*.com' is no host"),
        ("HOSTS", "https://media.example.com/f", "is no host"),
        ("HOSTS", "169.254.169.254", "is no host"),
    ],
)
def test_what_cannot_be_right(tmp_path: Path, name: str, value: str, text: str) -> None:
    told = problem({f"KIKAO_MEDIA_{name}": value}, tmp_path)
    assert told.startswith(f"KIKAO_MEDIA_{name} (environment): ")
    assert text in told


def test_a_misspelt_name_is_told(tmp_path: Path) -> None:
    assert "Did you mean KIKAO_MEDIA_DAYS?" in problem({"KIKAO_MEDIA_DAY": "3"}, tmp_path)


def test_tenants_have_a_folder_each(tmp_path: Path) -> None:
    common = {**PRODUCTION, "KIKAO_MEDIA": "/srv/files", "KIKAO_TENANT_ACME_LOCALE": "sw"}
    assert any(
        "every tenant would have it in common" in each for each in problems(common, tmp_path, tenant="acme")
    )
    found = load(
        {"KIKAO_TENANT_ACME_MEDIA": str(tmp_path / "acme")}, tmp_path, tenant="acme", makes_keys=True
    )
    assert found.media_folder == tmp_path / "acme"
    other = load({"KIKAO_TENANT_ZETA_LOCALE": "sw"}, tmp_path, tenant="zeta", makes_keys=True)
    assert other.media_folder == tmp_path / "kikao-data" / "tenants" / "zeta" / "media"
