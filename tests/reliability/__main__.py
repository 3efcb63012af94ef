"""`make reliability`: see the package."""

from __future__ import annotations

import argparse
import random
import sys

from tests.reliability.parts import PARTS
from tests.reliability.suite import main, run_one, tell

if __name__ == "__main__" and sys.argv[1:2] == ["simulation"]:
    from tests.reliability.simulation.__main__ import main as simulation

    sys.exit(simulation(sys.argv[2:]))

if __name__ == "__main__":  # a server that is forked imports this file, too
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    parser.add_argument("--quick", action="store_true", help="a slice of it, one to three minutes")
    parser.add_argument("--seed", type=int, help="of every random choice: kills, faults, what members do")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART", help="parts with this in their name"
    )
    parser.add_argument("--lanes", type=int, default=3, help="how many parts run at the same time")
    parser.add_argument("--report", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    if options.report is not None:
        (part,) = (part for part in PARTS if part.name == options.report)
        tell(run_one(part, quick=options.quick, seed=seed))
    else:
        sys.exit(main(quick=options.quick, seed=seed, only=options.only, lanes=options.lanes))
