"""``tl-teach``: what it prints, where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tl_teach import assets, cli
from tl_teach.version import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def two_small_assets(tmp_path, monkeypatch):
    """A catalogue of two, of which the mirror folder holds only the second."""
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of b"hello"
    small = {
        name: assets.Asset(name, name, f"{name}.txt", 5, digest, "CC0", "Nobody (2026)", ())
        for name in ("lost", "found")
    }
    monkeypatch.setattr(assets.cache, "catalogue", small)
    monkeypatch.setattr(assets, "catalogue", small)
    (tmp_path / "mirror" / "found.txt").write_bytes(b"hello")


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def one_sentence(err):
    assert err.startswith("tl-teach: ")
    assert err.count("\n") == 1
    return err


def test_the_listing_shows_what_size_licence_presence_and_source(capsys):
    code, out, err = run(capsys, "assets")
    assert (code, err) == (0, "")
    heading, *rows = out.splitlines()
    assert heading.split() == ["NAME", "WHAT", "SIZE", "LICENCE", "PRESENT", "FROM"]
    row = next(row for row in rows if row.startswith("elpv-dataset"))
    for cell in (
        "ELPV, 2,624 solar cells",
        "90.8 MB",
        "CC BY-NC-SA 4.0",
        "no",
        "files.pythonhosted.org",
    ):
        assert f"  {cell}" in row


def test_the_listing_can_be_read_by_a_program(capsys):
    code, out, _ = run(capsys, "assets", "--json")
    records = json.loads(out)
    assert code == 0
    assert [record["name"] for record in records] == list(assets.catalogue)
    assert {"title", "size", "sha256", "licence", "citation", "present", "path", "source"} <= set(
        records[0]
    )


def test_fetch_says_where_the_file_is_and_verify_that_it_is_right(capsys, two_small_assets, cache):
    assert run(capsys, "assets", "fetch", "found") == (
        0,
        f"found: cached as {cache / 'found.txt'}\n",
        "",
    )
    assert run(capsys, "assets", "verify") == (
        0,
        f"found: verified {cache / 'found.txt'}\n",
        "",
    )
    _, out, _ = run(capsys, "assets", "--json")
    assert [record["present"] for record in json.loads(out)] == [False, True]


def test_fetch_all_goes_on_after_a_failure_and_reports_it(capsys, two_small_assets):
    code, out, err = run(capsys, "assets", "fetch", "--all")
    assert code == 1
    assert "lost.txt" in one_sentence(err)
    assert out.startswith("found: ")


def test_verify_removes_damage_and_fails(capsys, two_small_assets, cache):
    cache.mkdir()
    (cache / "found.txt").write_bytes(b"hullo")
    code, _, err = run(capsys, "assets", "verify")
    assert code == 1
    assert "was damaged and has been removed" in one_sentence(err)
    assert list(cache.iterdir()) == []


def test_verify_of_an_empty_cache_says_so(capsys, cache):
    assert run(capsys, "assets", "verify") == (0, f"No asset is in {cache} yet.\n", "")


@pytest.mark.parametrize("action", ["fetch", "verify"])
def test_a_misspelt_name_is_one_sentence_with_the_right_one(capsys, action):
    code, out, err = run(capsys, "assets", action, "mnist5k")
    assert (code, out) == (1, "")
    assert "did you mean 'mnist-5k'?" in one_sentence(err)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["assets", "fetch"],
        ["assets", "fetch", "mnist-5k", "--all"],
        ["nonsense"],
        ["pretrain"],
        ["pretrain", "letters-resnet", "--seed", "one"],
    ],
)
def test_wrong_usage_is_two_and_shows_the_usage(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: tl-teach")


@pytest.fixture
def pretrain(monkeypatch):
    """Stand in for the training itself, which the learning room tests."""
    calls = []

    def record(name, seed, output):
        if name == "interrupt":
            raise KeyboardInterrupt
        if name != "letters-resnet":
            raise ValueError("There is no such network.")
        calls.append((name, seed, output))

    learning = SimpleNamespace(pretrain=record)
    monkeypatch.setitem(sys.modules, "tl_teach.learning", learning)
    monkeypatch.setattr("tl_teach.learning", learning, raising=False)
    return calls


def test_pretrain_hands_on_name_seed_and_file(capsys, pretrain):
    command = ["pretrain", "letters-resnet", "--seed", "3", "--output", "w.safetensors"]
    assert run(capsys, *command) == (0, "letters-resnet: written to w.safetensors\n", "")
    assert run(capsys, "pretrain", "letters-resnet")[0] == 0
    assert pretrain == [
        ("letters-resnet", 3, Path("w.safetensors")),
        ("letters-resnet", 0, Path("letters-resnet.safetensors")),
    ]


def test_a_users_mistake_in_pretrain_is_one_sentence(capsys, pretrain):
    assert run(capsys, "pretrain", "resnet") == (1, "", "tl-teach: There is no such network.\n")


def test_a_missing_folder_is_said_before_the_training(capsys, pretrain, tmp_path):
    output = tmp_path / "missing" / "w.safetensors"
    code, _, err = run(capsys, "pretrain", "letters-resnet", "--output", str(output))
    assert (code, pretrain) == (1, [])
    assert f"no folder {str(output.parent)!r}" in one_sentence(err)


def test_an_interrupt_is_130_without_a_traceback(capsys, pretrain):
    assert run(capsys, "pretrain", "interrupt") == (130, "", "Interrupted.\n")


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "tl_teach", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"tl-teach {__version__}\n"


def test_a_reader_that_stops_early_is_no_error():
    command = [sys.executable, "-m", "tl_teach", "assets"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.close()  # before it has printed anything
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_cache_shows_and_clears_what_was_computed(capsys, tmp_path, monkeypatch):
    import torch

    from tl_teach.learning import store

    monkeypatch.setattr(store.STORE, "_folder", tmp_path / "activations")
    monkeypatch.setattr(store, "MEMORY_BUDGET", 0)
    store.STORE.shelf("somekey", 400_000, [b"x" * 32]).add([b"x" * 32], torch.zeros(1, 100_000))
    assert cli.main(["cache"]) == 0
    assert "somekey" in capsys.readouterr().out
    assert cli.main(["cache", "--clear"]) == 0
    assert "Removed 0.0 MB" not in capsys.readouterr().out
    assert cli.main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shelves"] == {}


def test_cache_says_what_was_removed_not_what_was_there(capsys, tmp_path, monkeypatch):
    import torch

    from tl_teach.learning import store

    monkeypatch.setattr(store.STORE, "_folder", tmp_path / "activations")
    store.DiskShelf(tmp_path / "activations" / "key", 8).add([b"x" * 32], torch.zeros(1, 100_000))
    monkeypatch.setattr(store.shutil, "rmtree", lambda *_, **__: None)  # files that are in use
    assert cli.main(["cache", "--clear"]) == 0
    assert "Removed 0.0 MB" in capsys.readouterr().out


@pytest.fixture
def two_photos(tmp_path):
    import numpy as np
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 3), dtype=np.uint8)
    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    for path, value in zip(paths, values, strict=True):
        Image.fromarray(value).save(path)
    return paths


@pytest.fixture
def saved(tmp_path):
    """Save a small network of some kind of task."""
    import tl_teach as tl

    def save(kind, classes, unit=""):
        net = tl.replace_head(tl.load_network("letters-resnet"), len(classes))
        net.kind, net.classes, net.unit = kind, classes, unit
        return net, str(tl.save_network(net, tmp_path / "model.safetensors"))

    return save


def test_predict_names_the_classes_with_their_probabilities(capsys, saved, two_photos):
    _, path = saved("classification", ("cat", "dog"))
    code, out, err = run(capsys, "predict", path, *two_photos)
    assert (code, err) == (0, "")
    for line, photo in zip(out.splitlines(), two_photos, strict=True):
        assert line.startswith(f"{photo}: ") and "cat " in line and "dog " in line
        shares = [float(word.rstrip("%,")) for word in line.split() if "%" in word]
        assert sum(shares) == pytest.approx(100, abs=0.2) and shares[0] >= shares[1]


def test_predict_gives_the_networks_own_numbers_to_a_program(capsys, saved, two_photos):
    import torch
    from PIL import Image

    net, path = saved("classification", ("cat", "dog", "fox"))
    code, out, _ = run(capsys, "predict", path, two_photos[1], "--json")
    with torch.no_grad():
        expected = net.eval()(net.preprocess(Image.open(two_photos[1]))[None]).softmax(1)[0]
    answer = json.loads(out)
    assert code == 0 and answer["kind"] == "classification"
    assert answer["photos"][0]["photo"] == two_photos[1]
    assert answer["photos"][0]["values"] == pytest.approx(
        dict(zip(net.classes, expected.tolist(), strict=True)), abs=1e-6
    )


def test_predict_gives_a_value_with_its_unit_for_regression(capsys, saved, two_photos):
    _, path = saved("regression", ("height",), "cm")
    code, out, _ = run(capsys, "predict", path, two_photos[0])
    assert code == 0 and out.startswith(f"{two_photos[0]}: height ") and out.endswith(" cm\n")


def test_predict_gives_independent_probabilities_for_several_labels(capsys, saved, two_photos):
    import torch

    _, path = saved("multilabel", ("odd", "high"))
    _, out, _ = run(capsys, "predict", path, two_photos[0], "--json")
    values = json.loads(out)["photos"][0]["values"]
    assert set(values) == {"odd", "high"} and all(0 < value < 1 for value in values.values())
    assert torch.tensor(list(values.values())).sum() != pytest.approx(1, abs=1e-3)


def test_an_unreadable_photo_is_one_sentence_and_the_others_are_predicted(
    capsys, saved, two_photos, tmp_path
):
    _, path = saved("classification", ("cat", "dog"))
    (tmp_path / "broken.jpg").write_bytes(Path(two_photos[0]).read_bytes()[:100])
    bad = [str(tmp_path / "broken.jpg"), str(tmp_path / "missing.jpg"), path]
    code, out, err = run(capsys, "predict", path, two_photos[0], *bad, two_photos[1])
    assert code == 1 and len(out.splitlines()) == 2
    lines = err.splitlines()
    assert len(lines) == 3 and all(line.startswith("tl-teach: Cannot look at ") for line in lines)
    assert "No such file" in lines[1]
    code, out, _ = run(capsys, "predict", path, "--json", *bad, two_photos[1])
    photos = json.loads(out)["photos"]
    assert code == 1 and ["error" in photo for photo in photos] == [True, True, True, False]


def test_formats_that_start_other_programs_and_giant_pictures_are_refused(capsys, saved, tmp_path):
    _, path = saved("classification", ("cat", "dog"))
    (tmp_path / "drawing.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "giant.pgm").write_bytes(b"P5 20000 9000 255\n")
    photos = [str(tmp_path / name) for name in ("drawing.eps", "giant.pgm")]
    code, out, err = run(capsys, "predict", path, *photos)
    assert (code, out) == (1, "")
    first, second = err.splitlines()
    assert "drawing.eps (not a picture)" in first
    assert "giant.pgm (more than 100 megapixels)" in second


def test_a_photo_is_turned_as_its_camera_was_held(capsys, saved, two_photos, tmp_path):
    from PIL import Image

    _, path = saved("classification", ("cat", "dog"))
    image = Image.open(two_photos[0])
    turned, exif = image.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # to be shown after a quarter turn clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    _, out, _ = run(capsys, "predict", path, two_photos[0], str(tmp_path / "turned.png"), "--json")
    first, second = (photo["values"] for photo in json.loads(out)["photos"])
    assert first == pytest.approx(second, abs=1e-6)


def test_a_file_that_is_no_saved_network_is_one_sentence(capsys, two_photos):
    code, out, err = run(capsys, "predict", two_photos[0], two_photos[1])
    assert (code, out) == (1, "") and "not a complete safetensors file" in one_sentence(err)


def test_predict_says_that_a_network_reads_texts_and_blames_no_photo(
    capsys, two_photos, monkeypatch
):
    from tl_teach import networks
    from tl_teach.tasks import TextPreprocess

    reader = SimpleNamespace(preprocess=TextPreprocess("bert-uncased"))
    monkeypatch.setattr(networks, "open_network", lambda path: reader)
    code, out, err = run(capsys, "predict", "net.safetensors", *two_photos)
    assert (code, out) == (1, "")
    assert "net.safetensors reads texts" in one_sentence(err)
    assert "net = tl.open_network(file)" in err
