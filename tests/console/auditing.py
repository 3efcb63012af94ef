"""Whether everybody can use the page, and whether it fits where it is shown.

With the path of a folder in `SCREENSHOTS`, each state that is audited leaves pictures there, to be looked at.
"""

from __future__ import annotations

import os

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.console.browser import Desk


def audit(desk: Desk, state: str, *, wide: bool) -> None:
    """No finding of axe in light, none about colours in dark, and nothing that is wider than the page.

    What is on the page is the same however wide it is, and so are its colours: one width is enough for each of the
    two, the `wide` one for light.
    """
    for width, scheme, rules in (
        (1280 if wide else 360, "light", {}),
        (360 if wide else 1280, "dark", {"runOnly": ["color-contrast"]}),
    ):
        desk.page.set_viewport_size({"width": width, "height": 900})
        desk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe(axe_script="0").run(desk.page, options={"resultTypes": ["violations"], **rules})
        assert found.violations_count == 0, f"{state}, {width} px, {scheme}: {found.generate_report()}"
        if pictures := os.environ.get("SCREENSHOTS"):
            desk.page.screenshot(path=f"{pictures}/{state} {width} {scheme}.png", full_page=True)
        wider = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{state}: {wider} px wider than the page"
