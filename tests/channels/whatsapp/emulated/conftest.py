"""The emulated Cloud API with one business on it. Its time passes when a test says so."""

import random

import pytest

from kikao.testing import Approved, Clock, CloudApi
from tests.channels.whatsapp.emulated.business import TOKEN, Business

TEMPLATES = (
    Approved("late", "Hello {{1}}, your {{2}} is late.", header="Note", footer="Kikao",
             buttons=(("quick_reply", "Pay now"), ("url", "Open {{1}}"), ("flow", "Form"))),
    Approved("offer", "Half the price", category="MARKETING"),
    Approved("card", "Yours", header="image"),
    Approved("old", "x", status="PAUSED"),
    Approved("gone", "x", status="DISABLED"),
)  # fmt: skip


@pytest.fixture
def business() -> Business:
    return Business()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(business: Business, clock: Clock) -> CloudApi:
    return CloudApi(
        TOKEN,
        "secret-1",
        "verify-1",
        clock=clock,
        send=business,
        templates=TEMPLATES,
        chance=random.Random(1),
    )
