"""The emulated Bot API with one bot on it. Its time passes when a test says so."""

import random

import pytest

from kikao.channels.telegram.emulator import BotApi
from kikao.testing import Clock
from tests.channels.telegram.emulated.bot import Bot
from tests.channels.telegram.rig import SECRET, TOKEN


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(bot: Bot, clock: Clock) -> BotApi:
    return BotApi(TOKEN, SECRET, clock=clock, send=bot, chance=random.Random(1))
