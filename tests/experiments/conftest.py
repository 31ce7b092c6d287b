"""What tests of all kinds of experiments need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _restored_threads() -> Iterator[None]:
    """Give later tests of this process the threads that they had."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
