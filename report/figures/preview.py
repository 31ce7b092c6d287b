"""The picture that a link to a machine's report unfolds to, where links are shared.

A PNG of sixteen greys. The same results give the same bytes on any machine: letters are outlines
of matplotlib's own font, which no hinting moves, and what compresses them is below, since zlibs
differ.
"""

from __future__ import annotations

import itertools
import struct
import textwrap
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import IdentityTransform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDTH, HEIGHT, MARGIN = 1200, 630, 70
"""In pixels, as the networks that show such pictures ask for."""

MUTED = "0.4"
LONGEST_RUN = 257


def preview(title: str, numbers: Sequence[tuple[str, str, str]], below: str) -> bytes:
    """Draw a machine's name, at most four numbers (label, value, unit) and a sentence, as a PNG."""
    figure = Canvas(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="1")
    canvas = FigureCanvasAgg(figure)
    _write(figure, "Minibatch Report", (MARGIN, 540), 30, grey=MUTED)
    lines = textwrap.wrap(title, 34, max_lines=3, placeholder="\N{HORIZONTAL ELLIPSIS}")
    for row, line in enumerate(lines):
        _write(figure, line, (MARGIN, 456 - 62 * row), 50, bold=True)
    column = (WIDTH - 2 * MARGIN) // 4
    for at, (label, value, unit) in enumerate(numbers[:4]):
        left, room = MARGIN + at * column, column - 24
        bar = Rectangle((left, 252), room, 4, color="0", transform=IdentityTransform())
        figure.add_artist(bar)
        _write(figure, label, (left, 214), 20, grey=MUTED, room=room)
        _write(figure, f"{value} {unit}".strip(), (left, 158), 38, bold=True, room=room)
    _write(figure, below, (MARGIN, 70), 26)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    return _png((pixels[:, :, 0] >> 4).astype(np.uint8))


def _write(figure: Canvas, text: str, at: tuple[int, int], size: float, **look: Any) -> None:
    """Write a line from a place on, in pixels from below; smaller where it has no room.

    `look` is its grey, whether it is bold, and how many pixels there are for it.
    """
    bold, room = look.get("bold", False), look.get("room", WIDTH - 2 * MARGIN)
    if not text.strip():
        return  # matplotlib has no outline for it
    file = Path(mpl.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf")
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        line = TextPath((0, 0), text, size=size, prop=FontProperties(fname=file))
    scale = min(1.0, room / max(1.0, float(line.get_extents().x1)))
    path = line.transformed(mpl.transforms.Affine2D().scale(scale).translate(*at))
    grey = look.get("grey", "0")
    figure.add_artist(PathPatch(path, fc=grey, lw=0, transform=IdentityTransform()))


def _png(levels: NDArray[np.uint8]) -> bytes:
    """Pack rows of levels from 0 to 15 as a PNG.

    Source:
        W3C, Portable Network Graphics (Third Edition): two pixels a byte, each row as what it adds
        to the one above.
    """
    packed = (levels[:, 0::2] << 4) | levels[:, 1::2]
    above = np.vstack([np.zeros_like(packed[:1]), packed[:-1]])
    rows = np.insert(packed - above, 0, 2, axis=1).tobytes()
    stream = b"\x78\x01" + _deflated(rows) + struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 4, 0, 0, 0, 0)  # four bits of grey
    chunks = [b"IHDR" + header, b"IDAT" + stream, b"IEND"]
    packs = [struct.pack(f">I{len(c)}sI", len(c) - 4, c, zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packs)


def _deflated(content: bytes) -> bytes:
    """Compress runs of one byte, of which such a picture mostly consists.

    Source:
        RFC 1951, 3.2.5 and 3.2.6: one block of fixed codes. Codes begin with their highest bit,
        numbers with their lowest.
    """
    bits = ["110"]  # the last block, of fixed codes
    for value, same in itertools.groupby(content):
        literal = f"{0x30 + value:08b}" if value < 144 else f"{0x190 + value - 144:09b}"
        bits.append(literal)
        left = sum(1 for _ in same) - 1
        while left >= 3:
            length = min(left, LONGEST_RUN)
            extra = max(0, (length - 3).bit_length() - 3)
            code = 257 + 4 * extra + ((length - 3) >> extra)
            bits.append(f"{code - 256:07b}" if code < 280 else f"{0xC0 + code - 280:08b}")
            rest = (length - 3) & ((1 << extra) - 1)
            bits.append(f"{rest:0{extra}b}"[::-1] if extra else "")
            bits.append("00000")  # from one byte back
            left -= length
        bits.append(literal * left)
    whole = "".join([*bits, "0000000"])
    return int(whole[::-1], 2).to_bytes(-(-len(whole) // 8), "little")
