"""`# kikao: allow K407 - why`: a comment that allows findings of some rules on its line, or on the next if it is alone.

An allowance without a reason allows nothing, and one that allows nothing is told, so that none stays behind.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from kikao.checking.findings import RULES, Finding

COMMENT: Final = re.compile(
    r"#\s*kikao:\s*allow\b(?P<codes>[\s,]*(?:K\d+[\s,]*)*)(?P<rest>.*)", re.IGNORECASE
)
REASON: Final = re.compile(r"\s*(?:-|–|—|:)\s*(\S.*)")
SHAPE: Final = "`# kikao: allow K407 - why`"


class Allowance:
    """One comment. `line` is where it stands, `allows` the line it is for."""

    __slots__ = ("allows", "codes", "line", "used", "wrong")

    def __init__(self, line: int, allows: int, codes: frozenset[str], wrong: str) -> None:
        self.line = line
        self.allows = allows
        self.codes = codes
        self.wrong = wrong
        self.used: set[str] = set()


def allowances_in(source: bytes) -> list[Allowance]:
    """The allowances of a source file, in order; none for what is not Python."""
    found: list[Allowance] = []
    waiting: list[Allowance] = []
    code_on: set[int] = set()
    try:
        for token in tokenize.tokenize(io.BytesIO(source).readline):
            if token.type == tokenize.COMMENT:
                if match := COMMENT.match(token.string):
                    alone = token.start[0] not in code_on
                    one = _allowance(token.start[0], match)
                    found.append(one)
                    if alone:
                        waiting.append(one)
            elif token.type not in _BLANK:
                code_on.update(range(token.start[0], token.end[0] + 1))
                for one in waiting:
                    one.allows = token.start[0]
                waiting.clear()
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return []
    return found


def apply(
    findings: Iterable[Finding], files: Iterable[tuple[Path, str]], judged: Collection[str]
) -> list[Finding]:
    """The findings that no allowance takes away, and those about allowances.

    `files` are source files with their names in findings; only for the rules in `judged` it is known that an allowance
    is not needed.
    """
    by_file = {name: allowances_in(path.read_bytes()) for path, name in files}
    left = []
    for finding in findings:
        allowed = [
            one
            for one in by_file.get(finding.file, ())
            if one.allows == finding.line and finding.code in one.codes and not one.wrong
        ]
        for one in allowed:
            one.used.add(finding.code)
        if not allowed:
            left.append(finding)
    return [*left, *_about(by_file, judged)]


def _about(by_file: dict[str, list[Allowance]], judged: Collection[str]) -> Iterator[Finding]:
    for file, allowances in by_file.items():
        for one in allowances:
            if one.wrong:
                yield Finding(code="K002", message=one.wrong, file=file, line=one.line)
            elif needless := sorted(one.codes - one.used):
                needless = [code for code in needless if code in judged]
                if needless:
                    yield Finding(
                        code="K001",
                        message=f"nothing here breaks {', '.join(needless)}",
                        file=file,
                        line=one.line,
                    )


def _allowance(line: int, match: re.Match[str]) -> Allowance:
    codes = frozenset(code.upper() for code in re.findall(r"K\d+", match["codes"], re.IGNORECASE))
    unknown = sorted(codes - RULES.keys())
    wrong = ""
    if not codes:
        wrong = f"this allowance names no rule: write {SHAPE}"
    elif unknown:
        wrong = f"there is no rule {', '.join(unknown)}"
    elif not REASON.fullmatch(match["rest"]):
        wrong = f"this allowance gives no reason: write {SHAPE}"
    return Allowance(line, line, codes, wrong)


_BLANK = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}
)
