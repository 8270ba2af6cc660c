"""Files of a kernel tree, each read into facts: pure functions of their bytes."""

__all__: list[str] = []
