import os
import pickle
import struct
import sys
import unicodedata
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import tl_teach as tl
from tl_teach.tasks import FileImages

from .conftest import save


def load(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return tl.load_task(folder=folder, **options)


def reasons(task):
    return {problem.file: problem.reason for problem in task.report}


def items(task):
    """What the task says of each file: its picture's digest and its label."""
    return {
        digest: target
        for part in (task.train, task.validation, task.test._open_for_exam())
        for digest, target in zip(part.digests(), part.targets.tolist(), strict=True)
    }


def pixels_of(task, path):
    """The pixels that the task gives for a file."""
    place = [file.path for file in task.train.images._files].index(path.resolve())
    return task.train.images.pixels(place)


def test_the_folders_are_the_classes(pets):
    task = tl.load_task(folder=pets)
    assert (task.name, task.kind, task.classes) == ("pets", "classification", ("cat", "dog"))
    assert len(task.report) == 0 and repr(task.report) == "everything is used"
    counts = [len(task.train), len(task.validation), len(task.test)]
    assert counts == [10, 3, 3]


def test_each_picture_has_the_label_of_its_folder(pets):
    task = tl.load_task(folder=pets)
    labels = items(task)
    images = task.train.images
    for place, file in enumerate(images._files):
        assert task.classes[labels[images.digest(place)]] == file.path.parent.name


def test_an_input_has_160_pixels_and_imagenets_statistics(pets):
    task = tl.load_task(folder=str(pets))
    image, target = task.train[0]
    assert image.shape == (3, 160, 160) and target.dtype == torch.int64
    assert task.preprocess == tl.load_task("solar-cells").preprocess


def test_budgets_and_seeds_work_as_for_any_task(pets):
    small, large = (tl.load_task(folder=pets, labels_per_class=count) for count in (2, 4))
    assert len(small.train) == 4 and set(small.train.indices) < set(large.train.indices)
    assert len(tl.load_task(None, 3, 5, folder=pets).train) == 6
    assert len(tl.load_task(folder=pets, labels=5).train) == 5


def test_pictures_may_lie_deeper_in_their_class(pets):
    save(pets / "cat" / "2021" / "summer" / "a.png")
    assert len(items(tl.load_task(folder=pets))) == 17


def test_two_stands_before_ten_and_the_order_is_that_of_the_names(tmp_path):
    for name in ("10", "2", "b", "A", "1"):
        for number in range(6):
            save(tmp_path / name / f"{number}.png")
    assert tl.load_task(folder=tmp_path).classes == ("1", "2", "10", "A", "b")


def test_the_file_system_does_not_order_the_items(pets, monkeypatch):
    expected = tl.load_task(folder=pets).train.digests()
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: reversed(list(listed(path))))
    assert tl.load_task(folder=pets).train.digests() == expected


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_may_be_in_any_script(tmp_path, form):
    for name in ("Äpfel", "梨", "вишня"):
        for number in range(6):
            save(tmp_path / unicodedata.normalize(form, name) / f"prüfung {number} 🍎.png")
    task = tl.load_task(folder=tmp_path)
    assert task.classes == ("Äpfel", "вишня", "梨") and not task.report


BROKEN = {
    "empty": b"",
    "not a picture": b"These are only words.",
    "damaged or cut off": None,
}


@pytest.mark.parametrize("reason", BROKEN)
@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif", "webp"])
def test_a_broken_file_is_left_out_and_reported(pets, reason, suffix):
    broken = save(pets / "cat" / f"broken.{suffix}", size=(60, 60))
    content = broken.read_bytes()
    broken.write_bytes(
        content[: len(content) * 2 // 3] if BROKEN[reason] is None else BROKEN[reason]
    )
    task = load(pets)
    assert reasons(task) == {f"cat/broken.{suffix}": reason} and len(items(task)) == 16


def test_noise_in_a_file_never_gets_past_the_check(pets):
    """Whatever a flipped byte does, the task loads and all its pictures can be read."""
    rng = np.random.default_rng(0)
    for number, suffix in enumerate(["jpg", "png", "gif", "tif", "webp", "bmp"] * 8):
        path = save(pets / "dog" / f"noisy{number}.{suffix}", size=(20, 20))
        content = bytearray(path.read_bytes())
        for place in rng.integers(len(content), size=6):
            content[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(content))
    task = load(pets)
    images = task.train.images
    assert len(images) + len(task.report) == 64
    assert all(images.pixels(place).shape[0] in (1, 3) for place in range(len(images)))


WHITE = {
    "grey": ("L", "png"),
    "one bit": ("1", "png"),
    "palette": ("P", "gif"),
    "transparent": ("RGBA", "png"),
    "transparent grey": ("LA", "png"),
    "inks": ("CMYK", "jpg"),
    "luminance": ("YCbCr", "jpg"),
    "sixteen bits": ("I;16", "png"),
    "sixteen bits in tiff": ("I;16", "tif"),
}


@pytest.mark.parametrize("what", WHITE)
def test_every_kind_of_picture_is_read(pets, what):
    mode, suffix = WHITE[what]
    path = pets / "cat" / f"white.{suffix}"
    if mode == "I;16":
        Image.fromarray(np.full((9, 7), 65535, dtype=np.uint16)).save(path)
    else:
        Image.new("RGB", (7, 9), "white").convert(mode).save(path)
    with Image.open(path) as image:
        assert image.mode == mode or mode == "YCbCr"
    white = pixels_of(tl.load_task(folder=pets), path)
    assert white.shape[1:] == (9, 7) and white.min() >= 254


def test_what_is_transparent_stands_on_white(pets):
    path = pets / "cat" / "clear.png"
    drawing = np.zeros((9, 7, 4), dtype=np.uint8)  # black, and nothing shows
    drawing[4, :, 3] = 255  # but a line
    Image.fromarray(drawing).save(path)
    pixels = pixels_of(tl.load_task(folder=pets), path)
    assert pixels[:, 4].max() == 0 and pixels[:, :4].min() == 255


def test_a_depth_that_nobody_can_interpret_is_reported(pets):
    Image.fromarray(np.zeros((9, 7), dtype=np.float32)).save(pets / "cat" / "heights.tif")
    assert reasons(load(pets)) == {"cat/heights.tif": "neither 8 nor 16 bits deep"}


def test_of_a_moving_picture_the_first_frame_counts(pets):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    path = pets / "cat" / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert pixels_of(tl.load_task(folder=pets), path)[:, 0, 0].tolist() == [255, 0, 0]


AS_STORED = {  # by the number that the camera notes, from the picture as it is seen
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_noted(pets, orientation):
    picture = np.zeros((40, 24, 3), dtype=np.uint8)
    picture[:16, :8] = 255  # top left, as it should be seen
    seen = Image.fromarray(picture)
    stored = seen if orientation == 1 else seen.transpose(AS_STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = pets / "cat" / "turned.jpg"
    stored.save(path, exif=exif, quality=95)
    pixels = pixels_of(tl.load_task(folder=pets), path)
    assert pixels.shape == (3, 40, 24)
    assert pixels[:, :14, :6].min() > 240 and pixels[:, 20:].max() < 15


def test_a_phones_two_pictures_in_one_file_are_one(pets):
    both = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    both[0].save(pets / "cat" / "phone.jpg", "MPO", save_all=True, append_images=both[1:])
    assert pixels_of(tl.load_task(folder=pets), pets / "cat" / "phone.jpg").min() > 250


def bomb(path, side):
    """A PNG of a few bytes that claims to hold side x side pixels."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [10_001, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_decoded(pets, side):
    bomb(pets / "dog" / "bomb.png", side)
    assert reasons(load(pets)) == {"dog/bomb.png": "more than 100 megapixels"}


def test_a_format_that_starts_other_programs_is_not_opened(pets):
    (pets / "cat" / "script.eps").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    assert reasons(load(pets)) == {"cat/script.eps": "not a picture"}


def test_of_equal_pictures_one_is_kept(pets):
    original = pets / "cat" / "3.png"
    (pets / "cat" / "copy.png").write_bytes(original.read_bytes())
    Image.open(original).save(pets / "cat" / "9.bmp")  # other bytes, equal pixels
    task = load(pets)
    assert reasons(task) == dict.fromkeys(["cat/9.bmp", "cat/copy.png"], "same item as another")
    assert len(items(task)) == 16


def test_of_a_picture_with_two_labels_none_is_kept(pets):
    (pets / "dog" / "also.png").write_bytes((pets / "cat" / "3.png").read_bytes())
    task = load(pets)
    assert reasons(task) == dict.fromkeys(["cat/3.png", "dog/also.png"], "same item, two labels")
    assert task.report.problems[0].detail == "cat/3.png and dog/also.png"
    assert len(items(task)) == 15


def test_hidden_files_are_passed_over_in_silence(pets):
    save(pets / "cat" / ".hidden.png")
    save(pets / ".thumbnails" / "a.png")
    (pets / ".DS_Store").write_bytes(b"\0\0")
    task = tl.load_task(folder=pets)
    assert not task.report and task.classes == ("cat", "dog")


def test_files_and_folders_that_are_no_class_are_reported(pets):
    save(pets / "stray.png")
    (pets / "readme.txt").write_text("hello")
    (pets / "cat" / "notes.txt").write_text("hello")
    (pets / "cow").mkdir()
    (pets / "owl").mkdir()
    (pets / "owl" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    task = load(pets)
    assert reasons(task) == {
        "stray.png": "in no class folder",
        "readme.txt": "in no class folder",
        "cat/notes.txt": "not a picture",
        "owl/bad.jpg": reasons(task)["owl/bad.jpg"],
        "cow": "class without usable pictures",
        "owl": "class without usable pictures",
    }
    assert task.classes == ("cat", "dog")


def test_what_systems_put_there_does_not_count(pets):
    for name in ("Thumbs.db", "cat/desktop.ini", ".DS_Store"):
        (pets / name).write_bytes(b"of the system")
    assert reasons(load(pets)) == {}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_out_of_the_folder_are_not_followed(pets, tmp_path):
    outside = save(tmp_path / "elsewhere" / "secret.png")
    (pets / "cat" / "out.png").symlink_to(outside)
    (pets / "wolf").symlink_to(outside.parent)
    (pets / "cat" / "again").symlink_to(pets)
    (pets / "cat" / "nowhere.png").symlink_to(pets / "missing.png")
    (pets / "cat" / "loop").symlink_to("loop")
    task = load(pets)
    assert reasons(task) == {
        "cat/out.png": "link out of the folder",
        "wolf": "link out of the folder",
        "cat/again": "link to a folder",
        "cat/nowhere.png": "not a file",
        "cat/loop": reasons(task)["cat/loop"],
    }
    assert reasons(task)["cat/loop"] in ("unreadable", "not a file")
    assert len(items(task)) == 16


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_the_folder_itself_may_be_a_link(pets, tmp_path):
    (tmp_path / "shortcut").symlink_to(pets)
    assert items(tl.load_task(folder=tmp_path / "shortcut")) == items(tl.load_task(folder=pets))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe")
def test_a_pipe_does_not_make_it_wait_for_ever(pets):
    os.mkfifo(pets / "cat" / "pipe.png")
    assert reasons(load(pets)) == {"cat/pipe.png": "not a file"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take the two for one name")
def test_two_ways_to_write_one_name_are_reported(pets):
    for form in ("NFC", "NFD"):
        save(pets / "cat" / unicodedata.normalize(form, "é.png"))
    assert list(reasons(load(pets)).values()) == ["same name as another file"]


def test_all_problems_are_told_in_one_warning(pets):
    for number in range(5):
        (pets / "cat" / f"empty{number}.jpg").write_bytes(b"")
    (pets / "dog" / "words.jpg").write_text("words")
    with pytest.warns(UserWarning) as told:
        task = tl.load_task(folder=pets)
    assert str(told[0].message).splitlines() == [
        "Of your data in 'pets', 6 are not used:",
        "  5 empty: cat/empty0.jpg, cat/empty1.jpg, cat/empty2.jpg, ...",
        "  1 not a picture: dog/words.jpg",
        "task.report lists them.",
    ]
    assert len(told) == 1 and told[0].filename == __file__
    assert [str(problem) for problem in task.report][-1] == "dog/words.jpg: not a picture"


def test_the_check_is_not_repeated_for_files_that_have_not_changed(pets, monkeypatch):
    tl.load_task(folder=pets)
    monkeypatch.setattr("tl_teach.tasks.own.files.read_picture", lambda path: 1 / 0)
    assert len(tl.load_task(folder=pets, seed=1).train) == 10


def test_a_file_that_changed_is_not_taken_for_what_it_was(pets):
    task = tl.load_task(folder=pets)
    file = task.train.images._files[int(task.train.indices[0])]
    save(file.path)
    with pytest.raises(OSError, match=r"has changed since its task was loaded; load the task"):
        task.train[0]
    file.path.unlink()
    with pytest.raises(OSError, match=r"no longer \(unreadable\)"):
        task.train[0]


def test_workers_of_a_data_loader_can_read_it(pets):
    split = tl.load_task(folder=pets).train
    assert isinstance(split.images, FileImages)
    assert len(pickle.loads(pickle.dumps(split.images))) == 16
    loader = DataLoader(split, batch_size=5, num_workers=2, multiprocessing_context="fork")
    inputs, targets = zip(*loader, strict=True)
    assert torch.equal(torch.cat(targets), split.targets)
    assert torch.equal(torch.cat(inputs)[3], split[3][0])


def test_folders_of_one_name_have_exams_of_their_own(tmp_path):
    for place in ("here", "there"):
        for name in ("cat", "dog"):
            for number in range(8):
                save(tmp_path / place / "pets" / name / f"{number}.png")
    here, there = (tl.load_task(folder=tmp_path / place / "pets") for place in ("here", "there"))
    assert here.name == there.name
    assert np.array_equal(here.test._open_for_exam().indices, there.test._open_for_exam().indices)
    here.test.break_seal()
    assert tl.load_task(folder=tmp_path / "here" / "pets", seed=4, labels=5).test.seal_broken
    assert not there.test.seal_broken


WRONG = {
    "neither": ({}, r"name of a task or folder=.* but got neither"),
    "both": ({"name": "handwriting", "folder": "x"}, r"but got both 'handwriting' and folder='x'"),
    "no folder": ({"folder": "no/such"}, r"folder='no/such' is not a folder \(looked for .*\)"),
    "a table without a folder": (
        {"name": "handwriting", "target": "a.csv"},
        r"target='a.csv' describes a folder of your own",
    ),
    "groups without a folder": ({"name": "handwriting", "groups": "writer"}, r"groups='writer'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_answered_in_one_sentence(case):
    options, said = WRONG[case]
    with pytest.raises(ValueError, match=said) as refusal:
        tl.load_task(**options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("option", [{"column": "age"}, {"groups": "owner"}, {"kind": "regression"}])
def test_what_needs_a_table_is_refused_without_one(pets, option):
    with pytest.raises(ValueError, match=r"needs a table: without target="):
        tl.load_task(folder=pets, **option)
    assert tl.load_task(folder=pets, kind="classification").classes == ("cat", "dog")


def test_an_unknown_kind_is_refused(pets):
    with pytest.raises(ValueError, match=r"did you mean 'regression'"):
        tl.load_task(folder=pets, kind="regresion")


def test_a_folder_with_nothing_to_use_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Nothing in .* can be used \(it is empty\)"):
        tl.load_task(folder=tmp_path)
    save(tmp_path / "a.png")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.txt").write_text("a")
    with pytest.raises(ValueError, match=r"\(1 in no class folder, 1 not a picture\)"):
        tl.load_task(folder=tmp_path)


def test_a_folder_that_is_divided_already_is_refused(tmp_path):
    for part in ("train", "Test"):
        save(tmp_path / part / "cat" / "a.png")
    with pytest.raises(ValueError, match=r"parts of a division \(test, train\), not classes"):
        tl.load_task(folder=tmp_path)


def test_one_class_and_a_class_of_one_are_refused(tmp_path):
    for number in range(8):
        save(tmp_path / "cat" / f"{number}.png")
    with pytest.raises(ValueError, match=r"one label \('cat'\)"):
        tl.load_task(folder=tmp_path)
    save(tmp_path / "dog" / "a.png")
    with pytest.raises(ValueError, match=r"class 'dog' .* has 1 usable item,"):
        tl.load_task(folder=tmp_path)


def test_a_task_of_ones_own_can_be_learned(pets):
    task = tl.load_task(folder=pets)
    net = tl.replace_head(tl.load_network("letters-resnet"), task)
    tl.freeze(net, through=net.stage_names[-2])
    history = tl.fit(net, task, epochs=1, progress=False)
    assert len(history.train_loss) == 1
    assert 0 <= tl.evaluate(net, task.validation).score <= 1
    assert tl.audit(task).exact["train", "test"] == 0
