"""Where claims stand: the chapter's, files of claims, claims beside the experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from report.config.claims import chapter
from report.config.configuration import Config, load
from report.config.references import mistakes
from report.errors import ConfigError
from report.resources import default_config

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], Config]

HEAD = "version: 1\nexperiments:\n  a: {kind: matmul}\n"
ONE = "version: 1\nexperiments: {"
CLAIM = "{says: x, section: s, relation: greater, left: {experiment: a}, right: 2}"


@pytest.fixture(name="read")
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Config]:
    """Return a function that loads text as sub/x.yaml; sub/mine.yaml has the claim `mine`."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/mine.yaml").write_text(f"mine: {CLAIM}\n")

    def read(text: str) -> Config:
        Path("sub/x.yaml").write_text(text)
        return load(Path("sub/x.yaml"))

    return read


def test_shipped_experiments_have_every_claim_of_the_chapter() -> None:
    """A slip in an experiment's name or a label would otherwise leave a claim out in silence."""
    config = Config.model_validate(yaml.safe_load(default_config()))
    kinds = {name: spec.kind for name, spec in config.experiments.items()}
    backends = {name: spec.backends or config.backends for name, spec in config.experiments.items()}
    assert list(mistakes(chapter()[1], kinds, backends)) == []
    assert config.left_out == 0


def test_each_shipped_claim_says_whose_it_is() -> None:
    """In the file and not by default: only what the chapter says is counted as the chapter's."""
    shipped, claims = chapter()
    assert {name for name, claim in shipped.content.items() if "source" not in claim} == set()
    sources = {name: claim.source for name, claim in claims.items()}
    assert set(sources.values()) == {"chapter", "ours"}
    copies = [copy for claim in claims.values() for copy in claim.elsewhere().values()]
    # What is judged once more without the loader is no second statement of the chapter's.
    assert {copy.source for copy in copies} == {"ours"}
    exercises = {claim.source for claim in claims.values() if claim.section == "Exercises"}
    assert exercises == {"ours"}


def test_shipped_claim_of_a_framework_that_is_not_measured_is_left_out(read: Read) -> None:
    """The chapter's sentence about Gluon says nothing to whoever has PyTorch alone."""
    text = f"{ONE}concise: {{kind: training, backends: %s}}}}\nclaims: chapter"
    assert "gluon-behaves-identically" in read(text % "[pytorch, mxnet]").claims
    kept = read(text % "pytorch").claims
    assert "gluon-behaves-identically" not in kept
    assert "concise-behaves-alike" in kept


FORMS = {
    "": [],
    "claims: mine.yaml": ["mine"],
    f"claims: {{b: {CLAIM}}}": ["b"],
    f"claims: [mine.yaml, {{b: {CLAIM}, c: {CLAIM}}}]": ["mine", "b", "c"],
}


@pytest.mark.parametrize("text", FORMS)
def test_claims_are_a_file_or_written_here_or_a_list_of_both(read: Read, text: str) -> None:
    """A file's path counts from the folder of the file that names it; without the key, none."""
    claims = read(HEAD + text).claims
    assert list(claims) == FORMS[text]
    assert not any(claim.shipped for claim in claims.values())
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert Draft202012Validator(schema).is_valid(yaml.safe_load(HEAD + text))


def test_claims_of_the_chapter_know_where_they_come_from(read: Read) -> None:
    """Also beside a person's own, whose statements are not the chapter's."""
    text = f"claims: [chapter, {{mine: {CLAIM}}}]"
    claims = read(HEAD.replace(" a:", " vectorization:") + text.replace(": a}", ": vectorization}"))
    mine = claims.claims.pop("mine")
    assert (mine.shipped, mine.source) == (False, "ours")
    assert claims.claims
    assert all(claim.shipped for claim in claims.claims.values())


def test_claims_of_the_chapter_apply_as_far_as_their_experiments_are_there(
    read: Read,
) -> None:
    """Whoever measures three experiments of the chapter need not know which claims fit them."""
    assert read(HEAD + "claims: chapter").claims == {}
    text = HEAD.replace(" a:", " block-width:") + "claims: chapter"
    assert list(read(text).claims) == ["large-block-like-full"]


def test_claim_of_the_chapter_does_without_what_is_not_there(read: Read) -> None:
    """A number of another experiment only explains; an experiment of another kind is not judged."""
    claim = read(f"{ONE}vectorization: {{kind: matmul}}}}\nclaims: chapter").claims
    assert list(claim["element-slower-than-column"].numbers) == ["full"]  # `call` is of another
    # It has a name of the chapter's, and a product has no bandwidth that a claim could ask for.
    assert read(f"{ONE}memory: {{kind: matmul}}}}\nclaims: chapter").claims == {}


def complaint(read: Read, text: str) -> str:
    """Return the one line of the error that a text gives."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    (line,) = caught.value.message.splitlines()
    return line


MISTAKES = {
    "claims: none.yaml": "sub/x.yaml:4: claims: there is no file 'none.yaml'",
    "claims: .": "sub/x.yaml:4: claims: there is no file '.'",
    "claims:\n  - mine.yaml\n  - none.yaml": "sub/x.yaml:6: claims: there is no file 'none.yaml'",
    "claims: 3": "sub/x.yaml:4: claims: expected chapter, the path of a file",
    "claims:": "sub/x.yaml:4: claims: expected chapter, the path of a file",
    "claims: [[chapter]]": "sub/x.yaml:4: claims: expected chapter, the path of a file",
    f"claims:\n  - chapter\n  - b: {CLAIM.replace(': a', ': aa')}": (
        "sub/x.yaml:6: claims.b.left.experiment: there is no experiment 'aa'. Did you mean 'a'?"
    ),
    f"claims:\n  - mine.yaml\n  - b: {CLAIM}\n    mine: {CLAIM}": (
        "sub/x.yaml:7: there is a claim 'mine' at sub/mine.yaml:1 already"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistake_is_told_with_its_place(read: Read, text: str) -> None:
    """A claim that stands twice is told with both places."""
    assert complaint(read, HEAD + text).startswith(MISTAKES[text])


IN_A_FILE = {
    "- 3\n": "sub/mine.yaml:1: expected claims by id.",
    "": "sub/mine.yaml:1: expected claims by id.",
    f"\nmine: {CLAIM}\nother: {CLAIM.replace('says', 'say')}": (
        "sub/mine.yaml:3: unknown key 'claims.other.say'. Did you mean 'says'?"
    ),
    f"\n\nmine:\n {CLAIM.replace(': a', ': aa')}": (
        "sub/mine.yaml:4: claims.mine.left.experiment: there is no experiment 'aa'."
    ),
    "a: [": "sub/mine.yaml:1: YAML: ",
}


@pytest.mark.parametrize("content", IN_A_FILE)
def test_mistake_in_a_file_of_claims_is_told_with_its_line(read: Read, content: str) -> None:
    """Whoever reads the error opens the right file at the right place."""
    Path("sub/mine.yaml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        read(HEAD + "claims: mine.yaml")
    assert IN_A_FILE[content] in caught.value.message


def test_claim_with_an_id_of_the_chapters_is_refused(read: Read) -> None:
    """On another machine the same id means the same statement."""
    name = next(iter(chapter()[1]))
    line = complaint(read, HEAD + f"claims:\n  - chapter\n  - {name}: {CLAIM}")
    assert line.startswith(f"sub/x.yaml:6: there is a claim {name!r} at ")
    assert "claims.yaml:" in line
