"""The link to a message centre: what comes is answered when it is committed, what goes arrives, and both survive."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from kikao.channels.calling import Unanswered
from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.channels.outbox import Rejected, TryLater
from kikao.channels.smpp.statuses import Status
from kikao.channels.ussd.pushed import Pushed
from kikao.sessions.policy import MissingIdentifier
from tests.certified import Certified
from tests.channels.ussd.smpp.linked import NUMBER, SESSION, Linked, bound
from tests.channels.ussd.smpp.smsc import ANSWER, CONFIRM, CONTINUE, END, NEW, Smsc
from tests.waiting import until

ECHO = (
    ("source_addr", NUMBER),
    ("destination_addr", "384"),
    ("source_addr_ton", "1"),
    ("source_addr_npi", "1"),
    ("dest_addr_ton", "0"),
    ("dest_addr_npi", "1"),
)
PUSHED = Pushed("Hello", False, 0.0, f"+{NUMBER}", "", "*384#", ECHO)


async def test_a_dial_comes_in_and_its_screen_goes_out() -> None:
    async with Smsc().serving() as smsc:
        linked = Linked(smsc)
        async with linked.running():
            await smsc.bound()
            assert await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION) == Status.OK
            (inbound,) = linked.inbounds
            assert (inbound.happening, inbound.identity) == ("new", f"+{NUMBER}")
            assert (await linked.show(inbound, "1 Send {money}")).status == 200
            shown = await smsc.screen(NUMBER)
            assert (shown.text, shown.operation, shown.session) == ("1 Send {money}", CONTINUE, SESSION)
            assert (shown.service_type, shown.source) == ("USSD", "384")
            assert (await linked.show(inbound, "Bye", ends=True)).status == 200
            assert (await smsc.screen(NUMBER)).operation == END
        assert smsc.commands[-1] == 0x06  # unbind


async def test_what_comes_is_answered_when_its_turn_is_committed_and_no_sooner() -> None:
    async with bound() as (smsc, linked):
        linked.open.clear()
        answered = smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        assert await smsc.enquire() == Status.OK  # meanwhile others are served
        assert not answered.done()
        linked.open.set()
        assert await answered == Status.OK


async def test_a_copy_of_what_is_processed_waits_for_the_same_outcome() -> None:
    async with bound() as (smsc, linked):
        linked.open.clear()
        first = smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        second = smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        assert await smsc.enquire() == Status.OK
        linked.open.set()
        assert [await first, await second] == [Status.OK, Status.OK]
        assert len(linked.inbounds) == 1


async def test_what_was_not_acknowledged_comes_again_after_a_rebind_and_is_no_second_turn() -> None:
    async with bound() as (smsc, linked):
        linked.open.clear()
        answered = smsc.deliver(NUMBER, "1", ANSWER, session=SESSION)
        assert await smsc.enquire() == Status.OK
        smsc.cut()
        await smsc.until(lambda: not smsc.bounds)
        linked.open.set()
        await smsc.bound(2)
        assert await answered == Status.OK
        assert len(linked.inbounds) == 1
        # the screen was not shown yet: the same answer is the same one once more
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK


async def doubtful(linked: Linked, smsc: Smsc) -> None:
    """An answer that was taken, on a connection that ended before anybody could know whether the SMSC heard of it."""
    await smsc.bound()
    assert await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION) == Status.OK
    assert (await linked.show(linked.inbounds[-1], "First?")).status == 200
    smsc.redelivers = False
    assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
    smsc.cut()
    await smsc.bound(2)


async def test_a_doubtful_answer_is_a_copy_as_long_as_its_screen_is_not_there() -> None:
    async with bound() as (smsc, linked):
        await doubtful(linked, smsc)
        linked.ahead += 60
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
        assert len(linked.inbounds) == 2
        # That was the copy. What comes now is an answer to the screen that follows.
        assert (await linked.show(linked.inbounds[-1], "Second?")).status == 200
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
        assert [inbound.again for inbound in linked.inbounds] == [False, False, False]


async def test_a_copy_may_be_late_by_as_much_as_nobody_answers_in() -> None:
    async with bound() as (smsc, linked):
        await doubtful(linked, smsc)
        assert (await linked.show(linked.inbounds[-1], "Second?")).status == 200
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
        assert len(linked.inbounds) == 2


async def test_later_it_may_be_a_copy_or_an_answer_and_that_is_said() -> None:
    async with bound() as (smsc, linked):
        await doubtful(linked, smsc)
        assert (await linked.show(linked.inbounds[-1], "Second?")).status == 200
        linked.ahead += 2
        for text in ("1", "1"):
            assert await smsc.deliver(NUMBER, text, ANSWER, session=SESSION) == Status.OK
        assert [inbound.again for inbound in linked.inbounds] == [False, False, True, False]


async def test_another_answer_is_never_a_copy_and_doubts_end() -> None:
    async with Smsc().serving() as smsc:
        linked = Linked(smsc)
        async with linked.running():
            await doubtful(linked, smsc)
            assert await smsc.deliver(NUMBER, "2", ANSWER, session=SESSION) == Status.OK
            assert linked.inbounds[-1].text.reveal() == "2"
        linked = Linked(smsc)
        smsc.attempts.clear()
        async with linked.running():
            await doubtful(linked, smsc)
            linked.ahead += 200
            assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
            assert len(linked.inbounds) == 3


async def test_the_first_answer_in_a_dialogue_that_another_process_began_may_be_a_copy() -> None:
    async with bound() as (smsc, linked):
        for _ in range(2):
            assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
        assert [inbound.again for inbound in linked.inbounds] == [True, False]


async def test_an_answer_that_is_the_same_as_the_one_before_is_a_new_one() -> None:
    async with bound() as (smsc, linked):
        for _ in range(2):
            assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
            assert (await linked.show(linked.inbounds[-1], "Next?")).status == 200
        assert len(linked.inbounds) == 2
        smsc.cut()
        await smsc.bound(2)
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.OK
        assert len(linked.inbounds) == 3


@pytest.mark.parametrize("status", [Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL])
async def test_a_full_message_centre_is_waited_for(status: Status) -> None:
    async with bound() as (smsc, linked):
        await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        smsc.judge = lambda _: status
        waits = []
        for _ in range(5):
            answer = await linked.show(linked.inbounds[0], "Hello")
            assert linked.gateway.outcome(answer, 0.0) == TryLater(
                status.name, float(answer.header("retry-after"))
            )
            waits.append(answer.header("retry-after"))
        assert waits == ["1", "2", "4", "8", "8"]
        smsc.judge = lambda _: Status.OK
        assert (await linked.show(linked.inbounds[0], "Hello")).status == 200


async def test_a_screen_without_an_answer_is_not_known_to_have_arrived() -> None:
    async with bound() as (smsc, linked):
        await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        smsc.judge = lambda _: None
        sending = asyncio.create_task(linked.show(linked.inbounds[0], "Hello"))
        await smsc.until(lambda: bool(smsc.submitted))
        smsc.cut()
        with pytest.raises(Unanswered):
            await sending


async def test_more_than_may_be_at_work_are_told_to_come_again() -> None:
    async with bound(at_once="2") as (smsc, linked):
        linked.open.clear()
        answers = [smsc.deliver(f"25670000000{n}", "*384#", NEW, session=SESSION) for n in range(3)]
        assert await answers[2] == Status.ESME_RX_T_APPN
        linked.open.set()
        assert [await answers[0], await answers[1]] == [Status.OK, Status.OK]


async def test_of_copies_no_more_wait_than_can_be_remembered() -> None:
    async with bound(at_once="1") as (smsc, linked):
        linked.open.clear()
        answers = [smsc.deliver(NUMBER, "*384#", NEW, session=SESSION) for _ in range(5)]
        assert await answers[4] == Status.ESME_RX_T_APPN
        linked.open.set()
        assert {await answer for answer in answers[:4]} == {Status.OK}
        assert len(linked.inbounds) == 1


async def test_a_notice_goes_out_and_what_confirms_it_is_no_turn() -> None:
    async with bound() as (smsc, linked):
        call = linked.gateway.notice(f"+{NUMBER}", "You received UGX 500", code="*384#")
        assert (await linked.link(call)).status == 200
        shown = await smsc.screen(NUMBER)
        assert (shown.text, shown.operation, shown.source) == ("You received UGX 500", 0x03, "384")
        assert await smsc.deliver(NUMBER, "", CONFIRM, session=SESSION) == Status.OK
        assert [inbound.happening for inbound in linked.inbounds] == ["notice"]


async def test_a_full_window_is_waited_for_and_then_the_outbox_keeps_the_screen() -> None:
    async with bound(window="1") as (smsc, linked):
        smsc.judge = lambda _: None
        sending = asyncio.create_task(linked.link(linked.gateway.call(PUSHED, "m1")))
        await smsc.until(lambda: bool(smsc.submitted))
        with pytest.raises(Unanswered, match="the window is full"):
            await linked.link(linked.gateway.call(PUSHED, "m2"))
        with pytest.raises(Unanswered, match="no answer in time"):
            await sending


async def test_a_screen_that_has_no_place_in_a_pdu_is_never_sent() -> None:
    async with bound() as (smsc, linked):
        answer = await linked.link(linked.gateway.call(structs.replace(PUSHED, text=""), "m1"))
        assert linked.gateway.outcome(answer, 0.0) == Rejected("ValueError")
        assert smsc.submitted == []


async def test_who_nobody_is_is_refused() -> None:
    async def nobody(inbound: Inbound) -> Response:
        raise MissingIdentifier("no identifier")

    async with bound(nobody) as (smsc, linked):
        assert await smsc.deliver(NUMBER, "1", ANSWER, session=SESSION) == Status.ESME_RX_R_APPN
        assert linked.told("RequestRefused")


async def test_what_is_not_in_the_contract_is_refused_and_not_wanted_again() -> None:
    async with bound() as (smsc, linked):
        assert await smsc.deliver(NUMBER, "4321", 0x55, session=SESSION) == Status.ESME_RX_R_APPN
        assert await smsc.deliver(NUMBER, "4321", ANSWER, data_coding=4) == Status.ESME_RX_R_APPN
        assert linked.inbounds == []
        refused = linked.told("RequestRefused")
        assert len(refused) == 2
        assert "4321" not in str(refused)


async def test_what_cannot_be_taken_now_is_wanted_again() -> None:
    async with Smsc().serving() as smsc:
        linked = Linked(smsc)
        linked.answer = lambda _: Response(429, (), b"")
        async with linked.running():
            await smsc.bound()
            assert await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION) == Status.ESME_RX_T_APPN


# --- the connection ---


async def test_a_wrong_password_is_told_and_tried_again_without_haste() -> None:
    async with Smsc(password="another").serving() as smsc:
        linked = Linked(smsc)
        async with linked.running() as link:
            await smsc.until(lambda: bool(smsc.attempts))
            await until(lambda: linked.told("LinkLost"), "the end of a connection")
            (lost,) = linked.told("LinkLost")
            assert (lost.reason, lost.retry_after) == ("ESME_RINVPASWD", 5.0)
            assert (link.bound, link.wanted) == (False, True)


async def test_nobody_there_is_told_and_tried_again_ever_more_rarely() -> None:
    smsc = Smsc()
    async with smsc.serving():
        pass
    linked = Linked(smsc)
    async with linked.running():
        await until(lambda: len(linked.told("LinkLost")) == 3, "three ends")
        lost = linked.told("LinkLost")
        assert {each.reason for each in lost} == {"no connection: ConnectionRefusedError"}
        assert [each.retry_after for each in lost] == [0.25, 0.5, 1.0]


async def test_whatever_breaks_the_next_connection_is_made() -> None:
    broken = iter([ValueError("4321")])

    def when_bound() -> None:
        for error in broken:
            raise error

    async with Smsc().serving() as smsc:
        linked = Linked(smsc)
        linked.when_bound = when_bound
        async with linked.running():
            await smsc.bound(2)
            (uncaught,), (lost,) = linked.told("ErrorUncaught"), linked.told("LinkLost")
            assert "4321" not in f"{uncaught} {lost}"
            assert lost.reason == "ValueError"


async def test_a_message_centre_that_unbinds_is_bound_to_again() -> None:
    async with bound() as (smsc, linked):
        await smsc.unbind()
        await smsc.bound(2)
        assert [each.reason for each in linked.told("LinkLost")] == ["unbound by the SMSC"]


async def test_a_message_centre_that_is_silent_is_left() -> None:
    async with bound(enquire_link="1", response="1") as (smsc, linked):
        await smsc.until(lambda: 0x15 in smsc.commands)  # it asked, and was answered
        smsc.hears = False
        await until(lambda: linked.told("LinkLost"), "the end of a connection")
        assert [each.reason for each in linked.told("LinkLost")] == ["silent"]
        smsc.hears = True
        await smsc.bound(2)


async def test_who_is_not_wanted_any_more_unbinds_and_comes_back_when_it_is() -> None:
    async with bound() as (smsc, linked):
        linked.wanted = False
        linked.link.wake()
        await smsc.until(lambda: not smsc.bounds)
        assert smsc.commands[-1] == 0x06
        await until(lambda: not linked.link.bound, "the end of the bind")
        with pytest.raises(Unanswered, match="not bound"):
            await linked.link(linked.gateway.call(PUSHED, "m1"))
        linked.wanted = True
        linked.link.wake()
        await smsc.bound(2)


async def test_what_comes_while_it_stops_is_wanted_again() -> None:
    async with Smsc(redelivers=False).serving() as smsc:
        linked = Linked(smsc)
        async with linked.running() as link:
            await smsc.bound()
            linked.open.clear()
            at_work = smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
            await smsc.enquire()
            stopping = asyncio.create_task(link.stop(5.0))
            assert await smsc.deliver("256700000009", "*384#", NEW, session=SESSION) == Status.ESME_RX_T_APPN
            linked.open.set()
            assert await at_work == Status.OK
            await stopping
            assert smsc.commands[-1] == 0x06


async def test_what_is_no_pdu_ends_the_connection_and_what_is_no_request_is_not_acknowledged() -> None:
    async with bound() as (smsc, linked):
        assert await smsc.ask(0x0103) == Status.ESME_RINVCMDID  # data_sm
        smsc.bounds[-1].writer.write(bytes.fromhex("7fffffff00000005") + b"4321" * 2)
        await smsc.bound(2)
        (lost,) = linked.told("LinkLost")
        assert lost.reason == "command_length is not between 16 and 8192"


async def test_what_a_vendor_adds_to_the_statuses_is_told_by_its_number() -> None:
    async with bound() as (smsc, linked):
        await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION)
        statuses = iter([0x0400, Status.ESME_RSYSERR, 0x0B])
        smsc.judge = lambda _: next(statuses)
        outcomes = [
            linked.gateway.outcome(await linked.show(linked.inbounds[0], "Hello"), 0.0) for _ in range(3)
        ]
        assert outcomes == [
            Rejected("status 0x00000400"),
            TryLater("ESME_RSYSERR"),
            Rejected("ESME_RINVDSTADR"),
        ]


async def test_what_breaks_in_a_turn_is_told_without_its_text_and_wanted_again() -> None:
    async def broken(inbound: Inbound) -> Response:
        raise ValueError(inbound.text.reveal())

    async with bound(broken) as (smsc, linked):
        assert await smsc.deliver(NUMBER, "4321", ANSWER, session=SESSION) == Status.ESME_RX_T_APPN
        (uncaught,) = linked.told("ErrorUncaught")
        assert "ValueError" in uncaught.error
        assert "4321" not in uncaught.error


async def test_tls_is_spoken_to_who_can_show_a_good_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = Certified(tmp_path)
    async with Smsc().serving(certified.context) as smsc:
        linked = Linked(smsc, tls="on", host="localhost")
        async with linked.running():
            await until(lambda: linked.told("LinkLost"), "the end of a connection")
            assert linked.told("LinkLost")[0].reason == "no connection: SSLCertVerificationError"
        monkeypatch.setenv("SSL_CERT_FILE", str(certified.certificate))
        linked = Linked(smsc, tls="on", host="localhost")
        async with linked.running():
            await smsc.bound()
            assert await smsc.deliver(NUMBER, "*384#", NEW, session=SESSION) == Status.OK
