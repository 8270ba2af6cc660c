"""URLs that a repository names, before git sees them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import RepositoryError
from helperhist.git.remotes import checked_url

FOLDER = Path("/some/folder")


@pytest.mark.parametrize(
    ("url", "scheme", "result"),
    [
        ("https://git.kernel.org/pub/scm/linux.git", "https", None),
        ("https://user:secret@host.example:8443/x.git", "https", None),
        ("https://[::1]:443/x", "https", None),
        ("ssh://git@host/~user/x.git", "ssh", None),
        ("git@host.example:dir/x.git", "ssh", None),
        ("host:x", "ssh", None),
        ("git://host/x", "git", None),
        ("file:///srv/x%20y", "file", None),
        ("/srv/a b", "file", "file:///srv/a%20b"),
        ("../x", "file", "file:///some/x"),
        ("./host:x", "file", "file:///some/folder/host%3Ax"),
        ("--upload-pack=x", "file", "file:///some/folder/--upload-pack%3Dx"),
        ("é%41", "file", "file:///some/folder/%C3%A9%2541"),
    ],
)
def test_good_url(url: str, scheme: str, result: str | None) -> None:
    assert checked_url(url, FOLDER) == (scheme, result or url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c x",
        "ext::https://host/x",
        "fd::3",
        "x://host/y",
        "http://host/x",
        "ftp://host/x",
        "git+ssh://host/x",
        "HTTPS://host/x",
        "file://host/share",
        "file://-x/",
        "ssh://-oProxyCommand=x/y",
        "ssh://user@-oProxyCommand=x/y",
        "ssh://-l@host/y",
        "-oProxyCommand=x:y",
        "-l@host:y",
        "host:-y",
        "host::y",
        "host:",
        "ssh:///x",
        "https://host",
        "https://host/a b",
        "https://host/\nx",
        "ssh://h$(x)/y",
        "ssh://`x`/y",
        "https://host/\x1b[0m",
        "https://ho_st\u202e/x",
        "https://host/" + "x" * 5000,
    ],
)
def test_bad_url(url: str) -> None:
    with pytest.raises(RepositoryError, match="no https, ssh, git or file URL") as caught:
        checked_url(url, FOLDER)
    assert str(caught.value).isprintable()


@given(st.one_of(st.text(), st.from_regex(r"(https|ssh|git|file|ext|x)?(:|::|://)?[ -~]*")))
def test_any_url(url: str) -> None:
    try:
        scheme, result = checked_url(url, FOLDER)
    except RepositoryError:
        return
    assert result.isprintable()
    assert result[0] != "-"
    assert "::" not in result.split("/")[0]
    assert result.startswith(f"{scheme}://") or (scheme == "ssh" and "://" not in result)
