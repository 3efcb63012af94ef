"""What an app's source says: constructs that replay cannot bear, keys used twice, steps without a declared retry."""

from kikao.checking.reading.allowances import apply
from kikao.checking.reading.reading import Reading, read
from kikao.checking.reading.sources import Sources, files_under, sources_of

__all__ = ["Reading", "Sources", "apply", "files_under", "read", "sources_of"]
