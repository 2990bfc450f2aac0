import io
import os
import stat
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_teach.classroom import layouts
from tl_teach.classroom.journal import harmless
from tl_teach.classroom.layouts import Submission, find_submissions

from .small import MASTER, as_bytes

DATA = as_bytes(MASTER)


def put(folder, *places, data=DATA):
    for place in places:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def owners(source, wanted="small.ipynb"):
    return [(each.student, each.number, each.file) for each in find_submissions(source, wanted)]


@pytest.mark.parametrize(
    ("place", "owner"),
    [
        ("ada.ipynb", ("ada", "", "ada.ipynb")),
        ("ada/small.ipynb", ("ada", "", "small.ipynb")),
        ("ada/small/small.ipynb", ("ada", "", "small/small.ipynb")),  # nbgrader's
        (
            "Ada Lovelace_1234567_assignsubmission_file_/small.ipynb",
            ("Ada Lovelace", "1234567", "small.ipynb"),
        ),
        (
            "Ada Lovelace_1234567_assignsubmission_file_small.ipynb",
            ("Ada Lovelace", "1234567", "small.ipynb"),
        ),
        ("lovelaceada_4711_99887_small-1.ipynb", ("lovelaceada", "4711", "small-1.ipynb")),
        ("lovelaceada_LATE_4711_99887_small.ipynb", ("lovelaceada", "4711", "small.ipynb")),
    ],
)
def test_folders_and_platforms_are_understood_also_as_zip(tmp_path, place, owner):
    assert owners(put(tmp_path / "a", place)) == [owner]
    bulk = tmp_path / "bulk.zip"
    bulk.write_bytes(zipped(**{place: DATA, "bob.ipynb": DATA}))
    assert owner in owners(bulk)


def test_one_folder_around_all_in_a_zip_is_no_student(tmp_path):
    bulk = tmp_path / "bulk.zip"
    bulk.write_bytes(zipped(**{"all/ada/small.ipynb": DATA, "all/bob/small.ipynb": DATA}))
    assert [student for student, _, _ in owners(bulk)] == ["ada", "bob"]


def test_a_students_zip_is_opened(tmp_path):
    put(tmp_path, "ada/work.zip", data=zipped(**{"x/small.ipynb": DATA, "x/.hidden": b""}))
    (one,) = find_submissions(tmp_path)
    assert one.read() == DATA and one.file == "work.zip:x/small.ipynb"


def test_of_several_notebooks_the_released_name_is_taken_and_it_is_noted(tmp_path):
    put(tmp_path, "ada/small.ipynb", "ada/zz.ipynb")
    (one,) = find_submissions(tmp_path, "small.ipynb")
    assert one.file == "small.ipynb" and "2 notebooks" in one.notes[0]


def test_who_handed_in_something_else_has_a_row_too(tmp_path):
    put(tmp_path, "ada/essay.pdf", "bob_4711_2_essay.pdf", "ada/.ipynb_checkpoints/x.ipynb")
    put(tmp_path, "readme.txt", ".hidden.ipynb")
    found = find_submissions(tmp_path)
    assert [(one.student, one.notes) for one in found] == [
        ("ada", ["no notebook was found"]),
        ("bob", ["no notebook was found"]),
    ]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_are_not_followed(tmp_path):
    secret = put(tmp_path / "secret", "master.ipynb")
    folder = put(tmp_path / "all", "ada/readme.txt")
    os.symlink(secret / "master.ipynb", folder / "ada" / "small.ipynb")
    os.symlink(secret, folder / "bob")
    for one in find_submissions(folder):
        assert one.read() == b"" and "passed over" in one.notes[0]


def test_links_and_climbing_names_in_a_zip_lead_nowhere(tmp_path):
    link = zipfile.ZipInfo("ada/small.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    bulk = tmp_path / "bulk.zip"
    with zipfile.ZipFile(bulk, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../../../bob/small.ipynb", DATA)
        archive.writestr("/eve/small.ipynb", DATA)
    found = {one.student: one for one in find_submissions(bulk)}
    assert set(found) == {"ada", "bob", "eve"}
    assert found["ada"].read() == b""
    assert found["bob"].read() == DATA


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04garbage", zipped(**{"x.ipynb": DATA})[:-9]])
def test_a_damaged_zip_is_noted_and_others_are_found(tmp_path, data):
    put(tmp_path, "ada/small.zip", data=data)
    put(tmp_path, "bob/small.ipynb")
    ada, bob = find_submissions(tmp_path)
    assert "no notebook was found" in ada.notes and bob.read() == DATA


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb = zipped(**{"small.ipynb": bytes(2**27)})
    assert len(bomb) < 2**18
    put(tmp_path, "ada/small.zip", data=bomb)
    (one,) = find_submissions(tmp_path)
    assert one.read() == b"" and "very large" in one.notes[0]


def test_a_file_that_claims_gigabytes_is_not_read(tmp_path):
    put(tmp_path, "ada/small.ipynb")
    os.truncate(tmp_path / "ada" / "small.ipynb", 2 * 2**30)
    (one,) = find_submissions(tmp_path)
    assert one.read() == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_does_not_hold_up_the_evening(tmp_path):
    (tmp_path / "ada").mkdir()
    os.mkfifo(tmp_path / "ada" / "small.ipynb")
    (one,) = find_submissions(tmp_path)
    assert one.read() == b""


def test_look_alikes_stay_apart_and_are_noted(tmp_path):
    put(tmp_path, "anna/small.ipynb", "\u0430nna/small.ipynb", "\uff41nna/small.ipynb")
    found = find_submissions(tmp_path)
    assert len({one.key for one in found}) == 3
    notes = [note for one in found for note in one.notes]
    assert any("mixes alphabets" in note for note in notes)
    assert any("looks like 'anna'" in note for note in notes)


@given(st.text(min_size=1), st.text(min_size=1))
def test_keys_are_plain_and_tell_students_apart(one, other):
    key = Submission(one).key
    assert key.replace("-", "").isascii() and key.replace("-", "").isalnum() and len(key) < 60
    assert (key == Submission(other).key) == (one == other)


@given(st.text())
def test_names_are_harmless_in_a_spreadsheet_and_on_a_terminal(text):
    shown = harmless(text)
    assert shown.isprintable() and not shown.startswith(("=", "+", "-", "@"))


def test_no_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no submissions at"):
        find_submissions(tmp_path / "nowhere")


@pytest.mark.parametrize("around", ["", "submitted/"])
def test_nbgraders_folders_in_a_zip_stay_apart(tmp_path, around):
    bulk = tmp_path / "bulk.zip"
    places = [f"{around}{name}/small/small.ipynb" for name in ("ada", "bob")]
    bulk.write_bytes(zipped(**dict.fromkeys(places, DATA), **{"read/me.txt": b""}))
    assert [student for student, _, file in owners(bulk) if file] == ["ada", "bob"]


def test_a_class_of_one_keeps_its_platforms_name(tmp_path):
    bulk = tmp_path / "bulk.zip"
    bulk.write_bytes(zipped(**{"Ada_12_assignsubmission_file_/a/small.ipynb": DATA}))
    assert owners(bulk) == [("Ada", "12", "a/small.ipynb")]


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("Eve_222_assignsubmission_file_", "Ada_111_assignsubmission_file_small.ipynb"),
        ("Eve_222_assignsubmission_file_", "x\n_111_assignsubmission_file_small.ipynb"),
        ("eve_222_902_", "9_111_assignsubmission_file_small.ipynb"),
        ("eve_222_902_", "x\ny_111_903_small.ipynb"),
    ],
)
def test_nobody_comes_into_anothers_row_by_the_name_of_a_file(tmp_path, own, name):
    (owner,) = owners(put(tmp_path, own + name))
    assert owner[0].lower() == "eve" and owner[1:] == ("222", name)


def test_a_number_that_stands_in_two_rows_is_noted_on_both(tmp_path):
    put(tmp_path, "Ada_111_assignsubmission_file_/x.ipynb", "eve_111_902_x.ipynb")
    notes = [one.notes for one in find_submissions(tmp_path)]
    assert notes == [["'eve' has the same number"], ["'Ada' has the same number"]]


def test_pictures_before_a_notebook_do_not_count(tmp_path):
    pictures = {f"work/pictures/{number:04}.png": b"" for number in range(300)}
    put(tmp_path, "ada/work.zip", data=zipped(**pictures, **{"work/z/small.ipynb": DATA}))
    (one,) = find_submissions(tmp_path)
    assert one.read() == DATA and one.notes == []


@pytest.mark.parametrize("name", ["bulk.zip", ""])
def test_too_many_files_are_said_and_none_is_dropped(tmp_path, monkeypatch, name):
    monkeypatch.setattr(layouts, "_MOST_FILES", 3)
    members = {f"ada/{number}.txt": b"" for number in range(9)}
    members |= {f"bob{number}/small.ipynb": DATA for number in range(4)}
    (tmp_path / "bulk.zip").write_bytes(zipped(**members))
    with zipfile.ZipFile(tmp_path / "bulk.zip") as archive:
        archive.extractall(tmp_path / "in")
    with pytest.raises(ValueError, match="more than 3 notebooks and zip files"):
        find_submissions(tmp_path / (name or "in"))
    monkeypatch.setattr(layouts, "_MOST_FILES", 4)
    assert len(find_submissions(tmp_path / (name or "in"))) == 5


def test_a_zip_of_endless_entries_is_passed_over_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(layouts, "_MOST_FILES", 50)
    put(tmp_path, "ada/work.zip", data=zipped(**{f"{n}.ipynb": DATA for n in range(51)}))
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was opened"))
    (one,) = find_submissions(tmp_path)
    assert one.notes == [layouts._PASSED_OVER, "no notebook was found"]


def test_of_many_notebooks_only_the_one_that_is_graded_is_unpacked(tmp_path, monkeypatch):
    members = {f"{number}.ipynb": b"" for number in range(2000)} | {"small.ipynb": DATA}
    put(tmp_path, "ada/work.zip", data=zipped(**members))
    unpack, unpacked = zipfile.ZipFile.open, []

    def count(archive, entry):
        unpacked.append(entry.filename)
        return unpack(archive, entry)

    monkeypatch.setattr(zipfile.ZipFile, "open", count)
    (one,) = find_submissions(tmp_path, "small.ipynb")
    assert unpacked == ["small.ipynb"] and one.read() == DATA


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_no_more_is_unpacked_than_a_directory_says(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "bulk.zip", "w", method) as archive:
        archive.writestr("ada/small.ipynb", b" " * 2**26)
        archive.infolist()[0].file_size = 100
    tracemalloc.start()
    try:
        (one,) = find_submissions(tmp_path / "bulk.zip")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    assert one.read() == b"" and "no notebook was found" in one.notes


def test_tries_to_read_are_limited(tmp_path):
    broken = zipped(**{"small.ipynb": DATA})[:-9]
    for number in range(30):
        put(tmp_path, f"ada/{number:02}.zip", data=broken)
    put(tmp_path, "bob/small.ipynb", "bob/30.zip", data=broken)
    ada, bob = find_submissions(tmp_path)
    assert ada.notes == [layouts._PASSED_OVER, "no notebook was found"]
    assert bob.read() == broken and bob.notes == [layouts._PASSED_OVER]


@pytest.mark.parametrize(("name", "data"), [("ada.ipynb", DATA), ("in.zip", b"PK")])
def test_what_is_neither_folder_nor_zip_is_said(tmp_path, name, data):
    with pytest.raises(ValueError, match="expected a folder or a zip file"):
        find_submissions(put(tmp_path, name, data=data) / name)


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"no submissions in .*; expected a notebook or a folder"):
        find_submissions(put(tmp_path, "readme.txt"))
