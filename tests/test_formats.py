"""Result files of earlier versions stay readable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from report import formats, store
from report.errors import ResultError
from report.results import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results import Result

SINCE_2 = ("optimizer", "momentum", "schedule", "sampling", "copies", "variant")


def as_version_1(result: Result) -> dict[str, Any]:
    """Return a result as version 1 wrote it: plain SGD only, and no claims."""
    content: dict[str, Any] = json.loads(store.dump(result))
    content["version"] = 1
    del content["config"]["claims"], content["verdicts"]
    content["records"] = [r for r in content["records"] if r["kind"] in {"matmul", "training"}]
    for record in content["records"]:
        outcome = record["outcome"]
        if outcome is None:
            continue
        del outcome["noise"]
        outcome["runs"] = [run for run in outcome["runs"] if run["labels"]["optimizer"] == "sgd"]
        for run in outcome["runs"]:
            for label in SINCE_2:
                del run["labels"][label]
        for series in outcome["series"]:
            del series["bytes_moved"]
        del record["import_s"]
    return content


def test_file_of_version_1_is_read_as_plain_sgd_without_claims(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    """And is written in today's format from then on."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps(as_version_1(make_result())))
    read = store.load(path)
    assert read.version == VERSION
    assert read.config["claims"] == {}
    assert read.verdicts == []
    runs = [run for record in read.records if record.outcome for run in record.outcome.runs]
    assert runs
    assert all(
        [run.labels[name] for name in ("optimizer", "sampling", "copies", "variant")]
        == ["sgd", "permutation", 1, "eager"]
        for run in runs
    )
    again = json.loads(store.dump(read))
    assert formats.upgraded(again) == json.loads(store.dump(read))


def test_every_version_before_this_one_has_a_step() -> None:
    """Nothing that was ever written becomes unreadable."""
    assert sorted(formats.STEPS) == list(range(1, VERSION))


@pytest.mark.parametrize("content", [{}, {"config": 3, "records": {}}, {"records": [1, {}]}])
def test_what_is_no_result_is_left_for_the_reader_to_refuse(
    content: dict[str, Any], tmp_path: Path
) -> None:
    """An upgrade must not stumble over what a stranger's file holds."""
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"version": 1, **content}))
    with pytest.raises(ResultError, match="is no valid result file"):
        store.load(path)


def test_unknown_older_version_is_refused(tmp_path: Path) -> None:
    """There was no version 0, so that its meaning is not guessed at."""
    path = tmp_path / "odd.json"
    path.write_text('{"version": 0}')
    with pytest.raises(ResultError, match="is no valid result file"):
        store.load(path)
