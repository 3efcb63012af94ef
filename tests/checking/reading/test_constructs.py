"""What a flow must not do, and what it may. Each text says in comments what is to be found on its lines."""

from pathlib import Path

import pytest

from tests.checking.reading.snippets import marked, reading

WRONG = {
    "clocks": """
import datetime as d, time
from datetime import datetime, date as day
from time import monotonic as tick
clock = time.time
@flows.flow("f")
async def f(chat: Chat) -> None:
    d.datetime.now()  # K404
    datetime.utcnow()  # K404
    day.today()  # K404
    time.time()  # K404
    tick()  # K404
    clock()  # K404
    time.localtime()  # K404
    time.localtime(0)
    d.datetime.fromtimestamp(0)
    asyncio.get_running_loop().time()  # K404
    loop = asyncio.get_event_loop()
    loop.time()  # K404
    await chat.ask(f"at {d.date.today()}", Text(), t("x"))  # K404
    await chat.now()
    await chat.read("now", d.datetime.now)
    await chat.read("then", lambda: d.datetime.now())
""",
    "randomness": """
import random, secrets
from random import choice as pick
@flows.flow("f")
async def f(chat: Chat) -> None:
    random.random()  # K405
    pick([1])  # K405
    secrets.token_hex(4)  # K405
    random.Random()  # K405
    random.Random(7).random()
    random.SystemRandom()  # K405
    chat.random("x").choice([1])
    sorted([1], key=lambda _: random.random())  # K405
""",
    "unique ids": """
import os, uuid
from uuid import uuid4 as u
@flows.flow("f")
async def f(chat: Chat) -> None:
    u()  # K406
    uuid.uuid1()  # K406
    uuid.uuid5(uuid.NAMESPACE_DNS, "x")
    os.urandom(4)  # K406
""",
    "input and output": """
import httpx, os, pathlib, subprocess, time, urllib.request, urllib.parse, socket as sock
@flows.flow("f")
async def f(chat: Chat, client) -> None:
    bank = chat.service(Bank)
    await bank.fee()  # K407
    bank.fee()  # K407
    chat.service(Bank).fee()  # K407
    await client.get("x")  # K407
    await asyncio.to_thread(print)  # K407
    await asyncio.sleep(0)
    await asyncio.gather(client.get("x"), client.get("y"))  # K407
    open("x")  # K407
    pathlib.Path("x").read_text()  # K407
    subprocess.run(["x"])  # K407
    urllib.request.urlopen("x")  # K407
    urllib.parse.quote("x")
    sock.create_connection(("x", 1))  # K407
    time.sleep(1)  # K407
    os.listdir()  # K407
    os.getenv("x")
    async with client.begin():  # K407
        pass
    async for _ in client.rows():  # K407
        pass
    [row async for row in client.rows()]  # K407
    async for _ in basket(chat):
        pass
    async with basket(chat) as opened:
        pass
    async with httpx.AsyncClient() as web:  # K407
        found = await web.get("x")
        print(web.headers.get("x"), await other.get("x"))  # K407
    session = httpx.AsyncClient()  # K407
    await session.get("x")
    later = client.get("x")
    await later  # K407
    await client  # K407
    fee = await chat.read("fee", lambda: bank.fee())
    async def look():
        return await bank.fee()
    await chat.read("more", look)
    await chat.step("pay", bank.pay, retry="check", check=bank.finder("x"))
    await chat.step("other", bank.paying("x"), retry="never", args=bank.now())  # K407
    await chat.ask(bank.name(), Text(), t("x"), validate=bank.validating("x"))  # K407
    await chat.secret("pin", None, t("x"), use=lambda pin, key: bank.pay(pin), check=bank.finder("x"))
    await chat.steps_parallel({"a": Step(lambda key: bank.pay(key), "key")})
    await chat.read("wrong", bank.fee(1))  # K407
""",
    "everything is caught": """
import contextlib as c
async def helper(chat: Chat) -> None:
    await chat.ask("x", Text(), t("x"))
@flows.flow("f")
async def f(chat: Chat) -> None:
    try:
        await chat.ask("a", Text(), t("a"))
    except:  # K401
        pass
    try:
        await helper(chat)
    except (ValueError, BaseException):  # K401
        pass
    with c.suppress(BaseException):  # K401
        await helper(chat)
    with c.suppress(ValueError):
        await helper(chat)
    try:
        int("x")
    except:
        pass
    try:
        await chat.read("r", lambda: 1)
    except Exception:
        pass
    try:
        await helper(chat)
    except BaseException:
        print("seen")
        raise
    try:
        await helper(chat)
    except BaseException as error:  # K401
        await chat.say("x")
        raise error
""",
    "finally": """
@flows.flow("f")
async def f(chat: Chat, pool) -> None:
    try:
        await chat.ask("a", Text(), t("a"))
    finally:
        print("x")
        await pool.close()  # K402
        await pool.close()
    try:
        int("x")
    finally:
        await pool.close()  # K407
    try:
        pass
    except ValueError:
        await chat.ask("b", Text(), t("b"))
    finally:
        return  # K402
@flows.flow("g")
async def g(chat: Chat, pool) -> None:
    async with pool.connection() as connection:  # K402
        await chat.ask("c", Text(), t("c"))
    async with asyncio.timeout(1):
        await chat.ask("d", Text(), t("d"))
""",
    "at the same time": """
from asyncio import gather as together
async def helper(chat: Chat, key: str) -> None:
    await chat.ask(key, Text(), t("x"))
@flows.flow("f")
async def f(chat: Chat) -> None:
    await asyncio.gather(chat.ask("a", Text(), t("a")), chat.ask("b", Text(), t("b")))  # K403
    await together(*[helper(chat, name) for name in "ab"])  # K403
    asking = [chat.ask("g", Text(), t("g"))]
    await asyncio.gather(*asking)  # K403
    await asyncio.wait_for(helper(chat, "x"), 1)  # K403
    await asyncio.shield(chat.ask("c", Text(), t("c")))  # K403
    task = asyncio.create_task(chat.ask("d", Text(), t("d")))  # K403
    await task
    async with asyncio.TaskGroup() as group:
        group.create_task(helper(chat, "y"))  # K403
    async with asyncio.TaskGroup() as group:  # K402
        await helper(chat, "z")
    later = chat.ask("e", Text(), t("e"))
    await later
    answer = await chat.ask("f", Text(), t("f"))
    print(answer)
""",
    "handed over": """
import functools
async def until(chat: Chat, question) -> None:
    await question()
async def cached(chat: Chat, look) -> None:
    await look()  # K407
async def unused(chat: Chat, look) -> None:
    await look()  # K407
    await chat.say("x")
async def name(chat: Chat) -> None:
    await chat.ask("name", Text(), t("x"))
@flows.flow("f")
async def f(chat: Chat, bank) -> None:
    await until(chat, lambda: chat.ask("a", Text(), t("x")))
    await until(chat, question=functools.partial(name, chat))
    async def mine():
        await name(chat)
    await until(chat, mine)
    await cached(chat, lambda: chat.ask("b", Text(), t("x")))
    await cached(chat, bank.fee)
""",
    "objects of the app": """
import dataclasses, datetime, functools, httpx, json, random, secrets, sqlite3, uuid
from random import SystemRandom
from words import client, dice
class Base:
    def now(self):
        return datetime.datetime.now()  # K404
class Clock(Base):
    @staticmethod
    def today():
        return datetime.date.today()  # K404
    @classmethod
    def made(cls):
        return cls.tag()
    @classmethod
    def tag(cls):
        return uuid.uuid4()  # K406
    def unused(self):
        return datetime.datetime.now()
    def later(self, date):
        return date + datetime.timedelta(days=3)
    def time(self):
        return self.roll()
    def roll(self):
        return random.random()  # K405
clock = Clock()
stamp = functools.partial(datetime.datetime.now, datetime.UTC)
web = httpx.Client()
rng = SystemRandom()
seeded = random.Random(7)
started = datetime.datetime.now()
token = secrets.token_hex()
rows = sqlite3.connect(":memory:")
class Wizard:
    def __init__(self, chat: Chat) -> None:
        self.chat = chat
    async def name(self):
        try:
            return await self.chat.ask("name", Text(), t("x"))
        except:  # K401
            return None
    async def both(self):
        await asyncio.gather(self.name(), self.name())  # K403
    async def fee(self, bank):
        return await bank.fee()
@dataclasses.dataclass
class Card:
    chat: Chat
    async def show(self):
        await self.chat.step("x", print)  # K502
@flows.flow("f")
async def f(chat: Chat) -> None:
    clock.now()
    stamp()  # K404
    Clock().later(1)
    Clock.today()
    Clock.made()
    local = Clock()
    local.time()
    web.get("x")  # K407
    rng.randint(1, 6)  # K405
    seeded.random()  # K405
    client.get("x")  # K407
    dice.random()  # K405
    rows.execute("x")  # K407
    started.isoformat()
    token.upper()
    secrets.compare_digest("a", "b")
    wizard = Wizard(chat)
    await wizard.name()
    await wizard.both()
    await wizard.fee(chat.service(Bank))  # K407
    await Card(chat).show()
""",
    "retry": """
from kikao.conversation.effects import Step as Effect
@flows.flow("f")
async def f(chat: Chat, **more) -> None:
    await chat.step("a", print)  # K502
    await chat.step("b", print, retry="key")
    await chat.step("c", print, **more)
    await chat.step("d", print, retry="twice")  # K502
    await chat.steps_parallel({
        "e": Step(print),  # K502
        "f": Effect(print, "never"),
        "g": Effect(effect=print, retry="key"),
        "h": Effect(print, *more),
    })
""",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_replay_cannot_bear_is_found_on_its_line(tmp_path: Path, name: str) -> None:
    words = "import random, httpx\nclient = httpx.Client()\ndice = random.SystemRandom()\n"
    found, wanted = marked(reading(tmp_path, WRONG[name], words=words).findings, WRONG[name])

    assert found == wanted


def test_what_is_called_on_the_way_is_read_too(tmp_path: Path) -> None:
    text = """
import words
@flows.flow("f")
async def f(chat: Chat) -> None:
    def inner():
        return words.time()  # K404
    words.greeting()
    inner()
    await words.fetch()  # K407
    await words.still()
    await chat.read("x", words.fetch)
"""
    words = (
        "from time import time\n"
        "def greeting():\n    return time()\n"
        "async def fetch():\n    time()\n    return await other()\n"
        "async def still():\n    return time()\n"
        "def unused():\n    time()\n"
    )

    result = reading(tmp_path, text, words=words)

    found, wanted = marked([each for each in result.findings if each.file.endswith("shop.py")], text)
    assert found == wanted
    elsewhere = [(each.line, each.code) for each in result.findings if each.file.endswith("words.py")]
    assert sorted(elsewhere) == [(3, "K404"), (8, "K404")]


def test_who_takes_part(tmp_path: Path) -> None:
    text = """
import time
async def typed(person: "Chat") -> None:
    time.time()  # K404
async def unknown_type(chat: "Anything") -> None:
    await chat.say(time.time())  # K404
async def untyped(chat) -> None:
    await chat.say(time.time())  # K404
async def telegram(chat) -> None:
    time.time()
async def other(chat: Bank) -> None:
    await chat.say(time.time())
class Service:
    async def fee(self):
        time.time()
    async def talk(self, chat: Chat):
        time.time()  # K404
@flows.flow("f")
async def f(conversation) -> None:
    same = conversation
    async def ask():
        time.time()  # K404
        return await same.ask("x", Text(), t("x"))
    try:
        await ask()
    except:  # K401
        pass
    await unknown(conversation)
"""

    result = reading(tmp_path, text)

    found, wanted = marked(result.findings, text)
    assert found == wanted
    assert {each.flow for each in result.findings} == {"", "f"}


def test_a_flow_without_a_source_is_told(tmp_path: Path) -> None:
    text = """
exec("async def made(chat): ...")
flows.flow("made")(made)
"""

    assert reading(tmp_path, text).unread[0].startswith("made (<string>:1)")


def test_names_from_everywhere(tmp_path: Path) -> None:
    text = """
from words import *
async def helper(chat: Person) -> None:
    now()  # K404
    await chat.say("x")
"""
    words = "from time import time as now\nfrom kikao import Chat as Person\n"

    found, wanted = marked(reading(tmp_path, text, words=words).findings, text)

    assert found == wanted
