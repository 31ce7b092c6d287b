"""SI prefixes as factors, and units of counts."""

from __future__ import annotations

GIGA, MEGA, KILO = 1e9, 1e6, 1e3
MILLI, MICRO, NANO = 1e-3, 1e-6, 1e-9
PERCENT = 0.01
