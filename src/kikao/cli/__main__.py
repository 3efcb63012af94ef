"""`python -m kikao.cli`: the command, with the interpreter that is named."""

from kikao.cli import main

main(prog_name="kikao")
