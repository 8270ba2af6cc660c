"""Partial clones (``--filter=blob:none``): fetch the headers that are missing, in one batch.

libgit2 does not fetch on demand. git would, in the clone, and would run what the configuration of
the clone names: so git never sees the clone. It fetches into an empty repository of our own, from a
URL that was checked, and what it fetched is read from there.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from helperhist.errors import RepositoryError
from helperhist.git.remotes import checked_url
from helperhist.git.repository import Repository
from helperhist.printable import one_line

__all__ = ["fetched_headers"]

#: Seconds; a server that says nothing is not waited for.
_TIMEOUT = 1800

#: What users set to reach a server, or to see what git does. All other variables of git are left
#: out: they name repositories, settings and programs.
_KEPT = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_EXEC_PATH")
_KEPT_PREFIXES = ("GIT_SSL_", "GIT_TRACE", "GIT_CURL_VERBOSE")

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "credential.interactive=never",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "protocol.version=2",
    "fetch.negotiationAlgorithm=noop",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "gc.auto=0",
    "maintenance.auto=false",
)


@contextmanager
def fetched_headers(
    repository: Repository, blobs: Iterable[str], commits: Sequence[str]
) -> Iterator[None]:
    """Have those of some headers that a partial clone lacks, as long as the context lasts.

    :param commits: the headers of these commits and of all before them are wanted as well
    :raises RepositoryError: git is not there, or cannot fetch them
    """
    remote = repository.promisor()
    missing: list[str] = []
    if remote is not None:
        wanted = {*blobs, *repository.headers(commits)}
        missing = sorted(oid for oid in wanted if not repository.has(oid))
    if remote is None or not missing:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="helperhist-") as name:
        folder = Path(name)
        try:
            url = checked_url(repository.url(remote) or "", repository.folder)
            reason = _fetch(folder, *url, missing)
        except RepositoryError as error:
            reason = str(error)
        if reason is None:
            repository.add_objects(folder / "objects")
            if any(not repository.has(oid) for oid in missing):
                reason = "the server did not send all"
        if reason is not None:
            raise RepositoryError(
                f"{len(missing)} headers are missing in the partial clone {repository.folder} and "
                f"cannot be fetched ({reason}); {repository.refetch(remote)}"
            )
        yield


def _fetch(folder: Path, scheme: str, url: str, oids: Sequence[str]) -> str | None:
    """Fetch objects into a new repository; return why it failed, None if it did not.

    :raises RepositoryError: git cannot be run
    """
    for part in ("objects/pack", "objects/info", "refs"):
        (folder / part).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    settings = [f"protocol.{scheme}.allow=always", *_SETTINGS]
    command = [
        "git", f"--git-dir={folder}", *(word for value in settings for word in ("-c", value)),
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
        "--no-auto-maintenance", "--upload-pack=git-upload-pack", "--stdin", "--end-of-options",
        url,
    ]  # fmt: skip
    with tempfile.TemporaryFile(dir=folder) as wants, tempfile.TemporaryFile(dir=folder) as said:
        wants.write("".join(f"{oid}\n" for oid in oids).encode())
        wants.seek(0)
        try:
            git = subprocess.Popen(
                command,
                stdin=wants,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=folder,
                env=_environment(scheme),
                # No terminal to ask on; and all of its processes end with it.
                start_new_session=True,
            )
        except OSError as error:
            raise RepositoryError(f"git cannot be run: {error.strerror}; install git") from error
        try:
            status = git.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"nothing came for {_TIMEOUT} s"
        finally:
            if git.returncode is None:
                with suppress(OSError):
                    os.killpg(git.pid, signal.SIGKILL)
                git.wait()
        if status == 0:
            return None
        said.seek(0)
        # The first line tells; what follows is advice.
        lines = said.read(1 << 16).decode("utf-8", "replace").splitlines()
        told = [line for line in lines if line.strip() and not line.startswith("warning:")]
        return one_line(told[0]) if told else "git gave no reason"


def _environment(scheme: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    if "GIT_SSH" not in kept:
        kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": scheme,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
    }
