"""Deterministic simulation: the product's turns, engine, sessions, recovery and store logic, imported unmodified, in a
world whose clock, network, disk, bank and members are simulated. Everything comes from a seed.

`world` puts one together and judges it; `weather` is what goes wrong in it; `loop` is where a process dies between two
steps; `laws` are what must hold. `running` tries many seeds; `python -m tests.reliability simulation --seed N` shows
one, line by line.
"""
