"""experiments.yaml: what it may hold, and how a person is told what it may not."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from report.config.configuration import Config, load
from report.config.plan import plan
from report.errors import ConfigError
from report.experiments.matmul.kind import MatmulSettings
from report.experiments.training.spec import TrainingSettings
from report.registry import KINDS
from report.resources import default_config

if TYPE_CHECKING:
    from pathlib import Path

MATMUL = "version: 1\nexperiments:\n  a:\n    kind: matmul\n"
TRAINING = "version: 1\nexperiments:\n  t:\n    kind: training\n"
RUN = "{label: x, batch_size: 10, lr: 0.1, epochs: 1}"


Read = Callable[[str | bytes], Config]


def complaint(read: Read, text: str | bytes) -> list[str]:
    """Return the lines of the error that a text gives; it is one that ends with exit code 2."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.exit_code == 2
    # No cause and no context: nothing that Python would print a traceback of.
    assert caught.value.__cause__ is None
    return caught.value.message.splitlines()


def test_default_file_holds_the_chapters_experiments(read: Read) -> None:
    """The file that `report init` writes is valid, and measures what the chapter speaks of."""
    config = read(default_config())
    assert {name: spec.kind for name, spec in config.experiments.items()} == {
        "vectorization": "matmul",
        "matrix-size": "matmul",
        "block-width": "matmul",
        "threads": "matmul",
        "gradient-noise": "gradient",
        "memory": "bandwidth",
        "latency": "bandwidth",
        "overhead": "overhead",
        "chapter-training": "training",
        "loader": "training",
        "concise": "training",
        "concise-as-listed": "training",
        "batch-sizes": "training",
        "stability": "training",
        "decay": "training",
        "grid": "training",
        "replacement": "training",
        "twice": "training",
        "optimizers": "training",
    }


def planned(read: Read, name: str, profile: Any = "full") -> dict[str, Any]:
    """Return the settings of an experiment of the default file."""
    chosen = plan(read(default_config()), profile).only([name])
    return chosen[0].settings


def test_default_vectorization_is_the_chapters(read: Read) -> None:
    """At n = 256, in every strategy and blocks of 64, with the chapter's own timing beside it."""
    assert (
        planned(read, "vectorization").items()
        >= {
            "size": [256],
            "strategy": ["element", "column", "row", "full", "block"],
            "block_width": [64],
            "dtype": ["float32"],
            "as_printed": True,
        }.items()
    )


@pytest.mark.parametrize(("profile", "largest"), [("quick", 1024), ("full", 4096)])
def test_default_matrix_sizes_reach_further_in_full(read: Read, profile: str, largest: int) -> None:
    """Sizes double from 64 to 1024 for a quick look and to 4096 in full, in four dtypes."""
    settings = planned(read, "matrix-size", profile)
    assert settings["size"] == [2**k for k in range(6, largest.bit_length())]
    assert settings["size"][-1] == largest
    assert settings["dtype"] == ["float32", "float64", "bfloat16", "float16"]


def test_default_block_widths_go_from_one_column_to_all(read: Read) -> None:
    """For both sizes the widths double from 1 to n; those above n are left out when measured.

    The full product stands beside them.
    """
    settings = planned(read, "block-width")
    assert settings["size"] == [256, 1024]
    assert settings["strategy"] == ["block", "full"]
    assert settings["block_width"] == [2**k for k in range(11)]


def test_default_threads_are_swept(read: Read) -> None:
    """Each number of threads up to all cores is measured."""
    assert planned(read, "threads")["threads"] == ["each"]


CHAPTER_RUNS = [
    ("GD", 1500, 1, 10),
    ("SGD", 1, 0.005, 2),
    ("batch 100", 100, 0.4, 2),
    ("batch 10", 10, 0.05, 2),
]


@pytest.mark.parametrize(
    ("name", "loaders"),
    [("chapter-training", ["dataloader"]), ("loader", ["dataloader", "sliced"])],
)
def test_default_runs_are_the_chapters_four(read: Read, name: str, loaders: list[str]) -> None:
    """Batch sizes, learning rates and epochs are those that the chapter prints."""
    settings = planned(read, name)
    runs = [(r["label"], r["batch_size"], r["lr"], r["epochs"]) for r in settings["runs"]]
    assert runs == CHAPTER_RUNS
    assert {run["loss"] for run in settings["runs"]} == {"half_squared"}
    assert settings["loader"] == loaders
    assert settings["implementation"] == ["scratch"]


def test_default_concise_run_is_the_chapters(read: Read) -> None:
    """Its learning rate belongs to the frameworks' loss without 1/2, beside the scratch version.

    MXNet and TensorFlow have a listing with another rate; MXNet's loss has the 1/2.
    """
    settings = planned(read, "concise")
    runs = {
        str(run["backends"]): (run["batch_size"], run["lr"], run["epochs"], run["loss"])
        for run in settings["runs"]
    }
    assert runs == {
        "None": (10, 0.01, 4, "mse"),
        "['mxnet']": (10, 0.05, 2, "half_squared"),
        "['tensorflow']": (10, 0.05, 2, "mse"),
    }
    assert settings["implementation"] == ["scratch", "concise"]


ONE_LINE = {
    "unknown key at the top": (
        MATMUL + "devise: cpu\n",
        "x.yaml:5: unknown key 'devise'. Did you mean 'device'?",
    ),
    "unknown key of a profile": (
        MATMUL + "profiles:\n  quick: {process: 3}\n",
        "x.yaml:6: unknown key 'profiles.quick.process'. Did you mean 'processes'?",
    ),
    "unknown profile": (
        MATMUL + "profiles:\n  fast: {processes: 3}\n",
        "x.yaml:6: unknown key 'profiles.fast'. There are: full, quick.",
    ),
    "unknown key of an experiment": (
        MATMUL + "    sizes: [8]\n",
        "x.yaml:5: unknown key 'experiments.a.sizes'. Did you mean 'size'?",
    ),
    "unknown key inside quick": (
        MATMUL + "    quick:\n      stratgy: full\n",
        "x.yaml:6: unknown key 'experiments.a.quick.stratgy'. Did you mean 'strategy'?",
    ),
    "unknown key of a run": (
        TRAINING + f"    runs:\n      - {RUN}\n      - {RUN.replace('}', ', epoch: 1}')}\n",
        "x.yaml:7: unknown key 'experiments.t.runs.1.epoch'. Did you mean 'epochs'?",
    ),
    "unknown key of the data set": (
        MATMUL + "dataset:\n  pth: here.dat\n",
        "x.yaml:6: unknown key 'dataset.pth'. Did you mean 'path'?",
    ),
    "key of the other kind": (
        TRAINING + "    strategy: full\n",
        "x.yaml:5: unknown key 'experiments.t.strategy'. There are: backends, budget_s,",
    ),
    "unknown kind": (
        "version: 1\nexperiments:\n  a:\n    kind: matmull\n",
        "x.yaml:3: experiments.a: unknown kind 'matmull'. Did you mean 'matmul'?",
    ),
    "missing kind": (
        "version: 1\nexperiments:\n  a:\n    size: 3\n",
        f"x.yaml:3: experiments.a: kind is missing; add one of: {', '.join(KINDS)}.",
    ),
    "kind that is a list": (
        "version: 1\nexperiments:\n  a: {kind: [matmul]}\n",
        f"x.yaml:3: experiments.a: kind is missing; add one of: {', '.join(KINDS)}.",
    ),
    "experiment without anything": (
        "version: 1\nexperiments:\n  a:\n",
        f"x.yaml:3: experiments.a: kind is missing; add one of: {', '.join(KINDS)}.",
    ),
    "key that stands twice": (
        MATMUL + "    size: 8\n    size: 9\n",
        "x.yaml:6: the key 'size' stands here a second time; remove one of the two.",
    ),
    "experiment that stands twice": (
        MATMUL + "  a: {kind: matmul}\n",
        "x.yaml:5: the key 'a' stands here a second time; remove one of the two.",
    ),
    "list with a value twice": (
        MATMUL + "    size: [8, 16, 8]\n",
        "x.yaml:5: experiments.a.size: the list holds a value twice.",
    ),
    "empty list": (
        MATMUL + "    size: []\n",
        "x.yaml:5: experiments.a.size: List should have at least 1 item",
    ),
    "word for a number": (
        MATMUL + "    size: big\n",
        "x.yaml:5: experiments.a.size: Input should be a valid integer, unable to parse string as",
    ),
    "mapping for a number": (
        MATMUL + "    size: [8, {n: 3}]\n",
        "x.yaml:5: experiments.a.size.1: Input should be a valid integer.",
    ),
    "number for a mapping": (
        MATMUL + "    quick: 3\n",
        "x.yaml:5: experiments.a.quick: Input should be a valid dictionary",
    ),
    "fraction for a count": (
        MATMUL + "    processes: 2.5\n",
        "x.yaml:5: experiments.a.processes: Input should be a valid integer",
    ),
    "number too long to show": (
        MATMUL + "    size: " + "9" * 3000 + "\n",
        "x.yaml:5: experiments.a.size: Input should be less than or equal to 16384 (it is "
        + "9" * 80
        + ").",
    ),
    "batch larger than the data": (
        TRAINING + f"    runs:\n      - {RUN}\n      - {{label: y, batch_size: 1501, lr: 1, "
        "epochs: 1}\n",
        "x.yaml:7: experiments.t.runs.1.batch_size: a batch cannot be larger than the data;",
    ),
    "batch larger than the data in one profile": (
        TRAINING + "    runs:\n"
        f"      - {RUN}\n    full:\n      runs:\n"
        "        - {label: y, batch_size: 1501, lr: 1, epochs: 1}\n",
        "x.yaml:9: experiments.t.full.runs.0.batch_size: a batch cannot be larger than the data;",
    ),
    "batch of the built-in runs larger than the data": (
        TRAINING + "dataset: {examples: 1000}\n",
        "x.yaml:3: experiments.t.runs.0.batch_size: a batch cannot be larger than the data;",
    ),
    "two runs with one label": (
        TRAINING + f"    runs:\n      - {RUN}\n      - {RUN}\n",
        "x.yaml:3: experiments.t: two runs have the label 'x'; give each its own.",
    ),
    "element by element at size 4096": (
        MATMUL + "    strategy: [full, element]\n    size: 4096\n",
        "x.yaml:3: experiments.a: strategy element at size 4096 makes 16,777,216 calls; sizes up",
    ),
    "element by element at size 4096 once a profile is put in": (
        MATMUL + "    strategy: element\n    quick: {size: 4096}\n",
        "x.yaml:6: experiments.a.quick: strategy element at size 4096 makes 16,777,216 calls;",
    ),
    "negative learning rate": (
        TRAINING + f"    runs:\n      - {RUN.replace('0.1', '-0.1')}\n",
        "x.yaml:6: experiments.t.runs.0.lr: Input should be greater than 0 (it is -0.1).",
    ),
    "learning rate that is no number": (
        TRAINING + f"    runs:\n      - {RUN.replace('0.1', '.nan')}\n",
        "x.yaml:6: experiments.t.runs.0.lr: Input should be a finite number (it is nan).",
    ),
    "infinite learning rate": (
        TRAINING + f"    runs:\n      - {RUN.replace('0.1', '.inf')}\n",
        "x.yaml:6: experiments.t.runs.0.lr: Input should be a finite number (it is inf).",
    ),
    "budget of nothing": (
        MATMUL + "    budget_s: 0\n",
        "x.yaml:5: experiments.a.budget_s: Input should be greater than 0 (it is 0).",
    ),
    "budget that is no number": (
        MATMUL + "    budget_s: .nan\n",
        "x.yaml:5: experiments.a.budget_s: Input should be less than or equal to 86400",
    ),
    "no seeds": (
        TRAINING + "    seeds: 0\n",
        "x.yaml:5: experiments.t.seeds: Input should be greater than or equal to 1 (it is 0).",
    ),
    "no seeds in a profile": (
        MATMUL + "profiles:\n  full: {seeds: 0}\n",
        "x.yaml:6: profiles.full.seeds: Input should be greater than or equal to 1 (it is 0).",
    ),
    "unknown device": (
        MATMUL + "device: gpu\n",
        "x.yaml:5: device: unknown device 'gpu'; use auto, cpu, cuda, cuda:1, mps or xpu.",
    ),
    "unknown backend": (
        MATMUL + "backends: torch\n",
        "x.yaml:5: backends: unknown value 'torch'. Did you mean 'pytorch'?",
    ),
    "unknown dtype": (
        MATMUL + "    dtype: [float32, float8]\n",
        "x.yaml:5: experiments.a.dtype.1: unknown value 'float8'. Did you mean 'float64'?",
    ),
    "no experiments": (
        "version: 1\nexperiments: {}\n",
        "x.yaml:2: experiments: Dictionary should have at least 1 item",
    ),
    "experiments that are a list": (
        "version: 1\nexperiments: []\n",
        "x.yaml:2: experiments: Input should be a valid dictionary",
    ),
    "newer version": (
        MATMUL.replace("1", "2", 1),
        "x.yaml:1: version: Input should be 1 (it is 2).",
    ),
    "missing version": (
        MATMUL.removeprefix("version: 1\n"),
        "x.yaml:1: version is missing; add it.",
    ),
    "list of things": ("- a\n- b\n", "x.yaml:1: expected keys such as version and experiments."),
    "interpreter of a framework that there is not": (
        "version: 1\ninterpreters:\n  numbda: python3\nexperiments: {a: {kind: matmul}}\n",
        "x.yaml:3: interpreters.numbda: unknown value 'numbda'. Did you mean 'numba'?",
    ),
    "interpreter without a name": (
        "version: 1\ninterpreters: {numba: ''}\nexperiments: {a: {kind: matmul}}\n",
        "x.yaml:2: interpreters.numba: ",
    ),
    "interpreter that is a list": (
        "version: 1\ninterpreters: {numba: [python3]}\nexperiments: {a: {kind: matmul}}\n",
        "x.yaml:2: interpreters.numba: ",
    ),
    "interpreters that are a list": (
        "version: 1\ninterpreters: [python3]\nexperiments: {a: {kind: matmul}}\n",
        "x.yaml:2: interpreters: ",
    ),
    "variant that there is not": (
        "version: 1\nexperiments:\n  a:\n    kind: training\n    variant: compile\n",
        "x.yaml:5: experiments.a.variant: unknown value 'compile'. Did you mean 'compiled'?",
    ),
    "one word": ("hello", "x.yaml:1: expected keys such as version and experiments."),
    "nothing": ("", "x.yaml:1: expected keys such as version and experiments."),
    "key that is a number": (
        MATMUL + "    3: 4\n",
        "x.yaml:5: experiments.a.3: Keys should be strings (it is 3).",
    ),
    "key that is a list": (MATMUL + "    ? [x]\n    : 1\n", "x.yaml:5: a key must be a single"),
    "bracket that is not closed": (
        MATMUL + "    size: [8, 16\nseed: 3\n",
        "x.yaml:6: YAML: expected ',' or ']', but got ':'.",
    ),
    "tab": (
        "version: 1\nexperiments:\n\ta: 1\n",
        "x.yaml:3: YAML: found character '\\t' that cannot start any token. Indent with spaces.",
    ),
    "second document": (MATMUL + "---\na: 1\n", "x.yaml:5: YAML: but found another document."),
}


@pytest.mark.parametrize(("text", "expected"), ONE_LINE.values(), ids=ONE_LINE.keys())
def test_mistake_is_told_in_one_line_with_its_place(read: Read, text: str, expected: str) -> None:
    """One line for a mistake: the file, the line of the key, the key, and what to do."""
    (line,) = complaint(read, text)
    assert line.startswith(expected)


def test_each_of_several_mistakes_has_its_line(read: Read) -> None:
    """All mistakes are told at once, so that a person need not mend and try in turn."""
    text = MATMUL + "    sizes: 8\n    budget_s: -1\ndevise: cpu\n"
    assert [line.partition(": ")[0] for line in sorted(complaint(read, text))] == [
        "x.yaml:5",
        "x.yaml:6",
        "x.yaml:7",
    ]


def test_alternatives_are_told_without_internals(read: Read) -> None:
    """A value that may be a number or a word names the key, not the validator's branches."""
    lines = complaint(read, MATMUL + "    threads: many\n")
    assert (
        lines[-1] == "x.yaml:5: experiments.a.threads: unknown value 'many'. There are: auto, each."
    )
    assert all(line.startswith("x.yaml:5: experiments.a.threads: ") for line in lines)


@pytest.mark.parametrize(
    "name", ["../x", "<script>", "a$b", "Upper", "a" * 41, "", "-a", "a b", "a\\n", "b\\u00e9"]
)
def test_experiment_names_are_safe_everywhere(read: Read, name: str) -> None:
    """A name becomes a file and an anchor: nothing but letters, digits and hyphens, 40 at most."""
    text = f'version: 1\nexperiments:\n  fine-1:\n    kind: matmul\n  "{name}": {{kind: matmul}}\n'
    (line,) = complaint(read, text)
    assert line.startswith("x.yaml:5: ")
    assert "use up to 40 lower-case letters, digits and hyphens" in line


def laughs() -> str:
    """Return a billion values in a few lines: each list holds the one before nine times."""
    lines = ["a: &a [lol]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "alias bomb": (laughs(), "holds more than 50,000 values"),
    "list that holds itself": ("a: &a [*a]", "nested too deeply"),
    "mapping that holds itself": ("&a {b: *a}", "nested too deeply"),
    "ten thousand brackets": ("a: " + "[" * 10_000, "nested too deeply"),
    "ten thousand mappings": ("{a: " * 10_000, "nested too deeply"),
    "Python object": ("!!python/object/apply:os.system ['true']", "x.yaml:1: YAML: could not"),
    "huge file": ("a: " + "x" * 1_000_001, "larger than 1 MB"),
    "date that is none": ("a: 1\nb: 2001-13-45", "x.yaml:2: YAML: '2001-13-45' is not a valid"),
    "time zone that is none": ("a: 2001-01-01 00:00:00+99:99", "is not a valid timestamp"),
    "tagged date that is none": ("a: !!timestamp soon", "'soon' is not a valid timestamp"),
    "tagged truth that is none": ("a: !!bool maybe", "'maybe' is not a valid bool"),
    "tagged number that is empty": ("a: !!int ''", "'' is not a valid int"),
    "tagged fraction that is empty": ("a: !!float ''", "'' is not a valid float"),
    "number of 5,000 digits": ("a: " + "9" * 5000, "is not a valid int"),
    "character beyond Unicode": ('a: "\\U00110000"', "not readable as YAML"),
    "lone surrogate": (MATMUL + 'title: "\\ud800"\n', "x.yaml:5: title: Input should be a valid"),
    "NUL bytes": (b"version: 1\n\0\0\0", "not readable as YAML"),
    "invalid UTF-8": (b"title: \xff\xfe", "not readable as YAML: 'utf-8' codec"),
    "UTF-16": (MATMUL.encode("utf-16"), "not readable as YAML: 'utf-8' codec"),
    "merge of a number": ("a:\n  <<: 3", "x.yaml:2: YAML: expected a mapping"),
    "undefined alias": ("a: *b", "x.yaml:1: YAML: found undefined alias"),
}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_file_is_refused_in_one_line(read: Read, text: str | bytes, expected: str) -> None:
    """Whatever a file holds, nothing runs, nothing grows, and the refusal names the file."""
    (line,) = complaint(read, text)
    assert line.startswith("x.yaml")
    assert expected in line
    assert len(line) < 300


def test_missing_file_is_told_with_the_remedy(tmp_path: Path) -> None:
    """Whoever has no file yet learns how to get one."""
    with pytest.raises(ConfigError, match=r"There is no .*none\.yaml\. `report init` writes one"):
        load(tmp_path / "none.yaml")


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """A folder is no configuration, and saying so needs no traceback."""
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory\."):
        load(tmp_path)


def test_single_value_stands_for_a_list_of_one(read: Read) -> None:
    """What can be swept can be written without brackets."""
    alone = read(MATMUL + "    size: 64\n    strategy: block\n    block_width: 8\n    threads: 1\n")
    listed = read(
        MATMUL + "    size: [64]\n    strategy: [block]\n    block_width: [8]\n    threads: [1]\n"
    )
    assert alone == listed


def test_exponent_without_a_point_is_a_number(read: Read) -> None:
    """YAML 1.1 takes 1e-3 for a word; a learning rate may be written so all the same."""
    spec: Any = read(TRAINING + f"    runs: [{RUN.replace('0.1', '1e-3')}]\n").experiments["t"]
    assert spec.runs[0].lr == 1e-3


def test_anchors_share_runs_between_experiments(read: Read) -> None:
    """Two experiments can use the same list without writing it twice."""
    config = read(
        "version: 1\nexperiments:\n"
        f"  a: {{kind: training, runs: &r [{RUN}]}}\n  b: {{kind: training, runs: *r}}\n"
    )
    every: list[Any] = list(config.experiments.values())
    first, second = every
    assert first.runs == second.runs


def schema_validator() -> Draft202012Validator:
    """Return what an editor makes of the schema that `report schema config` prints."""
    schema = json.loads(json.dumps(Config.model_json_schema()))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_schema_accepts_the_default_file() -> None:
    """An editor that follows the schema finds nothing to underline in the default file."""
    assert not list(schema_validator().iter_errors(yaml.safe_load(default_config())))


@pytest.mark.parametrize(
    "place", [(), ("dataset",), ("profiles", "quick"), ("experiments", "loader")]
)
def test_schema_refuses_an_unknown_key(place: tuple[str, ...]) -> None:
    """A slip of the pen is underlined at every level."""
    content = yaml.safe_load(default_config())
    inner = content
    for key in place:
        inner = inner[key]
    inner["spelt-wrong"] = 1
    assert list(schema_validator().iter_errors(content))


SWEPT = {
    "size": (64, [64, 128]),
    "strategy": ("full", ["full", "row"]),
    "dtype": ("float32", ["float32", "float64"]),
    "block_width": (8, [8, 16]),
    "threads": ("each", [1, "auto"]),
    "tf32": (True, [True, False]),
    "backends": ("pytorch", ["pytorch"]),
}


@pytest.mark.parametrize(("key", "values"), SWEPT.items(), ids=SWEPT.keys())
def test_schema_offers_a_value_as_well_as_a_list(key: str, values: tuple[Any, Any]) -> None:
    """What the program accepts for a swept key, the schema accepts too, and nothing else."""
    validator = schema_validator()
    for value in values:
        content = {"version": 1, "experiments": {"a": {"kind": "matmul", key: value}}}
        assert not list(validator.iter_errors(content))
        assert isinstance(Config.model_validate(content).experiments["a"], MatmulSettings)
    wrong = {"version": 1, "experiments": {"a": {"kind": "matmul", key: {"no": "mapping"}}}}
    assert list(validator.iter_errors(wrong))


def as_yaml(value: object) -> str:
    """Write a value as YAML with whatever surrogates it may hold."""
    return yaml.dump(value, allow_unicode=True)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.binary(max_size=4),
)
KEYS = st.sampled_from(
    [
        *Config.model_fields,
        *MatmulSettings.model_fields,
        *TrainingSettings.model_fields,
        "a",
        "label",
        "lr",
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [*"&*!|>'\"%@`{}[],:?-#~=\n\t ", "  ", ": ", "- ", "a", "b", "<<", "&a", "*a", "---", "...",
     "!!int ", "!!str ", "!!bool ", "!!float ", "!!timestamp ", "!!binary ", "!!set ", "!!omap ",
     "0x", "0b", "1_0", "190:20", ".inf", "1e3", "2001-02-30", "%YAML 1.2", "version: 1",
     "experiments:", "kind: matmul"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, max_size=25).map("".join),
    TREES.map(as_yaml),
    st.builds(
        lambda spec: as_yaml({"version": 1, "experiments": {"a": spec}}),
        st.dictionaries(KEYS, TREES, max_size=4).map(lambda spec: {"kind": "matmul", **spec}),
    ),
    st.builds(
        lambda spec: as_yaml({"version": 1, "experiments": {"a": spec}}),
        st.dictionaries(KEYS, TREES, max_size=4).map(lambda spec: {"kind": "training", **spec}),
    ),
)


@given(text=TEXTS)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_text_is_a_configuration_or_a_config_error(text: str, tmp_path: Path) -> None:
    """Nothing that can be written into the file ends in a traceback."""
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            config = load(path)
        except ConfigError as error:
            assert all(line.startswith(str(path)) for line in error.message.splitlines())  # noqa: PT017 (either outcome is right)
        else:
            for profile in ("quick", "full"):
                plan(config, profile)
