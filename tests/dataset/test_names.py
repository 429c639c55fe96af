"""Names are found the same whether a column has them as texts or coded, in however many pieces."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset.names import among, numbered, places

names = st.none() | st.sampled_from(["a", "b", "c", "您好"])


@given(st.lists(st.lists(names, max_size=4), max_size=3), st.lists(st.sampled_from("abx"), unique=True))
def test_each_name_is_found_where_it_stands(pieces: list[list[str | None]], known: list[str]) -> None:
    texts = pa.chunked_array([pa.array(piece, pa.string()) for piece in pieces], pa.string())
    codes = pa.chunked_array([piece.dictionary_encode() for piece in texts.chunks], pa.dictionary(pa.int32(), pa.string()))
    told = [name for piece in pieces for name in piece]
    for column in (texts, codes):
        assert among(column, pa.array(known, pa.string())).to_pylist() == [name in known for name in told]
        found = [known.index(name) if name in known else -1 for name in told]
        assert places(column, pa.array(known, pa.string())).tolist() == found


@given(st.lists(st.tuples(names, st.none() | st.integers(-2, 2), names), max_size=8))
def test_rows_are_numbered_in_the_order_of_their_keys(rows: list[tuple[str | None, int | None, str | None]]) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.int32(), pa.string())
    keys = pa.table([pa.array(told, kind) for told, kind in zip(columns, kinds, strict=True)], names=["a", "b", "c"])
    codes = keys.set_column(2, "c", keys["c"].dictionary_encode())

    def place(row: int) -> list[tuple[bool, object]]:
        return [(value is None, value) for value in rows[row]]

    for table in (keys, codes):
        number = numbered(table).tolist()
        assert sorted(range(len(rows)), key=number.__getitem__) == sorted(range(len(rows)), key=place)
        assert len(set(number)) == len(set(rows))
