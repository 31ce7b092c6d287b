"""The airfoil data set: found or downloaded, checked and whitened.

NASA airfoil self-noise, UCI Machine Learning Repository, CC BY 4.0: 1503 rows, five features and
the sound level. The project does not contain it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import numpy as np
import platformdirs
import pooch

from report.errors import DataError, UsageError
from report.results.dataset import Dataset
from report.run import surrogate

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.analysis.leastsquares import FloatArray

FILE_NAME = "airfoil_self_noise.dat"
SHA1 = "76e5be1548fd8222e5074cf0faae75edff8cf93f"
ROWS = 1503
COLUMNS = 6
FOLDER_VARIABLE = "REPORT_DATA_DIR"

# The chapter's own address first.
MIRRORS = (
    "http://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat",
    "https://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00291/airfoil_self_noise.dat",
)
# To connect, and between two reads. A firewall that drops packets holds up each mirror for the
# first, so it is the shorter one.
TIMEOUT_S = (5.0, 10.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedData:
    """The whitened data with its provenance.

    Attributes:
        dataset: Where it came from.
        features: Shape (examples, 5), float64.
        targets: Shape (examples,), float64.
    """

    dataset: Dataset
    features: FloatArray
    targets: FloatArray


def load(
    path: Path | None,
    examples: int = 1500,
    *,
    offline: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = _log.info,
) -> LoadedData:
    """Load the first rows of the whitened data from the nearest place that has it.

    In this order: `path`, the folder that REPORT_DATA_DIR names, the user's cache, the mirrors,
    and last a surrogate with the same moments. The first two are a person's own: if named they
    must be right, and they are never changed.

    Args:
        path: The file, from `dataset.path` in experiments.yaml; None if not given there.
        examples: Rows to use, 1 to 1503.
        offline: Do not try the mirrors.
        seed: Of the surrogate, should it come to that.
        say: Told in words what is tried and what comes of it.

    Returns:
        Features and targets in float64, with where they came from.

    Raises:
        UsageError: `examples` is out of range.
        DataError: A copy that was named is missing or wrong, or the mirrors sent other bytes.
    """
    if not 1 <= examples <= ROWS:
        raise UsageError(
            f"dataset.examples is {examples}, but the data has {ROWS} rows; "
            f"choose a number from 1 to {ROWS}"
        )
    found = _own_copy(path) or _cached(say) or (None if offline else _download(say))
    if found is None:
        say("there is no copy of the data: using the surrogate, which has the same moments")
        return _surrogate(examples, seed)
    content, origin = found
    whitened = whiten(parse(content))[:examples]
    return _loaded(whitened, source="file", origin=origin, sha1=SHA1)


def parse(content: bytes) -> FloatArray:
    """Read the file's bytes.

    Args:
        content: Lines of six numbers separated by tabs.

    Returns:
        Shape (1503, 6).

    Raises:
        DataError: It is not that.
    """
    try:
        cells = [line.split("\t") for line in content.decode("ascii").splitlines()]
        table = np.array(cells, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{FILE_NAME} is not a table of numbers ({error}); fetch it anew") from None
    if table.shape != (ROWS, COLUMNS) or not np.isfinite(table).all():
        raise DataError(
            f"{FILE_NAME} does not hold {ROWS} rows of {COLUMNS} finite numbers "
            f"(its shape is {table.shape}); fetch it anew"
        )
    return table


def whiten(table: FloatArray) -> FloatArray:
    """Bring each column, the label's too, to mean 0 and population standard deviation 1.

    As the chapter does it, over all rows and before some are left out, but in float64.
    """
    whitened: FloatArray = (table - table.mean(axis=0)) / table.std(axis=0)
    return whitened


def cache_folder() -> Path:
    """Return where downloads are kept for this user; it need not exist."""
    return platformdirs.user_cache_path("minibatch-report", appauthor=False)


def _loaded(
    rows: FloatArray, *, source: Literal["file", "surrogate"], origin: str, sha1: str | None
) -> LoadedData:
    dataset = Dataset(
        source=source, origin=origin, sha1=sha1, examples=len(rows), features=COLUMNS - 1
    )
    return LoadedData(dataset=dataset, features=rows[:, :-1], targets=rows[:, -1])


def _surrogate(examples: int, seed: int) -> LoadedData:
    if examples > surrogate.ROWS:
        raise DataError(
            f"there is no copy of the data, and the surrogate has {surrogate.ROWS} rows, "
            f"not {examples}; name a copy of {FILE_NAME} in dataset.path, or ask for fewer"
        )
    rows = surrogate.rows(seed)[:examples]
    origin = "seeded surrogate with the real data's moments"
    return _loaded(rows, source="surrogate", origin=origin, sha1=None)


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _own_copy(path: Path | None) -> tuple[bytes, str] | None:
    """Read the copy that a person named, if one is; it is theirs and stays as it is."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if path is not None:
        file, named = path, f"dataset.path ({path})"
        remedy = "correct it in experiments.yaml, or leave it out to have the file downloaded"
    elif folder:
        file, named = Path(folder) / FILE_NAME, f"{FILE_NAME} in {FOLDER_VARIABLE} ({folder})"
        remedy = f"put the file there, or unset {FOLDER_VARIABLE} to have it downloaded"
    else:
        return None
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror}; {remedy}") from None
    if _sha1(content) != SHA1:
        raise DataError(f"{named} has SHA-1 {_sha1(content)}, not {SHA1}; {remedy}")
    return content, "a local copy"


def _cached(say: Callable[[str], None]) -> tuple[bytes, str] | None:
    """Read an earlier download; one that has spoiled since is set aside."""
    file = cache_folder() / FILE_NAME
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if _sha1(content) == SHA1:
        return content, "an earlier download"
    aside = _aside_name(content)
    try:
        file.replace(file.with_name(aside))
    except OSError as error:
        say(f"the cached {FILE_NAME} is spoiled and cannot be set aside: {error.strerror}")
    else:
        say(f"the cached {FILE_NAME} is spoiled: its SHA-1 is {_sha1(content)}; kept as {aside}")
    return None


def _download(say: Callable[[str], None]) -> tuple[bytes, str] | None:
    """Fetch the file from the first mirror that has the right one.

    Returns:
        Its bytes and origin; None if no mirror answered.

    Raises:
        DataError: A mirror answered with other bytes and none with the right ones. That holds
            also where the rest did not answer: a wrong file is never passed over in silence.
    """
    wrong: list[str] = []
    for url in MIRRORS:
        host = urlsplit(url).hostname
        say(f"downloading {url}")
        try:
            content = _fetch(url)
        except (OSError, ValueError) as error:  # ValueError: headers that make no sense
            say(f"{host} did not send it: {type(error).__name__}")
            continue
        if _sha1(content) == SHA1:
            _keep(FILE_NAME, content, say)
            return content, f"downloaded from {host}"
        aside = _aside_name(content)
        kept = f"kept as {aside}" if _keep(aside, content, say) else "not kept"
        wrong.append(f"{host} sent SHA-1 {_sha1(content)} ({kept})")
        say(wrong[-1])
    if not wrong:
        return None
    raise DataError(
        f"{FILE_NAME} should have SHA-1 {SHA1}, but {'; '.join(wrong)}. A proxy or a sign-in page "
        f"may be in the way: name a good copy in dataset.path"
    )


def _fetch(url: str) -> bytes:
    # Not pooch.retrieve: it deletes a file with the wrong checksum, which is the one to look at.
    buffer = io.BytesIO()
    pooch.HTTPDownloader(timeout=TIMEOUT_S)(url, buffer, None)
    return buffer.getvalue()


def _aside_name(content: bytes) -> str:
    return f"{FILE_NAME}.wrong-{_sha1(content)[:8]}"


def _keep(name: str, content: bytes, say: Callable[[str], None]) -> bool:
    """Put a file into the cache whole or not at all; say if it cannot be, and go on without.

    Returns:
        Whether it is there.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            part = Path(own) / name
            part.write_bytes(content)
            part.replace(folder / name)
    except OSError as error:
        say(f"cannot keep {name} in the cache: {error.strerror}")
        return False
    return True
