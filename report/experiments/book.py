"""What the book itself prints: facts that a reader brings along, and no measurements of ours.

The authors publish the chapter's notebook with the outputs of an execution. Each number is from one
timing without a warm-up, on a machine that is not named.

Source: chapter_optimization/minibatch-sgd.ipynb in repositories of github.com/d2l-ai, read at the
commits below; the days are those in the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from report.text.numerals import GIGA

SIZE = 256
"""Rows and columns of the matrices that the book multiplies."""

COUNTED = 0.03e9
"""Operations that the book counts for a product; exactly there are 2 n^3, 12 % more."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What one execution of the notebook prints.

    Attributes:
        gflops: Rates of the ways to compute the product, in GFLOPS by the book's count.
    """

    day: str
    repository: str
    commit: str
    gflops: dict[str, float]

    @property
    def address(self) -> str:
        """Return where it can be read."""
        path = "chapter_optimization/minibatch-sgd.ipynb"
        return f"https://github.com/d2l-ai/{self.repository}/blob/{self.commit}/{path}"


@dataclass(frozen=True, kw_only=True)
class Book:
    """What the book prints for one framework.

    Attributes:
        executions: Published executions of listings that count alike, the newest first.
        epochs: Loss and seconds per epoch by batch size, as the newest prints them.
    """

    edition: str
    executions: tuple[Execution, ...]
    epochs: dict[int, tuple[float, float]]

    @property
    def newest(self) -> Execution:
        """Return the execution that the edition holds."""
        return self.executions[0]

    def rates(self, strategy: str) -> list[float]:
        """Return the rates of a strategy in FLOP/s by the book's count, the newest first."""
        each = (one.gflops.get(strategy) for one in self.executions)
        return [rate * GIGA for rate in each if rate is not None]


def _gflops(element: float | None, column: float, full: float, block: float) -> dict[str, float]:
    known = {} if element is None else {"element": element}
    return known | {"column": column, "full": full, "block": block}


def _slow(seconds: float) -> float:
    """Return a rate that the book prints as 0.000, by the seconds that it prints as well."""
    return COUNTED / seconds / GIGA


BOOK = {
    "pytorch": Book(
        edition="1.0.3",
        executions=(
            Execution(
                day="18 August 2023",
                repository="d2l-pytorch-sagemaker",
                commit="0053994857159a865226665afa9145f841251176",
                gflops=_gflops(0.017, 0.459, 51.633, 37.640),
            ),
            Execution(
                day="18 August 2023",
                repository="d2l-pytorch-sagemaker",
                commit="c634b9115f91148ce8aea834aef23e243975a664",
                gflops=_gflops(0.018, 2.761, 52.538, 29.579),
            ),
            Execution(
                day="14 August 2023",
                repository="d2l-pytorch-sagemaker",
                commit="bbe1bc111871223eeec0614ef93c341bb727f2a3",
                gflops=_gflops(0.016, 2.129, 13.550, 10.022),
            ),
        ),
        epochs={1500: (0.247, 0.020), 1: (0.245, 0.685), 100: (0.246, 0.025), 10: (0.246, 0.090)},
    ),
    "tensorflow": Book(
        edition="1.0.0",
        executions=(
            Execution(
                day="18 August 2023",
                repository="d2l-tensorflow-colab",
                commit="2ca189895a1605039f1c4ec9aa81237fb6243b4b",
                gflops=_gflops(_slow(159.19349670410156), 0.062, 1.205, 2.942),
            ),
            Execution(
                day="10 February 2023",
                repository="d2l-tensorflow-sagemaker",
                commit="9834cc1c8d5208a40720079e41f57b287b98acd1",
                gflops=_gflops(None, 0.059, 1.155, 2.796),
            ),
            Execution(
                day="14 December 2022",
                repository="d2l-tensorflow-sagemaker",
                commit="2e7fb124a46111838eb3084719c7220c0473e4cd",
                gflops=_gflops(None, 0.065, 1.170, 2.774),
            ),
        ),
        epochs={1500: (0.249, 0.025), 1: (0.244, 6.520), 100: (0.243, 0.083), 10: (0.243, 0.701)},
    ),
    "mxnet": Book(
        edition="1.0.0-beta0",
        executions=(
            Execution(
                day="14 August 2023",
                repository="d2l-en-sagemaker",
                commit="31289e264fe15d7e001d7834eaa528d80a6b77f7",
                gflops=_gflops(_slow(68.72127556800842), 0.169, 2.430, 1.760),
            ),
            Execution(
                day="14 December 2022",
                repository="d2l-en-sagemaker",
                commit="828c9ca11053fd801e5a62ca58344c25eb4fa9f0",
                gflops=_gflops(None, 0.136, 11.044, 6.984),
            ),
            Execution(
                day="29 August 2022",
                repository="d2l-en-sagemaker",
                commit="01ccb37adaab140e6ef705b044121b66da141ef7",
                gflops=_gflops(None, 0.156, 34.692, 6.406),
            ),
        ),
        epochs={1500: (0.254, 0.025), 1: (0.244, 2.797), 100: (0.249, 0.057), 10: (0.243, 0.360)},
    ),
}
"""By framework. JAX has no execution of this chapter that is published with outputs."""
