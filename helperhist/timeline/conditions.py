"""Conditions of relations, in words."""

__all__ = ["condition_words"]

_WORDS = {
    "attach": ("attach type ", "any attach type but "),
    "cap": ("with ", "without "),
    "config": ("with ", "without "),
    "struct_ops": ("of struct ", "not of struct "),
    "member": ("as member ", "not as member "),
    "iter": ("iterator of ", "iterator not of "),
    "hooks": ("hook in set ", "hook not in set "),
}
_FLAGS = {
    "sleepable": "sleepable",
    "!sleepable": "not sleepable",
    "lockdown": "if kernel lockdown permits it",
    "?": "under conditions that were not read",
    "target=prog": "attached to another program",
}


def condition_words(text: str) -> str:
    """Say a condition of the source in words; always is no text.

    >>> condition_words("attach=A|B;cap=CAP_PERFMON or sleepable")
    'attach type A or B, with CAP_PERFMON; or sleepable'
    """
    return "; or ".join(
        ", ".join(map(_term, alternative.split(";"))) if alternative else "always"
        for alternative in text.split(" or ")
        if text
    )


def _term(term: str) -> str:
    if term in _FLAGS:
        return _FLAGS[term]
    key, _, value = term.partition("=")
    if key not in _WORDS or not value:
        return term
    negated = value.startswith("!")
    return _WORDS[key][negated] + value.removeprefix("!").replace("|", " or ")
