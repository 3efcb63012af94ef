"""The simulator, `/simulator`: phones in a browser that speak every gateway's real format to the app, in development.

A phone's request passes through the whole server, from the path token to the commit. Beside the phone stand the raw
request and reply, and the conversation as the engine sees it. `site` has the addresses and what each answers.
"""

from kikao.console.simulator.chats.played import PlayedLines
from kikao.console.simulator.clock import SimulatedClock
from kikao.console.simulator.listening import HEARD, hear
from kikao.console.simulator.pushes import Pushes
from kikao.console.simulator.simulator import Simulator
from kikao.console.simulator.site import Site
from kikao.console.simulator.web.face import WebFace

__all__ = ["HEARD", "PlayedLines", "Pushes", "SimulatedClock", "Simulator", "Site", "WebFace", "hear"]
