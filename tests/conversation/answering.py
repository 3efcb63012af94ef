"""Answers as they are given at a question that is displayed today."""

import datetime as dt
from typing import Any

import pytest

from kikao.conversation.answers import Answer
from kikao.conversation.errors import Invalid
from kikao.conversation.inputs import Attachment, File, Given, Place
from kikao.i18n import Catalogs

TODAY = dt.date(2026, 5, 4)
KAMPALA = Place(0.3476, 32.5825)
PHOTO = File("m1", "image/jpeg", 5_000_000, "ab" * 32, "media/ab")

show = Catalogs().translate("en")


def answered(answer: Answer[Any], text: str = "", attachment: Attachment | None = None) -> Any:
    """The value, for what is typed at the question as it is displayed today."""
    return answer.parse(Given(text, TODAY, attachment), answer.options())


def refused(answer: Answer[Any], text: str = "", attachment: Attachment | None = None) -> str:
    """The sentence that the member gets instead."""
    with pytest.raises(Invalid) as problem:
        answered(answer, text, attachment)
    return show(problem.value.text)


def invalid(answer: Answer[Any], text: str, attachment: Attachment | None = None) -> Invalid | None:
    """What was raised, if the answer was not one."""
    try:
        answered(answer, text, attachment)
    except Invalid as problem:
        return problem
    return None
