"""Results -> pages. Everything is gathered first and written last.

A site is a function of a list of results and of nothing else: no clock, no host, no network. The
same results give the same bytes.
"""

from __future__ import annotations

from report.site.folder import Rendered, stale_files, write_files
from report.site.gather import gather

__all__ = ["Rendered", "gather", "stale_files", "write_files"]
