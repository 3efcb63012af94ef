"""K505: messages to names that no setting declares."""

from pathlib import Path

import pytest

from kikao.checking.reading import read, sources_of
from tests.checking.reading.snippets import HEAD, imported, marked

TEXT = """
SHOP = "shop"
@flows.flow("f")
async def f(chat: Chat, to) -> None:
    await chat.post("a", "crm", 1)
    await chat.post("b", "cmr", 1)  # K505
    await chat.post("c", to=SHOP, data=1)  # K505
    await chat.post("d", to, 1)
    await chat.post("e", f"crm_{to}", 1)
"""


@pytest.mark.parametrize("known", [True, False])
def test_a_literal_name_that_is_not_declared_is_found_where_the_settings_are_known(
    tmp_path: Path, *, known: bool
) -> None:
    with imported(tmp_path, shop=HEAD + TEXT) as _:
        import shop  # type: ignore[import-not-found]

        found = read(
            sources_of("shop", ["shop"]), list(shop.flows), destinations=["crm"] if known else None
        ).findings
    posted, wanted = marked([each for each in found if each.code == "K505"], TEXT)
    assert posted == (wanted if known else [])
