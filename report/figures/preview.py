"""The picture that a link to a machine's report unfolds to, where links are shared.

A PNG of sixteen greys. The same results give the same bytes on any machine: letters are outlines
of matplotlib's own font, which no hinting moves, and nothing is compressed, since zlibs differ.
"""

from __future__ import annotations

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
LONGEST = 0xFFFF


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
        W3C, Portable Network Graphics (Third Edition): two pixels a byte, no row filtered.
    """
    packed = (levels[:, 0::2] << 4) | levels[:, 1::2]
    rows = np.insert(packed, 0, 0, axis=1).tobytes()
    stream = b"\x78\x01" + _stored(rows) + struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 4, 0, 0, 0, 0)  # four bits of grey
    chunks = [b"IHDR" + header, b"IDAT" + stream, b"IEND"]
    packs = [struct.pack(f">I{len(c)}sI", len(c) - 4, c, zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packs)


def _stored(content: bytes) -> bytes:
    """Wrap bytes for a reader of deflate, without compressing them.

    Source:
        RFC 1951, 3.2.4: blocks of at most 65,535 bytes, each after its length and that inverted.
    """
    parts = [content[at : at + LONGEST] for at in range(0, len(content), LONGEST)]
    heads = [
        struct.pack("<BHH", part is parts[-1], len(part), len(part) ^ LONGEST) for part in parts
    ]
    return b"".join(head + part for head, part in zip(heads, parts, strict=True))
