"""`make reliability`: see the package."""

from __future__ import annotations

import argparse
import random
import sys

from tests.reliability.suite import main

parser = argparse.ArgumentParser(prog="python -m tests.reliability")
parser.add_argument("--quick", action="store_true", help="a slice of it, under half a minute")
parser.add_argument(
    "--seed", type=int, default=None, help="of the moments of the kills and of what members do"
)
options = parser.parse_args()
sys.exit(main(quick=options.quick, seed=random.randrange(2**32) if options.seed is None else options.seed))
