"""Traces: a span for each turn and each phase, what services open inside, and nothing of a member on any of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kikao import App, Chat, Done, Flows, Outcome, Pin, Proceed, Refused, Secret, TurnContext, t
from kikao.telemetry import ATTRIBUTES, Traces, traces
from kikao.testing import Stage
from tests.testing.shop import AWAY, HOW_MANY, PIN, MemoryTill, Sale, Till, flows_of

NUMBER = "+256772000001"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


def an_app(provider: TracerProvider, *inner: object, till: MemoryTill | None = None) -> App:
    middleware = [traces(provider), *inner]
    return App(
        flows_of(),
        entry="buy",
        members=False,
        services={Till: till or MemoryTill()},
        middleware=middleware,  # type: ignore[arg-type]
    )


def tree(spans: tuple[ReadableSpan, ...]) -> list[str]:
    """The spans by the time they began, indented by their depth."""
    by_id = {span.context.span_id: span for span in spans}

    def depth(span: ReadableSpan) -> int:
        return 0 if span.parent is None else 1 + depth(by_id[span.parent.span_id])

    return [
        "  " * depth(span) + span.name for span in sorted(spans, key=lambda s: (s.start_time or 0, depth(s)))
    ]


async def test_a_turn_is_a_span_and_its_phases_are_inside(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    async with Stage(an_app(provider)) as stage:
        phone = stage.phone(NUMBER)
        assert await phone.dial() == HOW_MANY
        assert tree(exporter.get_finished_spans()) == [
            "turn africastalking", "  claim", "  run", "  render", "  commit"
        ]  # fmt: skip
        turn = exporter.get_finished_spans()[-1]
        assert turn.kind is SpanKind.SERVER
        assert turn.attributes == {
            "kikao.channel": "ussd",
            "kikao.gateway": "africastalking",
            "kikao.happening": "new",
            "kikao.session": stage.events[-1].session,  # type: ignore[attr-defined]
            "kikao.committed": True,
            "kikao.what": "asked",
            "kikao.flow": "buy",
            "kikao.question": "cups",
        }
        assert turn.status.status_code is StatusCode.UNSET
        exporter.clear()
        await phone.again()
        assert tree(exporter.get_finished_spans()) == ["turn africastalking", "  claim"]
    assert not trace.get_current_span().get_span_context().is_valid


async def test_what_services_open_is_inside_of_the_phase(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    tracer = provider.get_tracer("an http client")

    class Traced(MemoryTill):
        async def price(self) -> int:
            with tracer.start_as_current_span("GET /price"):
                return await super().price()

        async def pay(self, cups: int, *, pin: Secret, key: str) -> Done[Sale] | Refused:
            with tracer.start_as_current_span("POST /pay"):
                return await super().pay(cups, pin=pin, key=key)

    async def inner(turn: TurnContext, proceed: Proceed) -> Outcome:
        with tracer.start_as_current_span("inner"):
            return await proceed()

    async with Stage(an_app(provider, inner, till=Traced())) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        assert tree(exporter.get_finished_spans())[:5] == [
            "turn africastalking", "  inner", "    claim", "    run", "      GET /price"
        ]  # fmt: skip
        await phone.reply("3")
        exporter.clear()
        await phone.reply(PIN)
        found = tree(exporter.get_finished_spans())
        assert found[:5] == ["turn africastalking", "  inner", "    claim", "    run", "      effects"]
        assert "        POST /pay" in found
        assert found[-2:] == ["    render", "    commit"]


async def test_nothing_of_a_member_is_on_a_span(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    flows = Flows()

    @flows.flow("break")
    async def breaks(chat: Chat) -> None:
        async def use(pin: Secret, key: str) -> str:
            raise LookupError(f"the service says: {pin.reveal()} of {NUMBER}")

        await chat.secret("pin", Pin(4), t("PIN?"), use=use)

    async def broken(turn: TurnContext, proceed: Proceed) -> Outcome:
        await proceed()
        raise LookupError(f"{PIN} of {NUMBER}")

    app = App(flows, entry="break", members=False, middleware=[traces(provider), broken])
    async with Stage(app) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply(PIN)
    spans = exporter.get_finished_spans()
    assert len(spans) > 8
    for span in spans:
        assert set(span.attributes or ()) <= ATTRIBUTES
        assert not span.events
        shown = span.to_json()
        for secret in (PIN, NUMBER, NUMBER[1:]):
            assert f'"{secret}' not in shown
            assert f" {secret}" not in shown


async def test_trouble_is_an_error_of_the_span(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    async def closed(turn: TurnContext, proceed: Proceed) -> Outcome:
        raise LookupError

    async with Stage(an_app(provider, closed)) as stage:
        assert await stage.phone().dial() == AWAY
    (turn,) = exporter.get_finished_spans()
    assert (turn.status.status_code, turn.status.description) == (StatusCode.ERROR, "unavailable")
    assert turn.attributes is not None
    assert turn.attributes["kikao.by"] == "closed"
    assert str(turn.attributes["kikao.error"]).startswith("LookupError at test_telemetry.py:")


async def test_a_late_outcome_is_linked_to_its_turn(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    async with Stage(an_app(provider)) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply("3")
        exporter.clear()
        with stage.service(Till).slow("pay"):
            await phone.reply(PIN)
        await stage.settle()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    late, turn = spans["late outcome"], spans["turn africastalking"]
    assert late.parent is None
    assert [link.context.trace_id for link in late.links] == [turn.context.trace_id]
    assert late.attributes is not None
    assert late.attributes["kikao.what"] == "late"


async def test_what_recovery_came_to_is_a_span_of_its_own(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    async with Stage(an_app(provider)) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply("3")
        stage.crash_at("commit")
        await phone.reply(PIN)
        exporter.clear()
        await stage.restart()
    (recovery,) = exporter.get_finished_spans()
    assert (recovery.name, recovery.parent, recovery.links) == ("recovery", None, ())
    assert recovery.attributes is not None
    assert recovery.attributes["kikao.what"] == "settled"


async def test_without_an_sdk_nothing_happens() -> None:
    app = App(flows_of(), entry="buy", members=False, services={Till: MemoryTill()}, middleware=[traces()])
    async with Stage(app) as stage:
        assert await stage.phone().dial() == HOW_MANY
    assert app.order() == ("Traces",)
    assert isinstance(app.middleware[0], Traces)


def test_opentelemetry_is_loaded_by_those_who_ask_for_it_alone() -> None:
    script = (
        "import sys, kikao, kikao.app, kikao.cli\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "sys.modules['opentelemetry'] = None\n"
        "import kikao.telemetry\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(
        "ModuleNotFoundError: traces need OpenTelemetry: install kikao[telemetry], and an SDK with an exporter"
    )
