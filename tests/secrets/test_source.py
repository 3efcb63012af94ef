"""Rules that the source keeps: secrets are compared in constant time, and what members type is neither shown nor said.

Values are followed by name within one function: what `reveal()` returns, keyed hashes, and the fields of a request are
*hot*, and so is what is made of them.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

SRC = Path(__file__).parents[2] / "src"

COMPARED: Final = frozenset({"compare_digest", "matches"})
"""What compares in constant time."""

SECRET_MAKERS: Final = frozenset({"reveal", "hashed", "digest", "hexdigest", "hmac_sha256", "_bearer"})
"""Calls that return a secret, or a keyed hash of one. What `lookup` returns is a key of the store, and found there."""

TYPED_MAKERS: Final = frozenset({"reveal", "form", "json", "typed", "required", "dialled_ahead"})
"""Calls that return what a member typed."""

TYPED_FIELDS: Final = frozenset(
    "given.text request.body request.query exchange.body reply.text inbound.text inbound.message_id".split()
)
TYPED_NAMES: Final = frozenset("typed pin encoded fields request inbound".split())
"""Variables and parameters that are called after what a member typed."""

MEASURES: Final = frozenset("len bool isinstance type any all cost _shown is_easy is_pin".split())
"""Calls whose result does not show what they are given, but for names of fields that look like names."""

ALLOWED: Final = {
    "kikao/channels/chat/turning.py": "whether a member's own label was found among those they were shown",
    "kikao/channels/media/checking.py": "the hash of a file is what its provider announces to whoever fetches it",
    "kikao/channels/media/fetching.py": "a host is compared with those of the settings, and named where it is none",
    "kikao/channels/whatsapp/emulator.py": "a provider that is played says what was wrong with a call",
    "kikao/live/channel.py": "frames for the client itself: `json` writes a payload there, and reads none",
    "kikao/live/socket.py": "frames for the client itself: `json` writes a payload there, and reads none",
    "kikao/testing/chats.py": "tokens of emulators, which are in the source",
    "kikao/cli/sending.py": "who integrates a provider sees their own file; what was typed only if they ask",
    "kikao/config/values.py": "whoever sets secret keys is told the id of a wrong one",
    "kikao_apps/wallet/__main__.py": "an operator is told a start PIN, once",
    "kikao_apps/wallet/pin_rules.py": "a new PIN is compared with itself: is it easy to guess?",
}

SAYING: Final = frozenset({"print", "echo", "secho", "warn", "repr", "ascii", "write", "publish", "_publish"})
LOGGING: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


# --- the rules ---


def compared(tree: ast.Module) -> Iterator[str]:
    """Secrets that `==`, `in` or `match` compare, which takes longer the more of them is right."""
    for nodes, hot in functions(tree, lambda name: name in SECRET_MAKERS, frozenset(), frozenset()):
        for node in nodes:
            operands: list[ast.expr] = []
            if isinstance(node, ast.Compare) and any(isinstance(op, _EQUALITY) for op in node.ops):
                operands = [node.left, *node.comparators]
            elif isinstance(node, ast.Match):
                operands = [node.subject]
            if any(hot(operand) for operand in operands) and not any(map(is_constant, operands)):
                yield f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}"


def said(tree: ast.Module) -> Iterator[str]:
    """What a member typed, where it is printed, logged, warned of, published or put into the text of an error."""
    for nodes, hot in functions(tree, lambda name: name in TYPED_MAKERS, TYPED_FIELDS, TYPED_NAMES):
        for node in nodes:
            given: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = called(node)
                if name in SAYING or (name in LOGGING and isinstance(node.func, ast.Attribute)):
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                given = [*node.exc.args, *(keyword.value for keyword in node.exc.keywords)]
            elif isinstance(node, ast.FormattedValue) and node.conversion == ord("r"):
                given = [node.value]
            if any(map(hot, given)):
                yield f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}"


# --- following values ---

Hot = Callable[[ast.expr], bool]
Rule = Callable[[ast.Module], Iterator[str]]
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def functions(
    tree: ast.Module, makes: Callable[[str], bool], fields: frozenset[str], names: frozenset[str]
) -> Iterator[tuple[list[Any], Hot]]:
    """The nodes of every function, and of the module, with what tells whether an expression among them is hot."""
    todo: list[ast.AST] = [tree]
    while todo:
        nodes = own(todo.pop())
        todo += [node for node in nodes if isinstance(node, FUNCTIONS)]
        yield nodes, _follow(nodes, makes, fields, names)


def _follow(
    nodes: list[Any], makes: Callable[[str], bool], fields: frozenset[str], names: frozenset[str]
) -> Hot:
    known = set(names)
    assignments = [pair for node in nodes for pair in assigned(node)]

    def hot(expression: ast.expr) -> bool:
        if isinstance(expression, ast.Call):
            name = called(expression)
            if name in MEASURES or name in COMPARED:
                return False
            if makes(name):
                return True
            inner = [*expression.args, *(keyword.value for keyword in expression.keywords)]
            return any(map(hot, inner)) or (
                isinstance(expression.func, ast.Attribute) and hot(expression.func.value)
            )
        if isinstance(expression, ast.Name):
            return expression.id in known
        if isinstance(expression, ast.Attribute):
            return ast.unparse(expression) in fields
        if isinstance(expression, ast.Compare | ast.Lambda | ast.Constant):
            return False
        return any(hot(child) for child in ast.iter_child_nodes(expression) if isinstance(child, ast.expr))

    before = -1
    while before != len(known):
        before = len(known)
        for targets, value in assignments:
            if value is not None and hot(value):
                known |= {
                    name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
                }
    return hot


def assigned(node: ast.AST) -> Iterator[tuple[list[ast.expr], ast.expr | None]]:
    """Targets and value of every kind of assignment."""
    if isinstance(node, ast.Assign):
        yield node.targets, node.value
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        yield [node.target], node.value
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield [node.target], node.iter
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield [node.optional_vars], node.context_expr


def own(function: ast.AST) -> list[Any]:
    """The nodes of a function without those of functions inside it."""
    found: list[Any] = list(ast.iter_child_nodes(function))
    for node in found:  # which grows meanwhile
        if not isinstance(node, FUNCTIONS):
            found.extend(ast.iter_child_nodes(node))
    return found


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_constant(expression: ast.expr) -> bool:
    """Whether an operand is written in the code, so that comparing with it tells nothing."""
    return isinstance(expression, ast.Constant) or (
        isinstance(expression, ast.Name) and expression.id.isupper()
    )


_EQUALITY = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


# --- the source keeps them ---


RULES: Final = (compared, said)


@functools.cache
def broken() -> dict[Rule, list[tuple[str, str]]]:
    """Of each rule the files that break it, and what in them does."""
    found: dict[Rule, list[tuple[str, str]]] = {rule: [] for rule in RULES}
    for path in sorted(SRC.rglob("*.py")):
        file, tree = path.relative_to(SRC).as_posix(), ast.parse(path.read_text())
        for rule, where in found.items():
            where.extend((file, what) for what in rule(tree))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    assert [f"{file}, {what}" for file, what in broken()[rule] if file not in ALLOWED] == []


def test_what_is_allowed_is_needed() -> None:
    assert ALLOWED.keys() <= {file for where in broken().values() for file, _ in where}


# --- the rules can fail ---


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b): return a.reveal() == b",
        "def f(a, b): return b != a.token.reveal().decode()",
        "def f(a, b):\n    found = a.reveal()\n    return found in b",
        "def f(a, b):\n    if (found := a.reveal().strip()) == b: ...",
        "async def f(a, b):\n    match a.reveal():\n        case b.c: ...",
        "def f(a, b): return hmac.digest(a, b, 'sha256') == b",
        "def f(a, b): return self.hashed('text', a)[:16] != b.text",
        "def f(a):\n    x = hashlib.sha256(a).hexdigest()\n    y = x[:9]\n    return [b for b in a if y == b]",
        "def f(a):\n    for one in a.reveal():\n        if one == a: ...",
        "f = lambda a, b: a.reveal() == b",
        "found = a.reveal() == b",
    ],
)
def test_a_comparison_that_takes_time_is_found(text: str) -> None:
    assert len(list(compared(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b): return hmac.compare_digest(a.reveal(), b)",
        "def f(a, b):\n    same = hmac.compare_digest(a.reveal(), b)\n    return same == b",
        "def f(a, b): return a.matches(b) == b",
        "def f(a, b): return len(a.reveal()) == b",
        "def f(a): return a.reveal() == 'nothing'",
        "def f(a):\n    x = a.reveal()\ndef g(a, x): return a == x",
        "def f(a, b): return a.digit == b",
    ],
)
def test_a_comparison_that_does_not_is_not(text: str) -> None:
    assert list(compared(ast.parse(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(pin): print(pin)",
        "def f(inbound): log.info('%s', inbound.text.reveal())",
        "def f(a):\n    x = a.reveal()\n    self.log.exception(f'{x}')",
        "def f(given): raise Invalid(given.text)",
        "def f(given): raise Invalid(t('{x}', x=given.text.strip()))",
        "def f(fields):\n    for name in fields:\n        raise self.refuse(f'field {name}')",
        "def f(request):\n    x = request.body.decode()\n    y = [a for a in x]\n    raise ValueError(y) from None",
        "def f(request): warnings.warn(str(request.query), stacklevel=2)",
        "def f(typed): return f'{typed!r}'",
        "def f(typed): self._publish(RequestRefused(reason=f'got {typed}'))",
        "def f(typed): return repr([typed])",
        "def f(typed):\n    with open(typed) as found: print(found)",
        "async def f(reply): click.echo(reply.text)",
    ],
)
def test_what_is_said_of_what_was_typed_is_found(text: str) -> None:
    assert len(list(said(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f(typed): raise Invalid(t('Enter a number.'))",
        "def f(typed): raise TooLong(len(typed))",
        "def f(fields): raise self.refuse(f'field {_shown(next(iter(fields)))} is missing')",
        "def f(inbound): self._publish(TurnCommitted(channel=inbound.channel))",
        "def f(typed): return f'{typed}'",
        "def f(typed): self.errors.append(typed)",
        "def f(typed): raise",
        "def f(typed): return (lambda: 1)() or print('typed')",
    ],
)
def test_what_is_not_said_is_not(text: str) -> None:
    assert list(said(ast.parse(text))) == []
