"""The data set as the parent hands it to its workers: files of plain numbers in a folder."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path
from typing import Any


def read(bundle: dict[str, Any], name: str, typecode: str) -> array[Any]:
    """Read one of the bundle's files; `report.analysis.seeds.write_bundle` says which there are.

    Args:
        bundle: As a job has it.
        name: Of the file.
        typecode: Of its numbers, as `array` has it: "d" for .f64, "i" for .i32.
    """
    values = array(typecode, (Path(bundle["folder"]) / name).read_bytes())
    # The files are little-endian everywhere.
    if sys.byteorder == "big":
        values.byteswap()
    return values
