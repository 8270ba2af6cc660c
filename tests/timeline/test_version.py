import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helperhist.errors import HelperhistError, InvalidVersion
from helperhist.version import OWN_BUILD, KernelVersion, natural_key, read_version

# This list must be in sorted order: every pair of it is compared.
VERSIONS = [
    "2.6.12-rc2",
    "2.6.12",
    "3.18-rc1",
    "3.18",
    "3.18.1",
    "4.9",
    "4.10-rc1",
    "4.10-rc2",
    "4.10-rc10",
    "4.10",
    "4.18.0-80.el8",
    "4.18.0-305.el8",
    "4.18.0-305.el8_4",
    "4.18.1",
    "4.20",
    "5.0",
    "5.4",
    "5.4.0-9.12",
    "5.4.0-42.46",
    "5.4.0-100.113",
    "5.4.2",
    "5.4.10",
    "5.8-rc7",
    "5.8",
    "5.8.1",
    "5.10",
    "5.10-2021-07_r1",
    "5.10.42",
    "5.10.100",
    "10.0",
]


@pytest.mark.parametrize(
    ("left", "right"), list(itertools.combinations(VERSIONS, 2)), ids=lambda text: text
)
def test_order(left: str, right: str) -> None:
    low, high = KernelVersion.parse(left), KernelVersion.parse(right)
    assert low < high
    assert high > low
    assert low != high
    assert not high <= low
    assert min(high, low) is low


@pytest.mark.parametrize("text", VERSIONS)
def test_prints_as_written(text: str) -> None:
    version = KernelVersion.parse(text)
    assert str(version) == text
    assert KernelVersion.parse(f"v{text}") == version
    assert hash(KernelVersion.parse(f" v{text}\n")) == hash(version)
    assert KernelVersion.parse(str(version)) == version


@pytest.mark.parametrize(
    ("text", "shown"),
    [("v5.10.0", "5.10"), ("5.10.0-rc3", "5.10-rc3"), ("05.010", "5.10"), ("v6.1.0", "6.1")],
)
def test_mainline_names_a_release_by_two_numbers(text: str, shown: str) -> None:
    assert str(KernelVersion.parse(text)) == shown
    assert KernelVersion.parse(text) == KernelVersion.parse(shown)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("v", id="prefix alone"),
        pytest.param("5", id="one number"),
        pytest.param("5.", id="no minor"),
        pytest.param("5.10.", id="no patch"),
        pytest.param("V5.10", id="capital"),
        pytest.param("vv5.10", id="two prefixes"),
        pytest.param("linux-5.10", id="words before"),
        pytest.param("5.10 42", id="space"),
        pytest.param("5.10\n5.11", id="two lines"),
        pytest.param("-5.10", id="sign"),
        pytest.param("\u0665.\u0661", id="other digits"),
        pytest.param("5.10/42", id="slash"),
        pytest.param("5." + "9" * 10, id="ten digits"),
        pytest.param("9" * 10_000 + ".1", id="hostile"),
        pytest.param("5.10-" + "x" * 101, id="build too long"),
    ],
)
def test_rejects(text: str) -> None:
    with pytest.raises(InvalidVersion) as caught:
        KernelVersion.parse(text)
    message = str(caught.value)
    assert "not a kernel version" in message
    assert "5.10-rc3" in message, "the message shows a valid form"
    assert len(message) < 200
    assert "\n" not in message


def test_the_error_is_ours_and_a_value_error() -> None:
    assert issubclass(InvalidVersion, HelperhistError)
    assert issubclass(InvalidVersion, ValueError)


@pytest.mark.parametrize(
    ("text", "series", "stable", "release"),
    [
        ("5.10", "5.10", False, "5.10"),
        ("5.10-rc3", "5.10", False, "5.10"),
        ("5.10.42", "5.10", True, "5.10.42"),
        ("5.4.0-42.46", "5.4", False, "5.4.0-42.46"),
        ("5.4.3-1", "5.4", False, "5.4.3-1"),
        ("5.10-rc3-custom", "5.10", False, "5.10-custom"),
    ],
)
def test_parts(text: str, series: str, stable: bool, release: str) -> None:
    version = KernelVersion.parse(text)
    assert (version.series, version.is_stable, version.release) == (series, stable, release)


NUMBER = st.integers(0, 999)


@given(NUMBER, NUMBER, NUMBER, st.none() | NUMBER)
def test_any_version_reads_back(major: int, minor: int, patch: int, rc: int | None) -> None:
    text = f"{major}.{minor}.{patch}" + ("" if rc is None else f"-rc{rc}")
    version = KernelVersion.parse(text)
    assert (version.major, version.minor, version.patch, version.rc) == (major, minor, patch, rc)
    assert KernelVersion.parse(str(version)) == version


@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER, st.none() | NUMBER), max_size=20))
def test_order_is_that_of_the_numbers(parts: list[tuple[int, int, int, int | None]]) -> None:
    def key(part: tuple[int, int, int, int | None]) -> tuple[int, int, int, int]:
        return (*part[:3], 1000 if part[3] is None else part[3])

    texts = [
        f"{major}.{minor}.{patch}" + ("" if rc is None else f"-rc{rc}")
        for major, minor, patch, rc in sorted(parts, key=key)
    ]
    versions = [KernelVersion.parse(text) for text in texts]
    assert versions == sorted(versions)


@given(st.text(max_size=40) | st.from_regex(r"v?\d{1,3}\.\d{1,3}[-.+_~].{0,20}"))
def test_any_text_is_a_version_or_our_error(text: str) -> None:
    try:
        version = KernelVersion.parse(text)
    except InvalidVersion:
        return
    assert KernelVersion.parse(version.text) == version
    assert version.release


RHEL = "RHEL, or a distribution made from it"
#: What people write, the version that it means, and the family of the kernel.
WRITTEN = [
    ("5.10", "5.10", None),
    (" v5.8\n", "5.8", None),
    ("5.10.42", "5.10.42", None),
    ("5.10.0", "5.10", None),
    ("linux-5.4", "5.4", None),
    ("linux-v5.4.7", "5.4.7", None),
    ("Linux 6.1", "6.1", None),
    ("kernel 6.1", "6.1", None),
    ("5.8-rc7", "5.8-rc7", None),
    ("5.8-rc7+", "5.8-rc7", None),
    ("v5.8.0-rc7-custom", "5.8-rc7", None),
    ("6.12-rc6-amd64", "6.12-rc6", None),
    ("6.12~rc6-1~exp1", "6.12-rc6", None),
    ("6.12.0-0.rc3.20241014git6485cf5ea253.30.fc42.x86_64", "6.12-rc3", None),
    ("6.8.0-060800rc3-generic", "6.8-rc3", None),
    ("5.8.0-rc7-next-20200729", "5.8-rc7", None),
    ("6.12.0-next-20241125", "6.12.0-next-20241125", "linux-next"),
    ("5.14.0-503.el9", "5.14.0-503.el9", RHEL),
    ("4.18.0-553.el8_10.x86_64", "4.18.0-553.el8_10.x86_64", RHEL),
    ("3.10.0-1160.el7.x86_64", "3.10.0-1160.el7.x86_64", RHEL),
    ("5.15.0-200.131.27.el8uek.x86_64", "5.15.0-200.131.27.el8uek.x86_64", "Oracle Linux (UEK)"),
    ("6.8.0-60-generic", "6.8.0-60-generic", "Ubuntu"),
    ("5.4.0-1103-aws", "5.4.0-1103-aws", "Ubuntu"),
    ("5.15.167.4-microsoft-standard-WSL2", "5.15.167.4-microsoft-standard-WSL2",
     "WSL2 (Microsoft)"),
    ("6.1.141-155.222.amzn2023", "6.1.141-155.222.amzn2023", "Amazon Linux"),
    ("4.14.355-275.570.amzn2.x86_64", "4.14.355-275.570.amzn2.x86_64", "Amazon Linux"),
    ("5.10.226-android12-9-00001-gabc", "5.10.226-android12-9-00001-gabc", "Android"),
    ("6.1.0-28-amd64", "6.1.0-28-amd64", "Debian"),
    ("5.10.0-32-cloud-amd64", "5.10.0-32-cloud-amd64", "Debian"),
    ("6.12.117+deb13-cloud-amd64", "6.12.117+deb13-cloud-amd64", "Debian"),
    ("6.12.9+bpo-arm64", "6.12.9+bpo-arm64", "Debian"),
    ("6.11.4-301.fc41.x86_64", "6.11.4-301.fc41.x86_64", "Fedora"),
    ("5.14.21-150500.55.88-default", "5.14.21-150500.55.88-default", "SUSE"),
    ("6.12.1-arch1-1", "6.12.1-arch1-1", "Arch Linux"),
    ("6.6.74-1-lts", "6.6.74-1-lts", "Arch Linux"),
    ("6.6.57.1-1.azl3", "6.6.57.1-1.azl3", "Azure Linux"),
    ("6.8.12-4-pve", "6.8.12-4-pve", "Proxmox VE"),
    ("6.6.51+rpt-rpi-v8", "6.6.51+rpt-rpi-v8", "Raspberry Pi"),
    ("6.1.0+", "6.1.0+", OWN_BUILD),
    ("6.18.44-custom", "6.18.44-custom", OWN_BUILD),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "version", "family"), WRITTEN, ids=[w[0].strip() for w in WRITTEN]
)
def test_versions_as_people_write_them(text: str, version: str, family: str | None) -> None:
    written = read_version(text)
    assert (str(written.version), written.family) == (version, family)
    assert written.text == text.strip()


@pytest.mark.parametrize("text", ["", " ", "\n", "linux", "linux-", "latest", "5", "99", "el9"])
def test_what_is_not_a_version(text: str) -> None:
    with pytest.raises(InvalidVersion, match="not a kernel version") as caught:
        read_version(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_our_error(text: str) -> None:
    try:
        written = read_version(text)
    except InvalidVersion:
        return
    assert written.version.rc is None or not written.version.build
    assert (written.family is None) == (not written.version.build)


def test_natural_key_of_numbers_too_long_for_an_integer() -> None:
    assert natural_key("1" * 5000) > natural_key("2")
    assert natural_key("a10") > natural_key("a9")
