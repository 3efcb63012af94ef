"""The sentences of a package: what its code marks with `t("...")` and `tn("...", "...", n)`; nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from kikao.checking.findings import Finding, told
from kikao.checking.places import shown
from kikao.checking.reading import files_under
from kikao.i18n.gsm7 import GSM7
from kikao.i18n.templates import is_plain, names_in


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of the code; `plural` is its second form, or empty. `files` are relative to the package, sorted."""

    msgid: str
    plural: str = ""
    files: tuple[str, ...] = ()


class Use(msgspec.Struct, frozen=True):
    """One call that marks a sentence. `given` are the names of its parameters; None where `**` hides them."""

    line: int
    msgid: str
    plural: str = ""
    given: frozenset[str] | None = None


def sentences_of(package: Path) -> tuple[dict[str, Sentence], list[Finding]]:
    """The sentences of the Python files under a folder, by msgid, and what is wrong with them in the code.

    Tests (`tests/`, `test_*.py`, `conftest.py`) are left out.
    """
    return sentences_in(files_under(package), package)


def sentences_in(files: Iterable[Path], package: Path) -> tuple[dict[str, Sentence], list[Finding]]:
    """The sentences of some files, named from the folder `package` where they are in it."""
    sentences: dict[str, Sentence] = {}
    findings: list[Finding] = []
    for path in files:
        where = path.relative_to(package).as_posix() if path.is_relative_to(package) else path.name
        here = shown(path)
        try:
            read = list(marks_in(path.read_bytes()))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            text = f"not Python that can be read ({error}). Mend it."
            findings.append(told("K003", text, file=here, line=line))
            continue
        for found in read:
            if isinstance(found, Use):
                findings += (
                    told(code, text, file=here, line=found.line) for code, text in _wrong(found, sentences)
                )
                known = sentences.get(found.msgid, Sentence(found.msgid))
                files_of = tuple(sorted({*known.files, where}))
                sentences[found.msgid] = Sentence(found.msgid, known.plural or found.plural, files_of)
            else:
                line, text = found
                findings.append(told("K206", text, file=here, line=line))
    return sentences, in_order(findings)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by file, line and text."""
    return sorted(findings, key=lambda found: (found.file, found.line, found.code, found.message))


def marks_in(source: bytes) -> Iterator[Use | tuple[int, str]]:
    """The calls of kikao's `t` and `tn` in a source, however they were imported; a line and a text for a wrong one.

    Raises `SyntaxError` or `ValueError` for what is not Python.
    """
    tree = ast.parse(source)
    marks, modules = _imported(tree)
    called: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (mark := _mark(node.func, marks, modules)):
            called.add(node.func)
            yield _use(node, mark)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and node not in called and (mark := _mark(node, marks, modules)):
            yield node.lineno, f'{mark} is not called here, so its sentence is not seen. Write {mark}("...").'


def _imported(tree: ast.Module) -> tuple[dict[str, str], frozenset[str]]:
    """The names that `t` and `tn` have in a module, and those of the modules of kikao they can be taken from."""
    marks, modules = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {name.asname or name.name for name in node.names if _is_ours(name.name)}
        elif isinstance(node, ast.ImportFrom) and (node.level or _is_ours(node.module or "")):
            for name in node.names:
                if name.name in ("t", "tn"):
                    marks[name.asname or name.name] = name.name
                elif name.name in ("i18n", "messages"):
                    modules.add(name.asname or name.name)
    return marks, frozenset(modules)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "kikao"


def _mark(node: ast.expr, marks: dict[str, str], modules: frozenset[str]) -> str:
    """`t` or `tn` if the expression is one of them, else empty."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return marks.get(node.id, "")
    if isinstance(node, ast.Attribute) and node.attr in ("t", "tn") and ast.unparse(node.value) in modules:
        return node.attr
    return ""


def _use(call: ast.Call, mark: str) -> Use | tuple[int, str]:
    count, shape = (1, 't("...", name=value)') if mark == "t" else (3, 'tn("...", "...", n, name=value)')
    if len(call.args) != count or any(isinstance(each, ast.Starred) for each in call.args):
        return call.lineno, f"{mark} is called in another way than {shape}. Call it so."
    words = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    msgid, plural = words[0], words[1] if mark == "tn" else ""
    if not isinstance(msgid, str) or not isinstance(plural, str):
        return call.lineno, (
            f"the sentence of this {mark}(...) is not written out, so it cannot be translated. Give a plain string, "
            "with {name} for what changes, and one call for each sentence."
        )
    if not msgid or (mark == "tn" and not plural):
        return call.lineno, f"this {mark}(...) has an empty sentence. Write one, or leave it out."
    given = [each.arg for each in call.keywords]
    return Use(call.lineno, msgid, plural, None if None in given else frozenset(filter(None, given)))


def _wrong(use: Use, sentences: dict[str, Sentence]) -> Iterator[tuple[str, str]]:
    """What is wrong with a sentence as the code has it, each with the code of its rule."""
    forms = list(filter(None, (use.msgid, use.plural)))
    for form in forms:
        if not is_plain(form):
            yield (
                "K203",
                f"{form!r}: a brace here belongs to no {{name}}. Write {{{{ or }}}} for a brace.",
            )
        if needless := _needless(form):
            text = f"{form!r}: {needless} outside the GSM 7-bit alphabet, which halves a USSD page. Write plain ASCII."
            yield "K102", text
    names = frozenset[str]().union(*map(names_in, forms))
    if use.given is not None:
        lacking = names - use.given - ({"n"} if use.plural else set())
        if lacking:
            yield "K203", f"{use.msgid!r}: no value for {braced(lacking)}. Give it as a parameter."
        if useless := use.given - names:
            yield "K203", f"{use.msgid!r}: {braced(useless)} is not in the sentence. Leave the parameter out."
    if use.plural and "n" not in names_in(use.plural):
        yield "K204", f"{use.plural!r}: {{n}} is left out of the form for several. Put it in."
    known = sentences.get(use.msgid)
    if known and known.plural and use.plural and known.plural != use.plural:
        text = (
            f"{use.msgid!r} has two second forms, {known.plural!r} and {use.plural!r}; a catalog can keep one. "
            "Use the same."
        )
        yield "K206", text


def _needless(sentence: str) -> str:
    """Characters outside GSM-7, where none is a letter: a language that needs other letters is left alone."""
    outside = sorted({character for character in sentence if character not in GSM7})
    return "" if any(map(str.isalpha, outside)) else named(outside)


def named(characters: list[str]) -> str:
    """Characters as an author can find them: `’ (U+2019), U+00A0`."""
    shown = (
        f"{c} (U+{ord(c):04X})" if c.isprintable() and not c.isspace() else f"U+{ord(c):04X}"
        for c in characters
    )
    return ", ".join(shown)


def braced(names: frozenset[str]) -> str:
    """Names as placeholders, sorted: `{amount}, {to}`."""
    return ", ".join(f"{{{name}}}" for name in sorted(names))
