"""Run one target under atheris, guided by coverage.

``python tests/fuzz/fuzz_btf.py [libFuzzer options]`` with ``pip install atheris``; for example
``-max_total_time=60``. Seeds, and what is found to be of interest, are kept below the folder for
temporary files.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

#: Bytes of the largest input, unless ``-max_len`` says otherwise.
_MAX_LEN = 1 << 20


def main(name: str) -> None:
    """Fuzz a target until it fails, or the time is over."""
    import atheris

    with atheris.instrument_imports(include=["helperhist"]):
        from fuzz.targets import TARGETS, run

    target = TARGETS[name]
    corpus = Path(tempfile.gettempdir()) / f"helperhist-fuzz-{os.getuid()}" / name
    corpus.mkdir(mode=0o700, parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:32]).write_bytes(seed)
    options = [f"-max_len={_MAX_LEN}", "-timeout=60", "-rss_limit_mb=4096", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: run(target, data))
    atheris.Fuzz()
