"""The wallet passes its own engine's check, to the last branch."""

from kikao.checking.checks import check
from kikao.checking.exploring import Options
from kikao_apps.wallet import app


def test_nothing_is_found_in_the_wallet_and_nothing_is_left_unexplored() -> None:
    report = check(app, "kikao_apps.wallet:app", exploring=Options())

    assert report.findings == []
    assert report.exploration is not None
    assert report.exploration.coverage.unreached == ()
    assert report.exploration.coverage.reached == report.exploration.coverage.total > 50
    assert set(report.exploration.flows) == {flow.name for flow in app.engine.flows}
    assert report.languages == ("en", "lg", "sw")
