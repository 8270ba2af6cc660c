"""The table of kinds, compared with what the data has and with what people read."""

import helperhist
from helperhist.timeline import ENUM_KINDS, KINDS, LISTS, PREFIXES, SOURCES, kind_key, sort_key


def test_every_list_is_in_each_view_of_the_table() -> None:
    assert set(ENUM_KINDS.values()) == set(LISTS) == set(PREFIXES)
    assert not SOURCES.keys() & LISTS.keys()


def test_names_begin_with_the_prefix_of_their_list() -> None:
    for row in helperhist.load("embedded").rows:
        if row.kind in ("helper", "map_type", "prog_type", "cmd"):
            assert row.name.startswith(PREFIXES[row.kind]), row


def test_objects_of_a_relation_are_of_the_kind_that_the_table_says() -> None:
    relations = helperhist.load("embedded").relations
    assert set(relations.kinds) <= SOURCES.keys()
    for kind in relations.kinds:
        prefix = PREFIXES.get(KINDS[kind].object, "")
        objects = relations.objects(kind) - {""}
        assert bool(objects) <= bool(KINDS[kind].object)
        assert all(name.startswith(prefix) for name in objects), kind


def test_rows_of_the_data_are_in_the_order_of_the_one_key() -> None:
    rows = helperhist.load("embedded").rows
    assert list(rows) == sorted(rows, key=sort_key)
    assert sorted(["xdp_action", "flag", "cmd", "helper"], key=kind_key) == [
        "helper", "cmd", "flag", "xdp_action",
    ]  # fmt: skip
