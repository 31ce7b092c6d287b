"""Claims in experiments.yaml: what they may say, and how a person is told what they may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from report.config.claims import Claim
from report.config.claims import stored as resolved
from report.config.configuration import Config
from report.config.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], Config]
    Complaints = Callable[[str | bytes], list[str]]
    Told = Callable[[str, str], None]

HEAD = """version: 1
experiments:
  a: {kind: matmul}
  t: {kind: training}
  bw: {kind: bandwidth}
claims:
  c:
    says: x
    section: s
"""
# Lines 10 to 12.
GREATER = HEAD + "    relation: greater\n    left: {experiment: a, series: {strategy: full}}\n"
RIGHT = "    right: {series: {strategy: row}}\n"
LAW = HEAD + "    relation: power-law\n    left: {experiment: a}\n    exponent: 3\n"
STALLS = HEAD + "    relation: stalls\n    left: {experiment: t, metric: loss}\n"

NOT_A_SIDE = "expected a quantity (with keys such as series) or a number above 0"
MEASURED = "no measured number can be used here; name a setting"
NO_WAY = "is not a way to write a number."
UNLIKE = "only like units can be compared: left is in s, right in"

FINE = {
    "two series": GREATER + RIGHT,
    "a number": GREATER + "    right: 2\n",
    "a quotient against a number": GREATER.replace(
        "full}}", "full}, metric: flop_per_s, over: {experiment: bw, metric: bytes_per_s}}"
    )
    + "    right: 10\n",
    "quotients of one unit": GREATER.replace("full}}", "full}, over: {series: {strategy: row}}}")
    + "    right: {experiment: t, metric: loss, over: {epoch: 1}}\n",
    "a power law": LAW + "    along: size\n    because: n to the {effect}\n",
    "stalling": STALLS + "    after: 6\n    because: from {right:loss} to {left:loss}\n",
    "one reason for all": GREATER + RIGHT + "    because: '{left} is {effect:times} of {right}'\n",
    "a reason for one": GREATER + RIGHT + "    because: {supported: '{n:percent}, {{so}}'}\n"
    "    numbers: {n: {series: {size: 64}}}\n",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_what_is_fine_is_read_and_accepted_by_the_schema(read: Read, text: str) -> None:
    """What the program reads, an editor that follows the schema does not underline."""
    assert list(read(text).claims) == ["c"]
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert not list(Draft202012Validator(schema).iter_errors(yaml.safe_load(text)))


TWO = HEAD.replace("experiments:", "experiments:\n  b: {kind: matmul}")
ALSO = GREATER.replace(HEAD, TWO) + RIGHT + "    also_on:\n"
# Lines 15 and on.


def test_claim_is_judged_on_further_experiments(read: Read) -> None:
    """The same on both sides and in all else, so that a repetition is one line."""
    claims = read(ALSO + "      d: {experiment: b, series: {size: 64}}\n").claims
    assert list(claims) == ["c", "d"]
    first, second = (dict(resolved(claim)) for claim in claims.values())
    for one in (first, second):
        one.pop("says")
    text = json.dumps(first).replace('"a"', '"b"').replace('"}, "metric', '", "size": 64}, "metric')
    assert json.loads(text) == second


@pytest.mark.parametrize(
    ("says", "within"),
    [("An epoch is.", "an epoch is."), ("A product is.", "a product is."), ("SGD is.", "SGD is.")],
)
def test_statement_says_where_else_it_is_judged(read: Read, says: str, within: str) -> None:
    """Two claims with one sentence could not be told apart on the page."""
    text = ALSO.replace("says: x", f"says: {says}")
    there = read(text + "      d: {experiment: b, where: Without it}").claims["d"]
    assert there.says == f"Without it: {within}"
    assert read(text + "      d: {experiment: b}").claims["d"].says.startswith("On b: ")


def test_exponent_without_a_point_is_a_number(read: Read) -> None:
    """YAML 1.1 takes 1e-3 for a word; a number may be written so all the same."""
    assert read(GREATER + "    right: 1e-3\n").claims["c"].right == 1e-3


ON_THE_RIGHT = {
    "{experiment: b}": "right.experiment: there is no experiment 'b'. Did you mean 'bw'?",
    "{metric: second}": "right.metric: no metric 'second'. Did you mean 'seconds'?",
    "{metric: loss}": "right.metric: a matmul experiment has no metric 'loss'. There are: seconds,",
    "{series: {stratgy: row}}": "right.series.stratgy: no label 'stratgy'. Did you mean 'strategy'",
    "{series: {strategy: row}, largest: sze}": "right.largest: no label 'sze'. Did you mean 'size'",
    "{series: {size: [64, 128]}}": "right.series.size: a single value; write a claim for each",
    "{series: {size: .nan}}": "right.series.size: this cannot be a label (it is nan).",
    "{serie: {}}": "right.serie: Did you mean 'series'?",
    "{over: {metrc: seconds}}": "right.over.metrc: Did you mean 'metric'?",
    "{over: {experiment: b}}": "right.over.experiment: no experiment 'b'. Did you mean 'bw'?",
    "{epoch: -3}": "right.epoch: should be greater than or equal to 0 (it is -3).",
    "{pick: fastest}": "right.pick: unknown value 'fastest'. There are: highest, lowest.",
    "0": f"right: {NOT_A_SIDE} (it is 0).",
    "-1": f"right: {NOT_A_SIDE} (it is -1).",
    ".inf": f"right: {NOT_A_SIDE} (it is inf).",
    ".nan": f"right: {NOT_A_SIDE} (it is nan).",
    "fast": f"right: {NOT_A_SIDE} (it is 'fast').",
    "yes": f"right: {NOT_A_SIDE}",
    "[1]": f"right: {NOT_A_SIDE}.",
    "{experiment: bw, metric: bytes_per_s}": f"right: {UNLIKE} B/s.",
    "{over: {series: {strategy: column}}}": f"right: {UNLIKE} plain numbers.",
    "{name: 'the {right}'}": f"right.name: {MEASURED}",
}
"""A right side on line 12, and what is said of it."""

BESIDE_IT = {
    "least: 0.9": "least: greater than or equal to 1 (it is 0.9).",
    "margin: 1": "margin: greater than 1 (it is 1).",
    "because: it is {lft}": "because: there is no number 'lft'. Did you mean 'left'?",
    "because: it is {}": "because: there is no number ''.",
    "because: it is {left.sze}": "because: left has no setting 'sze'. Did you mean 'size'?",
    "because: it is {lft.size}": "because: there is no quantity 'lft'. Did you mean 'left'?",
    "because: it is {left.over.size}": "because: there is no quantity 'left.over'.",
    "because: it is {left.size:times}": f"because: {{left.size:times}} {NO_WAY} Did you",
    "because: it is {left": "because: braces do not match: expected '}' before end",
    "because: it is left}": "because: braces do not match: Single '}' encountered",
    "because: '{left:prcent}'": f"because: {{left:prcent}} {NO_WAY} Did you mean 'percent'?",
    "because: '{left!r}'": f"because: {{left!r}} {NO_WAY} There are: percent,",
    "because: '{left:{right}}'": f"because: {{left:{{right}}}} {NO_WAY}",
    "because: {suported: x}": "because.suported: 'suported'. Did you mean 'supported'?",
    "because: 3": "because: expected a sentence, or one for each of supported,",
    "because: ''": "because: at least 1 character",
    "numbers: {n: {experiment: b}}": "numbers.n.experiment: there is no experiment 'b'.",
    "numbers: {effect: {}}": "numbers.effect: effect is taken; choose another name.",
    "show: b": "show: there is no experiment 'b'. Did you mean 'bw'?",
    "source: mine": "source: unknown value 'mine'. There are: chapter, ours.",
    "backend: mxnett": "backend: unknown value 'mxnett'. Did you mean 'mxnet'?",
    "backend: mxnet": "backend: a is not measured with 'mxnet'. There are: pytorch (",
}
"""A key on line 13, beside a claim that is fine."""

FINE_CLAIM = GREATER + RIGHT

ELSEWHERE = {
    GREATER.replace("experiment: a", "experiment: aa") + RIGHT: (
        "11 left.experiment: there is no experiment 'aa'. Did you mean 'a'?"
    ),
    GREATER.replace("strategy", "batch_size") + RIGHT: (
        "11 left.series.batch_size: no label 'batch_size'. There are: strategy, size,"
    ),
    GREATER.replace("full}}", "full}, over: {series: {foo: 1}}}") + "    right: 2\n": (
        "11 left.over.series.foo: a matmul experiment has no label 'foo'."
    ),
    GREATER.replace("full}}", "full}, over: {name: 'at {left.sze}'}}") + "    right: 2\n": (
        "11 left.over.name: left has no setting 'sze'. Did you mean 'size'?"
    ),
    GREATER.replace("series:", "serie:") + RIGHT: "11 left.serie: Did you mean 'series'?",
    GREATER.replace("experiment: a, ", "") + RIGHT: "7 : left needs the key experiment; add it.",
    GREATER.replace("greater", "grater") + RIGHT: "10 relation: 'grater'. Did you mean 'greater'?",
    GREATER: "7 : relation greater needs the key right; add it.",
    GREATER + "    right: 2\n    because: it is {right.size}\n": (
        "13 because: there is no quantity 'right'."
    ),
    FINE_CLAIM + "    because:\n      supported: x\n      contradicted: '{foo}'\n": (
        "15 because.contradicted: no number 'foo'. There are: left, right, effect"
    ),
    FINE_CLAIM.replace("says: x", "says: it is {left}"): f"8 says: {MEASURED}, as in",
    FINE_CLAIM.replace("says: x", "says: it is {left"): (
        "8 says: braces do not match: expected '}' before end"
    ),
    FINE_CLAIM.replace("    says: x\n", ""): "7 says: is missing; add it.",
    HEAD + "    relation: greater\n" + RIGHT: "7 left: is missing; add",
    HEAD.partition("    says")[0]: "7 : should be a valid dictionary",
    LAW: "7 : relation power-law needs the key along; add it.",
    LAW + "    along: sze\n": "13 along: has no label 'sze'. Did you mean 'size'?",
    LAW.replace("    exponent: 3\n", "    along: size\n"): (
        "7 : relation power-law needs the key exponent; add it."
    ),
    LAW.replace("3", ".nan") + "    along: size\n": "12 exponent: a finite number (it is nan).",
    LAW.replace("a}", "a, over: {series: {size: 64}}}") + "    along: size\n": (
        "7 : a power law takes single series; remove over and pick from left."
    ),
    LAW + "    along: size\n" + RIGHT: (
        "7 : relation power-law compares with nothing; remove the key right."
    ),
    LAW + "    along: size\n    because: '{left}'\n": "14 because: there is no number 'left'.",
    STALLS: "7 : relation stalls needs the key after; add it.",
    STALLS.replace("loss", "seconds") + "    after: 6\n": (
        "11 left: only a metric that has epochs can stall: loss or excess."
    ),
    STALLS.replace("loss", "loss, epoch: 6") + "    after: 6\n": (
        "7 : the epoch of left must be later than the one that after names."
    ),
    ALSO + "      d: {experiment: bb}\n": (
        "15 also_on.d.experiment: there is no experiment 'bb'. Did you mean 'b'?"
    ),
    ALSO + "      d: {experiment: b, series: {sze: 1}}\n": (
        "15 also_on.d.series.sze: a matmul experiment has no label 'sze'."
    ),
    ALSO.replace("full}}", "full}, metric: flop_per_s}") + "      d: {experiment: bw}\n": (
        "15 also_on.d.metric: a bandwidth experiment has no metric 'flop_per_s'."
    ),
}
"""Mistakes at other places, each with its line."""

MISTAKES = [
    *((f"{GREATER}    right: {side}\n", f"12 {said}") for side, said in ON_THE_RIGHT.items()),
    *((f"{FINE_CLAIM}    {key}\n", f"13 {said}") for key, said in BESIDE_IT.items()),
    *ELSEWHERE.items(),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistake_is_told_in_one_line_with_its_place(told: Told, text: str, expected: str) -> None:
    """One line for a mistake: the file, the line of the key, the key, and what to do."""
    number, _, said = expected.partition(" ")
    told(text, f"{number} claims.c{'' if said.startswith(':') else '.'}{said}")


def test_claim_has_an_id_of_its_own_in_lower_case(complaints: Complaints) -> None:
    """It becomes an anchor; the same id twice is told with both places."""
    (twice,) = complaints(ALSO + "      c: {experiment: b}\n")
    assert twice.startswith("x.yaml:8: there is a claim 'c' at x.yaml:8 already; give one of")
    (capital,) = complaints(FINE_CLAIM.replace("  c:\n", "  C:\n"))
    assert capital.startswith("x.yaml:7: claims.C: String should match pattern")


def test_each_of_several_mistakes_has_its_line(complaints: Complaints) -> None:
    """All of a claim's mistakes are told at once, on both sides and in its words."""
    text = GREATER.replace("full", "full, foo: 1") + "    right: {metric: foo}\n"
    lines = complaints(text + "    because: '{x}'\n")
    assert [line.partition(": ")[0] for line in lines] == ["x.yaml:11", "x.yaml:12", "x.yaml:13"]


# --- what a side leaves unsaid


def stored(**keys: Any) -> dict[str, Any]:
    """Return a claim as result files keep it."""
    given = {"says": "x", "section": "s", "relation": "greater", "right": 1.0, **keys}
    return dict(resolved(Claim.model_validate(given)))


LEFT = {
    "experiment": "t",
    "series": {"run": "GD", "loader": "sliced"},
    "metric": "seconds_to_loss",
    "loss": 0.25,
    "pick": "lowest",
    "name": "descent",
}


def test_right_is_as_left_but_for_what_it_says() -> None:
    """Labels are taken over one by one; the name and the divisor are each side's own."""
    left = {**LEFT, "over": {"series": {"run": "SGD"}}}
    right = stored(left=left, right={"series": {"run": "batch 10"}})["right"]
    series = {"run": "batch 10", "loader": "sliced"}
    own = dict.fromkeys(("epoch", "largest", "name", "over"))
    assert right == {**LEFT, "series": series, **own}


def test_a_divisor_is_as_what_it_divides() -> None:
    """Also on the right, where it is as the right side and not as the left."""
    right = {"series": {"run": "SGD"}, "loss": 0.3, "over": {"series": {"loader": "dataloader"}}}
    over = stored(left=LEFT, right=right)["right"]["over"]
    assert over["series"] == {"run": "SGD", "loader": "dataloader"}
    assert (over["metric"], over["loss"]) == ("seconds_to_loss", 0.3)


def test_another_experiment_takes_nothing_over() -> None:
    """Its labels and metrics are its own: seconds, unless it says otherwise."""
    right = stored(left=LEFT, right={"experiment": "a", "series": {"size": 64}})["right"]
    taken = dict.fromkeys(("epoch", "loss", "pick", "largest", "name", "over"))
    assert right == {"experiment": "a", "series": {"size": 64}, "metric": "seconds", **taken}


def test_numbers_are_as_left_too() -> None:
    """What explains a claim is mostly another metric of the same series."""
    number = stored(left=LEFT, numbers={"n": {"metric": "loss"}})["numbers"]["n"]
    assert (number["series"], number["metric"]) == (LEFT["series"], "loss")


def test_one_reason_serves_every_verdict() -> None:
    """A single sentence is kept for each verdict; single verdicts may go without."""
    every = ["supported", "too small to matter", "contradicted", "inconclusive"]
    assert stored(left=LEFT, because="so")["because"] == dict.fromkeys(every, "so")
    assert stored(left=LEFT, because={"supported": "so"})["because"] == {"supported": "so"}


def test_a_verdict_is_shown_at_its_left_experiment_unless_said() -> None:
    """The section of the experiment that the claim is about."""
    assert stored(left=LEFT)["show"] == "t"
    assert stored(left=LEFT, show="a")["show"] == "a"


def test_a_claim_of_a_configuration_is_its_authors_own() -> None:
    """A page must not lay in the chapter's mouth what it does not say."""
    assert stored(left=LEFT)["source"] == "ours"
    assert stored(left=LEFT, source="chapter")["source"] == "chapter"


def test_claims_do_not_decide_what_is_measured(read: Read) -> None:
    """A claim can be added after measuring; the fingerprint of the measurements stays."""
    config = read(GREATER + RIGHT)
    without = config.model_copy(update={"claims": {}})
    with_claims, bare = plan(config, "quick"), plan(without, "quick")
    assert with_claims.claims
    assert not bare.claims
    assert with_claims.fingerprint() == bare.fingerprint()
    assert with_claims.stored()["claims"]
