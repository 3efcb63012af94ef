"""The report for people."""

from kikao.checking.outputs import as_text
from tests.checking.outputs.reports import report


def test_where_what_the_screen_and_what_to_do() -> None:
    assert as_text(report(bound="enough", undone=("not read: x",))) == (
        "shop/my flows.py:3: K404 error: reads the clock\n"
        "    flow send\n"
        "    Use `await chat.now()`.\n"
        "\n"
        "/else/b.py:2: K101 error: too long\n"
        "    key ok, language sw\n"
        "    ┌─────┐\n"
        "    │ A   │\n"
        "    │ Bcd │\n"
        "    └─────┘\n"
        "    Cut it.\n"
        "\n"
        "locales: K205 error: damaged\n"
        "    Mend the file, then compile it: `kikao messages update`.\n"
        "\n"
        "K304 note: refused\n"
        "    Register examples with the service that decide the branch the other way.\n"
        "\n"
        "shop:app: 3 errors, 1 note\n"
        "read 12 functions, 1 sentence in en, lg, sw\n"
        "explored 57 of 57 branches in 9 flows, 143 screens in 3 languages\n"
        "exploring ended: enough\n"
        "not read: x\n"
    )


def test_nothing_found() -> None:
    assert as_text(report([], explored=False)) == (
        "shop:app: nothing found\n"
        "read 12 functions, 1 sentence in en, lg, sw\n"
        "not explored: nothing is known of the screens\n"
    )
