"""The rendered site onto a branch of its own, without touching the work tree.

ghp-import makes the commit on a scratch branch, git pushes it, and only then does the local branch
move to it: a refused push leaves the repository as it was, so that publishing can simply be tried
again. ghp-import alone would move the branch first, commit an unchanged site anew, and drop commits
that were never pushed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import ghp_import

from report.errors import SiteError, UsageError

DEFAULT_MESSAGE = "Publish the rendered report"

_GITHUB = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^@/]+@)?(?:www\.|ssh\.)?github\.com(?::\d+/|[:/])"
    r"(?P<owner>[^/]+)/(?P<repository>[^/]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Published:
    """Where the site is now."""

    commit: str
    """The branch's newest commit, in full."""
    branch: str
    created: bool
    """Whether that commit is new; False: the branch held this very site already."""
    pushed: bool
    """Whether the remote has it."""
    pages_url: str | None
    """Where GitHub Pages would show it; a guess from the remote's address, None elsewhere."""


def publish(  # noqa: PLR0913 - one option of the command each, all but the first by name
    site: Path,
    *,
    remote: str = "origin",
    branch: str = "gh-pages",
    message: str | None = None,
    push: bool = True,
    repository: Path | None = None,
) -> Published:
    """Put a rendered site onto a branch and push it.

    The branch then holds the site's files and `.nojekyll`, which keeps GitHub from running Jekyll
    over them; a `CNAME` that the branch has already is kept, since GitHub stores the custom domain
    there. History is kept and nothing is ever forced. A site that the branch holds already makes
    no new commit.

    Args:
        site: The folder that `report render` wrote.
        remote: Name of the remote to push to.
        branch: Branch to publish on; made if there is none.
        message: The commit's message; None for a plain one.
        push: Whether to push. If not, the remote is not contacted at all.
        repository: A folder of the repository to publish in; None for the current folder.

    Returns:
        What was published, and where.

    Raises:
        UsageError: Nothing to publish with or to: no git, repository, remote or identity.
        SiteError: The folder is no rendered site, or the branch or the remote cannot take it.
    """
    site = site.resolve()
    _check_rendered(site)
    git = _Git((repository or Path()).resolve())
    _check_repository(git, remote=remote, branch=branch, push=push)
    base = _base(git, remote=remote, branch=branch)
    commit = _commit_site(git, site, base=base, branch=branch, message=message or DEFAULT_MESSAGE)
    if push:
        _push(git, commit, remote=remote, branch=branch)
    moved = git("update-ref", f"refs/heads/{branch}", commit)
    if moved.returncode:
        raise SiteError(f"git cannot move the branch {branch}: {_word(moved)}")
    return Published(
        commit=commit,
        branch=branch,
        created=commit != base,
        pushed=push,
        pages_url=pages_url(git.line("remote", "get-url", remote), git.blob(commit, "CNAME")),
    )


def pages_url(address: str | None, cname: str | None = None) -> str | None:
    """Guess where GitHub Pages shows a repository's site.

    Args:
        address: The remote's address, in any form that git takes.
        cname: Content of the branch's CNAME file, a custom domain.

    Returns:
        The URL, or None if the remote is not GitHub.

    Source:
        GitHub's documentation, "About GitHub Pages": owner.github.io/repository, and
        owner.github.io alone for the repository of that name.
    """
    match = _GITHUB.fullmatch(address or "")
    if match is None:
        return None
    if cname and cname.strip():
        return f"https://{cname.strip()}/"
    host = f"{match['owner'].lower()}.github.io"
    name = match["repository"]
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


@dataclass(frozen=True)
class _Git:
    """Runs git in one repository, in English, whatever the terminal speaks."""

    folder: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
        )

    def line(self, *arguments: str) -> str | None:
        """Return git's answer; None if it refused or had none."""
        done = self(*arguments)
        return None if done.returncode else done.stdout.strip() or None

    def commit(self, reference: str) -> str | None:
        """Return the commit that a reference names; None if there is none."""
        return self.line("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")

    def blob(self, commit: str, path: str) -> str | None:
        """Return the exact text of a file in a commit; None if it has no such file."""
        done = self("cat-file", "blob", f"{commit}:{path}")
        return None if done.returncode else done.stdout


def _check_rendered(site: Path) -> None:
    if not site.is_dir():
        raise SiteError(f"There is no folder {site}. `report render` writes one.")
    for name in ("index.html", "data/manifest.json"):
        if not (site / name).is_file():
            raise SiteError(
                f"{site} has no {name}, so `report render` did not write it. Render the site first."
            )


def _check_repository(git: _Git, *, remote: str, branch: str, push: bool) -> None:
    if shutil.which("git") is None:
        raise UsageError("Publishing needs git, and there is none on the PATH. Install it.")
    found = git("rev-parse", "--git-dir")
    if found.returncode:
        raise UsageError(
            f"{git.folder} is in no git repository that can be used ({_word(found)}). "
            "Run `report publish` inside the repository that the site belongs to."
        )
    if git("check-ref-format", "--branch", branch).returncode:
        raise UsageError(f"{branch!r} is no name for a branch. The usual one is gh-pages.")
    worktrees = git("worktree", "list", "--porcelain").stdout.splitlines()
    if f"branch refs/heads/{branch}" in worktrees:
        raise UsageError(
            f"The branch {branch} is checked out, and publishing would leave its work tree out of "
            "step. Check out another branch, or choose another with --branch."
        )
    remotes = (git.line("remote") or "").split()
    if push and remote not in remotes:
        known = f"Known here: {', '.join(remotes)}" if remotes else "There is none yet"
        raise UsageError(
            f"No remote is called {remote!r}. {known}. Choose one with --remote, add one with "
            f"`git remote add {remote} URL`, or publish to the local branch alone with --no-push."
        )
    for key in ("name", "email"):
        if not (
            os.environ.get(f"GIT_COMMITTER_{key.upper()}") or git.line("config", f"user.{key}")
        ):
            raise UsageError(
                f"git does not know whose commit this is. Run `git config user.{key} ...` first."
            )


def _base(git: _Git, *, remote: str, branch: str) -> str | None:
    """Find the commit to build on: the newer of the local branch and the remote's as last seen."""
    local = git.commit(f"refs/heads/{branch}")
    seen = git.commit(f"refs/remotes/{remote}/{branch}")
    if local is None or seen is None:
        return local or seen
    if git("merge-base", "--is-ancestor", local, seen).returncode == 0:
        return seen
    if git("merge-base", "--is-ancestor", seen, local).returncode == 0:
        return local
    raise SiteError(
        f"{branch} and {remote}/{branch} have each gone their own way. To build on the remote's, "
        f"run `git branch --force {branch} {remote}/{branch}`, then `report publish` again."
    )


def _commit_site(git: _Git, site: Path, *, base: str | None, branch: str, message: str) -> str:
    """Commit the site on top of the base; return that commit, or the base if nothing changed."""
    scratch = f"{branch}.{os.getpid()}"
    reference = f"refs/heads/{scratch}"
    domain = git.blob(base, "CNAME") if base and not (site / "CNAME").exists() else None
    try:
        if base:
            git("update-ref", reference, base)
        # ghp-import takes no folder: it publishes in the current one. Its other options stay as
        # they are: no shell, no force, no new history, no prefix, links to folders not followed.
        with contextlib.chdir(git.folder):
            ghp_import.ghp_import(
                str(site), branch=scratch, mesg=message, nojekyll=True, cname=domain, push=False
            )
        commit = git.commit(reference)
    except (ghp_import.GhpError, OSError, TypeError, UnicodeError) as error:
        # TypeError: ghp-import 2.1 reports a failed import by writing bytes to a text stream.
        raise SiteError(
            f"git could not take in the files of {site}; its own message, if any, is above."
        ) from error
    finally:
        git("update-ref", "-d", reference)
    if commit is None or commit == base:
        raise SiteError(f"git made no commit of {site}, and did not say why.")
    same = base is not None and git.line("diff-tree", "-r", base, commit) is None
    return base if base is not None and same else commit


def _push(git: _Git, commit: str, *, remote: str, branch: str) -> None:
    done = git("push", "--porcelain", remote, f"{commit}:refs/heads/{branch}")
    if done.returncode == 0:
        return
    if "\t[rejected]" in done.stdout:
        raise SiteError(
            f"{remote} refused the push: its {branch} has commits that this repository lacks "
            f"({_word(done)}). Run `git fetch {remote} "
            f"+{branch}:refs/remotes/{remote}/{branch}`, then `report publish` again."
        )
    raise SiteError(
        f"Pushing {branch} to {remote} failed: {_word(done)}. Nothing was changed here; mend that "
        "and run `report publish` again."
    )


def _word(done: subprocess.CompletedProcess[str]) -> str:
    """Pick the one line in which git says what is wrong, rather than its hints."""
    refused = [line.split("\t")[-1] for line in done.stdout.splitlines() if line.startswith("!\t")]
    # The first line names the cause; what follows is git's conclusion and advice.
    said = [
        line
        for line in done.stderr.splitlines()
        if line.strip() and not line.lower().startswith(("hint:", "warning:", "to "))
    ]
    word = [*refused, *said, f"git ended with {done.returncode}"][0]
    return word.strip().removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
