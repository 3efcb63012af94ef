"""What operators read of a session: every line that a view can give, from the view alone."""

from __future__ import annotations

import pytest
from msgspec import structs

from kikao.cli.sessions.texts import HEAD, moment, of_detail, of_explanation, of_line, span
from kikao.sessions.views import Detail, Explanation, Line, Observed, OpenIntent, Rules, RunView

NOW = 1_767_225_600.0
"""2026-01-01, midnight."""

LINE = Line(
    "0123456789ab",
    7,
    "k1",
    NOW + 3600,
    id="s" * 32,
    member="m1",
    channel="ussd",
    gateway="africastalking",
    address="+256*****0001",
    flow="send",
    at="pin#1",
    created_at=NOW - 100,
    seen_at=NOW - 10,
    expires_at=NOW + 290,
)
RULES = Rules("ussd", ("flow", "gateway"), "msisdn", 300.0, None, 0.0, 300.0, "dial", 86400.0)
DETAIL = Detail(LINE, 4, 512, 64, "k1", parts=("main", "ussd"), locale="en")


def detail(**changes: object) -> list[str]:
    return list(of_detail(structs.replace(DETAIL, **changes), NOW))


def line(**changes: object) -> Line:
    return structs.replace(LINE, **changes)


# --- lists ---


def test_a_line_stands_under_its_head() -> None:
    text = of_line(LINE, NOW)
    for title, value in (
        ("KEY", LINE.key),
        ("EXPIRES", "4m 50s"),
        ("SESSION", LINE.id),
        ("FLOW AT", "send pin#1"),
    ):
        assert text[HEAD.index(title) :].startswith(value)


@pytest.mark.parametrize(
    ("changes", "expires"),
    [
        ({"expired": True}, "expired"),
        ({"expired": True, "waiting": True}, "waiting"),
        ({"expires_at": None}, "kept 1h"),
        ({"anchor": "ba9876543210", "expired": True}, "never"),
    ],
)
def test_when_a_session_is_over(changes: dict[str, object], expires: str) -> None:
    assert of_line(line(**changes), NOW)[HEAD.index("EXPIRES") :].startswith(f"{expires} ")
    if "anchor" not in changes:
        assert f"expires      {expires}" in detail(line=line(**changes))


def test_a_link_says_where_it_leads() -> None:
    assert of_line(line(anchor="ba9876543210"), NOW).endswith("linked to ba9876543210")
    assert (
        detail(line=line(anchor="ba9876543210"))[-1]
        == "linked       its dealings are kept under ba9876543210"
    )


def test_what_cannot_be_opened_says_why() -> None:
    sealed = Line("0123456789ab", 7, "k9", NOW, problem="sealed with a key that is not here: k9")
    assert of_line(sealed, NOW).split(maxsplit=3) == ["0123456789ab", "7", "k9", sealed.problem]
    assert detail(line=sealed)[-1] == f"problem      {sealed.problem}"


# --- one session ---


def test_a_plain_session() -> None:
    assert detail() == [
        "key          0123456789ab",
        "record       version 7, fence 4, state 512 octets, address 64",
        "sealed       under k1",
        "kept         until 2026-01-01 01:00:00 UTC or the next sweep after it",
        f"session      {LINE.id}",
        "member       m1",
        "address      ussd/africastalking +256*****0001",
        "made of      main | ussd",
        "language     en",
        "began        2025-12-31 23:58:20 UTC",
        "seen         2025-12-31 23:59:50 UTC",
        "expires      4m 50s",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"through": ("aa", "bb")}, "led here     aa > bb"),
        ({"address_kid": "k2"}, "sealed       under k1, its address under k2"),
        ({"at_work": True}, "at work      a turn holds it just now"),
        ({"line": line(member="")}, "member       not known yet"),
        ({"line": line(waiting=True)}, "waiting      an effect is open, or an outcome waits to be told"),
        ({"over": True}, "over         it was ended: the next message begins a new one"),
        ({"typed": 12}, "typed        12 characters in this dialogue"),
        ({"overlay": "resume"}, "asks         kikao's own question: resume"),
        ({"farewell": True}, "farewell     a last screen of several pages is being read"),
        ({"notices": 2}, "notices      2 about runs that were left"),
        ({"line": line(seen_at=NOW - 200)}, "began        2025-12-31 23:56:40 UTC"),
    ],
)
def test_what_else_may_be_said_of_one(changes: dict[str, object], said: str) -> None:
    assert said not in detail()
    assert said in detail(**changes)


def test_what_the_app_keeps_is_named_and_never_shown() -> None:
    first, second = detail(data=(Observed("cart", "shop.Cart", 40), Observed("visits", "", 2)))[-2:]
    assert first.split() == ["data", "cart", "shop.Cart", "40"]
    assert second.split() == ["visits", "plain", "2"]


def test_the_rules_and_until_when_they_hold() -> None:
    assert detail(rules=RULES)[-3:] == [
        "policy       of ussd: apart by flow, gateway; identifier msisdn",
        "times        idle 5m, no absolute time, outcomes wait 1d",
        "dials        a new dialogue goes on within 0s, is offered to within 5m; opened by a dial",
    ]
    timed = structs.replace(RULES, boundaries=(), idle_until=NOW, absolute=3600.0, absolute_until=NOW + 60)
    policy, times, _ = detail(rules=timed)[-3:]
    assert "apart by nothing" in policy
    assert "idle 5m (until 2026-01-01 00:00:00 UTC), absolute 1h (until 2026-01-01 00:01:00 UTC)" in times
    assert "absolute 1h, outcomes" in detail(rules=structs.replace(RULES, absolute=3600.0))[-2]


def test_a_run_and_what_is_open_of_it() -> None:
    run = RunView(
        "r1",
        "send",
        3,
        (Observed("to#1", "", 5, "ask"), Observed("pin#1", "bank.Receipt", 30, "secret")),
        35,
        arguments=(Observed("who", "", 3),),
        intents=(OpenIntent("pin#1", "secret", "check", 0),),
        question="pin#1",
        accepts="Pin",
        secret=True,
        invalid=2,
        notices=1,
        refused=1,
        epoch=4,
    )
    found = detail(runs=(run,))[len(detail()) :]
    assert found[:6] == [
        "",
        "run          r1  flow send, release 3, goes on",
        "  asks       pin#1 (Pin, a secret, 2 invalid answers)",
        "  notices    1 wait to be told",
        "  counts     1 refused effects, journal cut 4 times",
        f"  arguments  {'who':<36} {'plain':<24} {3:>6}",
    ]
    assert found[6:8] == [
        "  intent     pin#1 (secret, retry check), never asked about",
        "  journal    2 entries, 35 octets",
    ]
    assert [entry.split() for entry in found[8:]] == [
        ["ask", "to#1", "plain", "5"],
        ["secret", "pin#1", "bank.Receipt", "30"],
    ]


@pytest.mark.parametrize(
    ("changes", "state"), [({"failed": True}, "broke in its last turn"), ({"parked": True}, "parked")]
)
def test_a_run_that_does_not_go_on(changes: dict[str, object], state: str) -> None:
    run = structs.replace(RunView("r1", "send", 3, (), 0), **changes)
    assert f"run          r1  flow send, release 3, {state}" in detail(runs=(run,))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"since": NOW - 90}, "open for 1m 30s"),
        ({"since": NOW + 90}, "open for 0s"),
        ({"tries": 3}, "3 times no answer"),
        ({"settled": True}, "done, waits for its group"),
        ({"lease_until": NOW + 5, "due_at": NOW}, "at work, lease until 2026-01-01 00:00:05 UTC"),
        ({"lease_until": NOW - 5, "due_at": NOW}, "recovery asks from 2026-01-01 00:00:00 UTC"),
    ],
)
def test_an_open_effect(changes: dict[str, object], said: str) -> None:
    intent = structs.replace(OpenIntent("pay#1", "step", "key", 0), **changes)
    (text,) = [
        text
        for text in detail(runs=(RunView("r1", "send", 3, (), 0, intents=(intent,)),))
        if "intent" in text
    ]
    assert said in text
    assert text.startswith("  intent     pay#1 (step, retry key), ")


# --- keys ---


def test_how_a_key_came_about() -> None:
    explained = Explanation(
        ("main", "ussd"),
        "0123456789ab",
        rules=(("flow", "main"), ("channel", "ussd")),
        policy=RULES,
        changed=True,
        through=("aa", "bb"),
        id="s1",
    )
    assert list(of_explanation(explained, NOW))[:8] == [
        f"{'flow':<18} main",
        f"{'channel':<18} ussd",
        "",
        "parts        main | ussd",
        "changed      stored under these parts; by today's policy the key would be another",
        "key          0123456789ab",
        "linked       aa > bb",
        "stored       session s1",
    ]


def test_a_key_that_there_is_not() -> None:
    assert list(of_explanation(Explanation((), "", problem="nobody sent it"), NOW)) == [
        "problem      nobody sent it"
    ]
    assert list(of_explanation(Explanation((), "0123"), NOW))[-1] == "stored       nothing"


# --- times ---


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0s"), (59, "59s"), (250, "4m 10s"), (7 * 86400, "7d"), (90061, "1d 1h")]
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_time_beyond_all_calendars_is_for_ever() -> None:
    assert (moment(NOW), moment(1e12)) == ("2026-01-01 00:00:00 UTC", "for ever")
