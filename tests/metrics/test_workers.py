"""Two real workers on one data folder, and a kill -9: whichever is scraped answers for both."""

from __future__ import annotations

import re
from pathlib import Path

from kikao.testing import Phone
from tests.http.forked import fork
from tests.http.servers import ServerProcess
from tests.http.wire import get, over_wire

APP = "tests.metrics.workers_app:app"
MEMORY = {"KIKAO_STORE": "memory:"}
PIN = "8301"


async def scraped(server: ServerProcess, pattern: str) -> float:
    status, body = await get(server.port, "/metrics")
    assert status == 200
    assert PIN not in re.sub(rb"\S+\n", b"", body).decode()
    return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", body.decode(), re.MULTILINE))


async def test_workers_answer_for_each_other_also_for_one_that_was_killed(tmp_path: Path) -> None:
    data, turns, workers = (
        tmp_path / "data",
        r'kikao_inbounds_total\{.*what="(?:asked|ended)"\}',
        "kikao_workers",
    )
    one = fork(data, APP, env=MEMORY).wait_until_up()
    servers = [one]
    try:
        await Phone(over_wire(one.port), "+256772000001").dial()
        assert await scraped(one, turns) == 1

        other = fork(data, APP, env=MEMORY).wait_until_up()
        servers.append(other)
        assert await scraped(other, turns) == 1
        assert await scraped(other, workers) == 2
        phone = Phone(over_wire(other.port), "+256772000002")
        await phone.dial()
        await phone.reply(PIN)
        assert await scraped(other, turns) == 3
        assert await scraped(one, turns) == 3
        phases = r'kikao_turn_phase_seconds_count\{gateway="africastalking",phase="commit"\}'
        assert await scraped(one, phases) == 3

        other.kill()
        assert await scraped(one, turns) == 3
        assert await scraped(one, workers) == 1
        back = fork(data, APP, env=MEMORY).wait_until_up()
        servers.append(back)
        await Phone(over_wire(back.port), "+256772000003").dial()
        assert await scraped(back, turns) == 4
        assert one.stop() == 0
        assert await scraped(back, turns) == 4
        assert await scraped(back, workers) == 1
        alone = re.compile(rb"(?<![0-9.])" + PIN.encode() + rb"(?![0-9])")  # seconds may have its digits
        assert not [path for path in data.rglob("*") if path.is_file() and alone.search(path.read_bytes())]
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.kill()
