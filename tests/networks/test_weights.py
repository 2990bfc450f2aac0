import json
import os
import pickle
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import WeightsError, load_safetensors, save_safetensors

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
]
SHAPES = [(), (0,), (3,), (2, 0, 3), (2, 3, 4)]


def filled(shape, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator) * 50).to(dtype)


EVERYTHING = {
    f"{str(dtype)[6:]} {shape}": filled(shape, dtype) for dtype in DTYPES for shape in SHAPES
}


def identical(first, second):
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype
        and first[name].shape == second[name].shape
        and torch.equal(first[name], second[name])
        for name in first
    )


def test_the_safetensors_library_reads_what_we_write(tmp_path):
    path = save_safetensors(EVERYTHING, tmp_path / "ours.safetensors")
    assert identical(safetensors.torch.load_file(path), EVERYTHING)


def test_we_read_what_the_safetensors_library_writes(tmp_path):
    path = tmp_path / "theirs.safetensors"
    safetensors.torch.save_file(EVERYTHING, path, metadata={"format": "pt"})
    assert identical(load_safetensors(path), EVERYTHING)


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3), st.integers(0, 9)
        ),
        max_size=5,
    )
)
def test_any_tensors_under_any_names_come_back_as_they_were(tmp_path_factory, table):
    tensors = {name: filled(shape, dtype, seed) for name, (dtype, shape, seed) in table.items()}
    path = tmp_path_factory.mktemp("any") / "file.safetensors"
    save_safetensors(tensors, path)
    assert identical(load_safetensors(path), tensors)


def test_views_and_transposed_tensors_are_saved_as_they_look(tmp_path):
    base = torch.arange(24.0).reshape(4, 6)
    tensors = {"turned": base.T, "cut": base[1:3, ::2], "wide": base[0].expand(3, 6)}
    assert identical(load_safetensors(save_safetensors(tensors, tmp_path / "f")), tensors)


def test_loaded_tensors_may_be_written_to(tmp_path):
    path = save_safetensors({"a": torch.ones(3)}, tmp_path / "f")
    load_safetensors(path)["a"].zero_()
    assert torch.equal(load_safetensors(path)["a"], torch.ones(3))


def test_the_shipped_weights_are_what_the_safetensors_library_reads():
    from importlib.resources import as_file, files

    with as_file(files("tl_teach.networks") / "weights" / "letters-resnet.safetensors") as path:
        assert path.stat().st_size < 350_000
        theirs = safetensors.torch.load_file(path)
    assert identical(theirs, dict(tl.load_network("letters-resnet").state_dict()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    tensors = {"a": torch.arange(5.0), "b": torch.arange(6).reshape(2, 3), "c": torch.tensor(7)}
    return save_safetensors(
        tensors, tmp_path_factory.mktemp("whole") / "w.safetensors"
    ).read_bytes()


def refused(folder, content):
    path = folder / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not a complete safetensors file") as caught:
        load_safetensors(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_file_cut_off_anywhere_is_refused(whole, tmp_path):
    for length in range(len(whole)):
        refused(tmp_path, whole[:length])


def test_bytes_after_the_end_are_refused(whole, tmp_path):
    refused(tmp_path, whole + b"more")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 64,
        b"\xff" * 64,
        b"PK\x03\x04 a zip file, in truth" * 9,
        b"<html><body>404</body></html>",
        pickle.dumps({"a": 1}),
    ],
)
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    refused(tmp_path, content)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_never_crash(tmp_path_factory, content):
    refused(tmp_path_factory.getbasetemp(), content)


def with_table(table, data=b"\0" * 16):
    header = table if isinstance(table, bytes) else json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + data


def entry(dtype="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "table",
    [
        {"a": entry(offsets=(4, 20))},
        {"a": entry(offsets=(-4, 12))},
        {"a": entry(offsets=(16, 0))},
        {"a": entry(offsets=(0, 12))},
        {"a": entry(offsets=(0.0, 16.0))},
        {"a": entry(offsets=(0,))},
        {"a": entry(), "b": entry()},
        {"a": entry(shape=(2,), offsets=(0, 8))},
        {"a": entry(shape=(5,))},
        {"a": entry(shape=(-2, -2))},
        {"a": entry(shape=(4.0,))},
        {"a": entry(shape=(2**32, 2**32), offsets=(0, 0))},
        {"a": entry(shape=(2**62, 0, 2**62), offsets=(0, 0))},
        {"a": entry(dtype="F31")},
        {"a": entry(dtype=["F32"])},
        {"a": {"dtype": "F32"}},
        {"a": 3},
        [1, 2],
        "text",
        None,
        b"{",
        b"[" * 100_000,
        b'{"a": NaN}',
        b"\xff\xfe{}",
    ],
    ids=lambda table: str(table)[:60],
)
def test_a_wrong_table_of_contents_is_refused(table, tmp_path):
    refused(tmp_path, with_table(table))


def test_a_correct_table_of_contents_is_accepted(tmp_path):
    path = tmp_path / "good.safetensors"
    path.write_bytes(with_table({"a": entry()}))
    assert torch.equal(load_safetensors(path)["a"], torch.zeros(4))


def test_a_kind_of_number_without_a_name_is_refused_by_name(tmp_path):
    path = tmp_path / "f"
    with pytest.raises(WeightsError, match=r"'waves' holds torch\.complex64.*convert it"):
        save_safetensors({"waves": torch.zeros(2, dtype=torch.complex64)}, path)
    assert not path.exists()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["bomb.pt", "bomb.pth", "bomb.bin", "bomb.safetensors", "bomb"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", ["torch", "pickle"])
def test_a_pickle_bomb_is_refused_and_does_not_go_off(name, save, tmp_path):
    path, crater = tmp_path / name, tmp_path / "crater"
    state = {"weight": Bomb(crater)}
    if save == "torch":
        torch.save(state, path)
    else:
        path.write_bytes(pickle.dumps(state))
    with pytest.raises(WeightsError):
        tl.load_network("letters-resnet", weights=path)
    assert not crater.exists()
    if save == "pickle":  # the bomb is live
        pickle.loads(path.read_bytes())
        assert crater.exists()


@pytest.mark.parametrize(
    "content",
    [[1, 2], 3, {"a": 1}, {"state_dict": {"a": torch.ones(1)}}, torch.ones(3)],
    ids=["list", "number", "dict of numbers", "nested", "tensor"],
)
def test_a_torch_file_that_holds_no_state_dict_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(WeightsError, match="holds no plain state dict"):
        tl.load_network("letters-resnet", weights=tmp_path / "net.pt")


def test_a_whole_pickled_network_is_refused(tmp_path):
    torch.save(tiny.network(), tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"pickled objects are never loaded.*save_network"):
        tl.load_network("letters-resnet", weights=tmp_path / "net.pt")


def test_weights_of_another_network_are_refused_in_a_short_sentence(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_safetensors(tiny.network().state_dict(), path)
    with pytest.raises(WeightsError, match="do not fit the network 'letters-resnet'") as caught:
        tl.load_network("letters-resnet", weights=path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_missing_weights_file_is_refused_with_what_would_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="'pretrained', 'random', or a file"):
        tl.load_network("letters-resnet", weights=tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("outputs", [2, 10, 37])
def test_saved_weights_come_back_whatever_the_head(suffix, outputs, tmp_path):
    net = tl.replace_head(tl.load_network("letters-resnet"), outputs)
    path = tmp_path / f"net{suffix}"
    if suffix == ".pt":
        torch.save(net.state_dict(), path)
    else:
        tl.save_network(net, path)
    again = tl.load_network("letters-resnet", weights=path)
    assert tl.fingerprint(again) == tl.fingerprint(net)
    assert len(again.classes) == again.head.output.out_features == outputs
    assert all(parameter.requires_grad for parameter in again.parameters())


def test_a_path_may_be_a_plain_string(tmp_path):
    path = tl.save_network(tl.load_network("letters-resnet"), str(tmp_path / "net.safetensors"))
    assert tl.load_network("letters-resnet", weights=str(path)).copied["stem"]


def test_saving_replaces_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "net.safetensors"
    for seed in (0, 1):
        tl.save_network(tl.load_network("letters-resnet", "random", seed=seed), path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]
    last = tl.load_network("letters-resnet", "random", seed=1)
    assert identical(load_safetensors(path), dict(last.state_dict()))


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tl.save_network(tl.load_network("letters-resnet"), tmp_path / "net.safetensors")
    before = path.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        tl.save_network(tl.load_network("letters-resnet", "random"), path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_is_full_leaves_nothing_half_written(tmp_path):
    code = (
        "import resource, signal, sys, tl_teach as tl\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "net = tl.load_network('letters-resnet')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "tl.save_network(net, sys.argv[1])\n"
    )
    path = tmp_path / "net.safetensors"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.returncode and "OSError" in done.stderr
    assert list(tmp_path.iterdir()) == []
