"""Programs and variables of a configuration run only where a person has approved them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from report.environments.trust import kept, require
from report.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHELL = {"numpy": "/bin/sh"}
PRELOAD = {"numpy": {"LD_PRELOAD": "./libevil.so"}}


@pytest.fixture(autouse=True)
def _nothing_approved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORT_CONFIG_DIR", str(tmp_path / "kept"))


def passes(
    folder: Path,
    interpreters: Mapping[str, str] = SHELL,
    variables: Mapping[str, Mapping[str, str]] | None = None,
    *,
    approved: bool = False,
    answer: bool | None = None,
) -> bool:
    """Return whether it may run; with an answer, a person is there to give it."""
    questions = []

    def confirm(question: str, **_: object) -> bool:
        questions.append(question)
        return bool(answer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: answer is not None))
        patch.setattr("click.confirm", confirm)
        try:
            require(interpreters, variables or {}, folder, approved=approved)
        except UsageError as error:
            assert "--trust" in error.message  # noqa: PT017 (either outcome is right)
            return False
    assert answer is None or "/bin/sh" in questions[0]
    return True


def test_what_names_nothing_needs_no_approval(tmp_path: Path) -> None:
    """As the file that `report init` writes."""
    assert passes(tmp_path, {})
    assert not kept("trusted").exists()


@pytest.mark.parametrize("approved", [True, False])
def test_what_was_approved_once_passes_until_it_changes(tmp_path: Path, *, approved: bool) -> None:
    """Another program, another variable or another folder is asked for again."""
    assert not passes(tmp_path)
    assert not passes(tmp_path, answer=False)
    assert passes(tmp_path, approved=approved, answer=None if approved else True)
    assert passes(tmp_path)
    assert not passes(tmp_path / "elsewhere")
    assert not passes(tmp_path, {"numpy": "/bin/bash"})
    assert not passes(tmp_path, SHELL, PRELOAD)


def test_variables_are_told_with_their_values(tmp_path: Path) -> None:
    """What loads a library is as good as a program."""
    with pytest.raises(UsageError, match=r"LD_PRELOAD=\./libevil\.so"):
        require({}, PRELOAD, tmp_path, approved=False)


def test_nothing_of_what_would_run_is_cut_off(tmp_path: Path) -> None:
    """Behind a hundred harmless variables the last one is still told, and so is the remedy."""
    many = {f"A_{k}": "x" for k in range(100)} | {"Z_PRELOAD": "y" * 1_000 + "/libevil.so"}
    with pytest.raises(UsageError) as caught:
        require({}, {"numpy": many}, tmp_path, approved=False)
    shown = caught.value.format_message()
    assert "libevil.so" in shown
    assert "--trust" in shown


def test_where_nothing_can_be_kept_it_is_asked_each_time(tmp_path: Path) -> None:
    """And passes all the same once it was approved."""
    (tmp_path / "kept").write_text("a file")
    assert passes(tmp_path, approved=True)
    assert not passes(tmp_path)
