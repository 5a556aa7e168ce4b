"""Memory of processes that read documents: what one document gave back serves the next.

By itself the C library hands memory of megabytes back to the system as soon as it is freed, and the system
clears every page of it for the next document, which costs a third of the time of reading.
"""

import ctypes
from functools import cache
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
KEPT: Final = 64 << 20
"""Bytes of freed memory that a process keeps; reading a document of 6 MB needs some 40 MB."""
LARGE: Final = 32 << 20
"""Pieces of more bytes go back at once; the C library takes no more here."""


@cache
def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to a limit. Does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, LARGE)
