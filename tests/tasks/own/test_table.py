import os
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tl_teach.tasks.own.listing import as_key, natural

from .conftest import save
from .test_folder import load, reasons

AGES = [20 + 1.5 * number for number in range(20)]
PETS = ["cat", "dog"] * 10


def table(folder, text, encoding="utf-8"):
    (folder / "labels.csv").write_text(text, encoding=encoding)


def truth(task):
    """The target of each file, by name."""
    by_file = {}
    for part in (task.train, task.validation, task.test._open_for_exam()):
        for index, target in zip(part.indices, part.targets.tolist(), strict=True):
            by_file[part.images._files[index].path.name] = target
    return by_file


def test_measurements_are_values(album):
    task = tl.load_task(folder=album(["file", "age"], AGES), target="labels.csv")
    assert (task.kind, task.classes) == ("regression", ("age",))
    assert task.train.targets.dtype == torch.float32
    assert truth(task) == {f"{number}.png": age for number, age in enumerate(AGES)}


def test_a_table_is_no_picture_where_capitals_make_no_other_file(album):
    folder = album(["file", "age"], AGES)
    os.link(folder / "labels.csv", folder / "Labels.csv")
    task = tl.load_task(folder=folder, target="Labels.csv")
    assert not list(task.report)


def test_decimal_commas_are_read_where_semicolons_separate_columns(album):
    ages = [str(age).replace(".", ",") for age in AGES]
    task = tl.load_task(folder=album(["file", "age"], ages, delimiter=";"), target="labels.csv")
    assert task.kind == "regression"
    assert truth(task) == {f"{number}.png": age for number, age in enumerate(AGES)}


def test_names_are_classes_in_natural_order(album):
    sizes = [f"size {number}" for number in (10, 2, 1)] * 6
    task = tl.load_task(folder=album(["file", "size"], sizes), target="labels.csv")
    assert task.classes == ("size 1", "size 2", "size 10")
    labels = truth(task)
    assert all(task.classes[labels[f"{n}.png"]] == size for n, size in enumerate(sizes))


KINDS = {
    "few whole numbers": ([1, 2, 3, 10] * 6, "classification", ("1", "2", "3", "10")),
    "whole numbers with a point": (["2.0", "10.0", "2"] * 6, "classification", ("2", "10")),
    "many whole numbers": (range(30, 54), "regression", ("target",)),
    "long numbers": (["12345678901234567890", "12345678901234567891"] * 6, "classification", None),
    "halves": ([0.5, 1, 1.5] * 6, "regression", ("target",)),
    "lists": (["a;b", "b", "c"] * 6, "multilabel", ("a", "b", "c")),
    "numbers and names": (["3b", "a", "10", "3b", "a", "a"] * 3, "classification", None),
}


@pytest.mark.parametrize("case", KINDS)
def test_the_entries_decide_the_kind(album, case):
    entries, kind, classes = KINDS[case]
    task = load(album(["file", "target"], entries), target="labels.csv")
    assert task.kind == kind and classes in (None, task.classes)


def test_the_kind_can_be_overruled(album):
    folder = album(["file", "grade"], [1, 2, 3, 4] * 6)
    assert load(folder, target="labels.csv").kind == "classification"
    task = load(folder, target="labels.csv", kind="regression")
    assert task.classes == ("grade",) and set(task.train.targets.tolist()) <= {1.0, 2.0, 3.0, 4.0}
    task = load(folder, target="labels.csv", kind="multilabel")
    assert task.train.targets.sum(1).tolist() == [1] * len(task.train)


def test_values_may_be_taken_for_classes(album):
    folder = album(["file", "step"], [0.5, 1, 1.5] * 6)
    task = load(folder, target="labels.csv", kind="classification")
    assert task.classes == ("0.5", "1", "1.5")


def test_lists_are_several_labels(album):
    lists = ["red; round", "round", "red;red", "green"] * 5
    task = tl.load_task(folder=album(["file", "is"], lists), target="labels.csv")
    assert (task.kind, task.classes) == ("multilabel", ("green", "red", "round"))
    rows = truth(task)
    assert [rows[f"{n}.png"] for n in range(4)] == [[0, 1, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_columns_of_zeros_and_ones_are_several_labels(album):
    folder = album(["file", "red", "note", "round"], [0, 1] * 10, ["x"] * 20, [0, 0, 1, 1] * 5)
    task = tl.load_task(folder=folder, target="labels.csv", column=["round", "red"])
    assert (task.kind, task.classes) == ("multilabel", ("round", "red"))
    rows = truth(task)
    assert [rows[f"{n}.png"] for n in range(4)] == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_columns_of_numbers_are_several_values(album):
    folder = album(["file", "width", "height"], AGES, AGES[::-1])
    task = tl.load_task(folder=folder, target="labels.csv", column=["width", "height"])
    assert (task.kind, task.classes, task.outputs) == ("regression", ("width", "height"), 2)
    assert truth(task)["0.png"] == [AGES[0], AGES[-1]]


def test_one_column_of_several_is_named(album):
    folder = album(["file", "pet", "age"], PETS, AGES)
    assert load(folder, target="labels.csv", column="pet").classes == ("cat", "dog")
    assert load(folder, target="labels.csv", column="age").kind == "regression"
    with pytest.raises(ValueError, match=r"2 columns .* \('pet', 'age'\); say which .* column="):
        tl.load_task(folder=folder, target="labels.csv")


@pytest.mark.parametrize("name", ["file", "Filename", "IMAGE", "path"])
def test_the_column_of_files_is_found_by_its_name(album, name):
    folder = album(["x", "pet"], PETS)
    rows = "\n".join(f"{pet},{number}.png" for number, pet in enumerate(PETS))
    table(folder, f"pet,{name}\n{rows}\n")
    assert truth(tl.load_task(folder=folder, target="labels.csv"))["1.png"] == 1


def test_else_it_is_the_first_column(album):
    assert len(truth(tl.load_task(folder=album(["which", "pet"], PETS), target="labels.csv"))) == 20


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_tables_of_all_offices_can_be_read(album, delimiter, encoding):
    names = [f"Löwe {number}.png" for number in range(20)]
    folder = album(["file", "größe"], AGES, names=names, delimiter=delimiter, encoding=encoding)
    task = tl.load_task(folder=folder, target="labels.csv")
    assert task.classes == ("größe",) and len(truth(task)) == 20 and not task.report


def test_a_table_in_another_encoding_is_refused(album):
    folder = album(["file", "größe"], AGES, encoding="latin-1")
    with pytest.raises(ValueError, match=r"labels.csv cannot be read .* save it as CSV in UTF-8"):
        tl.load_task(folder=folder, target="labels.csv")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["sub/é 1.png", "sub\\é 1.png", "./sub/é 1.png", " sub/é 1.png "])
def test_a_file_is_found_however_its_name_is_written(album, form, name):
    folder = album(["file", "pet"], PETS)
    save(folder / "sub" / unicodedata.normalize("NFC", "é 1.png"))
    text = (folder / "labels.csv").read_text(encoding="utf-8")
    table(folder, text + f"{unicodedata.normalize(form, name)},cat\n")
    task = tl.load_task(folder=folder, target="labels.csv")
    assert len(truth(task)) == 21 and not task.report


def test_files_and_rows_that_do_not_go_together_are_reported(album):
    folder = album(["file", "pet"], PETS)
    for name in ("new.png", "sub/new.png"):
        save(folder / name)
    (folder / "3.png").write_bytes(b"")
    text = (folder / "labels.csv").read_text()
    table(folder, text + "gone.png,cat\n../0.png,cat\n,dog\n\n0.png,cat\n1.png,cat\n4.png\n")
    task = load(folder, target="labels.csv")
    assert reasons(task) == {
        "new.png": "not in the table",
        "sub/new.png": "not in the table",
        "gone.png": "row without a file",
        "../0.png": "row without a file",
        "(no name)": "row without a file",
        "1.png": "rows that disagree",
        "4.png": "rows that disagree",
        "3.png": "empty",
    }
    assert len(truth(task)) == 17 and "0.png" in truth(task)


@pytest.mark.parametrize("entry", ["", "NaN", "n/a", "?", "null", "about 30", "inf", "1e999"])
def test_a_value_that_cannot_be_read_is_left_out(album, entry):
    ages = [*AGES[:19], entry]
    task = load(album(["file", "age"], ages), target="labels.csv")
    assert task.kind == "regression" and reasons(task) == {"19.png": "unreadable target"}
    assert np.isfinite(list(truth(task).values())).all()


@pytest.mark.parametrize("entry", ["", "NA", "?"])
def test_a_class_that_is_missing_is_left_out(album, entry):
    task = load(album(["file", "pet"], [*PETS, entry]), target="labels.csv")
    assert task.classes == ("cat", "dog") and reasons(task) == {"20.png": "unreadable target"}


def test_a_word_among_numbers_does_not_turn_values_into_classes(album):
    task = load(album(["file", "age"], [*AGES, "thirty", "forty"]), target="labels.csv")
    assert task.kind == "regression"
    assert set(reasons(task).values()) == {"unreadable target"} and len(task.report) == 2


def test_a_class_named_none_is_a_class(album):
    task = tl.load_task(
        folder=album(["file", "defect"], ["none", "crack"] * 8), target="labels.csv"
    )
    assert task.classes == ("crack", "none")


def test_a_two_among_zeros_and_ones_is_left_out_where_labels_are_asked_for(album):
    folder = album(["file", "a", "b"], [0, 1] * 8, [2, *[1, 0, 0] * 5])
    task = load(folder, target="labels.csv", column=["a", "b"], kind="multilabel")
    assert reasons(task) == {"0.png": "unreadable target"}


@pytest.mark.parametrize("seed", range(3))
def test_what_belongs_together_stays_together(album, seed):
    patients = [f"patient {number // 2}" for number in range(40)]
    folder = album(["file", "pet", "who"], PETS * 2, patients)
    task = tl.load_task(folder=folder, target="labels.csv", groups="who", seed=seed)
    sides = [
        set(task.groups[part.indices])
        for part in (task.train, task.validation, task.test._open_for_exam())
    ]
    assert len(set.union(*sides)) == 20 == sum(map(len, sides))


def test_a_row_without_a_group_is_left_out(album):
    groups = ["", *range(1, 20)]
    task = load(album(["file", "pet", "who"], PETS, groups), target="labels.csv", groups="who")
    assert reasons(task) == {"0.png": "row without a group"} and len(truth(task)) == 19


def test_equal_pictures_with_two_values_are_both_left_out(album):
    folder = album(["file", "age"], AGES)
    (folder / "1.png").write_bytes((folder / "0.png").read_bytes())
    task = load(folder, target="labels.csv")
    assert set(reasons(task).items()) == {
        (f"{number}.png", "same item, two labels") for number in (0, 1)
    }


def test_another_question_about_the_same_pictures_is_another_exam(album):
    folder = album(["file", "pet", "age"], PETS, AGES)
    pets = load(folder, target="labels.csv", column="pet")
    pets.test.break_seal()
    assert load(folder, target="labels.csv", column="pet", seed=3).test.seal_broken
    assert not load(folder, target="labels.csv", column="age").test.seal_broken


WRONG = {
    "no such table": ({"target": "label.csv"}, r"table .*label.csv cannot be read .*target="),
    "a folder as table": ({"target": "."}, r"cannot be read"),
    "a picture as table": ({"target": "0.png"}, r"0.png cannot be read as a table"),
    "no such column": (
        {"column": "pett"},
        r"no column in labels.csv named 'pett'.*did you mean 'p",
    ),
    "the files as target": ({"column": "file"}, r"no column in labels.csv named 'file'"),
    "no such groups": ({"groups": "owner"}, r"no column of groups in labels.csv named 'owner'"),
    "no column": ({"column": []}, r"column=\[\] does not work"),
    "one column twice": ({"column": ["pet", "pet"]}, r"different names"),
    "several as classes": (
        {"column": ["pet", "age"], "kind": "classification"},
        r"'pet', 'age' cannot be one class",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_answered_in_one_sentence(album, case):
    options, said = WRONG[case]
    folder = album(["file", "pet", "age"], PETS, AGES)
    with pytest.raises(ValueError, match=said) as refusal:
        tl.load_task(folder=folder, **{"target": "labels.csv", **options})
    assert "\n" not in str(refusal.value)


TABLES = {
    "no rows": ("file,pet\n", r"Nothing in .* can be used \(20 not in the table\)"),
    "nothing": ("", r"first row of labels.csv is \[\]"),
    "one column": ("file\n0.png\n", r"needs the names of its columns"),
    "a column twice": ("file,pet,pet\n0.png,a,b\n", r"all different"),
    "no names of columns": ("0.png,cat\n1.png,dog\n", r"first row .* is about the file '0.png'"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_is_none_is_refused(album, case):
    text, said = TABLES[case]
    folder = album(["file", "pet"], PETS)
    table(folder, text)
    with pytest.raises(ValueError, match=said):
        tl.load_task(folder=folder, target="labels.csv")


def test_the_table_may_stand_elsewhere_and_is_no_picture(album, tmp_path):
    folder = album(["file", "pet"], PETS)
    (folder / "labels.csv").rename(tmp_path / "mine.csv")
    assert not tl.load_task(folder=folder, target=tmp_path / "mine.csv").report


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_can_be_ordered_and_written_anew(names):
    backwards = names[::-1]
    assert sorted(backwards, key=natural) == sorted(names, key=natural)
    assert [as_key(as_key(name)) for name in names] == [as_key(name) for name in names]
