import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pandas", "numpy", "matplotlib", "pygit2", "jinja2", "elftools", "yaml", "difflib")
OURS = (
    "helperhist.mining.scanning",
    "helperhist.git.repository",
    "helperhist.sources.uapi",
    "helperhist.mining.history",
)


def imported(*arguments: str) -> set[str]:
    """Return the modules that a command imports, in an interpreter of its own."""
    code = (
        "import sys\n"
        "from helperhist.cli.group import cli\n"
        f"try: cli({list(arguments)!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("since", "bpf_probe_read_str"), id="since"),
        pytest.param(("since", "bpf_skb_*", "--json"), id="pattern"),
        pytest.param(("list",), id="list"),
        pytest.param(("list", "--at", "5.4"), id="list at"),
        pytest.param(("diff", "5.4", "5.10"), id="diff"),
        pytest.param(("releases",), id="releases"),
        pytest.param(("--help",), id="help"),
        pytest.param(("--version",), id="version"),
    ],
)
def test_look_ups_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    modules = imported(*arguments)
    assert "helperhist.cli.group" in modules
    assert not modules.intersection((*HEAVY, *OURS))


def test_a_look_up_does_not_get_ready_to_write() -> None:
    # Without --data, platformdirs brings tempfile by itself.
    modules = imported("since", "bpf_loop", "--quiet", "--data", "embedded")
    assert not modules.intersection(("tempfile", "shutil", "helperhist.atomic"))


def test_the_package_itself_imports_nothing_heavy() -> None:
    code = "import helperhist, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines())
    assert not modules.intersection((*HEAVY, *OURS, "click"))


def test_a_name_that_the_package_does_not_have() -> None:
    import helperhist

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = helperhist.nothing
    for name in helperhist.__all__:
        assert getattr(helperhist, name) is not None


def test_names_of_the_package_stay_what_they_are(tmp_path: Path) -> None:
    # The import system sets each module as an attribute of its package.
    code = (
        "import helperhist, pathlib, pkgutil\n"
        "for _ in range(2):\n"
        f"    try: helperhist.scan({str(tmp_path)!r})\n"
        "    except helperhist.HelperhistError: pass\n"
        "modules = {module.name for module in pkgutil.iter_modules(helperhist.__path__)}\n"
        "assert not modules.intersection(helperhist.__all__), modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
