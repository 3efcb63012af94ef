"""K302: two questions with one key, where both can be on one way through a flow."""

from pathlib import Path

import pytest

from tests.checking.reading.snippets import marked, reading

TEXTS = {
    "keys by name": """
KEY = "same"
async def helper(chat: Chat, key="usual", *, other="b") -> None:
    await chat.ask(key, Text(), t("x"))
    await chat.ask(other, Text(), t("x"))
@flows.flow("f")
async def f(chat: Chat, x) -> None:
    await chat.ask(KEY, Text(), t("x"))
    await chat.ask(KEY, Text(), t("x"))  # K302
    mine = "mine"
    await chat.ask(mine, Text(), t("x"))
    await chat.ask("mine", Text(), t("x"))  # K302
    changed = "one"
    await chat.ask(changed, Text(), t("x"))
    changed = "two"
    await chat.ask(changed, Text(), t("x"))
@flows.flow("g")
async def g(chat: Chat, x) -> None:
    await helper(chat)
    await helper(chat)  # K302 K302
    await helper(chat, "c", other="d")
    await helper(chat, x, other=x)
    await helper(chat, "e", other=x)
""",
    "one after the other": """
@flows.flow("f")
async def f(chat: Chat) -> None:
    await chat.ask("a", Text(), t("x"))
    await chat.read("a", lambda: 1)  # K302
    await chat.choose(name="a", prompt=t("x"), options=["y"])  # K302
    await chat.now()
    await chat.now()
""",
    "branches": """
@flows.flow("f")
async def f(chat: Chat, x) -> None:
    if x:
        await chat.ask("a", Text(), t("x"))
    elif x is None:
        await chat.ask("a", Text(), t("y"))
        await chat.ask("c", Text(), t("y"))
        await chat.end()
    else:
        await chat.ask("b", Text(), t("z"))
    await chat.ask("b", Text(), t("z"))  # K302
    await chat.ask("c", Text(), t("z"))
    match x:
        case 1:
            await chat.ask("d", Text(), t("x"))
            return
        case 2:
            await chat.ask("d", Text(), t("x"))
        case _:
            raise ValueError
    await chat.ask("d", Text(), t("x"))  # K302
""",
    "loops": """
@flows.flow("f")
async def f(chat: Chat) -> None:
    while True:
        await chat.ask("a", Text(), t("x"))
        if not await chat.confirm("b", t("x"), ends=False):
            break
    for i in range(2):
        await chat.ask(f"c {i}", Text(), t("x"))
    for i in range(2):
        await chat.ask(f"c {i}", Text(), t("x"))  # K302
    for j in range(2):
        await chat.ask(f"c {j}", Text(), t("x"))
    await chat.ask("b", Text(), t("x"))  # K302
    while True:
        await chat.ask("d", Text(), t("x"))
        break
    await chat.ask("d", Text(), t("x"))  # K302
""",
    "a marker before the question it brings": """
@flows.flow("f")
async def f(chat: Chat) -> None:
    if await chat.version("reason"):
        await chat.ask("reason", Text(), t("x"))
    await chat.version("reason")  # K302
    await chat.ask("reason", Text(), t("x"))  # K302
""",
    "forms and errors": """
@flows.flow("f")
async def f(chat: Chat, some) -> None:
    await chat.form({"a": (Text(), t("x")), "b": (Text(), t("y"))})
    await chat.form({**some})
    with contextlib.suppress(ValueError):
        await chat.ask("a", Text(), t("x"))  # K302
    try:
        await chat.ask("c", Text(), t("x"))
    except ValueError:
        await chat.ask("c", Text(), t("x"))
    else:
        await chat.ask("d", Text(), t("x"))
    finally:
        print()
    await chat.steps_parallel({"d": Step(print, "key")})  # K302
""",
    "helpers": """
async def pin(chat: Chat, name: str, text) -> None:
    await chat.ask(name, Text(), text)
    await chat.ask("why", Text(), text)
async def twice(chat: Chat, name: str) -> None:
    await twice(chat, name)
@flows.flow("f")
async def f(chat: Chat) -> None:
    await pin(chat, "old", t("x"))
    await pin(chat, name="new", text=t("x"))
    await pin(chat, "old", t("x"))  # K302
    await chat.ask("why", Text(), t("x"))  # K302
    await twice(chat, "x")
@flows.flow("g")
async def g(chat: Chat) -> None:
    await chat.ask("old", Text(), t("x"))
    await chat.call(f)
    await chat.goto(f)
""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_keys(tmp_path: Path, name: str) -> None:
    found, wanted = marked(reading(tmp_path, TEXTS[name]).findings, TEXTS[name])

    assert found == wanted
