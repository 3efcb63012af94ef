"""The documentation is plain Markdown, as a forge and an editor show it; `make docs` builds it without a warning."""

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from kikao.channels.ussd.registry import SLUGS
from kikao.sessions.store import SessionStore
from tests.terminal import DOCS, ROOT
from tests.test_docs import FENCE, PAGES

LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = sorted(path for kind in ("py", "txt", "po") for path in DOCS.rglob(f"code/**/*.{kind}"))


def module_of(file: str) -> ModuleType:
    """A file of the documentation's own code."""
    spec = importlib.util.spec_from_file_location(f"docs_{Path(file).stem}", DOCS / file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    return module_of("conf.py")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_plain_markdown_whose_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "```{" not in text
    links = LINK.findall(FENCE.sub("", text))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("index", sorted(DOCS.rglob("index.md")), ids=lambda page: page.parent.name)
def test_an_index_leads_to_each_page_of_its_folder(index: Path, conf: ModuleType) -> None:
    text = index.read_text(encoding="utf-8")
    below = {page.stem for page in index.parent.glob("*.md")} - {"index"}
    below |= {f"{page.parent.name}/index" for page in index.parent.glob("*/index.md")}
    assert sorted(conf.LISTED.findall(text)) == sorted(below)
    tree = conf.with_tree(text).removeprefix(text)
    assert sorted(re.findall(r"^[\w/-]+$", tree, re.MULTILINE)) == sorted(below)


def test_all_code_is_linked_from_a_page_and_shown_by_sphinx(conf: ModuleType) -> None:
    shown = {
        page.parent / name
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"^```{literalinclude} (.*)$", conf.with_code(page.read_text()), re.MULTILINE)
    }
    assert shown == set(CODE)


def test_every_public_name_is_in_the_api_reference_with_what_it_is(conf: ModuleType) -> None:
    page = conf.with_api((DOCS / "reference/api.md").read_text(encoding="utf-8"))
    api = importlib.import_module("api")
    for module in ("kikao", "kikao.testing", "kikao.events"):
        for name, value in api.documented(module):
            assert f"### {name}\n" in page
            assert inspect.getdoc(value), name
            for member, method in api.members(value) if inspect.isclass(value) else ():
                assert inspect.getdoc(method) or hasattr(SessionStore, member), f"{name}.{member}"


def test_the_pages_of_the_gateways_say_what_the_gateways_declare() -> None:
    stale = module_of("providers.py").stale()
    assert stale == [], (
        "docs/gateways is not current. Run `make gateways` (it is: .venv/bin/python docs/providers.py), and commit it"
    )


def test_the_number_of_gateways_is_the_one_that_is_told() -> None:
    told = [
        re.search(r"\b(\d+) gateways", page.read_text("utf-8"))
        for page in (ROOT / "README.md", DOCS / "limits.md")
    ]
    assert [match and int(match[1]) for match in told] == [len(SLUGS)] * 2
