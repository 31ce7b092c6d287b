"""Result files: what is written comes back, and what cannot be trusted is refused by name."""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
import re
import tracemalloc
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from processes import killed_before
from report.errors import ResultError, UsageError
from report.experiments.catalogue import LABELS
from report.registry import KINDS
from report.results import limits, store
from report.results.result import VERSION, source_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results.result import Result

    Make = Callable[..., Result]

# Where `small` has a measured gradient noise and a training run.
NOISE = f"records.{KINDS.index('gradient')}.outcome.noise.0"
SERIES = "records.0.outcome.series.0"
RUN = f"records.{KINDS.index('training')}.outcome.runs.0"


@pytest.fixture(name="small", scope="session")
def one_of_each(make_result: Make) -> Result:
    """Return a result with the first record of each kind, in the order of `KINDS`."""
    result = make_result()
    # The default file has no code of a person's own.
    kinds = [kind for kind in KINDS if kind != "python"]
    first = [next(one for one in result.records if one.kind == kind) for kind in kinds]
    return replace(result, records=first)


def as_json(result: Result) -> dict[str, Any]:
    """Return what stands in a result's file."""
    content: dict[str, Any] = json.loads(store.dump(result))
    return content


def refusal(path: Path, content: object) -> str:
    """Return why a file with this content is refused; the file is named."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ResultError) as caught:
        store.load(path, LABELS)
    assert caught.value.exit_code == 1
    assert caught.value.__cause__ is None
    assert caught.value.message.startswith(str(path))
    return caught.value.message.removeprefix(f"{path}")


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_result_comes_back_as_it_was(make_result: Make, tmp_path: Path, profile: str) -> None:
    """Nothing is lost or changed, failures and skips included, also of a run that only began."""
    result = make_result(profile=profile)
    assert {record.status for record in result.records} == {"ok", "failed", "skipped"}
    for one in (replace(result, records=[], finished_at=None), result):
        path = store.save(one, tmp_path)
        again = store.load(path, LABELS)
        assert again == one
        assert store.pack(store.dump(again)) == path.read_bytes()


def test_result_lies_in_its_machines_folder(make_result: Make, tmp_path: Path) -> None:
    """The name says machine, time and profile, and is possible on every file system."""
    path = store.save(make_result("my-laptop", started_at="2026-01-02T03:04:05Z"), tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "my-laptop/20260102T030405Z-quick.json.gz"


def test_result_file_follows_the_published_schema(make_result: Make) -> None:
    """Whoever reads it with other tools can rely on `report schema results`."""
    schema = json.loads(json.dumps(store.schema()))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    content = as_json(make_result())
    assert not list(validator.iter_errors(content))
    assert list(validator.iter_errors({**content, "extra": 1}))


def test_each_record_has_a_line_of_its_own(make_result: Make) -> None:
    """A diff of two states of a file shows which records changed."""
    result = make_result()
    lines = store.dump(result).decode().splitlines()
    for record in result.records:
        start = f'{{"experiment":"{record.experiment}","kind":"{record.kind}"'
        assert sum(line.startswith(start) for line in lines) == len(result.of(record.experiment))
    fewer = replace(result, records=result.records[:-1])
    assert len(lines) - len(store.dump(fewer).decode().splitlines()) == 1


def test_derived_numbers_are_stored_to_twelve_digits(make_result: Make) -> None:
    """Their last bits are a library's, and a result must not depend on which one that is."""
    verdicts = as_json(make_result())["verdicts"]
    values = [
        value
        for verdict in verdicts
        for shown in (verdict["effect"], verdict["left"], *verdict["numbers"].values())
        for value in (shown or {}).values()
        if isinstance(value, float)
    ]
    assert len(values) > 100
    assert all(value == float(f"{value:.12g}") for value in values)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_number_that_is_none_is_not_written(
    make_result: Make, tmp_path: Path, number: float
) -> None:
    """JSON has no NaN: a file with one could not be read by anyone else."""
    result = make_result()
    spoiled = replace(result.records[0], elapsed_s=number)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.save(replace(result, records=[spoiled]), tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ['"load_before":0.1', '"seed": 20190826', '"as_printed": true'])
def test_number_that_is_none_is_not_read(
    make_result: Make, tmp_path: Path, place: str, number: str
) -> None:
    """Python's parser takes them, but no figure can show them; nor in settings, which hold all."""
    text = store.dump(make_result()).decode()
    spoiled = text.replace(place, f"{place.partition(':')[0]}:{number}", 1)
    assert spoiled != text
    assert "an invalid number" in refusal(tmp_path / "x.json", spoiled.encode())


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, 10**18])
def test_other_formats_are_refused_with_the_remedy(
    small: Result, tmp_path: Path, version: int
) -> None:
    """What another version means is not guessed at, whatever else it holds."""
    content = {**as_json(small), "version": version, "unheard-of": {}}
    message = refusal(tmp_path / "x.json", content)
    assert message.startswith(f" has format {version}; this program reads format {VERSION}. ")
    assert "measure again" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [b"[1, 2]", b"3", b'"text"', b"null", b"{}", b'{"version": "1"}', b'{"version": null}'],
)
def test_other_json_is_no_result_file(tmp_path: Path, content: bytes) -> None:
    """A JSON file of something else is told apart from a spoiled result."""
    assert refusal(tmp_path / "x.json", content) == " is not a result file of this program."


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"\xff\xfe{}", b"[" * 100_000, b"9" * 5000, b"{'a': 1}"]
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    """Bytes of whatever kind end in one sentence."""
    assert re.search("cut short|not a result file", refusal(tmp_path / "x.json", content))


def test_file_cut_short_anywhere_is_refused(small: Result, tmp_path: Path) -> None:
    """No part of a file passes for the whole, and the message names the file."""
    for content in (store.dump(small), store.pack(store.dump(small))):
        step = len(content) // 200
        for length in range(0, len(content) - 2, step):
            assert "may have been cut short" in refusal(tmp_path / "x.json", content[:length])


def change(content: dict[str, Any], place: str, value: object) -> dict[str, Any]:
    """Put a value at a place such as "machine.cpu.model"."""
    inner: Any = content
    *outer, last = place.split(".")
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[int(last) if last.isdigit() else last] = value
    return content


def test_a_claim_of_an_earlier_file_is_read_as_whose_it_was(small: Result, tmp_path: Path) -> None:
    """It told of which file it was: a person's own is not the chapter's."""
    content = as_json(small)
    for origin, source in (("chapter", "chapter"), ("own", "ours")):
        claim = content["config"]["claims"]["element-slower-than-column"]
        for key in ("source", "backend"):
            claim.pop(key, None)
        claim["origin"] = origin
        for verdict in content["verdicts"]:
            verdict.pop("marginal", None)
        (tmp_path / "x.json").write_text(json.dumps(content))
        read = store.load(tmp_path / "x.json", LABELS)
        assert source_of(read.config["claims"]["element-slower-than-column"]) == source
        assert not any(verdict.marginal for verdict in read.verdicts)


OUTERS = [
    *("", "machine.", "machine.cpu.", "environments.pytorch.", "dataset.", "moments."),
    *("config.claims.element-slower-than-column.", "records.0.", "records.0.conditions."),
    *("records.0.conditions.probes_before.0.", "records.0.outcome.", f"{SERIES}."),
    *(f"{SERIES}.timing.", f"{NOISE}.", f"{RUN}."),
]


@pytest.mark.parametrize("place", [f"{outer}extra" for outer in OUTERS])
def test_keys_of_a_stranger_are_refused(small: Result, tmp_path: Path, place: str) -> None:
    """A file with more in it than this program writes is not taken for one of its own."""
    content = as_json(small)
    message = refusal(tmp_path / "x.json", change(content, place, 1))
    assert f" is not a valid result file: {place}: " in message
    assert "`report schema results` prints what is expected" in message


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("machine.id", "../../elsewhere"),
        ("machine.id", "/tmp/x"),  # noqa: S108 (nothing is written there)
        ("machine.id", ""),
        ("machine.id", "<script>"),
        ("profile", "../x"),
        ("run_id", "../x"),
        ("run_id", None),
        ("installation", "me@here"),
        ("config.claims.element-slower-than-column.source", "elsewhere"),
        ("records.0.conditions.probes_after.0.seconds", []),
        ("environments.pytorch.packages", ["torch"]),
        ("started_at", "yesterday"),
        ("started_at", "2026-99-99T03:04:05Z"),
        ("started_at", "\N{ARABIC-INDIC DIGIT TWO}026-01-02T03:04:05Z"),
        ("config.examples", 0),
        ("started_at", "2026-01-02T03:04:05Z/../x"),
        ("records.0.experiment", "<b>"),
        ("records.0.backend", "../x"),
        ("records.0.kind", "unheard-of"),
        ("records.0.status", "perfect"),
        ("config.experiments", {"a b": {}}),
        (f"{SERIES}.timing.elapsed_s", []),
        (f"{SERIES}.timing.elapsed_s", [0.0]),
        (f"{SERIES}.timing.inner_loops", 0),
        (f"{SERIES}.labels", {}),
        (f"{SERIES}.labels.strategy", "by magic"),
        (f"{SERIES}.labels.size", "large"),
        (f"{NOISE}.labels.point", "elsewhere"),
        (f"{NOISE}.mean_square", -1.0),
        (f"{RUN}.labels.lr", None),
        (f"{RUN}.loss", [1.0]),
        (f"{RUN}.epoch_ends", [10_000]),
        ("moments.mean", [0.0]),
    ],
)
def test_values_that_cannot_be_are_refused(
    small: Result, tmp_path: Path, place: str, value: object
) -> None:
    """What becomes a path, an anchor or a logarithm is checked when it is read."""
    content = as_json(small)
    assert refusal(tmp_path / "x.json", change(content, place, value))


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A mistaken file of gigabytes does not fill the memory."""
    path = tmp_path / "x.json"
    with path.open("wb") as file:
        file.truncate(limits.MOST_BYTES + 1)
    with pytest.raises(ResultError, match="too large to be a result file"):
        store.load(path, LABELS)


def test_no_more_is_unpacked_than_a_result_can_hold(tmp_path: Path) -> None:
    """A megabyte that would unpack to a gigabyte costs a few times the limit, and is refused."""
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(2**24)
    bomb = b"".join(packer.compress(zeros) for _ in range(2**6)) + packer.flush()
    assert len(bomb) < limits.MOST_PACKED_BYTES
    tracemalloc.start()
    try:
        assert "too large to be a result file" in refusal(tmp_path / "x.json.gz", bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * limits.MOST_BYTES


def test_packed_bytes_have_a_limit_of_their_own(small: Result, tmp_path: Path) -> None:
    """What can hardly be packed is no result, though it would unpack to few bytes."""
    filler = bytearray(b"\x1f\x8b\x08\x08" + bytes(6))  # with a name, which may be long
    filler += b"x" * limits.MOST_PACKED_BYTES + b"\0"
    content = bytes(filler) + gzip.compress(store.dump(small), mtime=0)[10:]
    assert "too large to be a result file" in refusal(tmp_path / "x.json.gz", content)


def test_result_is_packed_into_the_same_bytes_each_time(make_result: Make, tmp_path: Path) -> None:
    """No time and no name are in it, and it is much smaller than what it holds."""
    result = make_result()
    first = store.save(result, tmp_path / "a").read_bytes()
    assert first == store.save(result, tmp_path / "b").read_bytes()
    assert gzip.decompress(first) == store.dump(result)
    assert (first[3], first[4:8]) == (0, bytes(4))
    assert len(first) < len(store.dump(result)) / 2


def test_unpacked_file_is_read_as_well(small: Result, tmp_path: Path) -> None:
    """A person may unpack one to look into it, and leave it under either name."""
    for name in ("x.json", "x.json.gz"):
        (tmp_path / name).write_bytes(store.dump(small))
        saved = store.read(tmp_path / name, LABELS)
        assert saved.result == small
        assert saved.name == "fixed-machine/20260102T030405Z-quick.json"


def test_result_that_was_unpacked_beside_itself_counts_once(small: Result, tmp_path: Path) -> None:
    """The packed file is the one that a run goes on to write."""
    path = store.save(small, tmp_path)
    path.with_suffix("").write_bytes(store.dump(replace(small, records=[])))
    (saved,) = store.read_all(tmp_path, LABELS)[0]
    assert (saved.result, saved.content) == (small, path.read_bytes())
    path.unlink()
    (saved,) = store.read_all(tmp_path, LABELS)[0]
    assert saved.result.records == []


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-1], lambda c: c + b"x", lambda c: c[:-8] + b"0" * 8]
)
def test_damaged_packing_is_refused(
    small: Result, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    """A checksum that does not hold, a missing end, and a second file behind the first."""
    content = store.pack(store.dump(small))
    assert "may have been cut short" in refusal(tmp_path / "x.json.gz", spoil(content))


def test_missing_file_and_folder_are_told_apart(tmp_path: Path) -> None:
    """The system's own words say why a file cannot be read."""
    with pytest.raises(ResultError, match=r"none\.json cannot be read: No such file"):
        store.load(tmp_path / "none.json", LABELS)
    with pytest.raises(ResultError, match="cannot be read: Is a directory"):
        store.load(tmp_path, LABELS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=15,
)
PLACES = st.sampled_from(
    ["version", "generator", "profile", "started_at", "config", "config.experiments", "machine",
     "machine.id", "machine.cpu", "machine.cpu.caches", "machine.memory_bytes", "environments",
     "environments.pytorch", "environments.pytorch.dtypes", "dataset", "moments", "moments.second",
     "records", "records.0", "records.0.outcome", "records.0.outcome.series", "records.0.status",
     "records.0.outcome.series.0.labels", "records.0.outcome.series.0.timing",
     "records.0.outcome.series.0.timing.elapsed_s", f"{NOISE}.labels", f"{NOISE}.population",
     f"{RUN}.loss", f"{RUN}.elapsed_s", f"{RUN}.epoch_ends"]
)  # fmt: skip


@given(
    content=JSON | JSON.map(lambda value: {"version": VERSION, "machine": value, "records": value}),
    packed=st.booleans(),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_read_or_refused(content: object, tmp_path: Path, *, packed: bool) -> None:
    """Nothing that a file can hold ends in a traceback."""
    path = tmp_path / "x.json"
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    with pytest.raises(ResultError):
        store.load(path, LABELS)


@given(content=st.binary(max_size=200), start=st.sampled_from([b"", store.GZIP, b'{"version": 1']))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(content: bytes, start: bytes, tmp_path: Path) -> None:
    """Also what begins like a result, packed or not."""
    path = tmp_path / "x.json.gz"
    path.write_bytes(start + content)
    with pytest.raises(ResultError):
        store.load(path, LABELS)


@given(at=st.integers(0, 10**9), byte=st.integers(1, 255), packed=st.booleans())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_byte_of_a_result_can_be_wrong(
    at: int, byte: int, *, packed: bool, small: Result, tmp_path: Path
) -> None:
    """It is read or refused; what is packed has a sum, so that no other result comes of it."""
    plain = store.dump(small)
    content = bytearray(store.pack(plain) if packed else plain)
    content[at % len(content)] ^= byte
    path = tmp_path / "x.json.gz"
    path.write_bytes(content)
    try:
        result = store.load(path, LABELS)
    except ResultError:
        return
    assert result == small or not packed


def test_killed_at_any_point_a_run_keeps_its_last_state(small: Result, tmp_path: Path) -> None:
    """The file holds all records or all but the last, and the next one leaves nothing beside it."""
    before = replace(small, records=small.records[:-1], finished_at=None)
    (tmp_path / "result").write_bytes(pickle.dumps(small))
    save = f"""
import pickle
from pathlib import Path
from report.results import store
store.save(pickle.loads(Path({str(tmp_path / "result")!r}).read_bytes()), Path(folder))
"""
    found = []
    for number in itertools.count(1):
        path = store.save(before, tmp_path / str(number))
        if not killed_before(number, tmp_path / str(number), save):
            break
        found.append(store.load(path, LABELS))
        assert store.save(small, tmp_path / str(number)) == path
        assert [*path.parent.iterdir()] == [path]
        assert store.load(path, LABELS) == small
    assert before in found
    assert all(one in (before, small) for one in found)
    assert len(found) > 2


@given(place=PLACES, value=JSON)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_change_of_a_result_is_read_or_refused(
    place: str, value: object, small: Result, tmp_path: Path
) -> None:
    """A result in which one thing was replaced is either whole, or an error that names the file."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps(change(as_json(small), place, value)))
    try:
        result = store.load(path, LABELS)
    except ResultError as error:
        assert str(path) in error.message  # noqa: PT017 (either outcome is right)
    else:
        assert store.load(store.save(result, tmp_path / "again"), LABELS) == result


def saved(make_result: Make, folder: Path) -> list[Result]:
    """Save two results of one machine and one of another, not in the order of their times."""
    results = [
        make_result("machine-b", started_at="2026-03-01T00:00:00Z"),
        make_result("machine-a", started_at="2026-02-01T00:00:00Z"),
        make_result("machine-b", started_at="2026-01-01T00:00:00Z", profile="full"),
    ]
    for result in results:
        store.save(result, folder)
    return results


def results_in(place: Path) -> list[Result]:
    """Return all results of a folder or file."""
    return [saved.result for saved in store.read_all(place, LABELS)[0]]


def test_all_results_come_oldest_first(make_result: Make, tmp_path: Path) -> None:
    """The order is that of measuring, whatever the machines are called."""
    newest, middle, oldest = saved(make_result, tmp_path)
    assert results_in(tmp_path) == [oldest, middle, newest]


def test_a_file_that_is_no_result_costs_itself_only(make_result: Make, tmp_path: Path) -> None:
    """It is named by its place in the folder, with the reason and without any other path."""
    results = saved(make_result, tmp_path)
    (tmp_path / "machine-a" / "cut.json").write_bytes(store.dump(results[0])[:1000])
    (tmp_path / "machine-b" / "empty.json.gz").write_bytes(b"")
    read, left_out = store.read_all(tmp_path, LABELS)
    assert len(read) == len(results)
    assert [one.name for one in left_out] == ["machine-a/cut.json", "machine-b/empty.json.gz"]
    assert all("cut short" in one.reason for one in left_out)
    assert not any(str(tmp_path) in one.reason for one in left_out)


def test_copy_in_another_folder_is_no_other_machine(small: Result, tmp_path: Path) -> None:
    """Byte for byte the same; what differs is told apart, whatever ids it claims to have."""
    path = store.save(small, tmp_path)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    assert [one.result for one in store.read_all(tmp_path, LABELS)[0]] == [small]
    forged = replace(small, generator="somebody's")
    (tmp_path / "copy" / path.name).write_bytes(store.pack(store.dump(forged)))
    mine, theirs = store.read_all(tmp_path, LABELS)[0]
    assert {mine.named, theirs.named} == {"", small.machine.id}


def test_where_no_file_can_be_read_each_says_why(tmp_path: Path) -> None:
    """There is nothing to show without any."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "x.json").write_text("{")
    with pytest.raises(ResultError, match=r"(?s)no results.*m/x\.json is not complete JSON"):
        store.read_all(tmp_path, LABELS)


def test_single_file_stands_for_a_folder(make_result: Make, tmp_path: Path) -> None:
    """One result can be rendered without the others."""
    result = make_result()
    assert results_in(store.save(result, tmp_path)) == [result]


def test_folder_without_results_is_told_with_the_remedy(tmp_path: Path) -> None:
    """Whoever has nothing measured yet learns how to."""
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ResultError, match=r"no results in .*`report run` measures some"):
            store.read_all(folder, LABELS)[0]


def test_files_of_others_in_the_folder_are_not_read(make_result: Make, tmp_path: Path) -> None:
    """A note at the top, and what a killed write left behind, are no results."""
    path = store.save(make_result(), tmp_path)
    (tmp_path / "README.md").write_text("Measured at home.")
    (tmp_path / "notes.json").write_text("{}")
    path.with_name(f".{path.name}.abc.tmp").write_text("{")
    assert len(store.read_all(tmp_path, LABELS)[0]) == 1


def test_result_is_found_by_machine_or_by_file(make_result: Make, tmp_path: Path) -> None:
    """A machine's id means its newest result; a file means itself."""
    newest, middle, oldest = saved(make_result, tmp_path)
    assert store.find("machine-b", tmp_path, LABELS) == newest
    assert store.find("machine-a", tmp_path, LABELS) == middle
    path = tmp_path / store.name_of(oldest)
    assert store.find(str(path), tmp_path, LABELS) == oldest


def test_unknown_reference_is_told_with_those_that_are_known(
    make_result: Make, tmp_path: Path
) -> None:
    """A slip of the pen is answered with the machines that there are."""
    saved(make_result, tmp_path)
    with pytest.raises(UsageError) as caught:
        store.find("machine-c", tmp_path, LABELS)
    assert caught.value.message.endswith("Machines: machine-a, machine-b.")
    with pytest.raises(UsageError, match=r"Machines: none\."):
        store.find("machine-c", tmp_path / "none", LABELS)


def test_file_in_place_of_a_folder_cannot_be_written(make_result: Make, tmp_path: Path) -> None:
    """A folder that cannot be is an error in words, and the file stays."""
    (tmp_path / "results").write_text("mine")
    with pytest.raises(ResultError, match=r"Results cannot be written to .*results: "):
        store.save(make_result(), tmp_path / "results")
    assert (tmp_path / "results").read_text() == "mine"


def test_saving_again_replaces_the_earlier_state(make_result: Make, tmp_path: Path) -> None:
    """Each record that is added leaves one file, with all of them."""
    result = make_result()
    for count in range(1, 4):
        store.save(replace(result, records=result.records[:count]), tmp_path)
        (only,) = results_in(tmp_path)
        assert len(only.records) == count


def test_made_results_are_the_same_each_time(make_result: Make) -> None:
    """Tests of pages can compare bytes, since the fixture draws nothing by chance."""
    assert store.dump(make_result()) == store.dump(make_result())
    assert make_result("another").records != make_result().records


def test_made_results_follow_their_speed(make_result: Make) -> None:
    """A machine twice as fast needs half the time for the same product."""

    def seconds(result: Any) -> list[float]:
        return [series.timing.median_s for series in result.records[0].outcome.series]

    slow, fast = seconds(make_result()), seconds(make_result(speed=2.0))
    assert [s / f for s, f in zip(slow, fast, strict=True)] == pytest.approx([2.0] * len(slow))
