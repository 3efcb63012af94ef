"""K208: sentences that no catalog can have, and values that are none."""

from pathlib import Path

import pytest

from tests.checking.reading.snippets import marked, reading

KIKAO = "from kikao import Choice, Invalid, Number, Phone, Pin, Refused, RefusedError, BackendError, ErrorCode, tn\n"

TEXTS = {
    "what the chat shows": """
@flows.flow("f", title="Dues")  # K208
async def f(chat: Chat) -> None:
    name = await chat.ask("a", Text(), "How much do you contribute today?")  # K208
    await chat.ask("b", Text(), f"How much, {name}?")  # K208
    await chat.ask("c", Text(), prompt="Amount", invalid=t("No."))  # K208
    await chat.ask("d", Text(), t("x"), invalid="Not that one.")  # K208
    await chat.say("Thank you")  # K208
    await chat.confirm(
        "e",
        "Send it?",  # K208
    )
    await chat.menu("f", "Main menu", ["f"])  # K208
    await chat.language(prompt="Which one?")  # K208
    await chat.form({
        "g": (Number(), "How many?"),  # K208
        "h": (Number(), t("How many?")),
    })
    await chat.secret("i", Pin(), "Your PIN?", use=print, done=lambda ref: f"Done, {ref}")  # K208
    await chat.step("j", print, retry="key", done="Paid.")  # K208
    await chat.steps_parallel({"k": Step(print, "key", done="Paid.")})  # K208
    await chat.end(text="Bye")  # K208
""",
    "what a name stands for, and what is put together": """
GREETING = "Welcome to the shop"  # K208
FIELDS = {"a": (Text(), "Whose name?")}  # K208
@flows.flow("f")
async def f(chat: Chat, some) -> None:
    await chat.say(GREETING)
    bye = t("Good bye") if some else "See you"  # K208
    await chat.form(FIELDS)
    await chat.say("Hello " + some)  # K208
    await chat.say("Hello %s" % some)  # K208
    await chat.say("Hello {}".format(some))  # K208
    await chat.say(some or "Stranger")  # K208
    await chat.say(some)
    for each in some:
        await chat.say(each)
    async def inner() -> None:
        await chat.end(bye)
    await inner()
""",
    "what functions return": """
def thanks(ref) -> str:
    if not ref:
        return t("Not paid.")
    return f"Thank you, {ref}"  # K208
brief = lambda ref: "Thanks"  # K208
def bare(ref):
    return
def name_of(ref):
    return ref.name
async def later(ref):
    return "Thanks"
@flows.flow("f")
async def f(chat: Chat, ref) -> None:
    await chat.step("a", print, retry="never", done=thanks)
    await chat.step("b", print, retry="never", done=brief)
    await chat.say(bare(ref))
    await chat.say(name_of(ref))
    await chat.choose("c", t("x"), {"a": name_of(ref), "b": str(ref)})
    await chat.say(later(ref))
    await chat.end(thanks(ref))
""",
    "labels": """
SIZES = {"s": "Small one", "l": t("Large one")}  # K208
@flows.flow("f")
async def f(chat: Chat, rows) -> None:
    await chat.choose("a", t("x"), SIZES)
    await chat.choose("b", t("x"), {True: "Ndiyo", False: t("No")})  # K208
    await chat.choose("c", t("x"), [("Send Money", 1), ("Kampala Road", 2)])  # K208
    await chat.choose("d", t("x"), options=["Yes", "Asha"])  # K208
    await chat.ask("e", Choice(["Go on"]), t("x"))  # K208
    await chat.ask("f", Choice({row: f"{row} cups" for row in rows}), t("x"))  # K208
    await chat.ask("g", Choice([(f"Buy {row}", row) for row in rows]), t("x"))  # K208
    await chat.ask("h", Choice([f"{row}" for row in rows]), t("x"))
    await chat.ask("i", Choice(rows), t("x"))
    await chat.ask("j", Choice({}, **rows), t("x"))
""",
    "errors": """
class Till:
    async def pay(self, key):
        if key:
            return Refused(ErrorCode.REJECTED, "The till is closed.")  # K208
        raise RefusedError(ErrorCode.REJECTED, text="Closed.")  # K208
async def odd(number) -> None:
    if number % 2:
        raise Invalid("An odd number, please.")  # K208
    raise BackendError(text="Away.")  # K208
@flows.flow("f")
async def f(chat: Chat) -> None:
    await chat.ask("a", Text(pattern="x", hint="Write an x."), t("x"), validate=odd)  # K208
    raise ValueError("a reason in the log")
""",
    "values": """
LOCALES = {"en": "English", "sw": "Kiswahili", "zh": "Simplified Chinese"}
TOWNS = [f"Town {n}" for n in range(9)]
@flows.flow("f", title="MTN")
async def f(chat: Chat, name, amount) -> None:
    await chat.ask("how much", Text(), t("x"))
    await chat.say(f"{name}: {amount}")
    await chat.say(f"{name} UGX {amount}, 5 kg")
    await chat.say("https://shop.example/help")
    await chat.say("12345 *284#")
    await chat.say("")
    await chat.end(t("Hello {name}", name="you there"))
    await chat.end(tn("{n} cup", "{n} cups", 2))
    await chat.choose("a", t("x"), LOCALES)
    await chat.choose("b", t("x"), {"ke": "Kenya", "dar": "Dar es Salaam", "pos": "Port of Spain"})
    await chat.choose("c", t("x"), ["Asha", "Binta", "1 kg", "10", "Airtel Money"])
    await chat.ask("d", Choice(TOWNS), t("x"))
    await chat.choose("e", t("x"), [*TOWNS, ""])
    log(chat, "what happened here")
    await chat.session.set("cart", "some words here")
    await chat.step("pay the bill", print, retry="never")
def log(*words): ...
class Other:
    def flow(self, name, title): return print
Other().flow("a", title="Not of kikao")
""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_sentences(tmp_path: Path, name: str) -> None:
    text = KIKAO + TEXTS[name]
    findings = reading(tmp_path, text, translated=True).findings
    found, wanted = marked([each for each in findings if each.code == "K208"], text)

    assert found == wanted


def test_an_app_of_one_language_may_write_them_as_they_are(tmp_path: Path) -> None:
    assert reading(tmp_path, KIKAO + TEXTS["what the chat shows"]).findings == []


def test_the_text_is_told_in_short_with_its_flow(tmp_path: Path) -> None:
    text = f"""
@flows.flow("f")
async def f(chat: Chat) -> None:
    await chat.end("Good {"b" + 99 * "y" + "e"}")
"""
    (found,) = reading(tmp_path, text, translated=True).findings

    assert found.flow == "f"
    assert found.message.startswith("'Good byyyy")
    assert found.message.endswith("... is read in every language as it is written")
    assert len(found.message) < 120
