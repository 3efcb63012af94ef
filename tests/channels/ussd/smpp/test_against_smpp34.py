"""A server that others wrote takes the bind, the answers and the screens of the link."""

from __future__ import annotations

import asyncio
import socket

import smpp34

from tests.channels.ussd.smpp.linked import NUMBER, Linked
from tests.channels.ussd.smpp.smsc import Smsc
from tests.waiting import PATIENCE


async def test_a_dialogue_with_the_server_of_smpp34() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="SMSC")
    await server.start()
    smsc = Smsc()
    smsc.port = port
    linked = Linked(smsc)
    try:
        async with linked.running(), asyncio.timeout(PATIENCE):
            esme = await server.next()
            assert isinstance(esme, smpp34.Esme)
            assert esme.system_id == "kikao"
            taken = await esme.deliver_sm(
                "384",
                b"*384#",
                source_addr=NUMBER,
                service_type="USSD",
                source_addr_ton=1,
                tlvs=[smpp34.Tlv(0x0501, b"\x01"), smpp34.Tlv(0x1383, b"\xff\x02")],
            )
            assert taken.is_success
            showing = asyncio.create_task(linked.show(linked.inbounds[0], "1 Send\n2 Balance"))
            shown = await server.next()
            assert isinstance(shown, smpp34.SubmitSmEvent)
            shown.accept("m1")
            assert (await showing).status == 200
            assert (shown.short_message, shown.destination_addr) == (b"1 Send\n2 Balance", NUMBER)
            assert {tlv.tag: tlv.value for tlv in shown.tlvs} == {0x0501: b"\x02", 0x1383: b"\xff\x02"}
        async with asyncio.timeout(PATIENCE):
            assert isinstance(await server.next(), smpp34.Unbound)
    finally:
        await server.stop()
