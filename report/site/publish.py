"""The rendered site onto a branch of the current repository, without touching its work tree.

The commit is made from an index of its own, pushed by its name, and only then does the local branch
move to it: a refused push leaves the repository as it was, so that publishing can simply be tried
again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from report.errors import SiteError, UsageError
from report.experiments.catalogue import LABELS
from report.results import files, published, store
from report.site import folder
from report.text.numerals import count

_GITHUB = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^@/]+@)?(?:www\.|ssh\.)?github\.com(?::\d+/|[:/])"
    r"(?P<owner>[^/]+)/(?P<repository>[^/]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Published:
    """Where the site is now."""

    commit: str
    pages_url: str | None
    """Where GitHub Pages would show it; a guess from the remote's address, None elsewhere."""


def publish(  # noqa: PLR0913 (an option each)
    site: Path, *, results: Path, remote: str, branch: str, message: str, push: bool
) -> Published:
    """Put a rendered site onto a branch, made if there is none, and push it.

    The branch then holds the files of the site's manifest, each with its sum, and `.nojekyll`,
    which keeps GitHub from running Jekyll over them; a `CNAME` that the site or the branch has
    already is kept, since GitHub stores the custom domain
    there. History is kept and nothing is ever forced. A site that the branch holds already makes
    no new commit. Without `push` the remote is not contacted at all.

    Raises:
        UsageError: Nothing to publish with or to: no git, repository, remote or identity.
        ResultError: There are no results.
        SiteError: The folder is no whole site of all results, or the branch or the remote cannot
            take it.
    """
    if (site / "CNAME").is_symlink():  # it could lead to any file of this machine's
        raise SiteError(f"{site / 'CNAME'} is a link; put the file itself there.")
    if wrong := folder.mixture(site) or _unlike(site, results):
        more = f", and {count(len(wrong) - 1, 'file')} more" if wrong[1:] else ""
        raise SiteError(f"{site} is not a whole site: {wrong[0]}{more}. `report render` makes one.")
    _check_repository(remote if push else None, branch)
    base = _base(remote, branch)
    domain = _git("show", f"{base}:CNAME").stdout if base else ""
    tree = _tree(site, domain)
    if base and tree == _must("rev-parse", f"{base}^{{tree}}"):
        commit = base
    else:
        commit = _must("commit-tree", tree, "-m", message, *(("-p", base) if base else ()))
    if push:
        _push(commit, remote, branch)
    _must("update-ref", f"refs/heads/{branch}", commit)
    address = _git("remote", "get-url", remote).stdout.strip()
    return Published(commit, pages_url(address, _git("show", f"{commit}:CNAME").stdout.strip()))


def _unlike(site: Path, results: Path) -> list[str]:
    """Say which results a site lacks, and which it has that are gone or of another origin."""
    if published.INDEX not in folder.listed(site):
        return [f"{published.INDEX} is missing"]
    saved, _ = store.read_all(results, LABELS, files.user_cache())
    contents = (files.read(site / published.INDEX), published.listed(saved)[published.INDEX])
    there, held = (published.read(content, published.INDEX) for content in contents)
    return [
        *(f"{run['path']} is not in it as it is in {results}" for run in held if run not in there),
        *(f"{run['path']} is in it, and not in {results}" for run in there if run not in held),
    ]


def pages_url(address: str, domain: str = "") -> str | None:
    """Guess from a remote's address where GitHub Pages shows its site; None elsewhere.

    Source:
        GitHub's documentation, "About GitHub Pages": the custom domain if there is one, else
        owner.github.io/repository, and owner.github.io alone for the repository of that name.
    """
    match = _GITHUB.fullmatch(address)
    if match is None:
        return None
    name, host = match["repository"], f"{match['owner'].lower()}.github.io"
    own = domain or (host if name.lower() == host else "")
    return f"https://{own}/" if own else f"https://{host}/{name}/"


def _git(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run git in the current folder, in English, whatever the terminal speaks."""
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "LC_ALL": "C", **variables},
    )


def _must(*arguments: str, **variables: str) -> str:
    """Return what git answers, which is a name without line ends."""
    done = _git(*arguments, **variables)
    if done.returncode:
        raise SiteError(f"git cannot publish this: {_reason(done)}.")
    return done.stdout.strip()


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Pick the line in which git says what is wrong, rather than its hints; and what a remote said.

    Of a refusal git itself knows only that there was one.
    """
    lines = [line.strip() for line in done.stderr.splitlines()]
    # A verdict on a branch, else the first error, else the last that it said at all.
    telling = [
        line for start in ("! [", "fatal: ", "error: ") for line in lines if line.startswith(start)
    ]
    reason = [*telling, *reversed(lines), f"git ended with {done.returncode}"][0]
    reason = reason.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    theirs = [said for line in lines if (said := line.removeprefix("remote:").strip()) != line]
    remote = " ".join(filter(None, theirs)).rstrip(".")
    return f"{reason}; the remote says: {remote}" if remote else reason


def _check_repository(remote: str | None, branch: str) -> None:
    if shutil.which("git") is None:
        raise UsageError("Publishing needs git, and there is none on the PATH. Install it.")
    remedies = {
        ("rev-parse", "--git-dir"): "Run `report publish` inside the site's repository",
        ("check-ref-format", "--branch", branch): "Choose a name such as gh-pages with --branch",
        # Without this setting git makes up an address from the names of the user and the host.
        ("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"): (
            "Run `git config user.name ...` and `git config user.email ...` first"
        ),
    }
    for question, remedy in remedies.items():
        answer = _git(*question)
        if answer.returncode:
            raise UsageError(f"git cannot publish here: {_reason(answer)}. {remedy}.")
    if f"branch refs/heads/{branch}\n" in _git("worktree", "list", "--porcelain").stdout:
        raise UsageError(
            f"The branch {branch} is checked out, and publishing would leave its work tree out of "
            "step. Check out another branch, or choose another with --branch."
        )
    remotes = _git("remote").stdout.split()
    if remote and remote not in remotes:
        raise UsageError(
            f"No remote is called {remote!r} (known here: {', '.join(remotes) or 'none'}). Choose "
            f"one with --remote, add one with `git remote add {remote} URL`, or publish to the "
            "local branch alone with --no-push."
        )


def _base(remote: str, branch: str) -> str | None:
    """Find the commit to build on: the newer of the local branch and the remote's as last seen."""
    places = (f"refs/heads/{branch}", f"refs/remotes/{remote}/{branch}")
    tips = _git("for-each-ref", "--format=%(objectname)", *places).stdout.split()
    newest = _git("merge-base", "--independent", *tips).stdout.split()
    if len(newest) > 1:
        raise SiteError(
            f"{branch} and {remote}/{branch} have diverged. To build on the remote's"
            f", run `git branch --force {branch} {remote}/{branch}`, then `report publish` again."
        )
    return newest[0] if newest else None


def _tree(site: Path, domain: str) -> str:
    """Store the site's files in git, just as they are, and return the name of their tree."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "site")
        try:
            for name in [*folder.listed(site), *(["CNAME"] if (site / "CNAME").is_file() else [])]:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(site / name, copy / name)
        except OSError as error:
            raise SiteError(f"{site} cannot be read: {error}.") from None
        (copy / ".nojekyll").touch()
        if domain and not (copy / "CNAME").exists():
            (copy / "CNAME").write_text(domain, encoding="utf-8")
        own = {"GIT_WORK_TREE": str(copy), "GIT_INDEX_FILE": f"{scratch}/index"}
        own["GIT_DIR"] = _must("rev-parse", "--absolute-git-dir")
        plain = ("-c", "core.autocrlf=false", "-c", f"core.attributesFile={os.devnull}")
        _must("-C", str(copy), *plain, "add", "--all", "--force", ".", **own)
        return _must("write-tree", **own)


def _push(commit: str, remote: str, branch: str) -> None:
    done = _git("push", remote, f"{commit}:refs/heads/{branch}")
    if done.returncode == 0:
        return
    remedy = "Nothing was changed here; fix that"
    if "! [rejected]" in done.stderr:  # it has commits that this repository lacks
        remedy = f"Run `git fetch {remote} +{branch}:refs/remotes/{remote}/{branch}`"
    raise SiteError(
        f"Pushing {branch} to {remote} failed: {_reason(done)}. {remedy}, then run `report "
        "publish` again."
    )
