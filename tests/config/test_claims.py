"""Claims in experiments.yaml: what they may say, and how a person is told what they may not."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from report.config.claims import Claim
from report.config.claims import stored as resolved
from report.config.configuration import Config
from report.config.plan import plan
from report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

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
def test_what_is_fine_is_read_and_accepted_by_the_schema(
    read: Callable[[str], Config], text: str
) -> None:
    """What the program reads, an editor that follows the schema does not underline."""
    assert list(read(text).claims) == ["c"]
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert not list(Draft202012Validator(schema).iter_errors(yaml.safe_load(text)))


TWO = HEAD.replace("experiments:", "experiments:\n  b: {kind: matmul}")
ALSO = GREATER.replace(HEAD, TWO) + RIGHT + "    also_on:\n"
# Lines 15 and on.


def test_claim_is_judged_on_further_experiments(read: Callable[[str], Config]) -> None:
    """The same on both sides and in all else, so that a repetition is one line."""
    claims = read(ALSO + "      d: {experiment: b, series: {size: 64}}\n").claims
    assert list(claims) == ["c", "d"]
    first, second = (dict(resolved(claim)) for claim in claims.values())
    for one in (first, second):
        one.pop("says")
    text = json.dumps(first).replace('"a"', '"b"').replace('"}, "metric', '", "size": 64}, "metric')
    assert json.loads(text) == second


STATEMENTS = {
    "An epoch is long.": "Without it: an epoch is long.",
    "A product is.": "Without it: a product is.",
    "SGD is fast.": "Without it: SGD is fast.",
}


@pytest.mark.parametrize("says", STATEMENTS)
def test_statement_says_where_else_it_is_judged(read: Callable[[str], Config], says: str) -> None:
    """Two claims with one sentence could not be told apart on the page."""
    text = ALSO.replace("says: x", f"says: {says}")
    assert (
        read(text + "      d: {experiment: b, where: Without it}").claims["d"].says
        == (STATEMENTS[says])
    )
    assert read(text + "      d: {experiment: b}").claims["d"].says.startswith("On b: ")


def test_exponent_without_a_point_is_a_number(read: Callable[[str], Config]) -> None:
    """YAML 1.1 takes 1e-3 for a word; a number may be written so all the same."""
    assert read(GREATER + "    right: 1e-3\n").claims["c"].right == 1e-3


MISTAKES = {
    "unknown experiment": (
        GREATER.replace("experiment: a", "experiment: aa") + RIGHT,
        "x.yaml:11: claims.c.left.experiment: there is no experiment 'aa'. Did you mean 'a'?",
    ),
    "unknown experiment on the right": (
        GREATER + "    right: {experiment: b}\n",
        "x.yaml:12: claims.c.right.experiment: there is no experiment 'b'. Did you mean 'bw'?",
    ),
    "unknown metric": (
        GREATER + "    right: {metric: second}\n",
        (
            "x.yaml:12: claims.c.right.metric: a matmul experiment has no metric 'second'. "
            "Did you mean 'seconds'?"
        ),
    ),
    "metric of another kind": (
        GREATER + "    right: {metric: loss}\n",
        (
            "x.yaml:12: claims.c.right.metric: a matmul experiment has no metric 'loss'. "
            "There are: seconds, flop_per_s"
        ),
    ),
    "unknown label": (
        GREATER + "    right: {series: {stratgy: row}}\n",
        (
            "x.yaml:12: claims.c.right.series.stratgy: a matmul experiment has no label 'stratgy'. "
            "Did you mean 'strategy'?"
        ),
    ),
    "unknown label on the left": (
        GREATER.replace("strategy", "batch_size") + RIGHT,
        (
            "x.yaml:11: claims.c.left.series.batch_size: a matmul experiment has no label "
            "'batch_size'. There are: strategy, size,"
        ),
    ),
    "unknown label of a divisor": (
        GREATER.replace("full}}", "full}, over: {series: {foo: 1}}}") + "    right: 2\n",
        "x.yaml:11: claims.c.left.over.series.foo: a matmul experiment has no label 'foo'.",
    ),
    "label to look for the largest of": (
        GREATER + RIGHT.replace("}}", "}, largest: sze}"),
        (
            "x.yaml:12: claims.c.right.largest: a matmul experiment has no label 'sze'. "
            "Did you mean 'size'?"
        ),
    ),
    "list for a label": (
        GREATER + "    right: {series: {size: [64, 128]}}\n",
        "x.yaml:12: claims.c.right.series.size: a label has a single value; write a claim for each",
    ),
    "label that is no number": (
        GREATER + "    right: {series: {size: .nan}}\n",
        "x.yaml:12: claims.c.right.series.size: a label is never this (it is nan).",
    ),
    "unknown key on the left": (
        GREATER.replace("series:", "serie:") + RIGHT,
        "x.yaml:11: unknown key 'claims.c.left.serie'. Did you mean 'series'?",
    ),
    "unknown key on the right": (
        GREATER + "    right: {serie: {}}\n",
        "x.yaml:12: unknown key 'claims.c.right.serie'. Did you mean 'series'?",
    ),
    "unknown key of a divisor": (
        GREATER + "    right: {over: {metrc: seconds}}\n",
        "x.yaml:12: unknown key 'claims.c.right.over.metrc'. Did you mean 'metric'?",
    ),
    "unknown experiment of a divisor": (
        GREATER + "    right: {over: {experiment: b}}\n",
        "x.yaml:12: claims.c.right.over.experiment: there is no experiment 'b'. Did you mean 'bw'?",
    ),
    "bad value on the right": (
        GREATER + "    right: {epoch: -3}\n",
        "x.yaml:12: claims.c.right.epoch: Input should be greater than or equal to 0 (it is -3).",
    ),
    "unknown pick": (
        GREATER + "    right: {pick: fastest}\n",
        "x.yaml:12: claims.c.right.pick: unknown value 'fastest'. There are: highest, lowest.",
    ),
    "right of zero": (GREATER + "    right: 0\n", f"x.yaml:12: claims.c.right: {NOT_A_SIDE} (it"),
    "right below zero": (GREATER + "    right: -1\n", f"x.yaml:12: claims.c.right: {NOT_A_SIDE} ("),
    "right without end": (
        GREATER + "    right: .inf\n",
        f"x.yaml:12: claims.c.right: {NOT_A_SIDE}",
    ),
    "right that is no number": (
        GREATER + "    right: .nan\n",
        f"x.yaml:12: claims.c.right: {NOT_A_SIDE} (it is nan).",
    ),
    "word for the right": (
        GREATER + "    right: fast\n",
        f"x.yaml:12: claims.c.right: {NOT_A_SIDE} (it is 'fast').",
    ),
    "truth for the right": (
        GREATER + "    right: yes\n",
        f"x.yaml:12: claims.c.right: {NOT_A_SIDE}",
    ),
    "list for the right": (
        GREATER + "    right: [1]\n",
        f"x.yaml:12: claims.c.right: {NOT_A_SIDE}.",
    ),
    "nothing to compare with": (
        GREATER,
        "x.yaml:7: claims.c: relation greater needs the key right; add it.",
    ),
    "different units": (
        GREATER + "    right: {experiment: bw, metric: bytes_per_s}\n",
        "x.yaml:12: claims.c.right: only like can be compared: left is in s, right in B/s.",
    ),
    "time against a quotient": (
        GREATER + "    right: {series: {strategy: row}, over: {series: {strategy: full}}}\n",
        (
            "x.yaml:12: claims.c.right: only like can be compared: left is in s, right in plain "
            "numbers."
        ),
    ),
    "no left": (
        HEAD + "    relation: greater\n" + RIGHT,
        "x.yaml:7: claims.c.left is missing; add",
    ),
    "left of no experiment": (
        GREATER.replace("experiment: a, ", "") + RIGHT,
        "x.yaml:7: claims.c: left needs the key experiment; add it.",
    ),
    "unknown relation": (
        GREATER.replace("greater", "grater") + RIGHT,
        "x.yaml:10: claims.c.relation: unknown value 'grater'. Did you mean 'greater'?",
    ),
    "least below one": (
        GREATER + RIGHT + "    least: 0.9\n",
        "x.yaml:13: claims.c.least: Input should be greater than or equal to 1 (it is 0.9).",
    ),
    "margin of nothing": (
        GREATER + RIGHT + "    margin: 1\n",
        "x.yaml:13: claims.c.margin: Input should be greater than 1 (it is 1).",
    ),
    "power law along nothing": (
        LAW,
        "x.yaml:7: claims.c: relation power-law needs the key along; add it.",
    ),
    "power law along no label": (
        LAW + "    along: sze\n",
        "x.yaml:13: claims.c.along: a matmul experiment has no label 'sze'. Did you mean 'size'?",
    ),
    "power law without exponent": (
        LAW.replace("    exponent: 3\n", "    along: size\n"),
        "x.yaml:7: claims.c: relation power-law needs the key exponent; add it.",
    ),
    "exponent that is no number": (
        LAW.replace("3", ".nan") + "    along: size\n",
        "x.yaml:12: claims.c.exponent: Input should be a finite number (it is nan).",
    ),
    "power law of a quotient": (
        LAW.replace("a}", "a, over: {series: {size: 64}}}") + "    along: size\n",
        "x.yaml:7: claims.c: a power law takes single series; remove over and pick from left.",
    ),
    "power law compared with something": (
        LAW + "    along: size\n" + RIGHT,
        "x.yaml:7: claims.c: relation power-law compares with nothing; remove the key right.",
    ),
    "side of a power law in words": (
        LAW + "    along: size\n    because: '{left}'\n",
        "x.yaml:14: claims.c.because: there is no number 'left'.",
    ),
    "stalling after nothing": (
        STALLS,
        "x.yaml:7: claims.c: relation stalls needs the key after; add it.",
    ),
    "time that stalls": (
        STALLS.replace("loss", "seconds") + "    after: 6\n",
        "x.yaml:11: claims.c.left: only a metric that has epochs can stall: loss or excess.",
    ),
    "stalling before the end": (
        STALLS.replace("loss", "loss, epoch: 6") + "    after: 6\n",
        "x.yaml:7: claims.c: the epoch of left must lie behind the one that after names.",
    ),
    "unknown placeholder": (
        GREATER + RIGHT + "    because: it is {lft}\n",
        "x.yaml:13: claims.c.because: there is no number 'lft'. Did you mean 'left'?",
    ),
    "unknown placeholder of one verdict": (
        GREATER + RIGHT + "    because:\n      supported: x\n      contradicted: '{foo}'\n",
        (
            "x.yaml:15: claims.c.because.contradicted: there is no number 'foo'. There are: left, "
            "right, effect"
        ),
    ),
    "placeholder without a name": (
        GREATER + RIGHT + "    because: it is {}\n",
        "x.yaml:13: claims.c.because: there is no number ''.",
    ),
    "unknown setting": (
        GREATER + RIGHT + "    because: it is {left.sze}\n",
        "x.yaml:13: claims.c.because: left has no setting 'sze'. Did you mean 'size'?",
    ),
    "setting of an unknown quantity": (
        GREATER + RIGHT + "    because: it is {lft.size}\n",
        "x.yaml:13: claims.c.because: there is no quantity 'lft'. Did you mean 'left'?",
    ),
    "setting of a plain number": (
        GREATER + "    right: 2\n    because: it is {right.size}\n",
        "x.yaml:13: claims.c.because: there is no quantity 'right'.",
    ),
    "setting of what divides nothing": (
        GREATER + RIGHT + "    because: it is {left.over.size}\n",
        "x.yaml:13: claims.c.because: there is no quantity 'left.over'.",
    ),
    "unknown way to write a setting": (
        GREATER + RIGHT + "    because: it is {left.size:times}\n",
        "x.yaml:13: claims.c.because: {left.size:times} is no way to write a number. Did you",
    ),
    "measured number in a statement": (
        (GREATER + RIGHT).replace("says: x", "says: it is {left}"),
        "x.yaml:8: claims.c.says: nothing that is measured can stand here; name a setting, as in",
    ),
    "measured number in a name": (
        GREATER + RIGHT.replace("}}", "}, name: 'the {right}'}"),
        "x.yaml:12: claims.c.right.name: nothing that is measured can stand here; name a setting",
    ),
    "unknown setting in a name": (
        GREATER.replace("full}", "full}, over: {name: 'at {left.sze}'}") + "    right: 2\n",
        "x.yaml:11: claims.c.left.over.name: left has no setting 'sze'. Did you mean 'size'?",
    ),
    "brace in a statement": (
        (GREATER + RIGHT).replace("says: x", "says: it is {left"),
        "x.yaml:8: claims.c.says: braces do not fit together: expected '}' before end",
    ),
    "brace that is not closed": (
        GREATER + RIGHT + "    because: it is {left\n",
        "x.yaml:13: claims.c.because: braces do not fit together: expected '}' before end",
    ),
    "brace that is not opened": (
        GREATER + RIGHT + "    because: it is left}\n",
        "x.yaml:13: claims.c.because: braces do not fit together: Single '}' encountered",
    ),
    "unknown way to write a number": (
        GREATER + RIGHT + "    because: '{left:prcent}'\n",
        (
            "x.yaml:13: claims.c.because: {left:prcent} is no way to write a number. "
            "Did you mean 'percent'?"
        ),
    ),
    "conversion": (
        GREATER + RIGHT + "    because: '{left!r}'\n",
        "x.yaml:13: claims.c.because: {left!r} is no way to write a number. There are: percent,",
    ),
    "placeholder in a placeholder": (
        GREATER + RIGHT + "    because: '{left:{right}}'\n",
        "x.yaml:13: claims.c.because: {left:{right}} is no way to write a number.",
    ),
    "unknown verdict": (
        GREATER + RIGHT + "    because: {suported: x}\n",
        "x.yaml:13: claims.c.because.suported: unknown value 'suported'. Did you mean 'supported'?",
    ),
    "number for a reason": (
        GREATER + RIGHT + "    because: 3\n",
        "x.yaml:13: claims.c.because: expected a sentence, or one for each of supported,",
    ),
    "empty reason": (
        GREATER + RIGHT + "    because: ''\n",
        "x.yaml:13: claims.c.because: String should have at least 1 character",
    ),
    "number of an unknown experiment": (
        GREATER + RIGHT + "    numbers: {n: {experiment: b}}\n",
        "x.yaml:13: claims.c.numbers.n.experiment: there is no experiment 'b'.",
    ),
    "number with a name that is taken": (
        GREATER + RIGHT + "    numbers: {effect: {}}\n",
        "x.yaml:13: claims.c.numbers.effect: effect is taken; choose another name.",
    ),
    "shown at an unknown experiment": (
        GREATER + RIGHT + "    show: b\n",
        "x.yaml:13: claims.c.show: there is no experiment 'b'. Did you mean 'bw'?",
    ),
    "unknown experiment that it is also judged on": (
        ALSO + "      d: {experiment: bb}\n",
        "x.yaml:15: claims.c.also_on.d.experiment: there is no experiment 'bb'. Did you mean 'b'?",
    ),
    "label that the other experiment lacks": (
        ALSO + "      d: {experiment: b, series: {sze: 1}}\n",
        "x.yaml:15: claims.c.also_on.d.series.sze: a matmul experiment has no label 'sze'.",
    ),
    "metric that the other experiment lacks": (
        ALSO.replace("full}}", "full}, metric: flop_per_s}") + "      d: {experiment: bw}\n",
        "x.yaml:15: claims.c.also_on.d.metric: a bandwidth experiment has no metric 'flop_per_s'.",
    ),
    "claim made twice": (
        ALSO + "      c: {experiment: b}\n",
        "x.yaml:8: there is a claim 'c' at x.yaml:8 already; give one of the two another id.",
    ),
    "claim without words": (
        (GREATER + RIGHT).replace("    says: x\n", ""),
        "x.yaml:7: claims.c.says is missing; add it.",
    ),
    "empty claim": (
        HEAD.partition("    says")[0],
        "x.yaml:7: claims.c: Input should be a valid dictionary",
    ),
    "name with capitals": (
        (GREATER + RIGHT).replace("  c:\n", "  C:\n"),
        "x.yaml:7: claims.C: String should match pattern",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_told_in_one_line_with_its_place(
    read: Callable[[str], Config], text: str, expected: str
) -> None:
    """One line for a mistake: the file, the line of the key, the key, and what to do."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    (line,) = caught.value.message.splitlines()
    assert line.startswith(expected)


def test_each_of_several_mistakes_has_its_line(read: Callable[[str], Config]) -> None:
    """All of a claim's mistakes are told at once, on both sides and in its words."""
    text = (
        GREATER.replace("full", "full, foo: 1") + "    right: {metric: foo}\n    because: '{x}'\n"
    )
    with pytest.raises(ConfigError) as caught:
        read(text)
    lines = [line.partition(": ")[0] for line in caught.value.message.splitlines()]
    assert lines == ["x.yaml:11", "x.yaml:12", "x.yaml:13"]


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
    assert right == {
        "experiment": "t",
        "series": {"run": "batch 10", "loader": "sliced"},
        "metric": "seconds_to_loss",
        "epoch": None,
        "loss": 0.25,
        "pick": "lowest",
        "largest": None,
        "name": None,
        "over": None,
    }


def test_a_divisor_is_as_what_it_divides() -> None:
    """Also on the right, where it is as the right side and not as the left."""
    right = {"series": {"run": "SGD"}, "loss": 0.3, "over": {"series": {"loader": "dataloader"}}}
    over = stored(left=LEFT, right=right)["right"]["over"]
    assert over["series"] == {"run": "SGD", "loader": "dataloader"}
    assert (over["metric"], over["loss"]) == ("seconds_to_loss", 0.3)


def test_another_experiment_takes_nothing_over() -> None:
    """Its labels and metrics are its own: seconds, unless it says otherwise."""
    right = stored(left=LEFT, right={"experiment": "a", "series": {"size": 64}})["right"]
    assert right == {
        "experiment": "a",
        "series": {"size": 64},
        "metric": "seconds",
        "epoch": None,
        "loss": None,
        "pick": None,
        "largest": None,
        "name": None,
        "over": None,
    }


def test_numbers_are_as_left_too() -> None:
    """What explains a claim is mostly another metric of the same series."""
    number = stored(left=LEFT, numbers={"n": {"metric": "loss"}})["numbers"]["n"]
    assert (number["series"], number["metric"]) == (LEFT["series"], "loss")


def test_one_reason_serves_every_verdict() -> None:
    """A single sentence is kept for each verdict; single verdicts may go without."""
    assert stored(left=LEFT, because="so")["because"] == {
        "supported": "so",
        "contradicted": "so",
        "inconclusive": "so",
    }
    assert stored(left=LEFT, because={"supported": "so"})["because"] == {"supported": "so"}


def test_a_verdict_is_shown_at_its_left_experiment_unless_said() -> None:
    """The section of the experiment that the claim is about."""
    assert stored(left=LEFT)["show"] == "t"
    assert stored(left=LEFT, show="a")["show"] == "a"


def test_a_claim_of_a_configuration_is_its_authors_own() -> None:
    """A page must not lay in the chapter's mouth what it does not say."""
    assert stored(left=LEFT)["origin"] == "own"


def test_claims_do_not_decide_what_is_measured(read: Callable[[str], Config]) -> None:
    """A claim can be added after measuring; the fingerprint of the measurements stays."""
    config = read(GREATER + RIGHT)
    without = config.model_copy(update={"claims": {}})
    with_claims, bare = plan(config, "quick"), plan(without, "quick")
    assert with_claims.claims
    assert not bare.claims
    assert with_claims.fingerprint() == bare.fingerprint()
    before = copy.deepcopy(with_claims.stored())
    with_claims.fingerprint()
    assert with_claims.stored() == before
