"""Which files are an app's own, and what names in them stand for."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kikao.checking.reading.sources import Function, Module, Sources, is_own, sources_of

FILES = {
    "kiosk/__init__.py": "from kiosk.app import app\n",
    "kiosk/app.py": "import httpx\nfrom kiosk import flows\nfrom . import flows as same\nimport beside\napp = 1\n",
    "kiosk/flows/__init__.py": "from .send import send as deliver\nfrom ..words import *\nloop = deliver\n",
    "kiosk/flows/send.py": "import datetime as d\nasync def send(): ...\nnow = d.datetime.now\nclass A: ...\n",
    "kiosk/words.py": "from time import time\n",
    "kiosk/late.py": "def late(): ...\n",
    "kiosk/broken.py": "def broken(:\n",
    "kiosk/tests/test_kiosk.py": "",
    "beside.py": "import kiosk.words\n",
    "other.py": "",
}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """The sources of an app that is imported."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "kiosk" / "tests" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("other")
    importlib.import_module("kiosk")
    yield sources_of("kiosk", ["kiosk.flows.send"])
    for name in [name for name in sys.modules if name.partition(".")[0] in ("kiosk", "beside", "other")]:
        del sys.modules[name]


def test_the_package_and_what_it_imports_but_not_what_is_installed(sources: Sources) -> None:
    assert [module.name for module in sources] == [
        "beside",
        "kiosk",
        "kiosk.app",
        "kiosk.flows",
        "kiosk.flows.send",
        "kiosk.late",
        "kiosk.words",
    ]
    assert [(error.path.name, error.line) for error in sources.unreadable] == [("broken.py", 1)]


@pytest.mark.parametrize(
    ("module", "name", "meant"),
    [
        ("kiosk.app", "flows.deliver", "send"),
        ("kiosk.app", "same.loop", "send"),
        ("kiosk.app", "flows.send.now", "datetime.datetime.now"),
        ("kiosk.app", "flows.send.A", "kiosk.flows.send.A"),
        ("kiosk.app", "flows.send.A.b", "kiosk.flows.send.A.b"),
        ("kiosk.app", "flows.nothing", "kiosk.flows.nothing"),
        ("kiosk.app", "httpx.get", "httpx.get"),
        ("kiosk.app", "app.x", None),
        ("kiosk.app", "open", "builtins.open"),
        ("kiosk.app", "unknown", None),
        ("kiosk.app", "(1).real", None),
        ("beside", "kiosk.words.time", "time.time"),
    ],
)
def test_names_are_followed(sources: Sources, module: str, name: str, meant: str | None) -> None:
    expression = ast.parse(name, mode="eval").body

    found = sources.resolve(expression, sources.modules[module], None)

    assert (found.name if isinstance(found, Function) else found) == meant


def test_names_that_go_round_in_circles_end() -> None:
    modules = [
        Module("a", Path("a.py"), b"from b import x\ny = z\nz = y\n"),
        Module("b", Path("b.py"), b"from a import x\n"),
    ]
    sources = Sources(modules)

    for name in ("x", "y"):
        assert sources.resolve(ast.parse(name, mode="eval").body, modules[0], None) in (None, "a.x", "b.x")


def test_whose_code_it_is(tmp_path: Path) -> None:
    assert is_own(tmp_path / "shop.py")
    assert not is_own(Path(ast.__file__).resolve())
    assert not is_own(Path(sys.modules["kikao"].__file__ or "").resolve())
    assert not is_own(tmp_path / "lib" / "site-packages" / "x.py")
