"""Settings in claims' texts are put in by name, so that no page says what was not set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from report.config.claims import Claim, chapter, stored
from report.config.configuration import Config
from report.config.plan import plan
from report.config.references import NO_VALUE, filled
from report.resources import default_config

if TYPE_CHECKING:
    from report.results.result import ProfileName, StoredClaim

CLAIMS = {
    name: claim
    for first, stated in chapter()[1].items()
    for name, claim in ((first, stated), *stated.elsewhere().items())
}


def config(**experiments: Any) -> Config:
    """Return the shipped configuration with some experiments' keys changed."""
    content = yaml.safe_load(default_config())
    for name, keys in experiments.items():
        content["experiments"][name.replace("_", "-")].update(keys)
    return Config.model_validate(content)


def texts(claim: StoredClaim) -> str:
    """Return all that a reader sees of a stored claim."""
    return " ".join([claim["says"], *claim["because"].values()])


def without_names(text: str) -> str:
    """Return a text without what is put in by name."""
    while "{" in text:
        before, _, rest = text.partition("{")
        text = before + rest.partition("}")[2]
    return text


@pytest.mark.parametrize("name", CLAIMS)
def test_number_in_the_chapters_claims_is_put_in_by_name_or_marked_as_fixed(name: str) -> None:
    """A number that a setting or a measurement decides would be wrong as soon as that changes."""
    claim = CLAIMS[name]
    for place, text in claim.texts():
        left = re.sub(r"\bL[123]\b", "", without_names(text))  # the names of caches
        for part in claim.fixed:
            left = left.replace(part, "")
        assert not any(letter.isnumeric() for letter in left), (place, left)


@pytest.mark.parametrize("name", [name for name in CLAIMS if CLAIMS[name].fixed])
def test_what_is_marked_as_fixed_stands_in_the_text(name: str) -> None:
    """A mark that is left over would hide the next number of the same form."""
    every = " ".join(text for _, text in CLAIMS[name].texts())
    assert [part for part in CLAIMS[name].fixed if part not in every] == []


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_shipped_settings_have_a_value_for_every_name(profile: ProfileName) -> None:
    """And only one: "64 or 128" would be no statement."""
    for name, claim in plan(config(), profile).claims.items():
        assert NO_VALUE not in texts(claim), name
        assert texts(claim).count(" or ") == texts(stored(CLAIMS[name])).count(" or "), name


def test_smaller_matrix_has_fewer_products_in_the_text() -> None:
    """With size 128 a product by element is 16,384 dot products and not 65,536."""
    claims = plan(config(vectorization={"size": 128, "block_width": 32}), "full").claims
    said = texts(claims["element-slower-than-column"])
    assert "65,536" not in said
    assert "16,384 dot products" in said
    assert "128 products of a matrix and a vector" in said
    assert "three matrices of 64 KiB" in texts(claims["column-slower-than-row"])
    said = texts(claims["block-like-full"])
    assert "blocks of 32 columns" in said
    assert "matrices of 128 \N{MULTIPLICATION SIGN} 128" in said
    assert claims["block-like-full"]["left"]["name"] == "in blocks of 32"


def test_other_data_and_batches_have_other_updates_in_the_text() -> None:
    """1,200 examples in batches of 50 are 24 updates an epoch."""
    content = yaml.safe_load(default_config())
    content["dataset"]["examples"] = 1200
    for experiment in content["experiments"].values():
        for run in experiment.get("runs", []):
            run["batch_size"] = {100: 50}.get(run["batch_size"], min(run["batch_size"], 1200))
        if "batch_size" in experiment:
            experiment["batch_size"] = [1, 100, 1000, 1200]
    grid = content["experiments"]["grid"]
    for half in (grid, grid["quick"]):
        half["grid"]["batch_size"] = [1, 100]
    claims = plan(Config.model_validate(content), "full").claims
    for name in ("hundred-epoch-faster-than-sgd", "hundred-epoch-faster-than-sgd-sliced"):
        assert "24 updates in an epoch instead of 1,200" in texts(claims[name])
        assert "batches of 50" in claims[name]["says"]
    assert "83 % of the data" in claims["noise-of-a-large-permutation"]["says"]
    assert "factor of 0.958" in texts(claims["noise-of-a-permutation"])


# --- what can be named, and how it is written

RUNS = [
    {"label": "small", "batch_size": 7, "lr": 0.0068, "epochs": 3},
    {"label": "large", "batch_size": 100, "lr": 1, "epochs": 3, "copies": 2},
]
EXPERIMENTS = {
    "a": {"kind": "matmul", "size": [64, 2048], "block_width": 48, "strategy": "block"},
    "t": {"kind": "training", "runs": RUNS},
    "g": {"kind": "training", "grid": {"batch_size": [5, 10], "lr": [0.1, 0.2], "epochs": 2}},
    "bw": {"kind": "bandwidth", "dtype": "float64"},
}
PLAN = plan(Config.model_validate({"version": 1, "experiments": EXPERIMENTS}), "quick").stored()

SMALL = {"experiment": "t", "series": {"run": "small"}}
WRITTEN: dict[str, tuple[dict[str, Any], str]] = {
    "{left.size}": ({"experiment": "a", "series": {"size": 2048}}, "2,048"),
    "{left.elements}": ({"experiment": "a"}, "4,096 or 4,194,304"),
    "{left.blocks:words}": ({"experiment": "a", "series": {"size": 64}}, "two"),
    "{left.matrix_bytes:bytes}": ({"experiment": "a", "series": {"size": 64}}, "16 KiB"),
    "{left.size:count}": ({"experiment": "a"}, "two"),
    "{left.block_width}": ({"experiment": "a", "series": {"block_width": None}}, NO_VALUE),
    "{left.stride_bytes}": ({"experiment": "bw", "series": {"stride": 16}}, "128"),
    "{left.lr}": (SMALL, "0.0068"),
    "{left.run}": (SMALL, "small"),
    "{left.updates}": (SMALL, "215"),
    "{right.updates:words}": (SMALL | {"over": {"series": {"run": "large"}}}, "215"),
    "{left.over.updates}": (SMALL | {"over": {"series": {"run": "large"}}}, "30"),
    "{left.epochs:words}": ({"experiment": "t"}, "three"),
    "{left.epoch}": (SMALL, "3"),
    "{right.epoch}": (SMALL | {"epoch": 1}, "1"),
    "{left.examples}": (SMALL, "1,500"),
    "{left.batch_size}": ({"experiment": "g"}, "5 or 10"),
    "{right.lr}": ({"experiment": "g", "series": {"lr": 0.2}}, "0.2"),
    "{left.batch_size:words}": ({"experiment": "t", "series": {"run": "none"}}, NO_VALUE),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_setting_is_written_as_its_side_has_it(text: str) -> None:
    """What the series say, else what the experiment sets; all of it where it is several things."""
    left, expected = WRITTEN[text]
    claim = Claim.model_validate(
        {
            "says": f"It is {text}.",
            "section": "s",
            "relation": "greater",
            "left": left | {"name": f"with {text}"},
            "right": {},
            "because": f"{{left}} {{{{so}}}} {text} {{effect:times}}",
        }
    )
    made = filled(stored(claim), PLAN)
    assert made["says"] == f"It is {expected}."
    assert made["left"]["name"] == f"with {expected}"
    # What is measured is put in later, so that braces stay what they are.
    assert made["because"]["supported"] == f"{{left}} {{{{so}}}} {expected} {{effect:times}}"
