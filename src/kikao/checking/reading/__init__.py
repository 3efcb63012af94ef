"""What an app's source says: constructs that replay cannot bear, keys used twice, steps without a declared retry."""

from kikao.checking.reading.allowances import apply
from kikao.checking.reading.reading import Reading, read
from kikao.checking.reading.sources import ENGINE, Sources, files_under, is_own, sources_of

__all__ = ["ENGINE", "Reading", "Sources", "apply", "files_under", "is_own", "read", "sources_of"]
