"""Transcripts: conversations as plain text that anybody can read and write. The text alone: nothing is played here.

    # The balance

    Asha dials and answers 2.
        Enter your PIN
        0 Back

    Asha answers her PIN.
        Your balance is UGX 100,000.
        (end)

`parse` reads such a text, `write` writes one, a `Recorder` makes one of what members really do. `kikao.testing` plays
them, and `docs/reference/transcripts.md` lists what a line may say.
"""

from kikao.transcripts.answers import BLANK, Answer, Named, Typed, blanks, read_answers, spell
from kikao.transcripts.files import exclusively, replace_file
from kikao.transcripts.parsing import Problem, Step, Transcript, TranscriptError, parse
from kikao.transcripts.recording import Recorder
from kikao.transcripts.screens import DROPPED, END, fits, screen_lines
from kikao.transcripts.writing import with_screens, write

__all__ = [
    "BLANK",
    "DROPPED",
    "END",
    "Answer",
    "Named",
    "Problem",
    "Recorder",
    "Step",
    "Transcript",
    "TranscriptError",
    "Typed",
    "blanks",
    "exclusively",
    "fits",
    "parse",
    "read_answers",
    "replace_file",
    "screen_lines",
    "spell",
    "with_screens",
    "write",
]
