"""Conditions: text and back, and the algebra behind it."""

from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import ParseError
from helperhist.sources.condition import ALWAYS, NEVER, UNREAD, Condition

ATTACH = ("A", "B", "C")
BOOLEANS = ("cap=CAP_X", "config=CONFIG_Y", "sleepable")
# "Z" stands for all attach types that no condition names.
WORLDS: list[dict[str, str | bool]] = [
    {"attach": attach, **dict(zip(BOOLEANS, holds, strict=True))}
    for attach in (*ATTACH, "Z")
    for holds in product((False, True), repeat=len(BOOLEANS))
]


def holds(condition: Condition, world: dict[str, str | bool]) -> bool:
    """Decide a condition without its own algebra."""
    for cube in condition.cubes:
        for var, (negated, values) in cube:
            inside = world[var] in values if var == "attach" else bool(world[var])
            if inside == negated:
                break
        else:
            return True
    return False


@st.composite
def terms(draw: st.DrawFn) -> Condition:
    negated = draw(st.booleans())
    key = draw(st.sampled_from(("attach", *BOOLEANS)))
    if key == "attach":
        values = draw(st.lists(st.sampled_from(ATTACH), min_size=1, unique=True))
        return Condition.of("attach", *values, negated=negated)
    return Condition.of(*key.split("="), negated=negated)


conditions = st.recursive(
    st.one_of(terms(), st.just(ALWAYS), st.just(NEVER)),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "attach=A",
        "attach=!A|B",
        "attach=A|B;cap=CAP_PERFMON",
        "!sleepable",
        "config=!CONFIG_INET",
        "cap=CAP_BPF;cap=CAP_PERFMON",
        "?;attach=A or cap=CAP_BPF",
        "lockdown",
        "member=!release;struct_ops=tcp_congestion_ops",
    ],
)
def test_text_reads_back_the_same(text: str) -> None:
    assert str(Condition.parse(text)) == text


@pytest.mark.parametrize(
    "text", [";", "=", "attach", "attach=", "a=|", "!cap=X", "cap=A|B", " or "]
)
def test_other_text_is_an_error(text: str) -> None:
    if text == " or ":
        assert Condition.parse(text).always
        return
    with pytest.raises(ParseError):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sleepable or !sleepable", ""),
        ("attach=A or attach=B", "attach=A|B"),
        ("attach=A or attach=!A", ""),
        ("cap=X or cap=!X;cap=Y", "cap=X or cap=Y"),
        ("attach=A;attach=B", "never"),
        ("sleepable or cap=X;sleepable", "sleepable"),
        ("attach=A;cap=X or attach=B;cap=Y", "attach=A;cap=X or attach=B;cap=Y"),
        ("?x or !?x", ""),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert str(Condition.parse(text)) == canonical


@given(conditions, conditions)
def test_algebra_agrees_with_truth_tables(one: Condition, other: Condition) -> None:
    for world in WORLDS:
        a, b = holds(one, world), holds(other, world)
        assert holds(one & other, world) == (a and b)
        assert holds(one | other, world) == (a or b)
        assert holds(~one, world) != a


@given(conditions, conditions)
def test_equal_meaning_is_equal_text(one: Condition, other: Condition) -> None:
    same = all(holds(one, world) == holds(other, world) for world in WORLDS)
    assert (str(one) == str(other)) == same


@given(conditions)
def test_round_trip(condition: Condition) -> None:
    assert Condition.parse(str(condition)) == condition


@given(st.text())
def test_any_text_is_a_condition_or_our_error(text: str) -> None:
    with suppress(ParseError):
        assert Condition.parse(str(Condition.parse(text))) == Condition.parse(text)


def test_what_is_not_read_stays_so_when_negated() -> None:
    unread = Condition.unread("prog->aux->x")
    assert str((~unread).collapse()) == str(unread.collapse()) == "?"
    assert (unread | ~unread).always
    assert (UNREAD | Condition.parse("cap=X")).collapse() == Condition.parse("? or cap=X")


def test_restrict() -> None:
    known = {"attach": frozenset("AB")}
    assert Condition.parse("attach=A|B|C").restrict(known).always
    assert Condition.parse("attach=C").restrict(known).never
    assert str(Condition.parse("attach=!A").restrict(known)) == "attach=B"
    assert str(Condition.parse("attach=C or sleepable").restrict(known)) == "sleepable"


def test_replace() -> None:
    meaning = {"call=f": Condition.parse("attach=A")}.get
    assert str(Condition.parse("call=f;sleepable").replace(meaning)) == "attach=A;sleepable"
    assert str(Condition.parse("call=!f").replace(meaning)) == "attach=!A"
