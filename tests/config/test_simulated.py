"""Who may open the simulator, and where."""

from pathlib import Path

import pytest

from kikao.config import load
from tests.config.asking import PRODUCTION, problem, toml


def test_the_simulator_is_for_this_machine_in_development_and_off_in_production(tmp_path: Path) -> None:
    assert load({}, tmp_path).simulator == "loopback"
    assert load(PRODUCTION, tmp_path).simulator == "off"
    assert load({**PRODUCTION, "KIKAO_SIMULATOR": "off"}, tmp_path).simulator == "off"
    assert "simulator: for this machine alone" in load({}, tmp_path).describe()
    assert "simulator: off" in load(PRODUCTION, tmp_path).describe()


@pytest.mark.parametrize("access", ["loopback", "everyone"])
def test_production_refuses_the_simulator(tmp_path: Path, access: str) -> None:
    told = problem({**PRODUCTION, "KIKAO_SIMULATOR": access}, tmp_path)
    assert told.startswith(
        f"KIKAO_SIMULATOR (environment): {access} lets whoever gets there act as any member"
    )
    told = problem(PRODUCTION, toml(tmp_path, f'[simulator]\naccess = "{access}"'))
    assert told.startswith("simulator.access (kikao.toml): ")


def test_who_may_open_the_simulator(tmp_path: Path) -> None:
    assert load({}, toml(tmp_path, '[simulator]\naccess = "everyone"')).simulator == "everyone"
    assert load({"KIKAO_SIMULATOR": "off"}, tmp_path).simulator == "off"
    assert problem({"KIKAO_SIMULATOR": "on"}, tmp_path) == (
        "KIKAO_SIMULATOR (environment): must be loopback, everyone or off, not 'on'. "
        "Set for example: KIKAO_SIMULATOR=off"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'simulator = "off"',
            "simulator (kikao.toml): must be a table. Write [simulator], access or endpoints",
        ),
        (
            "[simulator]\naccess = false",
            'access (kikao.toml): must be a text, not true or false. Set for example: access = "off"',
        ),
        ("[simulator]\nacess = 1", "simulator.acess (kikao.toml): no such setting. Did you mean access?"),
    ],
)
def test_the_simulators_table(tmp_path: Path, text: str, told: str) -> None:
    assert told in problem({}, toml(tmp_path, text))
