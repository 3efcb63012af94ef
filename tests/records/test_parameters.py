"""What is wrong with the parameters of a PostgreSQL address."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.records import Records, RecordsRefused
from kikao.records.parameters import amiss

SERVER = "postgresql://kikao:hunter2@127.0.0.1:1/kikao"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", ""),
        ("?sslmode=require", ""),
        ("?sslmode=hunter2", "its sslmode is none of disable"),
        ("?sslmode=require&sslcert=/hunter2/client.pem", "its sslcert names is missing"),
        ("?sslmode=verify-full&sslrootcert=/hunter2/ca.pem", "its sslrootcert names is missing"),
        ("?sslmode=verify-full", "sslmode=verify-full needs the certificate of an authority"),
    ],
)
def test_what_is_amiss_is_told_without_its_value(
    query: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = amiss(SERVER + query, {})
    assert bool(found) == bool(said)
    assert said in found
    assert "hunter2" not in found


def test_a_certificate_that_is_there_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / ".postgresql" / "root.crt"
    root.parent.mkdir()
    root.write_text("")
    assert amiss(f"{SERVER}?sslmode=verify-ca", {}) == ""
    root.unlink()
    assert amiss(f"{SERVER}?sslmode=verify-ca", {"PGSSLROOTCERT": "/ca.pem"}) == ""


@pytest.mark.parametrize("query", ["?sslmode=verify-full", "?sslmode=require&sslcert=/hunter2/client.pem"])
async def test_records_say_what_is_amiss(query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    records = Records(SERVER + query)
    with pytest.raises(RecordsRefused, match=r"certificate|sslcert names is missing") as refused:
        await records.migrate(tmp_path, "version")
    assert "hunter2" not in str(refused.value)
    await records.close()
