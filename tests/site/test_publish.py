"""Publishing, with the real git: a clone, its bare remote on disk, and a small rendered site."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from report.errors import ReportError, SiteError, UsageError
from report.site.publish import Published, pages_url, publish

pytestmark = pytest.mark.skipif(
    subprocess.run(["git", "--version"], capture_output=True, check=False).returncode != 0,
    reason="git is not installed",
)

PAGES = {
    "index.html": "<!doctype html><title>Report</title>\n",
    "data/manifest.json": "{}\n",
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
        """Return what git prints; a refusal fails the test."""
        done = subprocess.run(
            ["git", "-C", str(folder or self.folder), *arguments],
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def publish(
        self, *, push: bool = True, remote: str = "origin", branch: str = "gh-pages"
    ) -> Published:
        """Publish the site from this repository."""
        return publish(self.site, push=push, remote=remote, branch=branch, repository=self.folder)

    def published(self) -> dict[str, str]:
        """Return the files of the remote's branch, with their content."""
        names = self.git("ls-tree", "-r", "-z", "--name-only", "gh-pages", folder=self.remote)
        return {
            name: self.git("show", f"gh-pages:{name}", folder=self.remote)
            for name in names.split("\0")
            if name
        }

    def commits(self) -> int:
        """Count the commits of the remote's branch."""
        return int(self.git("rev-list", "--count", "gh-pages", folder=self.remote))

    def state(self) -> str:
        """Describe every branch, the checked-out one, and how the work tree differs from it."""
        return "\n".join(
            [
                self.git("for-each-ref", "refs/heads"),
                self.git("symbolic-ref", "HEAD"),
                self.git("status", "--porcelain", "--ignored"),
            ]
        )


@pytest.fixture(autouse=True)
def _git_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests, or of a hook that does, out of them."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Make a bare remote, a repository with one commit pushed to it, and a site outside of it."""
    made = Clone(tmp_path / "clone", tmp_path / "remote.git", tmp_path / "site")
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
    return made


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _refusal(clone: Clone, kind: type[ReportError], **options: object) -> str:
    """Publish, expect it to be refused with one line and without a trace, and return that line."""
    before = clone.state()
    with pytest.raises(kind) as caught:
        publish(clone.site, repository=clone.folder, **options)  # type: ignore[arg-type]
    assert "\n" not in caught.value.message
    assert clone.state() == before
    return caught.value.message


def test_published_branch_holds_the_site_and_nothing_else(clone: Clone) -> None:
    """The remote's branch has every file of the site as it is, and `.nojekyll`."""
    done = clone.publish()

    expected = {name: text.strip() for name, text in PAGES.items()} | {".nojekyll": ""}
    assert clone.published() == expected
    assert done == Published(
        commit=clone.git("rev-parse", "gh-pages", folder=clone.remote),
        branch="gh-pages",
        created=True,
        pushed=True,
        pages_url=None,
    )


def test_publishing_leaves_work_tree_and_current_branch_alone(clone: Clone) -> None:
    """Unfinished work, staged or not, is as it was; the only new branch is the published one."""
    (clone.folder / "README.md").write_text("Half a thought", encoding="utf-8")
    _write(clone.folder, {"staged.txt": "staged", "new.txt": "new"})
    clone.git("add", "staged.txt")
    head, status = clone.git("rev-parse", "HEAD"), clone.git("status", "--porcelain")

    clone.publish()

    assert clone.git("rev-parse", "HEAD") == head
    assert clone.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert clone.git("status", "--porcelain") == status
    assert clone.git("branch", "--format=%(refname:short)").split() == ["gh-pages", "main"]


def test_site_that_git_ignores_is_published_whole(clone: Clone) -> None:
    """A .gitignore is about the sources, not about what is published."""
    _write(clone.folder, {".gitignore": "*.svg\n/site/\n"})
    _write(clone.folder / "site", PAGES)

    publish(clone.folder / "site", repository=clone.folder)

    assert set(clone.published()) == {*PAGES, ".nojekyll"}


def test_without_a_repository_named_the_current_folder_is_used(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with git itself, any folder of the repository will do; the site's path may be relative."""
    inside = clone.folder / "inside"
    _write(inside / "site", PAGES)
    monkeypatch.chdir(inside)

    publish(Path("site"))

    assert set(clone.published()) == {*PAGES, ".nojekyll"}
    assert Path.cwd() == inside


def test_without_push_the_remote_is_left_alone(clone: Clone) -> None:
    """--no-push makes the local branch only, and needs no remote."""
    clone.git("remote", "remove", "origin")
    before = clone.git("for-each-ref", folder=clone.remote)

    done = clone.publish(push=False)

    assert clone.git("for-each-ref", folder=clone.remote) == before
    assert clone.git("rev-parse", "gh-pages") == done.commit
    assert not done.pushed


def test_commit_that_was_not_pushed_is_pushed_later(clone: Clone) -> None:
    """Publishing without a push, then with one, loses nothing and commits nothing twice."""
    clone.publish()
    _write(clone.site, {"index.html": "changed"})
    first = clone.publish(push=False)

    second = clone.publish()

    assert (second.commit, second.created) == (first.commit, False)
    assert clone.git("rev-parse", "gh-pages", folder=clone.remote) == first.commit
    assert clone.commits() == 2


def test_commits_that_were_not_pushed_stay_in_the_history(clone: Clone) -> None:
    """A newer site is built on the local branch where that is ahead of the remote's."""
    clone.publish()
    _write(clone.site, {"index.html": "second"})
    clone.publish(push=False)
    _write(clone.site, {"index.html": "third"})

    clone.publish()

    assert clone.commits() == 3


def test_second_publish_of_the_same_site_makes_no_commit(clone: Clone) -> None:
    """The same site twice is one commit, on either side."""
    first = clone.publish()
    second = clone.publish()

    assert (second.commit, second.created, second.pushed) == (first.commit, False, True)
    assert clone.commits() == 1


def test_changed_site_makes_one_commit_on_top(clone: Clone) -> None:
    """History is kept; what the site no longer has is gone from the branch."""
    first = clone.publish()
    (clone.site / "404.html").unlink()
    _write(clone.site, {"index.html": "changed", "new/page.html": "new"})

    second = publish(clone.site, repository=clone.folder, message="Measure again")

    assert second.created
    assert clone.commits() == 2
    assert clone.git("rev-parse", f"{second.commit}^") == first.commit
    assert clone.git("log", "-1", "--format=%s", "gh-pages", folder=clone.remote) == "Measure again"
    assert clone.published()["index.html"] == "changed"
    assert "new/page.html" in clone.published()
    assert "404.html" not in clone.published()


def test_fetched_commits_of_others_are_built_upon(clone: Clone) -> None:
    """After a fetch, what someone else published stays in the history."""
    clone.publish()
    theirs = _someone_else_publishes(clone)
    clone.git("fetch", "--quiet", "origin")

    ours = clone.publish()

    assert clone.git("rev-parse", f"{ours.commit}^") == theirs
    assert clone.published()["index.html"] == PAGES["index.html"].strip()


def test_custom_domain_of_the_branch_is_kept(clone: Clone) -> None:
    """GitHub stores the domain as CNAME in the branch; publishing must not switch it off."""
    _write(clone.site, {"CNAME": "report.example.org"})
    first = clone.publish()
    (clone.site / "CNAME").unlink()

    second = clone.publish()

    assert clone.published()["CNAME"] == "report.example.org"
    assert second.commit == first.commit


def test_push_over_the_commits_of_others_names_the_fetch_that_helps(clone: Clone) -> None:
    """A refused push changes nothing here; after the command that the message names it works."""
    clone.publish()
    theirs = _someone_else_publishes(clone)
    _write(clone.site, {"index.html": "changed"})

    message = _refusal(clone, SiteError)

    assert "[rejected]" in message
    command = "git fetch origin +gh-pages:refs/remotes/origin/gh-pages"
    assert f"`{command}`" in message
    clone.git(*command.split()[1:])
    ours = clone.publish()
    assert clone.git("rev-parse", f"{ours.commit}^") == theirs


def test_branches_that_diverged_are_left_to_the_reader(clone: Clone) -> None:
    """Neither side's commits are dropped silently; the message says how to choose, and it works."""
    clone.publish()
    _someone_else_publishes(clone)
    _write(clone.site, {"index.html": "ours"})
    clone.publish(push=False)
    clone.git("fetch", "--quiet", "origin")

    message = _refusal(clone, SiteError)

    command = "git branch --force gh-pages origin/gh-pages"
    assert f"`{command}`" in message
    clone.git(*command.split()[1:])
    assert clone.publish().created


def test_push_that_a_hook_declines_is_told_in_one_line(clone: Clone) -> None:
    """The remote's own reason is in the message; the local branch has not moved."""
    hook = clone.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    assert "pre-receive hook declined" in _refusal(clone, SiteError)


def test_remote_that_cannot_be_reached_is_told_in_one_line(clone: Clone, tmp_path: Path) -> None:
    """Git says several lines about it; the reader gets the one that names the cause."""
    clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))

    assert "does not appear to be a git repository" in _refusal(clone, SiteError)


def test_checked_out_branch_is_refused(clone: Clone) -> None:
    """Publishing onto it would leave the work tree showing the site as deleted."""
    assert "checked out" in _refusal(clone, UsageError, branch="main")


def test_branch_checked_out_in_another_worktree_is_refused(clone: Clone, tmp_path: Path) -> None:
    """A linked work tree is as easily left out of step."""
    clone.git("worktree", "add", "--quiet", "-b", "gh-pages", str(tmp_path / "linked"))

    assert "checked out" in _refusal(clone, UsageError)


def test_impossible_branch_name_is_refused(clone: Clone) -> None:
    """Git's rules for names hold before anything is made."""
    assert "'gh pages'" in _refusal(clone, UsageError, branch="gh pages")


def test_missing_remote_is_refused_and_those_there_are_named(clone: Clone) -> None:
    """The message says what could be meant, and how to do without."""
    message = _refusal(clone, UsageError, remote="upstream")

    assert "'upstream'" in message
    assert "Known here: origin" in message
    assert "--no-push" in message


def test_repository_without_a_remote_says_how_to_add_one(clone: Clone) -> None:
    """The first publish of a fresh repository ends in the command that it lacks."""
    clone.git("remote", "remove", "origin")

    assert "`git remote add origin URL`" in _refusal(clone, UsageError)


def test_unknown_committer_is_refused_with_the_command_that_helps(clone: Clone) -> None:
    """ghp-import alone would commit in nobody's name."""
    clone.git("config", "--unset", "user.email")

    assert "`git config user.email" in _refusal(clone, UsageError)


def test_folder_outside_of_any_repository_is_refused(clone: Clone, tmp_path: Path) -> None:
    """The error says where to publish from."""
    with pytest.raises(UsageError, match=r"^[^\n]* is in no git repository [^\n]*$"):
        publish(clone.site, repository=tmp_path)


def test_missing_git_is_told_before_anything_is_tried(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without git gets the name of what it lacks."""
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(UsageError, match=r"^Publishing needs git[^\n]*$"):
        clone.publish()


@pytest.mark.parametrize("missing", ["index.html", "data/manifest.json"])
def test_folder_that_report_did_not_render_is_refused(clone: Clone, missing: str) -> None:
    """Publishing replaces the whole branch, so it takes nothing but a rendered site."""
    (clone.site / missing).unlink()

    assert f"has no {missing}" in _refusal(clone, SiteError)


def test_missing_site_folder_is_refused(clone: Clone, tmp_path: Path) -> None:
    """The error names the folder and the command that writes one."""
    with pytest.raises(SiteError, match=r"^There is no folder .*nowhere\. `report render`"):
        publish(tmp_path / "nowhere", repository=clone.folder)


def test_file_that_git_cannot_import_leaves_no_trace(
    clone: Clone, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failure inside ghp-import is one line too, and its scratch branch is gone."""
    _write(clone.site, {"two\nlines.html": ""})

    assert "could not take in the files" in _refusal(clone, SiteError)
    assert "fatal" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://github.com/Ada/report.git", "https://ada.github.io/report/"),
        ("https://token@github.com/ada/report", "https://ada.github.io/report/"),
        ("https://github.com/ada/report/", "https://ada.github.io/report/"),
        ("git@github.com:ada/mini.batch.git", "https://ada.github.io/mini.batch/"),
        ("ssh://git@github.com/ada/report.git", "https://ada.github.io/report/"),
        ("ssh://git@ssh.github.com:443/ada/report.git", "https://ada.github.io/report/"),
        ("https://github.com/ada/Ada.github.io.git", "https://ada.github.io/"),
        ("https://gitlab.com/ada/report.git", None),
        ("https://notgithub.com/ada/report.git", None),
        ("/srv/github.com/ada/report.git", None),
        (None, None),
    ],
)
def test_pages_url_is_guessed_from_every_form_of_address(
    address: str | None, url: str | None
) -> None:
    """Whatever form git takes gives the same guess; other hosts give none."""
    assert pages_url(address) == url


def test_pages_url_is_the_custom_domain_where_there_is_one() -> None:
    """GitHub redirects to it; elsewhere a CNAME file means nothing."""
    assert pages_url("git@github.com:ada/report.git", "a.example\n") == "https://a.example/"
    assert pages_url("git@example.org:ada/report.git", "a.example\n") is None


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
