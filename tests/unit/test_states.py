"""States are found by code and word; their attributes have the types of their columns."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.fanfold.errors import ConfigError
from scripts.fanfold.expansion import CENSUS
from scripts.fanfold.states import choose_states, filter_states, read_states_table
from tests.conftest import design_in

TABLE = {code: {"code": code} for code in ("CA", "NY", "TX")}


def read(folder, text):
    path = folder / "states.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_states_table(path)


def problems_of(folder, text):
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    prefix = f"states_table: {folder / 'states.csv'}"
    assert all(line.startswith(prefix) for line in caught.value.problems)
    return [line.removeprefix(prefix) for line in caught.value.problems]


@pytest.fixture(scope="module")
def census():
    return read_states_table(CENSUS)


def test_a_word_stands_for_all_rows_of_its_kind(census):
    assert len(choose_states(["50states"], census)[0]) == 50
    assert len(choose_states(["hhsregions"], census)[0]) == 10
    assert list(choose_states(["all"], census)[0]) == list(census)


def test_codes_and_words_can_be_mixed_and_each_state_is_there_once(census):
    assert list(choose_states(["NY", "hhsregions", "CA", "NY"], census)[0])[:2] == ["NY", "HHS1"]
    mixed = choose_states(["CA", "50states", "all"], census)[0]
    assert next(iter(mixed)) == "CA"
    assert mixed.keys() == census.keys()


def test_the_order_is_the_one_written(census):
    assert list(choose_states(["TX", "CA", "NY"], census)[0]) == ["TX", "CA", "NY"]


def test_all_unknown_codes_are_listed_with_what_was_probably_meant():
    with pytest.raises(ConfigError) as caught:
        choose_states(["ca", "NY", "TXX", "QQ", "al"], TABLE)
    assert caught.value.problems == [
        "states.0: unknown code `ca`; did you mean `CA`?",
        "states.2: unknown code `TXX`; did you mean `TX`?",
        "states.3: unknown code `QQ`",
        "states.4: unknown code `al`; did you mean `all`?",
    ]


def test_a_word_without_rows_is_an_error():
    with pytest.raises(ConfigError, match=r"^states.0: the table has no row of kind `state`$"):
        choose_states(["50states"], TABLE)


def test_a_column_of_numbers_is_numeric_and_one_with_leading_zeros_a_text(tmp_path):
    text = "code,n,x,fips,mixed,empty\nCA,1,1.5,06,1,\nNY,-2,1e3,36,a,\n"
    states = read(tmp_path, text)
    assert states["CA"] == {
        "code": "CA",
        "n": 1,
        "x": 1.5,
        "fips": "06",
        "mixed": "1",
        "empty": None,
    }
    assert [type(states["NY"][name]) for name in ("n", "x", "fips")] == [int, float, str]


def test_an_empty_cell_is_none_and_its_column_numeric_all_the_same(tmp_path):
    assert read(tmp_path, "code,n\nCA,\nNY,5\n")["CA"]["n"] is None
    assert read(tmp_path, "code,n\nCA,\nNY,5\n")["NY"]["n"] == 5


@pytest.mark.parametrize("cell", ["nan", "inf", "1,000", "0x10", "1_000", "٣", "+5", "1e"])
def test_what_is_no_plain_number_is_a_text(tmp_path, cell):
    assert read(tmp_path, f'code,x\nCA,"{cell}"\n')["CA"]["x"] == cell


def test_blanks_around_a_cell_are_none_of_it(tmp_path):
    assert read(tmp_path, "code, n ,x\n CA, 5 , a b \n")["CA"] == {"code": "CA", "n": 5, "x": "a b"}


def test_a_column_of_true_and_false_is_boolean(tmp_path):
    states = read(tmp_path, "code,coast,mixed\nCA,true,true\nNY,FALSE,no\nTX,,\n")
    assert [state["coast"] for state in states.values()] == [True, False, None]
    assert [state["mixed"] for state in states.values()] == ["true", "no", None]


def test_a_state_as_text_is_its_code(tmp_path):
    assert str(read(tmp_path, "code,n\nCA,1\n")["CA"]) == "CA"


def test_quotes_newlines_and_a_byte_order_mark_are_read(tmp_path):
    states = read(tmp_path, '\ufeffcode,name\r\nCA,"a ""b"", c\nd"\r\n')
    assert states["CA"]["name"] == 'a "b", c\nd'


def test_all_bad_rows_are_named_with_their_line(tmp_path):
    text = 'code,n\nCA,"a\nb"\nN Y,2\n\nTX\nWA,1,2\n,5\nCA,3\n'
    assert problems_of(tmp_path, text) == [
        ", line 6: not 2 cells",
        ", line 7: not 2 cells",
        ", line 4: illegal code `N Y`",
        ", line 8: illegal code ``",
        ": the code `CA` stands twice",
    ]


def test_a_column_that_stands_twice_is_refused(tmp_path):
    assert problems_of(tmp_path, "code,n,n\nCA,1,2\n") == [": the column `n` stands twice"]


def test_a_table_without_codes_says_what_it_has(tmp_path):
    assert problems_of(tmp_path, "id,n\nCA,1\n") == [" has no column `code`; it has: id, n"]
    assert problems_of(tmp_path, "") == [" has no column `code`; it has: "]


@pytest.mark.parametrize("text", [b"code\nCA\xe9\n", 'code,n\nCA,"1\n', 'code\n"C"A\n'])
def test_what_is_no_csv_is_one_line(tmp_path, text):
    (line,) = problems_of(tmp_path, text)
    assert line.startswith(" is not a CSV file in UTF-8: ")


def test_a_table_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read_states_table(tmp_path / "no.csv")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9._-]{0,3}", fullmatch=True), CELLS, min_size=1),
    st.sampled_from(["int", "float", "text"]),
)
def test_a_table_is_read_back_as_it_was_written(tmp_path_factory, rows, kind):
    convert = {
        "int": len,
        "float": lambda text: len(text) / 3 + 0.1,
        "text": lambda text: f"t{text}".strip(),
    }[kind]
    wanted = {code: convert(text) for code, text in rows.items()}
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("code", "x"), *wanted.items()])
    found = {code: row["x"] for code, row in read_states_table(path).items()}
    assert found == wanted
    assert {type(value) for value in found.values()} == {type(v) for v in wanted.values()}


def test_the_census_table_is_complete(census):
    states = choose_states(["50states"], census)[0]
    assert all(row["population"] > 500_000 and len(row["fips"]) == 2 for row in states.values())
    assert {row["hhs_region"] for row in states.values()} == set(range(1, 11))
    assert states["CA"]["name"] == "California"
    assert states["CA"]["fips"] == "06"


# Conditions

PLACES = (
    "code,name,kind,size,share,coast,mayor\n"
    "CA,California,state,40,0.5,true,\n"
    "NY,New York,state,20,,true,Ann\n"
    "WY,Wyoming,state,1,0.25,false,Bob\n"
    "R1,One's,region,9,0.75,,\n"
)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Return a folder with a table of states."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "places.csv").write_text(PLACES)
    return folder


def chosen(folder, where, **states):
    return design_in(folder, states={"table": "places.csv", "where": where} | states)


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("kind = 'state'", ["CA", "NY", "WY"]),
        ("kind == 'state'", ["CA", "NY", "WY"]),
        ("kind == 'state' and size > 1e1", ["CA", "NY"]),
        ("size > 10 or kind = 'region'", ["CA", "NY", "R1"]),
        ("not kind = 'state'", ["R1"]),
        ("code in ('WY', 'CA')", ["CA", "WY"]),
        ("code not in ('WY', 'CA')", ["NY", "R1"]),
        ("name like '%y%'", ["WY"]),
        ("size between 1 and 9", ["WY", "R1"]),
        ("coast", ["CA", "NY"]),
        ("share > 0.3", ["CA", "R1"]),
        ("share is null", ["NY"]),
        ("mayor is not null", ["NY", "WY"]),
        ("name = 'One''s'", ["R1"]),
        ("upper(kind) = 'REGION'", ["R1"]),
        ("size / 2 >= 10", ["CA", "NY"]),
        ('"size" = 1', ["WY"]),
        ("true", ["CA", "NY", "WY", "R1"]),
        ("size > avg(size)", ["CA", "NY"]),
    ],
)
def test_a_condition_leaves_the_rows_for_which_it_holds(places, condition, codes):
    design = chosen(places, condition)
    assert list(design.states) == codes
    assert design.states == {code: read_states_table(places / "places.csv")[code] for code in codes}


def test_the_condition_chooses_among_codes_and_words(places):
    design = chosen(places, "size > 1", codes=["NY", "50states"])
    assert list(design.states) == ["NY", "CA"]
    with pytest.raises(ConfigError, match=r"^states.where: no state is left by `size > 1`"):
        chosen(places, "size > 1", codes=["WY"])


def test_a_state_is_compared_as_its_code(places):
    keys = {"states": {"codes": ["CA", "NY"], "table": "places.csv"}}
    runs = {"grid": {"x": [1, 2]}, "exclude": "state == 'CA' and x == 1"}
    derive = {"in_list": "{{ state in ['CA'] }}", "found": "{{ {'CA': 5, 'NY': 6}[state] }}"}
    design = design_in(places, runs=runs | {"derive": derive}, **keys)
    tasks = list(design.all_tasks())
    assert [task.name for task in tasks] == ["CA/x_2", "NY/x_1", "NY/x_2"]
    assert [task.variables["found"] for task in tasks] == [5, 6, 6]
    assert [task.variables["in_list"] for task in tasks] == [True, False, False]
    assert design.states["CA"] != design.states["NY"]


def test_without_a_condition_every_row_of_the_table_is_taken(places):
    assert list(design_in(places, states={"table": "places.csv"}).states) == [
        "CA",
        "NY",
        "WY",
        "R1",
    ]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        (
            "sise > 1",
            "states.where: the table has no column `sise`; did you mean `size`? (texts go in "
            "single quotes)",
        ),
        (
            'kind = "region"',
            "states.where: the table has no column `region` (texts go in single quotes)",
        ),
        ("size > 1000", "states.where: no state is left by `size > 1000`"),
        ("share > size and share < size", None),
        ("size", None),
        ("'state'", None),
        ("null", None),
        ("size >", None),
        ("kind = 'state", None),
        ("size > 1; drop table states", None),
        ("size = 'many'", None),
        ("name > 5", None),
        ("name ~ '('", None),
        ("nothing(size) > 1", None),
        ("*", None),
        ("select * from states", None),
        (" ", None),
        ("sum(size)", None),
    ],
)
def test_what_is_no_condition_is_one_line(places, condition, problem):
    with pytest.raises(ConfigError) as caught:
        chosen(places, condition)
    (line,) = caught.value.problems
    assert line.startswith("states.where: ")
    assert problem is None or line == problem


def test_a_table_without_rows_has_none_to_leave(tmp_path):
    (tmp_path / "places.csv").write_text("code,size\n")
    for condition in ("true", "size > 1"):
        with pytest.raises(ConfigError, match=r"^states.where: "):
            chosen(tmp_path, condition)


def test_states_that_are_named_again_are_noted(places):
    keys = {"states_table": "places.csv"}
    assert not design_in(places, states=["CA", "NY"], **keys).notes
    assert design_in(places, states=["CA", "50states", "CA", "NY"], **keys).notes == (
        "states: `CA`, `NY`: named more than once, and taken once",
    )


def test_one_table_is_enough(places):
    with pytest.raises(ConfigError, match=r"^states_table: states.table is the table; leave out"):
        design_in(places, states={"table": "places.csv"}, states_table="places.csv")


WORDS = st.sampled_from(
    [
        *("code", "name", "kind", "size", "share", "coast", "none", "'state'", '"state"', "true"),
        *("1", "0.5", "1e400", "-1", "null", "(", ")", ",", "and", "or", "not", "is", "in", "like"),
        *("between", "case", "when", "then", "else", "end", "=", "<>", "<", "+", "-", "/", "%"),
        *("||", ";", ".", "::", "int", "cast", "as", "date", "count", "sum", "upper", "round"),
        *("substr", "'", '"', "[", "]", "~", "select", "from", "over", "interval", "exists", "*"),
    ]
)


@given(st.text(max_size=20) | st.lists(WORDS, max_size=8).map(" ".join))
def test_any_condition_leaves_some_rows_or_is_one_line(places, condition):
    table = read_states_table(places / "places.csv")
    try:
        left = filter_states(condition, table)
    except ConfigError as error:
        (line,) = error.problems
        assert line.startswith("states.where: ")
        return
    assert left == {code: row for code, row in table.items() if code in left}
