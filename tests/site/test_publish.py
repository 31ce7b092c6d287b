"""Publishing, with the real git: a clone, its bare remote on disk, and a small rendered site."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from report.errors import ReportError, ResultError, SiteError, UsageError
from report.results import imported, published, store
from report.site.folder import MANIFEST, listed, write_files
from report.site.publish import Published, pages_url, publish
from results_factory import RUN_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Result
    from report.results.store import Saved

pytestmark = pytest.mark.skipif(
    subprocess.run(["git", "--version"], capture_output=True, check=False).returncode != 0,
    reason="git is not installed",
)

MEASURED = small_results.result(small_results.products("products", full=[[1.0], [1.1]]))


def kept(*results: Result) -> list[Saved]:
    """Return results with their files, which are not packed, so that they are text."""
    return [store.saved(each, store.dump(each)) for each in results]


def of_results(saved: Sequence[Saved]) -> dict[str, str]:
    """Return what a site has of its results, beside the pages."""
    files = {f"data/{one.name}": one.content for one in saved} | published.listed(saved)
    return {name: content.decode() for name, content in files.items()}


PAGES = {
    **of_results(kept(MEASURED)),
    "index.html": "<!doctype html><title>Report</title>\n",
    "data/table.csv": "a,b\r\n1,2\r\n",
    "figures/a name with spaces.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "404.html": "",
}


@dataclass(frozen=True)
class Clone:
    """A repository with a remote, and a site to publish from it."""

    folder: Path
    remote: Path
    site: Path

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Return what git prints, without the last line's end; a refusal fails the test."""
        done = subprocess.run(
            ["git", "-C", str(folder or self.folder), *arguments], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().removesuffix("\n")

    def publish(self, site: Path | None = None, **options: Any) -> Published:
        """Publish a site from the current folder, as the command does."""
        given = {"push": True, "remote": "origin", "branch": "gh-pages", "message": "Publish"}
        results = self.folder / "results"
        return publish(site or self.site, **{"results": results, **given, **options})

    def head(self, revision: str = "gh-pages", *, remote: bool = False) -> str:
        """Return the commit of a branch here, or of the remote's."""
        return self.git("rev-parse", revision, folder=self.remote if remote else None)

    def write(self, **files: str) -> None:
        """Change pages of the site: `index="text"` writes index.html."""
        _write(self.site, {f"{name}.html": text for name, text in files.items()})

    def published(self) -> dict[str, str]:
        """Return the files of the remote's branch but for the manifest, with their content."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", "gh-pages", folder=self.remote)
        return {
            name: self.git("show", f"gh-pages:{name}", folder=self.remote)
            for name in names.strip("\0").split("\0")
            if name != MANIFEST
        }

    def commits(self) -> int:
        """Count the commits of the remote's branch."""
        return int(self.git("rev-list", "--count", "gh-pages", folder=self.remote))

    def state(self) -> str:
        """Describe every branch, the checked-out one, and how the work tree differs from it."""
        commands = ["for-each-ref refs/heads", "symbolic-ref HEAD", "status --porcelain --ignored"]
        return "\n".join(self.git(*command.split()) for command in commands)


@pytest.fixture(autouse=True)
def _git_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings and caches of whoever runs the tests, or of a hook, out of them."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("REPORT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make a bare remote, a repository with one commit pushed to it, and a site outside of it."""
    made = Clone(tmp_path / "clone", tmp_path / "remote.git", tmp_path / "site")
    for one in kept(MEASURED):
        imported.write(made.folder / "results" / one.name, one.content, made.folder)
    _write(made.site, PAGES)
    made.git("init", "--quiet", "--bare", str(made.remote), folder=tmp_path)
    made.git("init", "--quiet", "--initial-branch=main", str(made.folder), folder=tmp_path)
    made.git("config", "user.name", "A Reader")
    made.git("config", "user.email", "reader@example.org")
    made.git("remote", "add", "origin", str(made.remote))
    (made.folder / "README.md").write_text("Read me.\n", encoding="utf-8")
    made.git("add", "README.md")
    made.git("commit", "--quiet", "--message", "Begin")
    made.git("push", "--quiet", "origin", "main")
    monkeypatch.chdir(made.folder)
    return made


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write a site as it is rendered; pages that are there already stay in it."""
    there = {name: (folder / name).read_bytes() for name in listed(folder) if name != MANIFEST}
    write_files({**there, **{name: text.encode() for name, text in files.items()}}, folder)


def test_what_was_changed_by_hand_is_not_published(clone: Clone) -> None:
    """Nobody would know from what its numbers come."""
    (clone.site / "index.html").write_text("<p>better numbers</p>")
    with pytest.raises(SiteError, match=r"index\.html is missing, or was changed.*report render"):
        clone.publish()


def test_what_was_cut_short_while_it_was_written_is_not_published(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some files are of the new site and some of the old one."""

    def killed(self: Path, target: Path) -> Path:
        if target.name == "404.html":
            raise KeyboardInterrupt
        return rename(self, target)

    rename = Path.replace
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        _write(clone.site, {"index.html": "new\n", "404.html": "new\n"})
    monkeypatch.undo()
    monkeypatch.chdir(clone.folder)
    with pytest.raises(SiteError, match="is not a whole site"):
        clone.publish()
    _write(clone.site, {"index.html": "new\n", "404.html": "new\n"})
    clone.publish()
    assert clone.published()["404.html"] == "new"


def test_only_what_was_rendered_is_published(clone: Clone) -> None:
    """And a custom domain's name; a person's notes beside it stay at home."""
    (clone.site / "notes.txt").write_text("for me")
    (clone.site / "CNAME").write_text("report.example.org")
    clone.publish()
    assert {"CNAME"} == set(clone.published()) - {*PAGES, ".nojekyll"}


def test_site_that_lacks_a_result_is_not_published(clone: Clone) -> None:
    """It was rendered before the last run; a file that is no result is no reason."""
    (clone.folder / "results" / "broken").mkdir(parents=True)
    (clone.folder / "results" / "broken" / "x.json").write_text("{")
    clone.publish()
    later = replace(MEASURED, started_at="2026-05-06T07:08:09Z", run_id="1" * 8 + RUN_ID[8:])
    (one,) = kept(later)
    imported.write(clone.folder / "results" / one.name, one.content, clone.folder)
    assert f"data/{one.name} is not in it" in _refusal(clone, SiteError)
    _write(clone.site, of_results(kept(MEASURED, later)))
    clone.publish()


def test_result_that_is_gone_or_of_another_origin_is_not_published(clone: Clone) -> None:
    """What its owner took back, or learned to be imported, is not shown as before."""
    results = clone.folder / "results"
    (one,) = kept(MEASURED)
    origin = imported.of(one.content, "elsewhere.json", "2026-11-27")
    imported.save(results, {one.name: origin})
    assert f"data/{one.name} is not in it as it is in" in _refusal(clone, SiteError)
    _write(clone.site, of_results([replace(one, imported=origin)]))
    clone.publish()
    (results / imported.LIST).unlink()
    assert f"data/{one.name}" in _refusal(clone, SiteError)
    _write(clone.site, of_results([one]))
    clone.publish()
    (results / one.name).rename(results / "kept")
    assert "no results" in _refusal(clone, ResultError)
    later = replace(MEASURED, started_at="2026-05-06T07:08:09Z")
    imported.write(results / kept(later)[0].name, store.dump(later), results)
    _write(clone.site, of_results(kept(MEASURED, later)))
    assert f"data/{one.name} is in it, and not in" in _refusal(clone, SiteError)


def test_link_is_not_published(clone: Clone, tmp_path: Path) -> None:
    """It may lead to any file of this machine, such as a key."""
    (tmp_path / "key").write_text("secret")
    (clone.site / "CNAME").symlink_to(tmp_path / "key")
    assert "CNAME is a link" in _refusal(clone, SiteError)


def _refusal(clone: Clone, kind: type[ReportError], **options: Any) -> str:
    """Publish, expect it to be refused with one line and without a trace, and return that line."""
    before = clone.state()
    with pytest.raises(kind) as caught:
        clone.publish(**options)
    assert "\n" not in caught.value.message
    assert clone.state() == before
    return caught.value.message


def test_published_branch_holds_the_site_and_nothing_else(clone: Clone) -> None:
    """The remote's branch has every file of the site as it is, and `.nojekyll`."""
    clone.git("config", "core.autocrlf", "input")  # it is for sources

    done = clone.publish()

    expected = {name: text.removesuffix("\n") for name, text in PAGES.items()} | {".nojekyll": ""}
    assert clone.published() == expected
    assert done.commit == clone.head() == clone.head(remote=True)
    assert done.pages_url is None


def test_publishing_leaves_work_tree_and_current_branch_alone(clone: Clone) -> None:
    """Unfinished work, staged or not, is as it was; the only new branch is the published one."""
    (clone.folder / "README.md").write_text("Half a thought", encoding="utf-8")
    for name in ("staged", "new"):
        (clone.folder / f"{name}.txt").write_text(name)
    clone.git("add", "staged.txt")
    before = clone.state()

    done = clone.publish()

    assert clone.state() == f"{done.commit} commit\trefs/heads/gh-pages\n{before}"


def test_site_in_a_folder_of_the_repository_is_published_whole(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any folder will do, as with git; what it ignores are sources, not what is published."""
    (clone.folder / ".gitignore").write_text("*.svg\nsite/\n")
    (clone.folder / ".git" / "info" / "exclude").write_text("*.csv")
    _write(clone.folder / "inside" / "site", PAGES)
    monkeypatch.chdir(clone.folder / "inside")

    clone.publish(Path("site"))

    assert set(clone.published()) == {*PAGES, ".nojekyll"}


def test_without_push_the_remote_is_left_alone(clone: Clone) -> None:
    """--no-push makes the local branch only, and needs no remote."""
    clone.git("remote", "remove", "origin")
    before = clone.git("for-each-ref", folder=clone.remote)

    done = clone.publish(push=False)

    assert clone.git("for-each-ref", folder=clone.remote) == before
    assert clone.head() == done.commit


def test_same_site_is_committed_once_and_pushed_when_asked(clone: Clone) -> None:
    """Without a push, then with one, then again: nothing is lost, and a newer site is on top."""
    first = clone.publish()
    clone.write(index="changed")
    kept_here = clone.publish(push=False)
    assert clone.head(remote=True) == first.commit

    assert [clone.publish().commit for _ in range(2)] == [kept_here.commit] * 2
    assert clone.head(remote=True) == kept_here.commit
    assert clone.commits() == 2


def test_commits_that_were_not_pushed_stay_in_the_history(clone: Clone) -> None:
    """A newer site is built on the local branch where that is ahead of the remote's."""
    for text, push in (("first", True), ("second", False), ("third", True)):
        clone.write(index=text)
        clone.publish(push=push)
    assert clone.commits() == 3


def test_changed_site_makes_one_commit_on_top(clone: Clone) -> None:
    """History is kept; what the site no longer has is gone from the branch."""
    first = clone.publish()
    kept = {name: text.encode() for name, text in PAGES.items() if name != "404.html"}
    write_files({**kept, "index.html": b"changed", "new/page.html": b"new"}, clone.site)

    second = clone.publish(message="Measure again")

    assert clone.head(f"{second.commit}^") == first.commit
    assert clone.git("log", "-1", "--format=%s", "gh-pages", folder=clone.remote) == "Measure again"
    published = clone.published()
    assert published["index.html"] == "changed"
    assert set(published) == {*PAGES, ".nojekyll", "new/page.html"} - {"404.html"}


def test_fetched_commits_of_others_are_built_upon(clone: Clone) -> None:
    """After a fetch, what someone else published stays in the history."""
    clone.publish()
    theirs = _someone_else_publishes(clone)
    clone.git("fetch", "--quiet", "origin")

    ours = clone.publish()

    assert clone.head(f"{ours.commit}^") == theirs
    assert clone.published()["index.html"] == PAGES["index.html"].removesuffix("\n")


def test_custom_domain_of_the_branch_is_kept(clone: Clone) -> None:
    """A site without a CNAME does not switch off the branch's; one with its own changes it."""
    (clone.site / "CNAME").write_text("report.example.org")
    first = clone.publish()
    (clone.site / "CNAME").unlink()

    assert clone.publish().commit == first.commit
    assert clone.published()["CNAME"] == "report.example.org"
    (clone.site / "CNAME").write_text("new.example.org")
    clone.publish()
    assert clone.published()["CNAME"] == "new.example.org"


@pytest.mark.parametrize("kept_here", [False, True], ids=["theirs only", "both sides"])
def test_commits_of_others_are_never_dropped(clone: Clone, kept_here: bool) -> None:  # noqa: FBT001
    """Refused without a change; after the command that the message names it works, on top."""
    clone.publish()
    theirs = _someone_else_publishes(clone)
    clone.write(index="changed")
    if kept_here:
        clone.publish(push=False)
        clone.git("fetch", "--quiet", "origin")

    message = _refusal(clone, SiteError)

    assert ("[rejected]" in message) != kept_here
    clone.git(*_command(message, "git branch " if kept_here else "git fetch "))
    ours = clone.publish()
    assert clone.head(f"{ours.commit}^") == theirs


def _command(message: str, start: str) -> list[str]:
    """Return the arguments of the git command that a message names."""
    return next(part for part in message.split("`") if part.startswith(start)).split()[1:]


def test_push_that_fails_is_told_in_one_line(clone: Clone, tmp_path: Path) -> None:
    """The cause that git names is in the message, not its hints; the local branch has not moved."""
    hook = clone.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    told = "echo 'error: Protected branch.' >&2; echo '- Commits must be signed.'; exit 1"
    hook.write_text(f"#!/bin/sh\n{told}\n", encoding="utf-8")
    hook.chmod(0o755)
    message = _refusal(clone, SiteError)
    assert "pre-receive hook declined" in message
    # Git knows only that the remote refused; why, the remote says.
    assert "Commits must be signed" in message

    clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    assert "does not appear to be a git repository" in _refusal(clone, SiteError)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"branch": "main"}, ["checked out"]),
        ({"branch": "gh pages"}, ["'gh pages'"]),
        ({"remote": "up"}, ["'up'", "origin", "`git remote add up URL`", "--no-push"]),
    ],
)
def test_impossible_branch_or_remote_is_refused(
    clone: Clone, options: dict[str, str], said: list[str]
) -> None:
    """Git's rules for names hold; of remotes those that there are are named, and what helps."""
    message = _refusal(clone, UsageError, **options)
    assert all(part in message for part in said)


def test_branch_of_a_linked_work_tree_is_refused(clone: Clone, tmp_path: Path) -> None:
    """Publishing onto it would show the site as deleted there."""
    clone.git("worktree", "add", "--quiet", "-b", "gh-pages", str(tmp_path / "linked"))
    assert "checked out" in _refusal(clone, UsageError)
    # A branch whose name only begins like it is another.
    clone.publish(branch="gh")


@pytest.mark.parametrize("address", ["<a@example.org>", "a@example.org", "<>"])
def test_address_that_git_commits_with_publishes_as_well(clone: Clone, address: str) -> None:
    """Git takes angle brackets away by itself; what is a committer to it is one here."""
    clone.git("config", "user.email", address)
    commit = clone.publish(push=False).commit
    assert clone.git("show", "-s", "--format=%ce", commit) == address.strip("<>")


@pytest.mark.parametrize("key", ["user.name", "user.email"])
def test_unknown_committer_is_refused_with_the_command_that_helps(clone: Clone, key: str) -> None:
    """Nothing is committed in a name that git made up."""
    clone.git("config", "--unset", key)
    assert f"`git config {key}" in _refusal(clone, UsageError)


def test_folder_outside_of_any_repository_is_refused(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where to publish from."""
    monkeypatch.chdir(tmp_path)
    assert "inside the site's repository" in _refusal(clone, UsageError)


def test_missing_git_is_told_before_anything_is_tried(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without git gets the name of what it lacks."""
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UsageError, match=r"^Publishing needs git[^\n]*$"):
        clone.publish()


@pytest.mark.parametrize("missing", ["index.html", MANIFEST, ""])
def test_folder_that_report_did_not_render_is_refused(clone: Clone, missing: str) -> None:
    """Publishing replaces the whole branch, so it takes nothing but a rendered site."""
    (clone.site / missing).rename(clone.site.with_name("elsewhere"))
    message = _refusal(clone, SiteError)
    assert f"{clone.site} is not a whole site: {missing or MANIFEST} is missing" in message
    assert "`report render`" in message


def test_site_that_cannot_be_read_leaves_no_trace(clone: Clone) -> None:
    """A file that cannot be stored stops it before anything is made."""
    (clone.site / "404.html").unlink()
    (clone.site / "404.html").symlink_to("nowhere")
    assert "404.html" in _refusal(clone, SiteError)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://github.com/Ada/report.git", "report/"),
        ("https://token@github.com/ada/report", "report/"),
        ("https://github.com/ada/report/", "report/"),
        ("git@github.com:ada/mini.batch.git", "mini.batch/"),
        ("ssh://git@github.com/ada/report.git", "report/"),
        ("ssh://git@ssh.github.com:443/ada/report.git", "report/"),
        ("https://github.com/ada/Ada.github.io.git", ""),
        ("https://gitlab.com/ada/report.git", None),
        ("https://notgithub.com/ada/report.git", None),
        ("git@example.org:ada/report.git", None),
        ("/srv/github.com/ada/report.git", None),
        ("", None),
    ],
)
def test_pages_url_is_guessed_from_every_form_of_address(address: str, path: str | None) -> None:
    """Whatever form git takes; GitHub redirects to a custom domain; other hosts give none."""
    assert pages_url(address) == (None if path is None else f"https://ada.github.io/{path}")
    assert pages_url(address, "a.example") == (None if path is None else "https://a.example/")


def test_pages_url_comes_with_what_was_published(clone: Clone) -> None:
    """The remote's address is the one that git has on record."""
    clone.git("remote", "set-url", "origin", "git@github.com:ada/report.git")
    assert clone.publish(push=False).pages_url == "https://ada.github.io/report/"


def _someone_else_publishes(clone: Clone) -> str:
    """Push a commit to the remote's branch from another clone, and return it."""
    other = clone.remote.parent / "other"
    clone.git("clone", "--quiet", "--branch=gh-pages", str(clone.remote), str(other))
    _write(other, {"index.html": "theirs"})
    name = ("-c", "user.name=Other", "-c", "user.email=other@example.org")
    clone.git(*name, "commit", "--quiet", "--all", "--message", "Theirs", folder=other)
    clone.git("push", "--quiet", folder=other)
    return clone.git("rev-parse", "HEAD", folder=other)
