"""Where sessions and messages are kept: in memory, in files, and on servers whose passwords are never shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.config import Where, load
from tests.config.asking import problem


@pytest.mark.parametrize("memory", ["memory:", "memory", "memory://"])
def test_the_memory_store(tmp_path: Path, memory: str) -> None:
    found = load({"KIKAO_STORE": memory}, tmp_path)
    assert found.store == "memory:"
    assert "sessions: memory, lost when the process ends" in found.describe()


SERVERS = [
    (
        "postgresql://kikao:hunter2@db.example:5432/kikao",
        "postgresql",
        "postgresql://kikao:***@db.example:5432/kikao",
    ),
    ("postgresql:///kikao?host=/run/postgresql", "postgresql", "postgresql:///kikao?host=/run/postgresql"),
    ("postgres://db/kikao?password=hunter2&ssl=on", "postgresql", "postgres://db/kikao?password=***&ssl=on"),
    ("postgresql://a:hunter2@one,two:5433/kikao", "postgresql", "postgresql://a:***@one,two:5433/kikao"),
    ("redis://localhost", "redis", "redis://localhost"),
    ("postgresql://hunter2@db/kikao", "postgresql", "postgresql://***@db/kikao"),
    ("unix:///run/valkey.sock?db=1&hunter2", "redis", "unix:///run/valkey.sock?db=1&***"),
    ("rediss://:hunter2@[::1]:6380/3", "redis", "rediss://:***@[::1]:6380/3"),
    ("valkey://u:hunt%40er2@h/0", "redis", "valkey://u:***@h/0"),
    ("unix://u:hunter2@/run/valkey.sock?db=1", "redis", "unix://u:***@/run/valkey.sock?db=1"),
    ("redis+sentinel://:hunter2@a:1,b:2/main/0", "redis", "redis+sentinel://:***@a:1,b:2/main/0"),
    (
        "redis+sentinel://a:1/main?sentinel_password=hunter2",
        "redis",
        "redis+sentinel://a:1/main?sentinel_password=***",
    ),
    ("redis+cluster://a:1,b:2,c:3", "redis", "redis+cluster://a:1,b:2,c:3"),
]


@pytest.mark.parametrize(("url", "kind", "shown"), SERVERS, ids=[shown for *_, shown in SERVERS])
def test_the_url_of_a_store_is_kept_whole_and_shown_without_its_password(
    tmp_path: Path, url: str, kind: str, shown: str
) -> None:
    found = load({"KIKAO_STORE": url}, tmp_path, makes_keys=True)
    assert found.store == url
    assert (found.store.kind, found.store.is_shared) == (kind, True)
    assert found.bus == url, "what carries the sessions carries the messages between processes, too"
    assert f"sessions: {shown}" in found.describe()
    assert f"bus: {shown}" in found.describe()
    for text in (f"{found.store}", str(found.store), repr(found.store), repr(found), f"{found.store:>9}"):
        assert "hunt" not in text
    with pytest.raises(ValueError, match="there is no file of sessions") as raised:
        _ = found.store_path
    assert "hunt" not in str(raised.value)


@given(st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=1), st.text())
def test_no_part_of_a_password_is_shown_however_it_is_written(password: str, path: str) -> None:
    marked = f"<{password}>"
    assert marked not in str(Where(f"redis://user:{marked}@host/0"))
    assert marked not in str(Where(f"postgresql://user:{marked}@host/{path.replace(marked, '')}".rstrip("@")))


def test_records_on_a_server_and_a_bus_of_its_own(tmp_path: Path) -> None:
    url = "postgresql://kikao:hunter2@db/kikao"
    found = load(
        {"KIKAO_STORE": url, "KIKAO_RECORDS": url, "KIKAO_BUS": "redis://cache/1"}, tmp_path, makes_keys=True
    )
    assert (found.store, found.records, found.bus) == (url, url, "redis://cache/1")
    assert load({"KIKAO_STORE": url, "KIKAO_BUS": "memory:"}, tmp_path).bus == "memory:"
    assert load({}, tmp_path).bus == "memory:"
    assert "bus: this process alone" in load({}, tmp_path).describe()


def test_two_databases_are_two_files(tmp_path: Path) -> None:
    told = problem({"KIKAO_STORE": "one.db", "KIKAO_RECORDS": f"sqlite:///{tmp_path}/x/../one.db"}, tmp_path)
    assert "KIKAO_STORE and KIKAO_RECORDS are both" in told
