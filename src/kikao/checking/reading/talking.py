"""Which functions take part in a conversation, and which of their calls talk to the member.

A call talks when it is a primitive of the chat (`chat.ask`), or when it is of a coroutine of the app that gets the chat
and so may ask with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from kikao.checking.reading.scopes import FUNCTIONS, parameters
from kikao.checking.reading.sources import Function, Sources

TALK: Final = frozenset(
    (
        "ask choose confirm menu language form call say show end goto restart_with read step steps_parallel secret "
        "post charge version now"
    ).split()
)
"""Methods of `Chat` that a flow awaits."""

DATA: Final = frozenset({"get", "set", "delete", "clear", "exists", "destroy"})
"""Methods of `chat.session`."""

CHATS: Final = frozenset({"kikao.Chat", "kikao.conversation.Chat", "kikao.conversation.chat.Chat"})
STEPS: Final = frozenset({"kikao.Step", "kikao.conversation.Step", "kikao.conversation.effects.Step"})


class Talking:
    """The conversations of some sources. `flows` are registered functions: the chat is their first argument."""

    def __init__(self, sources: Sources, flows: Iterator[Function] | list[Function]) -> None:
        self.sources = sources
        self.flows = list(flows)
        self._talks: dict[Function, bool] = {}
        self._keeps: dict[str, frozenset[str]] = {}

    def functions(self) -> list[Function]:
        """Flows, and every coroutine function of the app that is written to get a chat."""
        others = (
            function
            for module in self.sources
            for function in module.functions.values()
            if function.is_async and function not in self.flows and self._gets_chat(function)
        )
        return [*self.flows, *others]

    # --- the chat ---

    def is_chat(self, node: ast.expr, function: Function | None) -> bool:
        """Whether an expression is the chat of a function, or one that its object keeps."""
        if isinstance(node, ast.Attribute) and function is not None:
            kind = self.sources.kind_of(node.value, function.module, function)
            return bool(kind) and node.attr in self._kept(kind)
        if not isinstance(node, ast.Name):
            return False
        inner = function
        while inner is not None:
            binding = inner.scope.get(node.id)
            if binding is None:
                inner = inner.within
                continue
            if binding.kind == "parameter":
                return node.id in self.chats_of(inner)
            return isinstance(binding.value, ast.Name) and self.is_chat(binding.value, inner)
        return False

    def chats_of(self, function: Function) -> set[str]:
        """The parameters of a function that are a chat: by their type, or by the name `chat` where they have none."""
        found = set()
        for at, each in enumerate(parameters(function.node)):
            annotation = each.annotation
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                try:
                    annotation = ast.parse(annotation.value, mode="eval").body
                except SyntaxError:
                    annotation = None
            if annotation is None:
                is_chat = each.arg == "chat" or (at == 0 and function in self.flows)
            else:
                kind = self.sources.resolve(annotation, function.module, function.within)
                is_chat = kind in CHATS or (kind is None and each.arg == "chat")
            if is_chat or (at == 0 and function in self.flows):
                found.add(each.arg)
        return found

    def _kept(self, kind: str) -> frozenset[str]:
        """The attributes in which objects of a class keep a chat."""
        if kind not in self._keeps:
            self._keeps[kind] = frozenset()
            self._keeps[kind] = frozenset(self._keeping(kind))
        return self._keeps[kind]

    def _keeping(self, kind: str) -> Iterator[str]:
        found = self.sources.class_of(kind)
        if found is None:
            return
        module, node = found
        for part in node.body:
            match part:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    if self.sources.resolve(annotation, module, None) in CHATS:
                        yield name
        if begin := self.sources.method(kind, "__init__"):
            for each in own_nodes(begin.node):
                match each:
                    case (
                        ast.Assign(targets=[ast.Attribute(attr=name)], value=value)
                        | ast.AnnAssign(target=ast.Attribute(attr=name), value=ast.Name() as value)
                    ):
                        if isinstance(value, ast.Name) and self.is_chat(value, begin):
                            yield name

    def _gets_chat(self, function: Function) -> bool:
        chats = self.chats_of(function)
        typed = any(each.arg in chats and each.annotation for each in parameters(function.node))
        return (bool(chats) and (typed or self.talks(function))) or (
            bool(function.owner) and self.talks(function)
        )

    # --- calls ---

    def primitive(self, call: ast.Call, function: Function | None) -> str:
        """The method of the chat that a call is of (`ask`, `session.get`, `service`), or empty."""
        match call.func:
            case ast.Attribute(value=ast.Attribute(value=chat, attr="session"), attr=name):
                return f"session.{name}" if self.is_chat(chat, function) else ""
            case ast.Attribute(value=chat, attr=name):
                return name if self.is_chat(chat, function) else ""
        return ""

    def passes_chat(self, call: ast.Call, function: Function | None) -> bool:
        """Whether the chat is among the arguments."""
        given = [*call.args, *(each.value for each in call.keywords)]
        return any(self.is_chat(each, function) for each in given)

    def target(self, call: ast.Call, function: Function | None) -> Function | str | None:
        """What is called."""
        module = function.module if function is not None else None
        return self.sources.resolve(call.func, module, function) if module is not None else None

    def is_talk(self, call: ast.Call, function: Function | None) -> bool:
        """Whether a call makes a coroutine that talks to the member."""
        if name := self.primitive(call, function):
            return name in TALK or name.removeprefix("session.") in DATA
        target = self.target(call, function)
        if isinstance(target, Function):
            return target.is_async and (self.talks(target) or self.passes_chat(call, function))
        return self.passes_chat(call, function) and not _makes(call)

    def is_handed_talk(self, name: str, function: Function) -> bool:
        """Whether a parameter of a function is something that talks, wherever the app calls that function."""
        given = [
            (value, caller)
            for call, caller in self._calls.get(function, ())
            for value in _given_for(name, call, function)
        ]
        return bool(given) and all(self._is_talker(value, caller) for value, caller in given)

    def _is_talker(self, value: ast.expr, function: Function) -> bool:
        if isinstance(value, ast.Lambda):
            return self.talks(function.module.functions[value])
        if isinstance(value, ast.Call) and self.target(value, function) == "functools.partial" and value.args:
            return self._is_talker(value.args[0], function)
        target = self.sources.resolve(value, function.module, function)
        return isinstance(target, Function) and target.is_async and self.talks(target)

    @cached_property
    def _calls(self) -> dict[Function, list[tuple[ast.Call, Function]]]:
        """The calls of each function of the app, with the functions they are in."""
        found: dict[Function, list[tuple[ast.Call, Function]]] = {}
        for module in self.sources:
            for caller in module.functions.values():
                for node in own_nodes(caller.node):
                    if isinstance(node, ast.Call):
                        target = self.target(node, caller)
                        if isinstance(target, Function):
                            found.setdefault(target, []).append((node, caller))
        return found

    def talks(self, function: Function) -> bool:
        """Whether something in a function talks, itself or through what it calls."""
        if function not in self._talks:
            self._talks[function] = False  # while it is being found out, for functions that call themselves
            self._talks[function] = any(
                isinstance(node, ast.Call) and self.is_talk(node, function)
                for node in own_nodes(function.node)
            )
        return self._talks[function]

    def talk_in(self, nodes: list[ast.stmt] | list[ast.expr], function: Function) -> bool:
        """Whether anything in some statements or expressions talks, but for what is in functions inside of them."""
        return any(
            isinstance(node, ast.Call) and self.is_talk(node, function)
            for each in nodes
            for node in own_nodes(each, whole=True)
        )


def own_nodes(root: ast.AST, *, whole: bool = False) -> Iterator[ast.AST]:
    """The nodes of a function's body, or with `whole` a node and all in it, but not of functions and classes within."""
    if whole:
        todo = [root]
    else:
        body = getattr(root, "body", [])
        todo = [body] if isinstance(body, ast.AST) else list(body)[::-1]
    while todo:
        node = todo.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            continue
        yield node
        todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _given_for(name: str, call: ast.Call, function: Function) -> Iterator[ast.expr]:
    """What a call gives for a parameter of the function it calls."""
    names = [each.arg for each in parameters(function.node)]
    yield from (value for each, value in zip(names, call.args, strict=False) if each == name)
    yield from (each.value for each in call.keywords if each.arg == name)


def _makes(call: ast.Call) -> bool:
    """Whether a call looks like that of a class: `Basket(chat)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name[:1].isupper()
