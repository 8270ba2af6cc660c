"""Nothing of a repository is run: a canary for every key that git documents as naming a command.

The canary is a program that leaves a file when it runs, and then does what the key expects of it as
far as it can. Where git itself would fire it on an ordinary command, that is tested as well, so
that a canary is known to be alive.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner

from helperhist.cli.group import cli
from tests.build.objects import compile_bpf
from tests.build.repository import History, clone, git

#: Key of a test to the text that is added to .git/config. {canary} is the program, {origin} the
#: URL of the other repository, {folder} the clone.
SETTINGS = {
    "core.alternateRefsCommand": "[core]\n alternateRefsCommand = {canary}\n",
    "core.askPass": "[core]\n askPass = {canary}\n",
    "core.editor": "[core]\n editor = {canary}\n",
    "core.fsmonitor": "[core]\n fsmonitor = {canary}\n",
    "core.hooksPath": "[core]\n hooksPath = {folder}/hostile\n",
    "core.pager": "[core]\n pager = {canary}\n",
    "core.sshCommand": "[core]\n sshCommand = {canary}\n",
    "core.gitProxy": "[core]\n gitProxy = {canary}\n",
    "credential.helper": "[credential]\n helper = !{canary}\n",
    "credential.url.helper": '[credential "{origin}"]\n helper = {canary}\n',
    "uploadpack": '[remote "origin"]\n uploadpack = {canary} git-upload-pack\n',
    "receivepack": '[remote "origin"]\n receivepack = {canary} git-receive-pack\n',
    "vcs": '[remote "origin"]\n vcs = canary\n',
    "remote.proxy": '[remote "origin"]\n proxy = ext::{canary}\n',
    "http.proxy": "[http]\n proxy = ext::{canary}\n",
    "insteadOf": '[url "ext::{canary} "]\n insteadOf = file://\n[protocol "ext"]\n'
    " allow = always\n",
    "pushInsteadOf": '[url "ext::{canary} "]\n pushInsteadOf = file://\n',
    "include.path": "[include]\n path = ../evil\n",
    "include.path one line": "[InClude] path = ../evil ; of course\n",
    "includeIf": '[includeIf "gitdir:{folder}/"]\n path = "{folder}/evil"\n',
    "worktreeConfig": "[core]\n repositoryformatversion = 1\n[extensions]\n"
    " worktreeConfig = true\n",
    "partialClone": "[core]\n repositoryformatversion = 1\n[extensions]\n partialClone = origin\n"
    '[remote "origin"]\n uploadpack = {canary} git-upload-pack\n',
    "filter": '[filter "x"]\n clean = {canary}\n smudge = {canary}\n process = {canary}\n'
    " required = true\n",
    "diff": '[diff]\n external = {canary}\n[diff "x"]\n command = {canary}\n textconv = {canary}\n',
    "merge": '[merge "x"]\n driver = {canary}\n[mergetool "x"]\n cmd = {canary}\n',
    "tools": '[difftool "x"]\n cmd = {canary}\n[guitool "x"]\n cmd = {canary}\n'
    '[browser "x"]\n cmd = {canary}\n[man "x"]\n cmd = {canary}\n',
    "gpg": "[gpg]\n program = {canary}\n[log]\n showSignature = true\n"
    '[gpg "ssh"]\n program = {canary}\n defaultKeyCommand = {canary}\n',
    "packObjectsHook": "[uploadpack]\n packObjectsHook = {canary}\n",
    "alias": "[alias]\n fetch = !{canary}\n log = !{canary}\n x = !{canary}\n",
    "trailer": '[trailer "x"]\n key = x\n command = {canary}\n cmd = {canary}\n ifmissing = add\n',
    "sequence.editor": "[sequence]\n editor = {canary}\n",
    "diffFilter": "[interactive]\n diffFilter = {canary}\n",
    "pager": "[pager]\n log = {canary}\n fetch = {canary}\n show = {canary}\n",
    "gc": "[gc]\n auto = 1\n autoDetach = false\n recentObjectsHook = {canary}\n"
    "[maintenance]\n auto = true\n strategy = incremental\n",
    "submodule": '[submodule "x"]\n update = !{canary}\n active = true\n[fetch]\n'
    " recurseSubmodules = true\n",
    "sendemail": "[sendemail]\n toCmd = {canary}\n sendmailCmd = {canary}\n",
    "tar": '[tar "x"]\n command = {canary}\n[imap]\n tunnel = {canary}\n',
    "hook": '[hook "x"]\n command = {canary}\n event = reference-transaction\n',
    "templateDir": "[init]\n templateDir = {folder}/hostile\n",
    "bundleURI": "[fetch]\n bundleURI = ext::{canary}\n[transfer]\n bundleURI = true\n",
    "nothing but hooks and attributes": "",
}

#: Key of a test to URLs of the remote that lead to a program.
URLS = {
    "ext": ("ext::{canary} x", '[protocol "ext"]\n allow = always\n[protocol]\n allow = always\n'),
    "fd": ("fd::17", '[protocol "fd"]\n allow = always\n'),
    "helper": ("canary::x", "[protocol]\n allow = always\n"),
    "helper as a scheme": ("canary://x/y", "[protocol]\n allow = always\n"),
    "ssh with sshCommand": ("ssh://localhost:1/x", "[core]\n sshCommand = {canary}\n"),
    "scp with sshCommand": ("localhost:x", "[core]\n sshCommand = {canary}\n"),
    "ssh with an option": ("ssh://-oProxyCommand={canary}/x", ""),
    "scp with an option": ("-oProxyCommand={canary}:x", ""),
    "git with a proxy": ("git://localhost:1/x", "[core]\n gitProxy = {canary}\n"),
    "https with a helper": (
        "https://localhost:1/x",
        "[core]\n askPass = {canary}\n[credential]\n helper = {canary}\n",
    ),
    "option": ("--upload-pack={canary}", ""),
    "spaces": (" ext::{canary}", '[protocol "ext"]\n allow = always\n'),
    "line feed": ("file:///x\\next::{canary}", ""),
    "empty": ("", ""),
}

#: What git fires on these commands.
ALIVE = {
    "core.fsmonitor": "status",
    "core.hooksPath": "update-ref refs/heads/new HEAD",
    "uploadpack": "fetch --refetch origin",
    "vcs": "fetch origin",
    "insteadOf": "fetch origin",
    "include.path": "fetch --refetch origin",
    "include.path one line": "fetch --refetch origin",
    "includeIf": "fetch --refetch origin",
    "worktreeConfig": "fetch --refetch origin",
    "alias": "x",
    "nothing but hooks and attributes": "update-ref refs/heads/new HEAD",
}

HOOKS = (
    "applypatch-msg commit-msg fsmonitor-watchman post-checkout post-commit post-index-change "
    "post-merge post-receive post-rewrite post-update pre-auto-gc pre-commit pre-push pre-rebase "
    "proc-receive push-to-checkout reference-transaction sendemail-validate update"
).split()


class Place:
    """A partial clone with hostile settings, and the origin of it."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.fired = folder / "FIRED"
        self.canary = folder / "git-remote-canary"
        self.canary.write_text(f'#!/bin/sh\ntouch "{self.fired}"\nexec "$@"\n')
        self.canary.chmod(0o755)
        for name in ("origin.git", "partial", "whole"):
            shutil.copytree(template / name, folder / name)
        self.origin = folder / "origin.git"
        self.partial = folder / "partial"
        self.whole = folder / "whole"

    def write(self, text: str) -> None:
        """Add settings to both clones, with hooks and attributes."""
        for copy in (self.partial, self.whole):
            values = {"canary": self.canary, "origin": f"file://{self.origin}", "folder": copy}
            settings = '[remote "origin"]\n uploadpack = {canary} git-upload-pack\n'
            for name in ("evil", ".git/config.worktree"):
                (copy / name).write_text(settings.format(**values))
            for hooks in (copy / ".git" / "hooks", copy / "hostile"):
                shutil.rmtree(hooks, ignore_errors=True)
                hooks.mkdir()
                for name in HOOKS:
                    shutil.copy(self.canary, hooks / name)
            (copy / ".git" / "info" / "attributes").write_text("* filter=x diff=x merge=x\n")
            (copy / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
            with (copy / ".git" / "config").open("a") as config:
                config.write(text.format(**values))

    def url(self, url: str) -> None:
        """Give both clones another remote."""
        for copy in (self.partial, self.whole):
            path = copy / ".git" / "config"
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if "url =" not in line))
            with path.open("a") as config:
                config.write(f'[remote "origin"]\n url = "{url.format(canary=self.canary)}"\n')

    def run(self, *arguments: object) -> int:
        """Run a command; return the exit code, which is not that of a crash."""
        done = CliRunner().invoke(cli, [str(word) for word in arguments], catch_exceptions=False)
        assert done.exit_code in (0, 1, 2), done.output
        if done.exit_code == 2:
            assert done.stderr.startswith("Error: "), done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
        return done.exit_code

    def run_all(self) -> tuple[int, int, int]:
        """Run every command that reads a repository; return the exit codes on the partial clone."""
        program = compile_bpf('__attribute__((section("socket"))) int f(void *c) { return 0; }\n')
        out = self.fired.parent / "dataset"
        for copy in (self.whole, self.partial):
            codes = (
                self.run("scan", copy, "--output", f"{out}.{copy.name}"),
                self.run("kernel", f"{copy}@v5.1"),
                self.run("check", program, "--target", f"{copy}@v5.1"),
            )
            # Whole, it is read as any other.
            assert copy == self.partial or codes[1] == codes[0]
        return codes


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    history = History(folder / "origin.git")
    for number in range(3):
        parents = [str(number - 1)] if number else []
        history.commit(str(number), [f"h{n}" for n in range(number + 1)], *parents)
        history.tag(f"v5.{number}", str(number))
    clone(history.path, folder / "partial", "--filter=blob:none", "--no-checkout")
    clone(history.path, folder / "whole", "--no-checkout")
    return folder


@pytest.fixture
def place(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(tmp_path, template)
    for name in ("partial", "whole"):
        git(tmp_path / name, "remote", "set-url", "origin", f"file://{place.origin}")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    yield place
    pygit2.settings.enable_caching(True)
    pygit2.settings.enable_strict_hash_verification(True)


@pytest.mark.parametrize("key", SETTINGS)
def test_setting_is_not_run(place: Place, key: str) -> None:
    place.write(SETTINGS[key])
    # What the clone lacks is fetched for the scan all the same; nothing is fetched for the others.
    # libgit2 does not open what has an extension that it does not know.
    assert place.run_all() == (2 if key == "partialClone" else 0, 2, 2)
    assert not place.fired.exists()


@pytest.mark.parametrize("key", ALIVE)
def test_canary_is_alive(place: Place, key: str) -> None:
    place.write(SETTINGS[key])
    subprocess.run(
        ["git", "-C", str(place.partial), *ALIVE[key].split()], check=False, capture_output=True
    )
    assert place.fired.exists()


@pytest.mark.parametrize("key", URLS)
def test_url_is_not_run(place: Place, key: str) -> None:
    url, settings = URLS[key]
    place.write(settings)
    place.url(url)
    assert place.run_all() == (2, 2, 2)
    assert not place.fired.exists()


@pytest.mark.parametrize(
    "name",
    [
        "--upload-pack={canary} git-upload-pack",
        "-c core.sshCommand={canary}",
        "ext::{canary}",
        "$({canary})",
        "`{canary}`",
        "x; {canary}",
        "'; {canary}; '",
    ],
)
def test_name_of_a_remote_is_no_option(place: Place, name: str) -> None:
    place.write("")
    path = place.partial / ".git" / "config"
    text = path.read_text().replace("promisor = true", "")
    name = name.format(canary=place.canary)
    path.write_text(f'{text}[remote "{name}"]\n url = /nowhere\n promisor = true\n')
    done = CliRunner().invoke(cli, ["scan", str(place.partial)], catch_exceptions=False)
    assert done.exit_code == 2
    assert "no plain name" in done.stderr
    assert name not in done.stderr
    assert not place.fired.exists()


def test_origin_is_not_run(place: Place) -> None:
    with (place.origin / "config").open("a") as config:
        config.write(
            f"[uploadpack]\n packObjectsHook = {place.canary}\n[core]\n"
            f" fsmonitor = {place.canary}\n alternateRefsCommand = {place.canary}\n"
            f' hooksPath = {place.whole}/hostile\n[remote "o"]\n url = ext::{place.canary}\n'
            f" promisor = true\n uploadpack = {place.canary}\n"
            '[protocol "ext"]\n allow = always\n'
        )
    place.write("")
    assert place.run_all() == (0, 2, 2)
    assert not place.fired.exists()


def test_nothing_is_written_into_the_clone(place: Place) -> None:
    def content(folder: Path) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = content(place.partial)
    assert place.run("scan", place.partial, "--output", place.fired.parent / "out") == 0
    assert content(place.partial) == before
