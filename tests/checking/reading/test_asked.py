"""K504: secrets that are asked for like any other answer."""

from pathlib import Path

import pytest

from tests.checking.reading.snippets import marked, reading

TEXTS = {
    "secrets": """
from kikao import Choice, Confirm, Location, Number, Pin
PROMPT = t("Enter your password")
CODE = Text(min=4, max=4)
@flows.flow("f")
async def f(chat: Chat, answer) -> None:
    pin = await chat.ask("pin", Text(min=4, max=4), t("Four digits"))  # K504
    await chat.ask("new_pin", Number(), t("Four digits"))  # K504
    await chat.ask(name="oldPin", answer=answer, prompt=t("Four digits"))  # K504
    await chat.ask("a", Text(), t("Enter your PIN"))  # K504
    await chat.ask("b", CODE, PROMPT)  # K504
    await chat.ask("c", Text(), f"Your OTP, {pin}?")  # K504
    await chat.form({
        "d": (Text(), t("What is it for?")),
        "password": (Text(), t("And this?")),  # K504
        **answer,
    })
    await chat.ask("otp", Text(), t("The code in the SMS"))  # kikao: allow K504 - worthless once typed
""",
    "no secrets": """
from kikao import Choice, Confirm, Location, Number, Pin
@flows.flow("f")
async def f(chat: Chat, key) -> None:
    await chat.ask("shopping", Text(), t("What do you spin, pinch and opine?"))
    await chat.ask("pin", Location(), t("Drop a pin where you are"))
    await chat.ask("what", Choice([(t("Change PIN"), "pin")]), t("Your PIN"))
    await chat.ask("reset_pin", Confirm(), t("Reset your PIN?"))
    await chat.confirm("ok", t("Reset your PIN?"))
    await chat.secret("secret", Pin(), t("Enter your PIN"), use=print)
    await chat.ask(key, Text(), t("Name"))
    await chat.form(key)
    await chat.say(t("Your PIN is safe."))
""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_secrets(tmp_path: Path, name: str) -> None:
    text = TEXTS[name].replace("# kikao: allow K504", "# K504")  # allowing is another part's
    found, wanted = marked(reading(tmp_path, text).findings, text)

    assert found == wanted


def test_the_word_is_told(tmp_path: Path) -> None:
    (found,) = reading(
        tmp_path,
        """
@flows.flow("f")
async def f(chat: Chat) -> None:
    await chat.ask("theOTP", Text(), t("x"))
""",
    ).findings

    assert found.message == "what is typed for the OTP is kept with the session, like any answer"
