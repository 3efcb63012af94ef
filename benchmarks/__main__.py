"""`make bench`: every figure beside its bar, in one table. Names of parts as arguments run only those."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks.engines import engines
from benchmarks.parts import PARTS
from benchmarks.table import Line, machine, show


def main() -> None:
    """Run the parts, print the table."""
    chosen = sys.argv[1:] or list(PARTS)
    if "--help" in chosen:
        print(
            f'Parts: {", ".join(PARTS)}. Run all with `make bench`, some with `make bench ARGS="turn http"`.'
        )
        return
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise SystemExit(f"benchmarks: there is no part {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
    lines: list[Line] = [f"kikao on {machine()}"]
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kikao-bench-") as folder, engines(Path(folder)) as found:
        for name in chosen:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            try:
                _into(lines, PARTS[name](found))
            except (Exception, KeyboardInterrupt):
                traceback.print_exc()
                lines.append(f"{name}: broken off, see above")
                broken.append(name)
    show(lines)
    if broken:
        raise SystemExit(f"benchmarks: {', '.join(broken)} could not be measured to the end")


def _into(lines: list[Line], found: Iterator[Line]) -> None:
    """One after the other: what was measured before an error stays."""
    for line in found:
        lines += (line,)


if __name__ == "__main__":
    main()
