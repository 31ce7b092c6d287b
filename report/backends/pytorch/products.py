"""Matrix products, as the chapter writes them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from report.backends import allocating, by_strategy, largest_error, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.worker.checks import Look

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name) for name in ("float32", "float64", "bfloat16", "float16")
}


def why_not(device: str, dtype: str) -> str | None:
    """Return why a product of a dtype does not come out right on a device; None if it does."""

    def product() -> object:
        twos = torch.full((8, 8), 2.0, dtype=DTYPES[dtype], device=device)
        return (torch.mm(twos, twos) == 32).all()

    return refusal(product)


allocating_on = partial(
    allocating, RuntimeError, r"out of memory|not enough memory|allocate memory"
)
"""Given a device as `where`. An illegal access to memory is no lack of it. Not all allocators raise
torch.OutOfMemoryError: the CPU's and MPS's do not."""


def _asarray(numbers: Any, dtype: str) -> torch.Tensor:
    # A list would become float32 first; and some devices have no float64.
    if not isinstance(numbers, torch.Tensor):
        return torch.tensor(numbers, dtype=DTYPES[dtype])
    return numbers.cpu().to(DTYPES[dtype])


class Batched:
    """Many pairs of small matrices, B and C, that are multiplied in one call; A is the last one.

    Raises:
        Unavailable: There is not enough memory.
    """

    def __init__(
        self, count: int, size: int, dtype: torch.dtype, device: torch.device, seed: int
    ) -> None:
        """Draw (count, n, n) matrices from a standard normal distribution."""
        generator = torch.Generator().manual_seed(seed)
        with allocating_on(where=str(device)):
            self._B, self._C = (
                torch.randn(count, size, size, generator=generator).to(device, dtype)
                for _ in range(2)
            )
            self._A = torch.zeros_like(self._B)

    @property
    def A(self) -> torch.Tensor:  # noqa: N802 (a matrix, as in the others)
        """Return the last product."""
        return self._A[-1]

    call = by_strategy

    def batched(self) -> None:
        """Compute all products in one go, into memory that is kept."""
        torch.bmm(self._B, self._C, out=self._A)

    def error(self, look: Look) -> float:
        """Return the largest error of the last product, and forget all of them."""
        found = largest_error((self.A, self._B[-1], self._C[-1]), look, _asarray)
        self._A.zero_()
        return found


class Operands:
    """The numbers of all products of one dtype; the small matrices lie within the large ones.

    An experiment keeps all its sizes at once, to take turns. Sharing saves a quarter of the memory.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device, seed: int) -> None:
        """Hold nothing yet."""
        self._dtype, self._device, self._seed = dtype, device, seed
        self._flat: list[torch.Tensor] = []
        self._lent: list[Products] = []

    def lend(self, size: int) -> Products:
        """Return the products of two n x n matrices.

        Raises:
            Unavailable: There is not enough memory.
        """
        if not self._flat or len(self._flat[0]) < size**2:
            self._draw(size**2)
        products = Products(size, self._flat)
        self._lent.append(products)
        return products

    def _draw(self, count: int) -> None:
        """Draw B and C from a standard normal distribution, and hand them to all who have less."""
        generator = torch.Generator().manual_seed(self._seed)
        with allocating_on(where=str(self._device)):
            # Drawn in float32 on the CPU, so that every dtype and device gets the same numbers.
            drawn = [
                torch.randn(count, generator=generator).to(self._device, self._dtype)
                for _ in range(2)
            ]
            self._flat = [*drawn, torch.zeros(count, dtype=self._dtype, device=self._device)]
        for products in self._lent:
            products.take(self._flat)


class Products:
    """B and C, and a place for A."""

    def __init__(self, size: int, flat: Sequence[torch.Tensor]) -> None:
        """Take n x n matrices."""
        self._size = size
        self.take(flat)

    def take(self, flat: Sequence[torch.Tensor]) -> None:
        """Take the matrices from the beginning of longer rows of numbers."""
        n = self._size
        self.B, self.C, self.A = (numbers[: n * n].view(n, n) for numbers in flat)

    call = by_strategy

    def error(self, look: Look) -> float:
        """Return the largest error of A, and forget A: the next call must compute all of it."""
        found = largest_error((self.A, self.B, self.C), look, _asarray)
        self.A.zero_()
        return found

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        A, B, C = self.A, self.B, self.C
        n = len(A)
        for i in range(n):
            for j in range(n):
                A[i, j] = torch.dot(B[i, :], C[:, j])

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self.A, self.B, self.C
        for j in range(len(A)):
            A[:, j] = torch.mv(B, C[:, j])

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self.A, self.B, self.C
        for i in range(len(A)):
            A[i, :] = torch.mv(C.T, B[i, :])

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        A, B, C = self.A, self.B, self.C
        for j in range(0, len(A), width):
            A[:, j : j + width] = torch.mm(B, C[:, j : j + width])

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self.A = torch.mm(self.B, self.C)

    def full_out(self) -> None:
        """Compute the product in one go, into memory that is kept."""
        torch.mm(self.B, self.C, out=self.A)
