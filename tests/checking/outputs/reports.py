"""A report with a finding of every shape."""

from kikao.checking.exploring import BranchCoverage, Exploration
from kikao.checking.findings import Finding
from kikao.checking.report import Report

FINDINGS = [
    Finding(code="K404", message="reads the clock", file="shop/my flows.py", line=3, flow="send"),
    Finding(
        code="K101",
        message="too long",
        hint="Cut it.",
        file="/else/b.py",
        line=2,
        key="ok",
        locale="sw",
        screen="A\nBcd",
    ),
    Finding(code="K205", message="damaged", file="locales", line=0),
    Finding(code="K304", message="refused"),
]


def report(
    findings: list[Finding] | None = None,
    *,
    explored: bool = True,
    bound: str = "",
    undone: tuple[str, ...] = (),
) -> Report:
    exploration = Exploration([], BranchCoverage(57, 57), tuple("abcdefghi"), 143, 900, bound)
    return Report(
        app="shop:app",
        place=("shop/app.py", 7),
        findings=FINDINGS if findings is None else findings,
        functions=12,
        sentences=1,
        languages=("en", "lg", "sw"),
        exploration=exploration if explored else None,
        undone=undone,
    )
