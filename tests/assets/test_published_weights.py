"""torchvision's weights come through this room: right bytes, or one sentence that helps."""

import errno
import io
import os
import pickle
from types import SimpleNamespace

import pytest
import torch
from torchvision import models

import tl_teach as tl
from tl_teach import assets
from tl_teach.assets import mirrors
from tl_teach.assets.partfile import PartFile
from tl_teach.networks import published, seeded

from .conftest import Handler, sha256

NAME = "squeezenet1_1"


def as_file(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def theirs():
    with seeded(5):
        return models.get_model(NAME, weights=None).eval()


@pytest.fixture(scope="module")
def content(theirs):
    return as_file(theirs.state_dict())


@pytest.fixture
def publish(server, monkeypatch):
    """Let torchvision's record of some weights name an address on the local server."""
    real = published.published_weights

    def register(content, behaviour=None, digits=None, name=NAME):
        weights = real(name)
        path = f"/{name}-{digits or sha256(content)[:8]}.pth"
        give = behaviour or (lambda handler: handler.send(content))
        fake = SimpleNamespace(
            url=server.does(path, give),
            name=weights.name,
            transforms=weights.transforms,
            meta={**weights.meta, "_file_size": round(len(content) / 2**20, 3)},
        )
        monkeypatch.setattr(
            published, "published_weights", lambda n: fake if n == name else real(n)
        )
        return path[1:]

    return register


def refusal():
    with pytest.raises(assets.AssetError) as caught:
        tl.load_network(NAME)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and sentence.count(". ") == 0
    assert "without a connection, load 'letters-resnet'" in sentence
    return sentence


def slow(content):
    def answer(handler):
        handler.headers_for(len(content))
        for start in range(0, len(content), len(content) // 4):
            handler.wfile.write(content[start : start + len(content) // 4])

    return answer


WAYS = {
    "at once": lambda content: None,
    "slowly": slow,
    "in pieces": lambda content: lambda handler: handler.resumable(content, 2_000_000),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_weights_are_fetched_verified_and_used(publish, server, content, theirs, cache, way):
    filename = publish(content, WAYS[way](content))
    net, x = tl.load_network(NAME), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(net(x), theirs(x))
    assert set(net.copied.values()) == {True}
    assert [file.name for file in cache.iterdir()] == [filename]
    asked = len(server.asked)
    tl.load_network(NAME)
    assert len(server.asked) == asked


def test_a_redirect_is_followed(publish, server, content):
    target = server.gives("/elsewhere", content)

    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    publish(content, redirect)
    assert tl.load_network(NAME).copied["stem"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Handler.missing, "it answered 404 Not Found"),
        (Handler.cut, "the connection was cut off"),
        (Handler.hang, "no answer in time"),
        (Handler.redirect_forever, "it answered 302 Found"),
        (lambda handler: handler.send(b"<html>Please log in</html>"), "only 26 of"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(
    publish, content, cache, monkeypatch, behaviour, reason
):
    monkeypatch.setattr(mirrors, "TIMEOUT", (1, 0.2))
    filename = publish(content, behaviour)
    sentence = refusal()
    assert filename in sentence and reason in sentence and "TL_TEACH_MIRROR" in sentence
    assert not cache.exists() or not list(cache.iterdir())


def test_corrupt_bytes_are_refused(publish, content, cache):
    publish(content, lambda handler: handler.send(content[:-1] + b"?"))
    assert "the checksum differs" in refusal()
    assert not list(cache.iterdir())


def test_a_file_with_another_checksum_than_its_name_says_is_refused(publish, content):
    publish(content, digits="0123abcd")
    assert "the checksum differs" in refusal()


def test_a_full_disk_is_one_sentence(publish, content, monkeypatch):
    def full(self, chunk):
        with self._storing():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    publish(content)
    monkeypatch.setattr(PartFile, "write", full)
    assert "make room there or set TL_TEACH_CACHE" in refusal()


def test_a_pickled_file_is_not_executed_though_its_checksum_is_right(publish, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    publish(as_file({"weight": Evil()}))
    with pytest.raises(pickle.UnpicklingError):
        tl.load_network(NAME)
    assert not (tmp_path / "executed").exists()


def test_the_mirror_folder_is_asked_before_the_publisher(
    publish, server, content, tmp_path, monkeypatch
):
    (tmp_path / publish(content)).write_bytes(content)
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path))
    assert tl.load_network(NAME).copied["stem"] and server.asked == []


def test_names_of_before_modules_lost_their_dots_are_understood(publish):
    theirs = models.densenet121(weights=None)
    old = {
        name.replace("norm1", "norm.1").replace("norm2", "norm.2")
        .replace("conv1", "conv.1").replace("conv2", "conv.2"): tensor
        for name, tensor in theirs.state_dict().items()
    }  # fmt: skip
    assert set(old) != set(theirs.state_dict())
    publish(as_file(old), name="densenet121")
    net, x = tl.load_network("densenet121"), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(net(x), theirs.eval()(x))


def test_auxiliary_heads_in_the_file_are_left_out(publish):
    theirs = models.googlenet(weights=None, init_weights=True)
    assert any(name.startswith("aux1.") for name in theirs.state_dict())
    publish(as_file(theirs.state_dict()), name="googlenet")
    net, x = tl.load_network("googlenet"), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(net(x), theirs.eval()(x))
    assert not any("aux" in name for name in net.state_dict())


# One that can be had instead


def test_the_first_network_that_can_be_had_is_loaded_and_said(publish, content, capsys):
    publish(content, Handler.missing)
    assert tl.load_first_available([NAME, "letters-resnet"]).name == "letters-resnet"
    out, err = capsys.readouterr()
    assert out == f"The weights of '{NAME}' cannot be fetched here, so this is 'letters-resnet'.\n"
    assert "Traceback" not in err


def test_nothing_is_said_where_the_first_can_be_had(publish, content, capsys):
    publish(content)
    net = tl.load_first_available([NAME, "letters-resnet"], image_size=64)
    assert net.name == NAME and net.preprocess.size == 64 and capsys.readouterr().out == ""


def test_with_none_to_be_had_the_last_sentence_is_raised(publish, content):
    publish(content, Handler.missing)
    with pytest.raises(assets.AssetError, match="404 Not Found"):
        tl.load_first_available([NAME])


@pytest.mark.parametrize("names", [[], "resnet18"])
def test_names_that_are_no_list_are_refused(names):
    with pytest.raises(ValueError, match=r"expected a list of networks' names"):
        tl.load_first_available(names)
