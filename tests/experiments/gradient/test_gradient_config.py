"""Gradients in experiments.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from report.config.configuration import Config, load
from report.config.plan import plan
from report.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nexperiments:\n  g:\n    kind: gradient\n"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (HEAD + "    batch_size: [3, 1501]\n", "x.yaml:5: experiments.g.batch_size.1:"),
        (HEAD + "    batch_size: 1501\n", "x.yaml:5: experiments.g.batch_size:"),
        (HEAD + "    quick: {batch_size: 1501}\n", "x.yaml:5: experiments.g.quick.batch_size:"),
        (HEAD + "dataset: {examples: 1000}\n", "x.yaml:3: experiments.g.batch_size:"),
    ],
    ids=["in a list", "alone", "in one profile", "the built-in ones"],
)
def test_batch_larger_than_the_data_is_an_error(tmp_path: Path, text: str, where: str) -> None:
    """It names the line, the key and what is possible."""
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert where in str(caught.value)
    assert "a batch cannot be larger than the data; at most 1" in str(caught.value)


def test_batch_of_all_examples_is_fine(tmp_path: Path) -> None:
    """That is where drawing without replacement ends."""
    file = tmp_path / "x.yaml"
    file.write_text(HEAD + "    batch_size: 1500\n")
    assert load(file).experiments["g"].kind == "gradient"


def test_one_thread_is_taken_unless_more_are_asked_for() -> None:
    """Two threads that wait for each other can make a draw take hundreds of times as long."""
    for asked, planned in (({}, 1), ({"threads": "auto"}, "auto"), ({"threads": 3}, 3)):
        written = {"version": 1, "experiments": {"g": {"kind": "gradient", **asked}}}
        (one,) = plan(Config.model_validate(written), "quick").experiments
        assert one.settings["threads"] == planned
