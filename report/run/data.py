"""The airfoil data set: found or downloaded, checked, whitened, and written for workers.

NASA airfoil self-noise, UCI Machine Learning Repository, CC BY 4.0: 1503 rows, five features and
the sound level. The project does not contain it.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import numpy as np
import platformdirs
import pooch

from report.analysis.leastsquares import second_matrix
from report.analysis.seeds import draws, initial_weights, permutations
from report.errors import DataError
from report.results import files
from report.results.result import Dataset, Moments
from report.worker.records import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy.typing as npt

    from report.analysis.leastsquares import FloatArray

FILE_NAME = "airfoil_self_noise.dat"
SHA1 = "76e5be1548fd8222e5074cf0faae75edff8cf93f"
FOLDER_VARIABLE = "REPORT_DATA_DIR"

# For a stand-in on a machine that has neither the file nor a network. Gradient descent on least
# squares sees only the data's moments (`report.analysis.leastsquares`), so rows that share them
# share the optimum, the curvature and the full path of full-batch gradient descent. Minibatch runs
# differ in their noise alone, and pages say where this data was used.
#
# Moments of the chapter's rows: the file (SHA-1 76e5be15...), all 1503 rows brought to mean 0 and
# population standard deviation 1 in float64, then of the first 1500 the means E[z_i] and, for
# i <= j, E[z_i z_j], each summed without rounding by math.fsum and divided by 1500. They are not
# exactly 0 and 1 because three of the rows that were whitened are not among them.
MOMENTS = Moments(
    mean=[
        -0.001404792910198979, -0.0029808860442933215, 0.0007474790806724397,
        0.0014466896670671844, -0.006345545011490208, 0.005556150171647709,
    ],
    second=[
        1.0008347328676073, -0.27540382901548555, -0.003142933493594369,
        0.1349473080792122, -0.23502465611866816, -0.3875030393054904,
        0.9975571591954455, -0.5047638110837879, 0.06103329276738334,
        0.7454428989397678, -0.14813861914950804,
        1.0017206375119885, 0.003253516893760049, -0.21891253470035402, -0.2387103884000646,
        1.000953544503578, 0.0006080559900943481, 0.1213339938424982,
        0.9818670292535706, -0.2956664447867555,
        0.9865179438540732,
    ],
)  # fmt: skip

ROWS = 1500

# The chapter's own address first.
MIRRORS = (
    "http://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat",
    "https://d2l-data.s3-accelerate.amazonaws.com/airfoil_self_noise.dat",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00291/airfoil_self_noise.dat",
)
# To connect, and between two reads. A firewall that drops packets holds up each mirror for the
# first, so it is the shorter one.
TIMEOUT_S = (5.0, 10.0)

Copy = tuple[bytes, str]  # the file's bytes, which have the right sum, and where they are from

Order = tuple[Literal["permutation", "replacement"], int]
"""How an epoch visits the examples: its sampling, and how many copies of the data it has."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedData:
    """The whitened data in float64, features of shape (examples, 5), and where it came from."""

    dataset: Dataset
    features: FloatArray
    targets: FloatArray


def load(
    path: Path | None,
    examples: int = 1500,
    *,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> LoadedData:
    """Load the first rows, of 1503, of the whitened data from the nearest place that has it.

    In this order: `path`, the folder that REPORT_DATA_DIR names, the user's cache, the mirrors,
    and last a surrogate with the same moments, drawn by the seed. The first two are a person's own:
    if named they must be right, and they are never changed. What is tried, and what comes of it, is
    said in words.

    Raises:
        DataError: A copy that was named is missing or wrong, the mirrors sent other bytes, or the
            surrogate has fewer rows.
    """
    copy = own_copy(path) or _cached(say) or _download(say)
    if copy is not None:
        content, origin = copy
        rows = whiten(np.loadtxt(io.BytesIO(content), delimiter="\t"))
    elif examples <= ROWS:
        say("there is no copy of the data: using the surrogate, which has the same moments")
        rows, origin = surrogate(seed), "seeded surrogate with the real data's moments"
    else:
        raise DataError(
            f"there is no copy of the data, and the surrogate has {ROWS} rows, "
            f"not {examples}; name a copy of {FILE_NAME} in dataset.path, or ask for fewer"
        )
    dataset = Dataset(
        source="file" if copy else "surrogate",
        origin=origin,
        sha1=SHA1 if copy else None,
        examples=examples,
        features=rows.shape[1] - 1,
    )
    return LoadedData(dataset=dataset, features=rows[:examples, :-1], targets=rows[:examples, -1])


def whiten(table: FloatArray) -> FloatArray:
    """Bring each column, the label's too, to mean 0 and population standard deviation 1.

    As the chapter does it, over all rows and before some are left out, but in float64.
    """
    whitened: FloatArray = (table - table.mean(axis=0)) / table.std(axis=0)
    return whitened


def cache_folder() -> Path:
    """Return where downloads are kept for this user; it need not exist."""
    return platformdirs.user_cache_path("minibatch-report", appauthor=False)


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def own_copy(path: Path | None) -> Copy | None:
    """Read the copy that a person named, if one is; it is theirs and stays as it is.

    Raises:
        DataError: It is missing or wrong.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if path is not None:
        file, name = path, f"dataset.path ({path})"
        remedy = "correct it in experiments.yaml, or leave it out to have the file downloaded"
    elif folder:
        file, name = Path(folder) / FILE_NAME, f"{FOLDER_VARIABLE} ({folder})"
        remedy = f"put {FILE_NAME} there, or unset the variable to have it downloaded"
    else:
        return None
    try:
        content = files.read(file)
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}; {remedy}") from None
    if _sha1(content) != SHA1:
        raise DataError(f"{name} has SHA-1 {_sha1(content)}, not {SHA1}; {remedy}")
    return content, "a local copy"


def _cached(say: Callable[[str], None]) -> Copy | None:
    """Read an earlier download, unless it has spoiled since."""
    try:
        content = (cache_folder() / FILE_NAME).read_bytes()
    except OSError:
        return None
    if _sha1(content) == SHA1:
        return content, "an earlier download"
    say(f"the cached {FILE_NAME} is damaged: {_set_aside(content, say)}")
    return None


def _download(say: Callable[[str], None]) -> Copy | None:
    """Fetch the file from the first mirror that has the right one; None if none answers.

    Other bytes are an error where no mirror has the right ones, also where the rest did not
    answer: a wrong file is never passed over in silence.
    """
    wrong: list[str] = []
    for url in MIRRORS:
        host = urlsplit(url).hostname
        say(f"downloading {url}")
        buffer = io.BytesIO()
        try:
            # Not pooch.retrieve: it deletes a file with the wrong sum, which is the one to look at.
            pooch.HTTPDownloader(timeout=TIMEOUT_S)(url, buffer, None)
        except Exception as error:  # noqa: BLE001 (whatever goes wrong, there are others)
            say(f"{host} did not send it: {reason_of(error)}")
            continue
        content = buffer.getvalue()
        if _sha1(content) == SHA1:
            _keep(FILE_NAME, content, say)
            return content, f"downloaded from {host}"
        wrong.append(f"{host} sent {_set_aside(content, say)}")
        say(wrong[-1])
    if not wrong:
        return None
    raise DataError(
        f"{FILE_NAME} should have SHA-1 {SHA1}, but {'; '.join(wrong)}. A proxy or a sign-in page "
        f"may be in the way: name a good copy in dataset.path"
    )


def _set_aside(content: bytes, say: Callable[[str], None]) -> str:
    """Keep wrong bytes for a person to look at; return their sum and where they are, in words."""
    name = f"{FILE_NAME}.wrong-{_sha1(content)[:8]}"
    kept = f"kept as {name}" if _keep(name, content, say) else "not kept"
    return f"SHA-1 {_sha1(content)} ({kept})"


def _keep(name: str, content: bytes, say: Callable[[str], None]) -> bool:
    """Put a file into the cache; return whether it is there, since one can go on without."""
    try:
        files.write(cache_folder() / name, content)
    except OSError as error:
        say(f"cannot keep {name} in the cache: {error.strerror}")
        return False
    return True


def write_bundle(  # noqa: PLR0913 (each is a number of its own)
    folder: Path,
    data: LoadedData,
    *,
    seed: int,
    seeds: int,
    epochs: int,
    orders: Collection[Order] = (("permutation", 1),),
) -> dict[str, str | int]:
    """Write what workers train on, in a form that `array.array` reads without NumPy; describe it.

    Little-endian and without headers: `features.f64` (row by row) and `targets.f64`, and for each
    seed index k `seed-<k>.weights.f64` and `seed-<k>.<sampling>-<copies>.i32` (epoch by epoch,
    rows of so many copies of the data one after the other).
    """
    examples, features = data.features.shape
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "features.f64", data.features)
    _write(folder / "targets.f64", data.targets)
    for index in range(seeds):
        _write(folder / f"seed-{index}.weights.f64", initial_weights(seed, index, features))
        for sampling, copies in orders:
            order = permutations if sampling == "permutation" else draws
            visited = order(seed, index, epochs, examples * copies)
            _write(folder / f"seed-{index}.{sampling}-{copies}.i32", visited)
    described: dict[str, str | int] = {"folder": str(folder), "examples": examples}
    return described | {"features": features, "seeds": seeds, "epochs": epochs}


def _write(path: Path, values: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> None:
    path.write_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes())


def surrogate(seed: int) -> FloatArray:
    """Draw 1500 rows whose sample moments are `MOMENTS`, whatever the seed.

    Gaussian rows are centred and whitened by their own sample covariance, then given the wanted
    covariance and mean, so the moments hold for this sample and not just on average. They hold
    for all 1500 rows together; the first few rows of them have others.

    The seed chooses among such data sets. NumPy may change how it draws Gaussians between versions,
    and the rows with it; the moments stay.

    Returns:
        Shape (1500, 6): five features, then the target.
    """
    mean = np.array(MOMENTS.mean)
    drawn = np.random.default_rng(seed).standard_normal((ROWS, len(mean)))
    centred = drawn - drawn.mean(axis=0)
    own = np.linalg.cholesky(centred.T @ centred / ROWS)
    wanted = np.linalg.cholesky(second_matrix(MOMENTS) - np.outer(mean, mean))
    white = np.linalg.solve(own, centred.T)
    coloured: FloatArray = (wanted @ white).T + mean
    return coloured
