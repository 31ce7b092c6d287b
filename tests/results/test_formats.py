"""Result files of earlier versions stay readable."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from report.errors import ResultError
from report.experiments.catalogue import LABELS
from report.results import formats, store
from report.results.result import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results.result import Result

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
    read = store.load(path, LABELS)
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


def as_version_2(result: Result) -> dict[str, Any]:
    """Return a result as version 2 wrote it: of frameworks that train call by call."""
    content: dict[str, Any] = json.loads(store.dump(result))
    content["version"] = 2
    for record in content["records"]:
        for run in record["outcome"]["runs"] if record["outcome"] else ():
            del run["labels"]["variant"]
        del record["import_s"]
    return content


def test_file_of_version_2_is_read_as_trained_call_by_call(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    """And is otherwise the same, its verdicts too, but for what it did not note then."""
    path, result = tmp_path / "old.json", make_result()
    result = replace(result, records=[replace(r, import_s=None) for r in result.records])
    old = as_version_2(result)
    path.write_text(json.dumps(old))
    read = store.load(path, LABELS)
    runs = [run for record in read.records if record.outcome for run in record.outcome.runs]
    assert runs
    assert {run.labels["variant"] for run in runs} == {"eager"}
    assert read == result


def test_variant_that_a_file_says_is_kept(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    """An upgrade fills in what was not said, and no more."""
    content = as_version_2(make_result())
    (first, *_) = (
        run
        for record in content["records"]
        if record["outcome"]
        for run in record["outcome"]["runs"]
    )
    first["labels"]["variant"] = "epoch"
    (tmp_path / "old.json").write_text(json.dumps(content))
    read = store.load(tmp_path / "old.json", LABELS)
    found = [
        r.labels["variant"]
        for record in read.records
        if record.outcome
        for r in record.outcome.runs
    ]
    assert found.count("epoch") == 1


def test_training_without_a_variant_is_refused_today(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    """A file of this version says how it trained."""
    content = {**as_version_2(make_result()), "version": VERSION}
    (tmp_path / "odd.json").write_text(json.dumps(content))
    with pytest.raises(ResultError, match="is no valid result file: variant: Field required"):
        store.load(tmp_path / "odd.json", LABELS)


def test_every_version_before_this_one_has_a_step() -> None:
    """Nothing that was ever written becomes unreadable."""
    assert sorted(formats.STEPS) == list(range(1, VERSION))


@pytest.mark.parametrize("version", formats.STEPS)
@pytest.mark.parametrize(
    "content",
    [
        {},
        {"config": 3, "records": {}},
        {"records": [1, {}]},
        {"records": [{"outcome": 3}, {"outcome": {"runs": [4, {"labels": 5}]}}]},
    ],
)
def test_what_is_no_result_is_left_for_the_reader_to_refuse(
    content: dict[str, Any], version: int, tmp_path: Path
) -> None:
    """An upgrade must not stumble over what a stranger's file holds."""
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"version": version, **content}))
    with pytest.raises(ResultError, match="is no valid result file"):
        store.load(path, LABELS)


def test_unknown_older_version_is_refused(tmp_path: Path) -> None:
    """There was no version 0, so that its meaning is not guessed at."""
    path = tmp_path / "odd.json"
    path.write_text('{"version": 0}')
    with pytest.raises(ResultError, match="is no valid result file"):
        store.load(path, LABELS)
