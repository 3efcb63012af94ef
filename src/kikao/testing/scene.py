"""What a test of a transcript plays."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from kikao.transcripts import Transcript


class Scene(NamedTuple):
    """What is played."""

    transcript: Transcript
    gateway: str
    path: Path

    def language(self, languages: Collection[str]) -> str:
        """Which of these its screens are in: as the file says, or the nearest folder of such a name; else empty.

        Raises `LookupError` where the file says another.
        """
        if (said := self.transcript.settings.get("Language")) is not None:
            if languages and said not in languages:
                raise LookupError(
                    f"{self.transcript.name}: Language: {said}: the app has {', '.join(languages)}"
                )
            return said
        return next((folder.name for folder in self.path.parents if folder.name in languages), "")
