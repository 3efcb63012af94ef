"""K504: a PIN or a password that is asked for like any other answer, which the journal keeps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from kikao.checking.reading.plain import Tell
from kikao.checking.reading.talking import Talking
from kikao.checking.reading.wording import Spot, calls, literals, meant

SECRETS: Final = frozenset(
    "cvc cvv otp passcode passcodes passphrase password passwords pin pincode pins secret".split()
)
"""Words for what nobody else may know."""

HARMLESS: Final = frozenset("Choice Confirm Date Location Media Money Phone".split())
"""Answer types that no secret is typed for."""

Asked = tuple[ast.AST, ast.expr | None, ast.expr | None, ast.expr | None]
"""The place of a question, its key, its answer type and its prompt."""


def read_asked(talking: Talking, tell: Tell) -> None:
    """Report every question that names a secret in its key or its prompt, and is no `chat.secret`."""
    for module in talking.sources:
        for call, spot in calls(module):
            for node, key, answer, prompt in _asked(call, talking.primitive(call, spot.function), spot):
                if _is_harmless(answer, spot, talking):
                    continue
                if named := _named(key, spot) or _named(prompt, spot):
                    message = f"what is typed for the {named} is kept with the session, like any answer"
                    tell("K504", node, message, spot)


def _asked(call: ast.Call, primitive: str, spot: Spot) -> Iterator[Asked]:
    if primitive == "ask":
        given = dict(zip(("name", "answer", "prompt"), call.args, strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg}
        yield call, given.get("name"), given.get("answer"), given.get("prompt")
    elif primitive == "form" and call.args and isinstance(fields := meant(call.args[0], spot), ast.Dict):
        for key, value in zip(fields.keys, fields.values, strict=True):
            match value:
                case ast.Tuple(elts=[answer, prompt]):
                    yield key or value, key, answer, prompt


def _is_harmless(answer: ast.expr | None, spot: Spot, talking: Talking) -> bool:
    made = meant(answer, spot) if answer is not None else None
    if not isinstance(made, ast.Call):
        return False
    kind = talking.sources.resolve(made.func, spot.module, spot.function)
    return isinstance(kind, str) and kind.startswith("kikao.") and kind.rpartition(".")[2] in HARMLESS


def _named(text: ast.expr | None, spot: Spot) -> str:
    """The word for a secret in a key or a prompt, with or without `t(...)`; or empty."""
    text = meant(text, spot) if text is not None else None
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Name | ast.Attribute) and text.args:
        text = text.args[0]
    for written in literals(text, spot):
        apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", written.text)
        for word in re.finditer(r"[^\W\d_]+", apart):
            if word[0].lower() in SECRETS:
                return word[0]
    return ""
