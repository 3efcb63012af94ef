"""Sentences of the code and their translations: what is missing, unused, or says something else."""

from kikao.checking.translations.catalog import REVIEW, Damaged
from kikao.checking.translations.folders import Checked, catalogs_in, check_app, check_package
from kikao.checking.translations.sentences import Sentence, sentences_of

__all__ = [
    "REVIEW",
    "Checked",
    "Damaged",
    "Sentence",
    "catalogs_in",
    "check_app",
    "check_package",
    "sentences_of",
]
