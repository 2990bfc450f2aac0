"""Exported networks give the same numbers elsewhere, for any number of pictures."""

import sys

import numpy as np
import onnxruntime
import pytest
import torch

import tl_teach as tl

NETS = {
    "letters-resnet": lambda: tl.load_network("letters-resnet"),
    "mobilenet_v2": lambda: tl.load_network("mobilenet_v2", "random", image_size=64),
}


@pytest.fixture(scope="module", params=NETS)
def net(request):
    net = tl.freeze(tl.replace_head(NETS[request.param](), 3), through="stem")
    x = torch.randn(8, *net.preprocess.shape, generator=torch.Generator().manual_seed(0))
    net.train()(x)  # statistics as after some training: the outputs are not all zero
    return net


def expected(net, x):
    mode = net.training
    with torch.no_grad():
        outputs = net.eval()(x)
    net.train(mode)
    return outputs


def test_onnx_runtime_gives_the_networks_numbers_for_any_batch(net, tmp_path):
    path = tl.export_network(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        x = torch.randn(count, *net.preprocess.shape)
        (got,) = session.run(["outputs"], {"pictures": x.numpy()})
        assert np.abs(got - expected(net, x).numpy()).max() <= 1e-4
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_an_exported_program_comes_back_with_the_same_numbers(net, tmp_path):
    path = tl.export_network(net, tmp_path / "net.pt2", format="torch.export")
    again = torch.export.load(path).module()
    for count in (1, 2, 5):
        x = torch.randn(count, *net.preprocess.shape)
        with torch.no_grad():
            assert torch.allclose(again(x), expected(net, x), atol=1e-6)


def test_exporting_leaves_the_network_as_it_was(net, tmp_path):
    before = tl.fingerprint(net)
    tl.export_network(net, tmp_path / "net.pt2", format="torch.export")
    assert tl.fingerprint(net) == before and net.training and net.frozen_through == "stem"
    assert [p.requires_grad for p in net.head.parameters()] == [True, True]


def test_a_failed_export_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.pt2"
    path.write_bytes(b"before")

    def full(program, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.export, "save", full)
    with pytest.raises(OSError, match="No space left"):
        tl.export_network(tl.load_network("letters-resnet"), path, format="torch.export")
    assert path.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1


def test_an_unknown_format_is_named_with_those_that_exist(tmp_path):
    with pytest.raises(ValueError, match="no format named 'torchscript'; expected one of 'onnx'"):
        tl.export_network(tl.load_network("letters-resnet"), tmp_path / "x", format="torchscript")


def test_a_missing_folder_is_said_by_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere' for 'net\.onnx'"):
        tl.export_network(tl.load_network("letters-resnet"), tmp_path / "nowhere" / "net.onnx")


def test_a_missing_package_is_one_sentence_with_the_way_to_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"needs the package onnxscript.*tl-teach\[export\]"):
        tl.export_network(tl.load_network("letters-resnet"), tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
