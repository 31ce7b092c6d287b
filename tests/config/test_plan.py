"""Plans: what wins where two places decide, and what makes a measurement another one."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from report.config.configuration import Config
from report.config.plan import plan
from report.errors import ConfigError
from report.resources import default_config
from report.results.result import ProfileName, StoredPlan, fingerprint

if TYPE_CHECKING:
    from report.config.plan import Plan, PlannedExperiment

BASE: dict[str, Any] = {
    "version": 1,
    "title": "Base",
    "seed": 5,
    "device": "auto",
    "backends": ["pytorch"],
    "dataset": {"path": "here.dat", "examples": 1500},
    "profiles": {
        "quick": {"processes": 2, "repeats": 5, "seeds": 3},
        "full": {"processes": 6, "repeats": 50, "seeds": 9},
    },
    "experiments": {
        "products": {
            "kind": "matmul",
            "title": "Products",
            "size": [64, 128],
            "budget_s": 12,
            "quick": {"size": 32, "budget_s": 4},
        },
        "runs": {
            "kind": "training",
            "runs": [{"label": "a", "batch_size": 10, "lr": 0.1, "epochs": 2}],
        },
    },
}


def planned(
    changes: dict[str, Any] | None = None, profile: ProfileName = "quick", device: str | None = None
) -> Plan:
    """Plan BASE with other values at some places, such as "dataset.path"."""
    content = copy.deepcopy(BASE)
    for place, value in (changes or {}).items():
        *outer, last = place.split(".")
        inner: Any = content
        for key in outer:
            inner = inner[int(key) if key.isdigit() else key]
        inner[last] = value
    return plan(Config.model_validate(content), profile, device=device)


def products(made: Plan) -> PlannedExperiment:
    """Return the experiment of products."""
    return made.only(["products"])[0]


def test_profiles_own_key_wins_over_the_experiments() -> None:
    """`quick:` inside an experiment replaces its keys in that profile and in no other."""
    quick, full = products(planned()), products(planned(profile="full"))
    assert (quick.settings["size"], quick.budget_s) == ([32], 4)
    assert (full.settings["size"], full.budget_s) == ([64, 128], 12)


def test_profiles_defaults_fill_what_nobody_says() -> None:
    """Processes, repeats and seeds come from the profile that is planned."""
    expected: dict[ProfileName, tuple[int, int, int]] = {"quick": (2, 5, 3), "full": (6, 50, 9)}
    for profile, numbers in expected.items():
        for made in planned(profile=profile).experiments:
            assert (made.processes, made.repeats, made.seeds) == numbers


@pytest.mark.parametrize("key", ["processes", "repeats", "seeds"])
def test_precedence_holds_in_all_three_steps(key: str) -> None:
    """`quick:` over the experiment over the profile's defaults, for one and the same key."""
    values: dict[str, Any] = {
        f"profiles.quick.{key}": 3,
        f"experiments.runs.{key}": 4,
        "experiments.runs.quick": {key: 5},
    }
    seen = []
    while values:
        seen.append(getattr(planned(values).only(["runs"])[0], key))
        values.popitem()
    assert seen == [5, 4, 3]


def test_device_of_the_command_line_wins() -> None:
    """--device holds for every experiment, also for those that name another."""
    places = {"device": "mps", "experiments.products.device": "cuda:1"}
    assert [e.device for e in planned(places).experiments] == ["cuda:1", "mps"]
    assert {e.device for e in planned(places, device="cpu").experiments} == {"cpu"}


def test_backends_of_the_file_hold_where_an_experiment_names_none() -> None:
    """Every experiment runs on the file's frameworks unless it names its own."""
    assert [e.backends for e in planned().experiments] == [["pytorch"], ["pytorch"]]


def test_time_limit_is_far_above_the_budget_unless_given() -> None:
    """A slow start is no failure; a person may still be stricter."""
    made = products(planned())
    assert made.timeout_s > 10 * made.budget_s / made.processes
    assert products(planned({"experiments.products.timeout_s": 3})).timeout_s == 3


def test_title_is_made_from_the_name_where_none_is_given() -> None:
    """An experiment without a title still has a heading."""
    made = planned({"experiments.block-width": {"kind": "matmul"}})
    assert [e.title for e in made.experiments] == ["Products", "Runs", "Block width"]


MEASURED: dict[str, Any] = {
    "seed": 6,
    "dataset.examples": 1000,
    "device": "cpu",
    "profiles.quick.processes": 3,
    "profiles.quick.repeats": 6,
    "profiles.quick.seeds": 4,
    "experiments.products.quick.size": 33,
    "experiments.products.quick.budget_s": 5,
    "experiments.products.quick.tf32": True,
    "experiments.products.strategy": "full-out",
    "experiments.products.dtype": "float64",
    "experiments.products.threads": 1,
    "experiments.products.block_width": 8,
    "experiments.products.as_printed": True,
    "experiments.products.timeout_s": 9,
    "experiments.runs.runs.0.lr": 0.2,
    "experiments.runs.runs.0.label": "b",
    "experiments.runs.runs.0.loss": "mse",
    "experiments.runs.loader": "sliced",
    "experiments.runs.implementation": "concise",
    "experiments.runs.variant": "eager",
    "experiments.runs.dtype": "float64",
    "experiments.third": {"kind": "matmul"},
}


@pytest.mark.parametrize(("place", "value"), MEASURED.items(), ids=MEASURED.keys())
def test_fingerprint_changes_with_all_that_is_measured(place: str, value: Any) -> None:
    """A run is never continued with other settings than it began with."""
    assert planned({place: value}).fingerprint() != planned().fingerprint()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("title", "Another"),
        ("site_url", "https://example.org/report/"),
        ("baseline", "laptop"),
        ("experiments.products.title", "Another"),
        ("dataset.path", "/elsewhere/there.dat"),
        ("profiles.full.processes", 9),
        ("experiments.products.full", {"size": 77}),
        ("interpreters", {"numba": "/home/somebody/secret/python"}),
    ],
)
def test_fingerprint_stays_with_what_is_only_said(place: str, value: Any) -> None:
    """A better title, a moved file or the other profile cost no new measurement."""
    assert planned({place: value}).fingerprint() == planned().fingerprint()


def test_fingerprint_differs_between_profiles() -> None:
    """A quick look is not taken for a report to publish, even where all numbers agree."""
    same = {"processes": 2, "repeats": 5, "seeds": 3}
    changes = {"profiles.full": same, "experiments.products.quick": None}
    assert planned(changes).fingerprint() != planned(changes, "full").fingerprint()


def test_fingerprint_does_not_change_the_plan() -> None:
    """Asking twice gives the same, and titles are still there afterwards."""
    made = planned()
    assert made.fingerprint() == made.fingerprint()
    assert products(made).stored()["title"] == "Products"


def test_stored_plan_holds_no_path() -> None:
    """Where somebody keeps the data file or a Python is nobody else's business."""
    private = {
        "dataset.path": "/home/somebody/secret.dat",
        "interpreters": {"numba": "/home/somebody/secret/python"},
    }
    made = planned(private)
    assert made.interpreters == {"numba": "/home/somebody/secret/python"}
    stored = json.dumps(made.stored())
    assert "secret" not in stored
    assert "somebody" not in stored


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_stored_plan_is_what_a_result_file_may_hold(profile: ProfileName) -> None:
    """The default plan goes through JSON and the result's own rules without a change."""
    stored = plan(Config.model_validate(yaml.safe_load(default_config())), profile).stored()
    again = json.loads(json.dumps(stored))
    assert TypeAdapter(StoredPlan).validate_python(again) == stored


def test_unknown_experiment_is_told_with_a_suggestion() -> None:
    """A slip of the pen after --only is answered with the name that was meant."""
    with pytest.raises(ConfigError, match=r"no experiment 'product'\. Did you mean 'products'\?"):
        planned().only(["product"])
    with pytest.raises(ConfigError, match=r"no experiment 'xyz'\. There are: products, runs\."):
        planned().only(["runs", "xyz"])


def test_chosen_experiments_keep_the_files_order() -> None:
    """The order of --only does not matter; no names mean all."""
    made = planned()
    assert [e.name for e in made.only(["runs", "products"])] == ["products", "runs"]
    assert made.only([]) == made.experiments


def test_only_experiments_as_printed_need_a_fresh_process() -> None:
    """The chapter's cold timing is the one that cannot share a process with what ran before.

    Of a framework that it has no listing for, nothing is timed so.
    """
    printed = products(planned({"experiments.products.as_printed": True}))
    assert printed.cold("pytorch")
    assert printed.cold("mxnet")
    assert not printed.cold("jax")
    assert not any(e.cold("pytorch") for e in planned().experiments)


def test_variables_are_part_of_the_plan_by_framework() -> None:
    """Those for all, and a framework's own before them; another value is another plan."""
    experiments = {"products": {"kind": "matmul", "backends": ["pytorch", "numba"]}}

    def planned(**environment: Any) -> Plan:
        content = {"version": 1, "environment": environment, "experiments": experiments}
        return plan(Config.model_validate(content), "quick")

    made = planned(OMP_NUM_THREADS=3, pytorch={"OMP_NUM_THREADS": "2", "MKL_CBWR": "AVX2"})
    assert made.environment == {
        "pytorch": {"OMP_NUM_THREADS": "2", "MKL_CBWR": "AVX2"},
        "numba": {"OMP_NUM_THREADS": "3"},
    }
    stored = made.stored()
    assert TypeAdapter(StoredPlan).validate_python(stored)["environment"] == made.environment
    assert "environment" not in planned().stored()
    folders = [planned(LD_PRELOAD=f"/home/anna/{name}/lib.so") for name in ("a", "b")]
    assert "anna" not in str(folders[0].stored())
    prints = {
        each.fingerprint() for each in (made, planned(), planned(OMP_NUM_THREADS=3), *folders)
    }
    assert len(prints) == 5


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"OMP_DYNAMIC": True}, "in quotes"),
        ({"numba": {"NUMBA_OPT": 1.5}}, "in quotes"),
        ({"PYTHONHASHSEED": "0"}, "no effect"),
        ({"CUDA_VISIBLE_DEVICES": "0"}, "where `report` is started"),
        ({"a b": "c"}, "cannot be a variable's name"),
        ({"torch": {"MKL_CBWR": "AVX2"}}, "string"),
    ],
)
def test_variable_that_cannot_be_meant_is_refused(environment: dict[str, Any], why: str) -> None:
    """With what is wrong: YAML's `on` and `1e3` are no texts, and some names have no effect."""
    content = {"version": 1, "environment": environment, "experiments": {"a": {"kind": "matmul"}}}
    with pytest.raises(ValidationError, match=why):
        Config.model_validate(content)


def test_a_plan_that_was_stored_and_read_has_the_same_hash() -> None:
    """Also where a budget is the default, a whole number."""
    made = planned()
    stored = TypeAdapter(StoredPlan).validate_json(json.dumps(made.stored()))
    assert fingerprint(stored) == made.fingerprint()
