"""The catalogs of an app: one folder or several, regions, languages that nothing is translated into."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from kikao.checking.findings import Finding
from kikao.checking.translations import check_app
from kikao.cli.messages.files import compiled, read
from kikao.i18n import LIBRARY

CODE = 'from kikao import t\nt("Tea")\nt("Back")\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "flows.py").write_text(CODE)
    return tmp_path / "shop"


def catalog(folder: Path, language: str, **texts: str) -> Path:
    """A compiled catalog of these sentences."""
    path = folder / language / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    header = (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
    )
    path.write_text(header + "".join(f'\nmsgid "{a}"\nmsgstr "{b}"\n' for a, b in texts.items()))
    path.with_suffix(".mo").write_bytes(compiled(read(path)))
    return path


def found(shop: Path, folders: Iterable[Path], *locales: str) -> list[str]:
    checked = check_app([shop / "flows.py"], [*folders, LIBRARY], locales, ("shop/app.py", 9))
    return [told(each) for each in checked.findings]


def told(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}: {finding.code} {finding.message}"


def test_what_kikao_says_need_not_be_said_again(shop: Path) -> None:
    catalog(shop / "locales", "sw", Tea="Chai")

    assert found(shop, [shop / "locales"], "en", "sw") == []


def test_what_kikao_says_may_be_said_otherwise(shop: Path) -> None:
    catalog(shop / "locales", "sw", Tea="Chai", Cancel="Acha")

    assert found(shop, [shop / "locales"], "en", "sw") == []


def test_a_region_narrows_its_language(shop: Path) -> None:
    catalog(shop / "locales", "sw", Tea="Chai")
    catalog(shop / "locales", "sw_TZ")

    assert found(shop, [shop / "locales"], "en", "sw-TZ", "en-UG") == []


def test_what_one_folder_has_another_may_leave_out(shop: Path, tmp_path: Path) -> None:
    catalog(shop / "locales", "sw")
    catalog(tmp_path / "words" / "more", "sw", Tea="Chai")

    assert found(shop, [shop / "locales", tmp_path / "words" / "more"], "en", "sw") == []


def test_a_sentence_is_of_the_folder_beside_it(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "flows.py").write_text('from kikao import t\nt("Milk")\n')
    catalog(shop / "locales", "sw", Tea="Chai")
    catalog(tmp_path / "words" / "locales", "sw")

    assert found(shop, [shop / "locales", tmp_path / "words" / "locales"], "en", "sw") == [
        "words/locales/sw/LC_MESSAGES/messages.po:1: K201 'Milk' is missing"
    ]


def test_a_language_without_a_catalog(shop: Path) -> None:
    catalog(shop / "locales", "sw", Tea="Chai")

    french, engines = found(shop, [shop / "locales"], "en", "sw", "fr")

    assert (
        french == "shop/app.py:9: K201 there is no catalog for fr: 2 sentences are shown in another language"
    )
    assert engines.startswith("shop/app.py:9: K201 ")
    assert " of kikao's own " in engines
    assert "sentences have no fr: 'Account locked. Please contact us.', " in engines


def test_an_app_without_catalogs(shop: Path) -> None:
    assert found(shop, [], "en") == []
    assert found(shop, [], "en", "sw") == [
        "shop/app.py:9: K201 there is no catalog for sw: 2 sentences are shown in another language"
    ]


def test_a_damaged_catalog_is_told_once(shop: Path) -> None:
    catalog(shop / "locales", "sw").write_text("msgid")

    (damaged,) = [each for each in found(shop, [shop / "locales"], "en", "sw") if "kikao's" not in each]
    assert damaged.startswith(
        "shop/locales/sw/LC_MESSAGES/messages.po:1: K205 'msgid' is no line of a .po file"
    )


def test_a_compiled_catalog_alone(shop: Path) -> None:
    catalog(shop / "locales", "sw", Tea="Chai").unlink()

    assert "shop/locales/sw/LC_MESSAGES/messages.mo:1: K205 there is no messages.po beside it" in found(
        shop, [shop / "locales"], "en", "sw"
    )
