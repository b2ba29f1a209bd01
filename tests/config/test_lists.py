"""Members in files of their own: what good lists mean, what bytes and forms are refused, and where things stand."""

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.core.model import DesiredGroup, Entry, Period, Person
from reconciler.diagnostics import ConfigurationError, Source
from tests.config.rendering import render
from tests.config.world import of_groups, one_group, refusal

HEADER = "the first line names the columns, such as `id` or `email,until,reason`"


def of_list(file: Path, name: str, data: str | bytes, *, members: str = "") -> DesiredGroup:
    """The group whose list has this content."""
    Path(name).write_bytes(data.encode() if isinstance(data, str) else data)
    return one_group(file, f"- {{id: a, {members}membersFrom: {name}}}")


def refused(file: Path, name: str, data: str | bytes) -> str:
    """What is said about a list with this content."""
    Path(name).write_bytes(data.encode() if isinstance(data, str) else data)
    file.write_text(of_groups(f"- {{id: a, membersFrom: {name}}}"))
    return refusal(file)


def test_ids_of_csv(file: Path) -> None:
    """Ids are taken as written and stand where their cells do, whatever readers find beside them."""
    group = of_list(file, "x.csv", 'name,id,reason\nAna,00123,\n\n"Ben, the\n""first""",1e5,OPS-42\n,no,OPS-42\n')
    assert group.members == {
        "00123": Source("x.csv", 2, 5),
        "1e5": Source("x.csv", 5, 12),
        "no": Source("x.csv", 6, 2),
    }
    assert group.reasons == {"1e5": "OPS-42", "no": "OPS-42"}
    assert group.entries == ()


def test_e_mails_and_times_of_csv(file: Path) -> None:
    """Who is named by e-mail or for a time is an entry; rows with the same time share it."""
    rows = "id,email,from,until,reason\n00uA,,,2026-12-31,\n,ana@x,,2026-12-31,OPS-42\n00uB,,2026-12-01T08:00:00Z,,\n"
    group = of_list(file, "x.csv", rows)
    assert group.members == {}
    night = Period(end=datetime(2027, 1, 1, tzinfo=UTC))
    assert group.entries == (
        Entry(Person(id="00uA"), Source("x.csv", 2, 1), night),
        Entry(Person(email="ana@x"), Source("x.csv", 3, 2), night, reason="OPS-42"),
        Entry(Person(id="00uB"), Source("x.csv", 4, 1), Period(datetime(2026, 12, 1, 8, tzinfo=UTC))),
    )
    assert group.entries[0].period is group.entries[1].period


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\N{BYTE ORDER MARK}"])
def test_dialects_of_csv(file: Path, separator: str, line_break: str, mark: str) -> None:
    """Whatever separates cells and lines in some spreadsheet is understood, and places are those of an editor."""
    rows = [["name", "id"], ["Ana", "00uA"], ['"B,;\t"', "00uB"]]
    text = mark + line_break.join(separator.join(row) for row in rows)
    group = of_list(file, "x.csv", text)
    assert group.members == {"00uA": Source("x.csv", 2, 5), "00uB": Source("x.csv", 3, 8)}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4), max_size=6))
def test_csv_as_the_standard_library_writes_it(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Cells with anything in them stand in nobody's way: every id is found, on the line and column where it stands."""
    folder = tmp_path_factory.mktemp("csv")
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["name", "id"])
    writer.writerows([name, f"00u{number}"] for number, name in enumerate(names))
    (folder / "x.csv").write_bytes(out.getvalue().encode())
    (folder / "a.yaml").write_text(of_groups("- {id: a, membersFrom: x.csv}"))
    (group,) = load([folder / "a.yaml"]).desired.tenants[0].groups
    lines = out.getvalue().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert list(group.members or {}) == [f"00u{number}" for number in range(len(names))]
    for user, place in (group.members or {}).items():
        assert lines[place.line - 1][place.column - 1 :] == user


def test_text(file: Path) -> None:
    """A line is an id or an e-mail; comments and blanks around it are for readers."""
    group = of_list(file, "x.txt", "# ours\r\n00uA # Ana\r\n\r\n\tana@x#1\t# her\r\n  00u#2")
    assert group.members == {"00uA": Source("x.txt", 2, 1), "00u#2": Source("x.txt", 5, 3)}
    assert group.entries == (Entry(Person(email="ana@x#1"), Source("x.txt", 4, 2)),)


def test_json(file: Path) -> None:
    """Texts are ids or e-mails, objects have the columns as keys, and null says nothing."""
    group = of_list(
        file,
        "x.json",
        '["00uA", "ana@x",\n {"id": "00u\\u0042", "reason": "OPS-42", "until": null, "name": "B [\\"]"},\n'
        ' {"until": "2026-12-31T18:00:00Z", "email": "cleo@x"}\n]\n',
    )
    assert group.members == {"00uA": Source("x.json", 1, 2), "00uB": Source("x.json", 2, 9)}
    assert group.reasons == {"00uB": "OPS-42"}
    assert group.entries == (
        Entry(Person(email="ana@x"), Source("x.json", 1, 10)),
        Entry(Person(email="cleo@x"), Source("x.json", 3, 45), Period(end=datetime(2026, 12, 31, 18, tzinfo=UTC))),
    )


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/@"), min_size=3)))
def test_json_as_the_standard_library_writes_it(tmp_path_factory: pytest.TempPathFactory, users: list[str]) -> None:
    """Quotes, backslashes and brackets in ids are no form."""
    folder = tmp_path_factory.mktemp("json")
    wanted = [f"u{number}{user}" for number, user in enumerate(users)]
    (folder / "x.json").write_text(json.dumps(wanted, indent=1))
    (folder / "a.yaml").write_text(of_groups("- {id: a, membersFrom: x.json}"))
    (group,) = load([folder / "a.yaml"]).desired.tenants[0].groups
    assert group.members == {user: Source(str(folder / "x.json"), line, 2) for line, user in enumerate(wanted, 2)}


def test_both_lists_add_up(file: Path) -> None:
    """Beside `members` a file adds to them."""
    group = of_list(file, "x.csv", "id,until\n00uB,\n00uC,2026-12-31\n", members="members: [00uA, ana@x], ")
    assert list(group.members or {}) == ["00uA", "00uB"]
    assert [entry.person for entry in group.entries] == [Person(email="ana@x"), Person(id="00uC")]


@pytest.mark.parametrize(
    ("name", "text"), [("x.csv", "id\n"), ("x.txt", ""), ("x.txt", "# nobody\n"), ("x.json", "[]")]
)
def test_an_empty_list(file: Path, name: str, text: str) -> None:
    """It means nobody, as an empty `members` does: the guard against emptied groups sees it."""
    assert of_list(file, name, text).members == {}


def test_a_list_starts_at_the_file_that_names_it(file: Path, tmp_path: Path) -> None:
    """It is read once for all groups that name it, in the time zone of the naming file."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x.csv").write_text("id,until\n00uA,2026-12-31\n")
    groups = of_groups("- {id: a, membersFrom: x.csv}\n- {id: b, membersFrom: ../one/x.csv}")
    (tmp_path / "one" / "a.yaml").write_text(groups)
    (tmp_path / "b.yaml").write_text(
        of_groups(f"- {{id: c, membersFrom: {tmp_path}/one/x.csv}}\n") + "timezone: Asia/Tokyo"
    )
    (tenant,) = load([Path("one"), Path("b.yaml")]).desired.tenants
    one, again, other = tenant.groups
    assert one.entries == again.entries
    assert one.entries[0] is again.entries[0]
    assert [group.entries[0].period.end for group in (one, other)] == [
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 15, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id\n00uA\n00u\xff\n", "x.csv:3:4: this is not UTF-8: byte 0xff at offset 11\n    save the file as UTF-8\n"),
        ("id\n".encode("utf-16"), "x.csv:1:1: this is UTF-16, not UTF-8\n    save the file as UTF-8\n"),
        (b"id\n00uA\n0\0uB\n", "x.csv:3:2: this is not text: a byte is 0\n    save the file as UTF-8\n"),
        (b"", f"x.csv:1:1: this list is empty\n    {HEADER}\n"),
        (b"\xef\xbb\xbf", f"x.csv:1:1: this list is empty\n    {HEADER}\n"),
        (
            "id\n00u\N{ZERO WIDTH SPACE}A\n",
            "x.csv:2:1: `id` can't have the character U+200B\n    remove it: a reviewer can't see it\n",
        ),
    ],
)
def test_bytes_that_are_no_list(file: Path, data: bytes, said: str) -> None:
    """Each says what the file is instead."""
    assert refused(file, "x.csv", data) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: this is not valid JSON: Expecting value"),
        ('["a"]\n["b"]\n', "2:1: this is not valid JSON: Extra data"),
        ("[" * 100_000, "1:1: this is nested too deeply"),
        ("[" + "9" * 5_000 + "]", "1:2: an entry must be text or an object, not a number"),
        ("NaN", "1:1: this must be a list, not a number"),
        ('"00uA"', "1:1: this must be a list, not text"),
        ("null", "1:1: this must be a list, not nothing"),
    ],
)
def test_text_that_is_no_json_list(file: Path, text: str, said: str) -> None:
    """However wrong it is, it is one message with its place."""
    assert refused(file, "x.json", text).splitlines()[0] == f"x.json:{said}"


def test_paths_that_can_not_be_read(file: Path) -> None:
    """A pipe is not waited for, and what the operating system says is passed on where the list is named."""
    os.mkfifo("pipe.csv")
    Path("loop.csv").symlink_to("loop.csv")
    long = "x" * 300
    file.write_text(
        of_groups(
            "- {id: a, membersFrom: pipe.csv}\n- {id: b, membersFrom: loop.csv}\n"
            f'- {{id: c, membersFrom: {long}.csv}}\n- {{id: d, membersFrom: "\\0.csv"}}'
        )
    )
    said = [line for line in refusal(file).splitlines() if " the list " in line]
    assert said == [
        "a.yaml:4:30: the list `pipe.csv` is not a regular file",
        "a.yaml:5:30: the list `loop.csv` can't be read: Too many levels of symbolic links",
        f"a.yaml:6:30: the list `{long}.csv` can't be read: File name too long",
        "a.yaml:7:30: the list `\0.csv` can't be read: embedded null byte",
    ]


def test_problems_of_all_files_come_together(file: Path) -> None:
    """What is wrong with a list does not hide what is wrong with the file that names it, nor the other way round."""
    Path("x.csv").write_text("id\n00u A\n")
    file.write_text(of_groups("- {id: a, membersFrom: x.csv}\n- {id: b, nonsense: 1}"))
    with pytest.raises(ConfigurationError, match=r"^2 problems in 2 files$") as caught:
        load([file])
    assert [line.split(" ")[0] for line in render(caught.value.diagnostics).splitlines()[::2]] == [
        "a.yaml:5:17:",
        "x.csv:2:1:",
    ]
