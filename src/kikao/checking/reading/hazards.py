"""Names that a replayed flow must not call, by the dotted name they have after all imports and aliases."""

from __future__ import annotations

from typing import Final

CLOCKS: Final = frozenset(
    {
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
        *(
            f"time.{name}{unit}"
            for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
            for unit in ("", "_ns")
        ),
        "time.clock_gettime",
        "time.clock_gettime_ns",
        *(f"arrow.{name}" for name in ("now", "utcnow")),
        *(f"pendulum.{name}" for name in ("now", "today", "tomorrow", "yesterday")),
        *(f"django.utils.timezone.{name}" for name in ("now", "localtime", "localdate")),
    }
)

NOW_WITHOUT_ARGUMENTS: Final = frozenset(
    {f"time.{name}" for name in ("localtime", "gmtime", "ctime", "asctime")}
)
"""They convert a time that is given, and read the clock where none is."""

LOOPS: Final = frozenset(
    {"asyncio.get_running_loop", "asyncio.get_event_loop", "asyncio.events.get_running_loop"}
)
"""Their `time()` is a clock."""

RANDOM: Final = ("random.", "secrets.", "numpy.random.")
"""Modules that draw numbers; a generator with a seed of its own (`random.Random(7)`) draws the same every time."""

SEEDED: Final = frozenset({"random.Random", "numpy.random.default_rng", "numpy.random.RandomState"})

UNIQUE: Final = frozenset(
    {*(f"uuid.uuid{version}" for version in (1, 4, 6, 7, 8)), "os.urandom", "os.getrandom"}
)

BLOCKING: Final = (
    "requests.",
    "httpx.",
    "aiohttp.",
    "urllib.request.",
    "urllib3.",
    "http.client.",
    "socket.",
    "ssl.",
    "smtplib.",
    "imaplib.",
    "poplib.",
    "ftplib.",
    "telnetlib.",
    "xmlrpc.client.",
    "subprocess.",
    "shutil.",
    "sqlite3.",
    "aiosqlite.",
    "asyncpg.",
    "psycopg.",
    "psycopg2.",
    "pymysql.",
    "MySQLdb.",
    "redis.",
    "pymongo.",
    "motor.",
    "boto3.",
    "paramiko.",
)
"""Modules whose calls reach the network, other processes or files."""

HARMLESS: Final = frozenset(
    {
        *(f"httpx.{name}" for name in ("URL", "Timeout", "Limits", "Headers", "QueryParams", "BasicAuth")),
        *(f"requests.{name}" for name in ("Request", "codes")),
        *(f"aiohttp.{name}" for name in ("ClientTimeout", "BasicAuth", "FormData")),
        *(
            f"socket.{name}"
            for name in ("inet_aton", "inet_ntoa", "inet_pton", "inet_ntop", "htons", "ntohs")
        ),
        *(f"sqlite3.{name}" for name in ("Row",)),
        "psycopg2.sql.SQL",
        "psycopg.sql.SQL",
        "shutil.which",
        "secrets.compare_digest",
    }
)
"""What such a module has that only computes."""

OUTSIDE: Final = frozenset(
    {
        "builtins.open",
        "builtins.input",
        "io.open",
        "time.sleep",
        "asyncio.to_thread",
        *(
            f"os.{name}"
            for name in (
                "open read write system popen listdir scandir walk mkdir makedirs remove unlink rename replace rmdir "
                "stat fork kill spawnv execv"
            ).split()
        ),
    }
)
"""Single functions that do so."""

FILE_METHODS: Final = frozenset({"read_text", "write_text", "read_bytes", "write_bytes"})
"""Of `pathlib.Path`: nothing else has them."""

OPENING: Final = frozenset({"client", "connect", "create_connection", "default_rng", "resource", "session"})
"""Functions that make what is used later, as classes do."""

SCHEDULING: Final = frozenset(
    {
        f"asyncio.{name}"
        for name in (
            "gather create_task ensure_future wait wait_for shield as_completed run run_coroutine_threadsafe"
        ).split()
    }
)
"""What lets coroutines run beside or under something else."""

SPAWNING: Final = frozenset({"create_task", "ensure_future", "start_soon", "start", "run_until_complete"})
"""Methods of task groups, nurseries and loops that do so."""

HARMLESS_WAITS: Final = frozenset({"asyncio.sleep"})
HARMLESS_CONTEXTS: Final = frozenset({"asyncio.timeout", "asyncio.timeout_at", "contextlib.nullcontext"})
"""Contexts whose `async with` never waits at its end."""

TASK_GROUPS: Final = frozenset(
    {"asyncio.TaskGroup", "asyncio.taskgroups.TaskGroup", "anyio.create_task_group"}
)


def hazard(dotted: str, *, bare: bool) -> str:
    """The code of the rule that a call of this name breaks, or empty. `bare` is a call without arguments."""
    if dotted in CLOCKS or (bare and dotted in NOW_WITHOUT_ARGUMENTS):
        return "K404"
    if dotted.startswith(RANDOM) and (bare or dotted not in SEEDED) and dotted not in HARMLESS:
        return "K405"
    if dotted in UNIQUE:
        return "K406"
    if dotted in OUTSIDE or (dotted.startswith(BLOCKING) and dotted not in HARMLESS):
        return "K407"
    return ""
