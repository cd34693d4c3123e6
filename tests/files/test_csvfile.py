"""Lists as CSV files, of whatever program: read by explicit rules, and written."""

import contextlib
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from command import answer, tamis
from pictures import write_kinds
from tamis.errors import TableError
from tamis.files.csvfile import read_csv, write_csv
from tamis.table import ImageTable

file_names = (
    st.binary(min_size=1, max_size=40)
    .filter(lambda name: not set(name) & {0, ord("/")})
    .map(os.fsdecode)
)


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "list.csv"


@given(st.lists(st.tuples(file_names, file_names), max_size=5))
@example([('a,b;"c"', "=1+1"), ("two\nlines", "re\rturn"), ("\r\n", "'"), ("\ufeffbom", " x ")])
def test_any_file_name_survives_a_csv_file(csv_file, rows):
    write_csv(csv_file, ["path", "label"], rows)
    back = read_csv(csv_file, required=["path", "label"])
    assert [(row["path"], row["label"]) for row in back] == rows


def test_csv_lines_end_in_a_newline_only(tmp_path):
    write_csv(tmp_path / "a.csv", ["path", "n"], [("a.jpg", 1), ("b\r\n.jpg", 2.5)])
    written = (tmp_path / "a.csv").read_bytes()
    assert written == b'path,n\na.jpg,1\n"b\r\n.jpg",2.5\n'


@given(st.lists(file_names, unique=True, max_size=5))
def test_a_table_survives_a_csv_file(csv_file, names):
    write_csv(csv_file, ["path", "label", "group"], [(name, "x", "") for name in names])
    table = ImageTable.from_csv(csv_file)
    folder = os.path.dirname(csv_file)
    assert table.paths == tuple(os.path.join(folder, name) for name in names)
    assert table.labels == ("x",) * len(names)
    assert table.groups == (None,) * len(names)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_from_csv_takes_paths_relative_to_the_file_or_to_a_root(tmp_path):
    file = write(tmp_path / "list.csv", "path,label,group,split\na.jpg,cat,g,val\n/b/c.jpg,,,\n")
    table = ImageTable.from_csv(file)
    assert table.paths == (str(tmp_path / "a.jpg"), "/b/c.jpg")
    assert table.labels == ("cat", None)
    assert table.groups == ("g", None)
    assert table.splits == ("val", None)
    assert table.root == str(tmp_path)
    assert ImageTable.from_csv(file, root="/r").paths == ("/r/a.jpg", "/b/c.jpg")


def test_from_csv_passes_over_other_columns_and_needs_only_path(tmp_path):
    file = write(tmp_path / "list.csv", "size,path\n3,a.jpg\n4,b.jpg\n")
    table = ImageTable.from_csv(file)
    assert table.names == ["a.jpg", "b.jpg"]
    assert table.labels == (None, None)


@pytest.mark.parametrize("text", ["path,label\r\na.jpg,x\r\n", "\ufeffpath,label\na.jpg,x"])
def test_from_csv_reads_what_spreadsheets_write(tmp_path, text):
    table = ImageTable.from_csv(write(tmp_path / "list.csv", text))
    assert (table.names, table.labels) == (["a.jpg"], ("x",))


def test_read_csv_bears_short_and_long_rows(tmp_path):
    file = write(tmp_path / "list.csv", "path,label\na.jpg\nb.jpg,x,y,z\n\n")
    assert read_csv(file, required=["path"]) == [
        {"path": "a.jpg", "label": ""},
        {"path": "b.jpg", "label": "x"},
    ]


def test_a_picture_named_twice_is_refused(tmp_path):
    file = write(tmp_path / "list.csv", "path\na.jpg\nb.jpg\nb.jpg\n")
    with pytest.raises(TableError, match=r"list\.csv names .*b\.jpg twice"):
        ImageTable.from_csv(file)


@pytest.mark.parametrize(
    ("text", "got"), [("file,class\na.jpg,x\n", "Got: file, class"), ("", "Got: nothing")]
)
def test_a_csv_file_without_its_column_is_refused(tmp_path, text, got):
    file = write(tmp_path / "list.csv", text)
    with pytest.raises(TableError, match=f"lacks the column path.*{got}"):
        ImageTable.from_csv(file)


def test_a_csv_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        ImageTable.from_csv(tmp_path / "none.csv")
    with pytest.raises(TableError, match="cannot read"):
        ImageTable.from_csv(tmp_path)


def test_what_is_no_csv_file_is_refused(tmp_path):
    file = write(tmp_path / "list.csv", 'path\n"' + "x" * 200_000)
    with pytest.raises(TableError, match="is not a CSV file"):
        ImageTable.from_csv(file)


# Lists of other programs


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(tmp_path, encoding, delimiter, end):
    lines = ["path,label", '"h\u00e9ron/a b.jpg",h\u00e9ron', "c.jpg,", "", ",", '"d"".jpg",x']
    text = end.join(lines).replace(",", delimiter)
    file = write(tmp_path / "list.csv", text, encoding)
    assert read_csv(file, required=["path", "label"]) == [
        {"path": "h\u00e9ron/a b.jpg", "label": "h\u00e9ron"},
        {"path": "c.jpg", "label": ""},
        {"path": 'd".jpg', "label": "x"},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "path, label\na.jpg, big fox\n",
        "path , label\na.jpg , big fox\n",
        ' path, "label"\n a.jpg, "big fox"\n',
        "Path,LABEL\na.jpg,big fox\n",
        "label,other,path\nbig fox,1,a.jpg\n",
        "path,class\na.jpg,big fox\n",
        "path,class,label\na.jpg,7,big fox\n",
        "sep=;\npath;label\na.jpg;big fox\n",
        "path;label;note\na.jpg;big fox;x, y, z\n",
    ],
)
def test_headers_as_people_write_them(tmp_path, text):
    table = ImageTable.from_csv(write(tmp_path / "list.csv", text), labelled=True)
    assert (table.names, table.labels) == (["a.jpg"], ("big fox",))


def test_blanks_around_values_are_kept_where_the_header_has_none(tmp_path):
    file = write(tmp_path / "list.csv", "path,label\n a .jpg , x \n")
    assert read_csv(file, required=["path"]) == [{"path": " a .jpg ", "label": " x "}]


def test_columns_that_are_not_known_are_named_where_one_is_missing(tmp_path):
    file = write(tmp_path / "list.csv", "path;klasse\na.jpg;fox\n")
    message = r"lacks the column label\. .* \(or class for label\)\. Got: path, klasse\."
    with pytest.raises(TableError, match=message):
        ImageTable.from_csv(file, labelled=True)
    assert ImageTable.from_csv(file).labels == (None,)


def test_backslashes_lead_to_files_as_on_windows(tmp_path):
    (tmp_path / "fox").mkdir()
    (tmp_path / "fox" / "a.jpg").write_bytes(b"")
    file = write(tmp_path / "list.csv", "path,label\nfox\\a.jpg,fox\nfox\\gone.jpg,fox\n")
    table = ImageTable.from_csv(file)
    assert os.path.samefile(table.paths[0], tmp_path / "fox" / "a.jpg")
    assert table.paths[1].endswith("gone.jpg")


@pytest.mark.skipif(os.sep != "/", reason="a backslash divides folders here")
def test_a_name_with_a_backslash_that_is_there_is_taken_as_it_is(tmp_path):
    (tmp_path / "a\\b.jpg").write_bytes(b"")
    table = ImageTable.from_csv(write(tmp_path / "list.csv", "path\na\\b.jpg\n"))
    assert table.paths == (str(tmp_path / "a\\b.jpg"),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"path,label\na.jpg,x\nb\0.jpg,y\n", "its line 3 holds a zero byte"),
        (b"\0\0\0\0", "its line 1 holds a zero byte"),
        (b"path,label\n" + b"x" * (2 << 20), "its line 2 has more than 1,048,576 characters"),
        (b"path,label\n" + b"," * (2 << 20), "its line 2 has more than 1,048,576 characters"),
        (b'path,label\na.jpg,"x\n' + b"y\n" * 100_000, "is not a CSV file: field larger"),
        (b"\xff\xfea", "is not text in UTF-8 or UTF-16"),
        (b"path,label\n,fox\n", "names no path in its row 1"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 50, "lacks the column path"),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(tmp_path, data, message):
    file = tmp_path / "list.csv"
    file.write_bytes(data)
    with pytest.raises(TableError, match=message):
        ImageTable.from_csv(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_a_table_error(csv_file, data):
    csv_file.write_bytes(data)
    with contextlib.suppress(TableError):
        ImageTable.from_csv(csv_file)


# In commands


@pytest.fixture
def listed(tmp_path):
    """Pictures, and the rows of a list of them."""
    made = write_kinds(tmp_path / "p", 3)
    return tmp_path / "p", [
        (os.path.relpath(path, tmp_path / "p"), label) for path, label in made.items()
    ]


def test_a_listed_file_that_is_not_there_is_a_failure_by_name(listed, tmp_path):
    folder, rows = listed
    write_csv(folder / "l.csv", ("path", "label"), [*rows, ("sky/gone.jpg", "sky")])
    by = ("--by", "moments")
    done = tamis("split", folder / "l.csv", tmp_path / "s", check=False)
    assert done.returncode == 1
    assert f"skipping {folder}/sky/gone.jpg: " in done.stderr
    assert "Traceback" not in done.stderr
    for words in (
        ("evaluate", folder / "l.csv", *by, "--depth", "1"),
        ("index", folder / "l.csv", "--into", tmp_path / "p.tamis", *by),
        ("train", folder / "l.csv", "--out", tmp_path / "m.tamis", *by),
        ("sort", "--train", folder / "l.csv", "--input", folder, "--out", tmp_path / "o", *by),
        ("compare", folder / "l.csv", "--by", "moments", "--depth", "1", "--folds", "2"),
    ):
        failures = answer(*words)["failures"]
        assert [os.path.basename(one["path"]) for one in failures] == ["gone.jpg"], words


@pytest.mark.parametrize("text", ["path,klasse\nsky/a.jpg,x\n", "file,label\nsky/a.jpg,x\n"])
def test_commands_name_the_columns_of_a_list_that_lacks_one(listed, tmp_path, text):
    folder, _ = listed
    file = write(folder / "l.csv", text)
    done = tamis("split", file, tmp_path / "s", check=False)
    assert done.returncode == 1
    assert "lacks the column" in done.stderr
    assert f"Got: {text.splitlines()[0].replace(',', ', ')}." in done.stderr


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_the_predictions_of_tamis_are_a_list(listed, tmp_path, monkeypatch, mode):
    folder, _ = listed
    write_kinds(tmp_path / "new", 2, first=20, flat=True)
    monkeypatch.chdir(tmp_path)
    words = ("--train", "p", "--input", "new", "--out", "o", "--mode", mode, "--by", "moments")
    tamis("sort", *words)
    monkeypatch.chdir(folder if mode == "move" else tmp_path)
    table = ImageTable.from_csv(tmp_path / "o" / "predictions.csv", labelled=True)
    assert all(os.path.isfile(path) for path in table.paths)
    assert len(table.classes) == 3


def test_formulas_are_harmless_on_request_only(tmp_path):
    file = tmp_path / "x.csv"
    cells = ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "-0.5", "+3", "a=b", "", "'=1"]
    write_csv(file, ["path"], [[cell] for cell in cells if cell])
    assert [row["path"] for row in read_csv(file, required=("path",))] == [c for c in cells if c]
    write_csv(file, ["path", "n"], [[cell, -1.5] for cell in cells], for_spreadsheets=True)
    rows = read_csv(file, required=("path",))
    said = ["'=1+1", "'+cmd", "'-cmd", "'@SUM(A1)", "'\tx", "-0.5", "+3", "a=b", "", "'=1"]
    assert [row["path"] for row in rows] == said
    assert {row["n"] for row in rows} == {"-1.5"}
