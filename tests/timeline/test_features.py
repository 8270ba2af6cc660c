"""The table of features: releases that there are, each with a source."""

import re
from pathlib import Path

import pytest

import helperhist
from helperhist.explain.rules import RULES
from helperhist.timeline import FEATURES, STRUCT_OPS
from helperhist.version import KernelVersion

EXPLAIN = Path(helperhist.__file__).parent / "explain"


@pytest.mark.parametrize("key", FEATURES)
def test_each_has_a_release_and_a_source(key: str) -> None:
    feature = FEATURES[key]
    releases = {tag.version.text for tag in helperhist.load("embedded").releases}
    assert feature.since in releases
    assert KernelVersion.parse(feature.since).text == feature.since
    assert feature.source


def test_no_name_of_the_header_is_in_the_table() -> None:
    index = helperhist.load("embedded").index
    assert not [key for key in FEATURES if index.named(key) is not None and key != "CAP_BPF"]


def test_explain_writes_no_release_of_its_own() -> None:
    """Its texts name a feature or a name of the header; examples and history are comments."""
    assert RULES
    for path in EXPLAIN.glob("*.py"):
        text = re.sub(r'""".*?"""', "", path.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"#.*", "", text)
        found = re.findall(r"\b(?:from|before|since|with|than|in) ([3-7]\.[0-9]{1,2})\b", text)
        # Which kernels can have BTF, or a struct_ops, is a matter of their configuration too.
        assert set(found) <= {"5.2", "5.4", "7.1"}, path.name


def test_every_key_in_a_text_of_explain_is_known() -> None:
    index = helperhist.load("embedded").index
    keys = {
        key
        for name in ("rules.py", "programs.py", "objects.py")
        for key in re.findall(r"\{([A-Za-z_][^{}\"]{2,40})\}", (EXPLAIN / name).read_text("utf-8"))
    }
    assert "loop" not in keys
    assert "tail calls and calls" in keys
    unknown = {
        key for key in keys if key not in {*FEATURES, *STRUCT_OPS} and index.named(key) is None
    }
    assert not {key for key in unknown if not re.fullmatch(r"_[A-Z]+|[0-9,]+", key)}
