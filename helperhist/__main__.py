"""``python -m helperhist``."""

from helperhist.cli import main

main()
