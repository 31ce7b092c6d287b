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
from report.experiments.training.kind import TrainingSettings
from report.registry import KINDS
from report.resources import default_config

if TYPE_CHECKING:
    from pathlib import Path

MATMUL = "version: 1\nexperiments:\n  a:\n    kind: matmul\n"
TRAINING = "version: 1\nexperiments:\n  t:\n    kind: training\n"
RUN = "{label: x, batch_size: 10, lr: 0.1, epochs: 1}"


Read = Callable[[str | bytes], Config]
Complaints = Callable[[str | bytes], list[str]]
Told = Callable[[str, str], None]


def test_default_file_holds_the_chapters_experiments(read: Read) -> None:
    """The file that `report init` writes is valid, and measures what the chapter speaks of."""
    kinds = {name: spec.kind for name, spec in read(default_config()).experiments.items()}
    products = "vectorization strategies-at-scale matrix-size small-products block-width threads"
    trained = "chapter-training loader concise concise-as-listed batch-sizes stability decay grid"
    assert kinds == {
        **dict.fromkeys(products.split(), "matmul"),
        "gradient-noise": "gradient",
        **dict.fromkeys(["memory", "latency"], "bandwidth"),
        "overhead": "overhead",
        "scaling": "scaling",
        **dict.fromkeys([*trained.split(), "replacement", "twice", "optimizers"], "training"),
    }


def planned(read: Read, name: str, profile: Any = "full") -> dict[str, Any]:
    """Return the settings of an experiment of the default file."""
    chosen = plan(read(default_config()), profile).only([name])
    return chosen[0].settings


DTYPES = ["float32", "float64", "bfloat16", "float16"]
PRODUCTS: dict[tuple[str, str], dict[str, Any]] = {
    # In every strategy and blocks of 64, with the chapter's own timing beside it.
    ("vectorization", "full"): {
        "size": [256],
        "strategy": ["element", "column", "row", "full", "block"],
        "block_width": [64],
        "dtype": ["float32"],
        "as_printed": True,
    },
    ("matrix-size", "quick"): {"size": [64, 128, 256, 512, 1024], "dtype": DTYPES},
    ("matrix-size", "full"): {"size": [64, 128, 256, 512, 1024, 2048, 4096], "dtype": DTYPES},
    # Widths above n are left out when measured; the full product stands beside them.
    ("block-width", "full"): {
        "size": [256, 1024],
        "strategy": ["block", "full"],
        "block_width": [2**k for k in range(11)],
    },
    ("threads", "full"): {"threads": ["each"]},
}


@pytest.mark.parametrize(("name", "profile"), PRODUCTS)
def test_default_products_are_the_chapters(read: Read, name: str, profile: str) -> None:
    """At n = 256, and swept over sizes (further in full), widths of blocks and threads."""
    assert planned(read, name, profile).items() >= PRODUCTS[name, profile].items()


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
    """Its learning rate belongs to the frameworks' loss without 1/2, beside the scratch version."""
    # MXNet and TensorFlow have a listing with another rate, and beside it the chapter's last run
    # from scratch; MXNet's loss has the 1/2.
    settings = planned(read, "concise")
    runs = {
        run["label"]: (run["backends"], run["batch_size"], run["lr"], run["epochs"], run["loss"])
        for run in settings["runs"]
    }
    assert runs == {
        "batch 10": (None, 10, 0.01, 4, "mse"),
        "from scratch": (["mxnet", "tensorflow"], 10, 0.05, 2, "half_squared"),
        "MXNet as listed": (["mxnet"], 10, 0.05, 2, "half_squared"),
        "TensorFlow as listed": (["tensorflow"], 10, 0.05, 2, "mse"),
    }
    assert settings["implementation"] == ["scratch", "concise"]


OTHER = "version: 1\nexperiments:\n  a:\n"
INTERPRETERS = MATMUL + "interpreters:\n"
NO_KIND = f"3 experiments.a: kind is missing; add one of: {', '.join(KINDS)}."
TOO_LARGE = "a batch cannot be larger than the data;"
LARGE = RUN.replace("x", "y", 1).replace("10", "1501")
NO_KEYS = "1 : expected keys such as version and experiments."

MISTAKES = {
    MATMUL + "devise: cpu\n": "5 devise: Did you mean 'device'?",
    MATMUL + "profiles:\n  quick: {process: 3}\n": "6 profiles.quick.process: 'processes'?",
    MATMUL + "profiles:\n  fast: {processes: 3}\n": "6 profiles.fast: There are: full, quick.",
    MATMUL + "    sizes: [8]\n": "5 experiments.a.sizes: Did you mean 'size'?",
    MATMUL + "    quick:\n      stratgy: full\n": "6 experiments.a.quick.stratgy: 'strategy'?",
    TRAINING + f"    runs:\n      - {RUN}\n      - {RUN.replace('}', ', epoch: 1}')}\n": (
        "7 experiments.t.runs.1.epoch: Did you mean 'epochs'?"
    ),
    MATMUL + "dataset:\n  pth: here.dat\n": "6 dataset.pth: Did you mean 'path'?",
    TRAINING + "    strategy: full\n": "5 experiments.t.strategy: There are: as_printed, backends,",
    OTHER + "    kind: matmull\n": (
        "3 experiments.a: unknown kind 'matmull'. Did you mean 'matmul'?"
    ),
    OTHER + "    size: 3\n": NO_KIND,
    OTHER + "    kind: [matmul]\n": NO_KIND,
    OTHER: NO_KIND,
    MATMUL + "    size: 8\n    size: 9\n": "6 : 'size' appears here a second time; remove one of",
    MATMUL + "  a: {kind: matmul}\n": "5 : the key 'a' appears here a second time; remove one of",
    MATMUL + "    size: [8, 16, 8]\n": "5 experiments.a.size: the list holds a value twice.",
    MATMUL + "    size: []\n": "5 experiments.a.size: at least 1 item",
    MATMUL + "    size: big\n": "5 experiments.a.size: valid integer, unable to parse string as",
    MATMUL + "    size: [8, {n: 3}]\n": "5 experiments.a.size.1: should be a valid integer.",
    MATMUL + "    quick: 3\n": "5 experiments.a.quick: should be a valid dictionary",
    MATMUL + "    processes: 2.5\n": "5 experiments.a.processes: should be a valid integer",
    MATMUL + "    size: " + "9" * 99 + "\n": (  # too long to be shown
        "5 experiments.a.size: less than or equal to 16384 (it is " + "9" * 80 + ")."
    ),
    TRAINING + f"    runs:\n      - {RUN}\n      - {LARGE}\n": (
        f"7 experiments.t.runs.1.batch_size: {TOO_LARGE}"
    ),
    TRAINING + f"    runs:\n      - {RUN}\n    full:\n      runs:\n        - {LARGE}\n": (
        f"9 experiments.t.full.runs.0.batch_size: {TOO_LARGE}"
    ),
    # A batch of the built-in runs.
    TRAINING + "dataset: {examples: 1000}\n": f"3 experiments.t.runs.0.batch_size: {TOO_LARGE}",
    TRAINING + f"    runs:\n      - {RUN}\n      - {RUN}\n": (
        "3 experiments.t: two runs have the label 'x'; give each its own."
    ),
    MATMUL + "    strategy: [full, element]\n    size: 4096\n": (
        "3 experiments.a: strategy element at size 4096 makes 16,777,216 calls; sizes up"
    ),
    MATMUL + "    strategy: element\n    quick: {size: 4096}\n": (
        "6 experiments.a.quick: strategy element at size 4096 makes 16,777,216 calls;"
    ),
    **{
        TRAINING + f"    runs:\n      - {RUN.replace('0.1', lr)}\n": (
            f"6 experiments.t.runs.0.lr: {meaning}"
        )
        for lr, meaning in {
            "-0.1": "greater than 0 (it is -0.1).",
            ".nan": "a finite number (it is nan).",
            ".inf": "a finite number (it is inf).",
        }.items()
    },
    MATMUL + "    processes: 3\n    timeout_s: 36000\n": (
        "6 experiments.a.timeout_s: 3 processes that hang would take 30 h"
    ),
    MATMUL + "    full: {timeout_s: 20000}\n": "5 experiments.a.full.timeout_s: 8 processes that",
    MATMUL + "    budget_s: 0\n": "5 experiments.a.budget_s: greater than 0 (it is 0).",
    MATMUL + "    budget_s: .nan\n": "5 experiments.a.budget_s: less than or equal to 86400",
    TRAINING + "    seeds: 0\n": "5 experiments.t.seeds: greater than or equal to 1 (it is 0).",
    MATMUL + "profiles:\n  full: {seeds: 0}\n": "6 profiles.full.seeds: equal to 1 (it is 0).",
    MATMUL + "device: gpu\n": "5 device: 'gpu'; use auto, cpu, cuda, cuda:1, mps or xpu.",
    MATMUL + "backends: torch\n": "5 backends: 'torch'. Did you mean 'pytorch'?",
    MATMUL + "    dtype: [float32, float8]\n": (
        "5 experiments.a.dtype.1: unknown value 'float8'. Did you mean 'float64'?"
    ),
    "version: 1\nexperiments: {}\n": "2 experiments: at least 1 item",
    "version: 1\nexperiments: []\n": "2 experiments: should be a valid dictionary",
    MATMUL.replace("1", "2", 1): "1 version: should be 1 (it is 2).",
    MATMUL.removeprefix("version: 1\n"): "1 version: is missing; add it.",
    INTERPRETERS + "  numbda: python3\n": "6 interpreters.numbda: Did you mean 'numba'?",
    INTERPRETERS + "  numba: ''\n": "6 interpreters.numba: at least 1 character",
    INTERPRETERS + "  numba: [python3]\n": "6 interpreters.numba: should be a valid string",
    INTERPRETERS + "  - python3\n": "5 interpreters: should be a valid dictionary",
    TRAINING + "    variant: compile\n": "5 experiments.t.variant: Did you mean 'compiled'?",
    "- a\n- b\n": NO_KEYS,
    "hello": NO_KEYS,
    "": NO_KEYS,
    MATMUL + "    3: 4\n": "5 experiments.a.3: Keys should be strings (it is 3).",
    MATMUL + "    ? [x]\n    : 1\n": "5 : a key must be a single",
    MATMUL + "    size: [8, 16\nseed: 3\n": "6 : YAML: expected ',' or ']', but got ':'.",
    "version: 1\nexperiments:\n\ta: 1\n": (
        "3 : YAML: found character '\\t' that cannot start any token. Indent with spaces."
    ),
    MATMUL + "---\na: 1\n": "5 : YAML: but found another document.",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistake_is_told_in_one_line_with_its_place(told: Told, text: str) -> None:
    """One line for a mistake: the file, the line of the key, the key, and what to do."""
    told(text, MISTAKES[text])


def test_each_of_several_mistakes_has_its_line(complaints: Complaints) -> None:
    """All mistakes are told at once, so that a person need not mend and try in turn."""
    lines = complaints(MATMUL + "    sizes: 8\n    budget_s: -1\ndevise: cpu\n")
    assert sorted(line.partition(": ")[0] for line in lines) == ["x.yaml:5", "x.yaml:6", "x.yaml:7"]


def test_alternatives_are_told_without_internals(complaints: Complaints) -> None:
    """A value that may be a number or a word names the key, not the validator's branches."""
    lines = complaints(MATMUL + "    threads: many\n")
    assert all(line.startswith("x.yaml:5: experiments.a.threads: ") for line in lines)
    assert lines[-1].endswith("unknown value 'many'. There are: auto, each.")


@pytest.mark.parametrize(
    "name", ["../x", "<script>", "a$b", "Upper", "a" * 41, "", "-a", "a b", "a\\n", "b\\u00e9"]
)
def test_experiment_names_are_safe_everywhere(complaints: Complaints, name: str) -> None:
    """A name becomes a file and an anchor: nothing but letters, digits and hyphens, 40 at most."""
    (line,) = complaints(MATMUL.replace("  a:", "  fine-1:") + f'  "{name}": {{kind: matmul}}\n')
    assert line.startswith("x.yaml:5: ")
    assert "use up to 40 lower-case letters, digits and hyphens" in line


def laughs() -> str:
    """Return a billion values in a few lines: each list holds the one before nine times."""
    lines = ["a: &a [lol]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "alias bomb": (laughs(), "holds more than 20,000 values"),
    # The fault at the end is not even read.
    "list without end": ("- a\n" * 20_001 + "]", "holds more than 20,000 values"),
    "list that holds itself": ("a: &a [*a]", "nested too deeply"),
    "mapping that holds itself": ("&a {b: *a}", "nested too deeply"),
    "ten thousand brackets": ("a: " + "[" * 10_000, "nested too deeply"),
    "ten thousand mappings": ("{a: " * 10_000, "nested too deeply"),
    "Python object": ("!!python/object/apply:os.system ['true']", "x.yaml:1: YAML: could not"),
    "huge file": ("a: " + "x" * 250_000, "larger than 250 kB"),
    "date that is none": ("a: 1\nb: 2001-13-45", "x.yaml:2: YAML: '2001-13-45' is not a valid"),
    "time zone that is none": ("a: 2001-01-01 00:00:00+99:99", "is not a valid timestamp"),
    "tagged date that is none": ("a: !!timestamp soon", "'soon' is not a valid timestamp"),
    "tagged truth that is none": ("a: !!bool maybe", "'maybe' is not a valid bool"),
    "tagged number that is empty": ("a: !!int ''", "'' is not a valid int"),
    "tagged fraction that is empty": ("a: !!float ''", "'' is not a valid float"),
    "number of 5,000 digits": ("a: " + "9" * 5000, "is not a valid int"),
    "number that cannot be shown": (MATMUL + "    size: 0x" + "f" * 5000, "is not a valid int"),
    "number to the base of 60": ("a: 1" + ":1" * 100_000, "is not a valid int"),
    "fraction to the base of 60": ("a: 1" + ":1" * 100_000 + ".5", "is not a valid float"),
    "character beyond Unicode": ('a: "\\U00110000"', "not readable as YAML"),
    "lone surrogate": (MATMUL + 'title: "\\ud800"\n', "x.yaml:5: this has characters"),
    "NUL bytes": (b"version: 1\n\0\0\0", "not readable as YAML"),
    "invalid UTF-8": (b"title: \xff\xfe", "not readable as YAML: 'utf-8' codec"),
    "UTF-16": (MATMUL.encode("utf-16"), "not readable as YAML: 'utf-8' codec"),
    "merge of a number": ("a:\n  <<: 3", "x.yaml:2: YAML: expected a mapping"),
    "undefined alias": ("a: *b", "x.yaml:1: YAML: found undefined alias"),
}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_file_is_refused_in_one_line(
    complaints: Complaints, text: str | bytes, expected: str
) -> None:
    """Whatever a file holds, nothing runs, nothing grows, and the refusal names the file."""
    (line,) = complaints(text)
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
    sweeps = {"size": "64", "strategy": "block", "block_width": "8", "threads": "1"}
    alone = "".join(f"    {key}: {value}\n" for key, value in sweeps.items())
    listed = "".join(f"    {key}: [{value}]\n" for key, value in sweeps.items())
    assert read(MATMUL + alone) == read(MATMUL + listed)


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
MODELS = (Config, MatmulSettings, TrainingSettings)
KEYS = st.sampled_from([*(key for one in MODELS for key in one.model_fields), "a", "label", "lr"])
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
        lambda kind, spec: as_yaml({"version": 1, "experiments": {"a": {"kind": kind, **spec}}}),
        st.sampled_from(["matmul", "training"]),
        st.dictionaries(KEYS, TREES, max_size=4),
    ),
)


@pytest.mark.slow
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
