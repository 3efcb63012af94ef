"""`kikao check` finds each planted fault by its own code, at its line, once; and nothing in an app without faults."""

import re
from pathlib import Path

import pytest

from kikao.checking.checks import check, together
from kikao.checking.exploring import Options
from kikao.checking.findings import Finding
from kikao.checking.report import Report
from kikao.conversation import Chat, Flows
from tests.checking.control.app import app as sound
from tests.checking.faulty.app import app as faulty

FAULTY = Path(__file__).parent / "faulty"


@pytest.fixture(scope="module")
def report() -> Report:
    return check(faulty, "tests.checking.faulty.app:app", exploring=Options())


def place(file: str, words: str) -> tuple[str, int]:
    """A file of the faulty app, and the one line of it that has these words."""
    path = FAULTY / file
    (line,) = [n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if words in text]
    return path.relative_to(Path.cwd()).as_posix(), line


LG = "locales/lg/LC_MESSAGES/messages.po"
SW = "locales/sw/LC_MESSAGES/messages.po"

FAULTS = [
    ("screen over budget in one language only", "K101", "screens.py", "Prices are new", "sw"),
    ("UCS-2 character in a GSM-7 text", "K102", LG, 'msgid "Cattle"', "lg"),
    ("missing translation", "K201", LG, 'msgid "Bye"', "lg"),
    ("unused translation", "K202", SW, 'msgid "We are closed."', "sw"),
    ("wrong placeholder", "K203", LG, 'msgid "You live in', "lg"),
    ("plural without n", "K204", "screens.py", "Some cups", ""),
    ("sentence without a mark", "K208", "screens.py", "Thank you.", ""),
    ("unreachable flow", "K301", "app.py", '"forgotten"', ""),
    ("duplicate key", "K302", "screens.py", "Other name", ""),
    ("menu loop without a way out", "K303", "screens.py", 't("Again")', ""),
    ("option list longer than a page can hold", "K104", "screens.py", "Choice(TOWNS)", "en"),
    ("prompt that will be cut", "K105", "screens.py", '"One"', "en"),
    ("bare except around an ask", "K401", "unsafe.py", "except:", ""),
    ("await in finally", "K402", "unsafe.py", "bank.close()", ""),
    ("gather of asks", "K403", "unsafe.py", "asyncio.gather(", ""),
    ("datetime.now", "K404", "unsafe.py", "d.datetime.now(", ""),
    ("random", "K405", "unsafe.py", "dice_of.randint(", ""),
    ("uuid4", "K406", "unsafe.py", "new()", ""),
    ("network call outside read", "K407", "unsafe.py", "urlopen(", ""),
    ("secret before an ask", "K501", "effects.py", "chat.secret(", ""),
    ("step without retry", "K502", "effects.py", "chat.step(", ""),
    ("password asked like a name", "K504", "effects.py", '"password"', ""),
    ("secret by SMS", "K503", "effects.py", "chat.secret(", ""),
]


@pytest.mark.parametrize(
    ("code", "file", "words", "locale"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_planted_fault_is_found_once_by_its_own_code(
    report: Report, code: str, file: str, words: str, locale: str
) -> None:
    (found,) = [finding for finding in report.findings if finding.code == code]

    assert (found.file, found.line) == place(file, words)
    assert found.locale == locale


def test_nothing_else_is_found(report: Report) -> None:
    assert sorted(found.code for found in report.at_least("warning")) == sorted(fault[1] for fault in FAULTS)


def test_the_faults_are_marked_where_they_are() -> None:
    marked = {
        (path.name, number, code)
        for path in FAULTY.glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# fault:" in line and path.name != "__init__.py"
        for code in re.findall(r"K\d+", line.rpartition("# fault:")[2])
    }

    listed = {
        (file, place(file, words)[1], code) for _, code, file, words, _ in FAULTS if file.endswith(".py")
    }
    assert marked == listed


def test_a_screen_is_shown_where_it_is_about_one(report: Report) -> None:
    (letters,) = [found for found in report.findings if found.code == "K102"]

    assert letters.screen.startswith("Ŋombe")
    assert letters.key.endswith("letters/ok")


def test_a_sound_app_has_no_findings() -> None:
    report = check(sound, "tests.checking.control.app:app", exploring=Options())

    assert report.findings == []
    assert report.exploration is not None
    assert report.exploration.coverage.unreached == ()
    assert report.coverage.startswith("explored 5 of 5 branches in 4 flows, ")
    assert report.coverage.endswith(" screens in 2 languages")


def test_without_exploring_it_is_read() -> None:
    report = check(faulty, "tests.checking.faulty.app:app")

    codes = {found.code for found in report.findings}
    assert {"K102", "K201", "K302", "K407", "K502"} <= codes
    assert codes & {"K101", "K104", "K301", "K303", "K304", "K501", "K503"} == set()
    assert report.coverage == "not explored: nothing is known of the screens"


def test_some_rules_are_chosen() -> None:
    target = "tests.checking.faulty.app:app"
    chosen = check(faulty, target, exploring=Options(), select=("K4",), ignore=("K407", "K401"))

    assert chosen.exploration is None  # there was no need
    assert [found.code for found in chosen.findings] == ["K402", "K403", "K404", "K405", "K406"]


def test_one_fault_that_both_halves_find_is_told_once() -> None:
    read = [
        Finding(code="K402", message="await", file="a.py", line=3),
        Finding(code="K102", message="Ŋ (U+014A) outside", file="a.po", line=1, locale="lg", flow="f"),
    ]
    explored = [
        Finding(code="K305", message="broke", file="a.py", line=3),
        Finding(code="K305", message="broke", file="a.py", line=4),
        Finding(code="K102", message="x", file="a.py", line=5, locale="lg", screen="Ŋombe", key="k"),
        Finding(code="K102", message="x", file="a.py", line=6, locale="sw", screen="Ŋombe"),
        Finding(code="K102", message="x", file="a.py", line=7, locale="lg", screen="ŋ"),
        Finding(code="K104", message="x", file="a.py", line=8, locale="en", key="k"),
        Finding(code="K104", message="x", file="a.py", line=8, locale="lg", key="k"),
    ]

    found = together(read, explored)

    assert [(each.code, each.line) for each in found] == [
        ("K402", 3),
        ("K102", 1),
        ("K305", 4),
        ("K102", 6),
        ("K102", 7),
        ("K104", 8),
    ]
    assert (found[1].screen, found[1].flow, found[1].key) == ("Ŋombe", "f", "k")


def test_a_flow_whose_source_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {"Chat": Chat}
    exec("async def made(chat: Chat) -> None: ...", names)
    flows = Flows()
    flows.include(sound.engine.flows)
    made = names["made"]
    assert callable(made)
    flows.flow("made")(made)
    monkeypatch.setattr(sound.engine, "flows", flows)

    report = check(sound, "tests.checking.control.app:app")

    assert report.undone == ("not read, for want of its source: made (<string>:1)",)
