"""SI prefixes as factors, and bytes of numbers."""

from __future__ import annotations

GIGA, MEGA, KILO = 1e9, 1e6, 1e3
MILLI, MICRO, NANO = 1e-3, 1e-6, 1e-9
PERCENT = 0.01

ITEM_BYTES = {"float32": 4, "TF32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
"""Of one number; TF32 rounds inside the unit, its operands are stored as float32."""
