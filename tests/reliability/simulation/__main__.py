"""Seeds by hand: one with its trace, or many."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.reliability.simulation.running import run, trace


def main(arguments: Sequence[str]) -> int:
    """1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability simulation")
    parser.add_argument("--seed", type=int, default=0, help="this one, line by line; or the first of many")
    parser.add_argument("--seeds", type=int, help="so many from there on, without their lines")
    options = parser.parse_args(arguments)
    if options.seeds is None:
        lines, broken = trace(options.seed)
        print(*lines, sep="\n")
        for law in broken:
            print(f"VIOLATED: {law}")
        return 1 if broken else 0
    began = time.monotonic()
    tried = run(options.seeds, first=options.seed)
    took = time.monotonic() - began
    for name, count in sorted(tried.counts.items()):
        print(f"{name:<40} {count:>12,}")
    print(f"{tried.seeds:,} seeds, {tried.steps:,} steps, {took:.0f} s, {tried.seeds / took:.0f} a second")
    for seed, laws in sorted(tried.broken.items())[:20]:
        print(f"VIOLATED: seed {seed}: {'; '.join(laws)}")
    return 1 if tried.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
