"""Any other network by name: its stages are found and verified, or refused in one sentence."""

import sys

import pytest
import torch
from torch import nn

import tl_teach as tl
from tl_teach.networks.find_stages import find_stages

FOUND = {  # the smallest of their kind
    "mnasnet0_5": {"mean over the picture": ["pool", "flatten", "classifier_0", "output"]},
    "shufflenet_v2_x0_5": {"mean over the picture": ["pool", "flatten", "output"]},
    "regnet_x_400mf": {"a pool, then flatten": ["avgpool", "flatten", "output"]},
    "timm/regnetx_002": {"a head of its own": ["head_global_pool", "head_drop", "output"]},
    "timm/resnet10t": {"a pool that flattens": ["global_pool", "output"]},
}


@pytest.fixture(scope="module", params=FOUND)
def net(request):
    return tl.load_network(request.param, "random")


def test_the_picture_shrinks_from_stage_to_stage_and_the_head_ends_in_its_output(net):
    ((_, head),) = FOUND[net.name].items()
    assert list(net.head._modules) == head
    x, sides = torch.zeros(1, *net.preprocess.shape), []
    with torch.no_grad():
        for stage in net.stage_names[:-1]:
            x = net.stages[stage](x)
            sides.append(x.shape[-1])
    assert net.stage_names[:2] == ("stem", "block1")
    assert len(sides) >= 4 and sides == sorted(set(sides), reverse=True)


def test_what_was_found_transfers_like_any_other(net, tmp_path):
    changed = tl.freeze(tl.replace_head(net, 3))
    path = tl.save_network(changed, tmp_path / "net.safetensors")
    assert changed(torch.zeros(1, *net.preprocess.shape)).shape == (1, 3)
    assert tl.fingerprint(tl.open_network(path)) == tl.fingerprint(changed)


class Doubling(nn.Sequential):
    """What it computes is not what its layers compute."""

    def forward(self, x):
        return 2 * super().forward(x)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4))
        self.classifier = nn.Linear(4, 5)

    def forward(self, x):
        return self.classifier(torch.relu(self.features(x)).mean((2, 3)))


def test_what_a_network_does_between_its_layers_is_found_by_trying():
    theirs = Dense()
    stages = find_stages(theirs, "dense", (3, 16, 16))
    x = torch.randn(2, 3, 16, 16)
    assert torch.allclose(nn.Sequential(*stages.values())(x), theirs(x), atol=1e-6)
    assert list(stages["stem"]._modules)[-1] == "relu" and len(stages["head"]) == 3


def test_a_last_layer_of_zeros_does_not_hide_another_order():
    theirs = Dense()
    theirs.forward = lambda x: theirs.classifier(torch.tanh(theirs.features(x)).mean((2, 3)))
    nn.init.zeros_(theirs.classifier.weight)
    with pytest.raises(ValueError, match="do not give what it gives"):
        find_stages(theirs, "dense", (3, 16, 16))


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), "no linear layer at its end"),
        (Doubling(nn.Flatten(), nn.Linear(48, 2)), "one after another, do not give"),
        (nn.Sequential(nn.Linear(7, 2)), "one after another, do not give"),
    ],
)
def test_what_cannot_be_found_is_said_in_one_sentence(theirs, reason):
    with pytest.raises(ValueError, match=rf"stages of 'odd' cannot be found: .*{reason}") as caught:
        find_stages(theirs, "odd", (3, 4, 4))
    assert "\n" not in str(caught.value) and "build tl.Network" in str(caught.value)


@pytest.mark.parametrize("name", ["squeezenet1_0", "timm/vit_tiny_patch16_224"])
def test_a_real_network_that_is_no_row_is_refused(name):
    with pytest.raises(ValueError, match=f"stages of '{name}' cannot be found"):
        tl.load_network(name, "random")


def test_an_unknown_name_in_timm_says_where_names_are():
    with pytest.raises(ValueError, match=r"'resnet1' in timm; see timm\.list_models"):
        tl.load_network("timm/resnet1")


def test_a_missing_timm_is_one_sentence_with_the_way_to_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r"needs the package timm.*tl-teach\[timm\]"):
        tl.load_network("timm/resnet18")


def test_weights_that_timm_cannot_fetch_are_one_sentence(monkeypatch):
    import timm

    def offline(*arguments, **options):
        raise FileNotFoundError("An error happened while trying to locate the file on the Hub")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(tl.assets.AssetError, match=r"'timm/resnet18' from timm's hub .*'letters-r"):
        tl.load_network("timm/resnet18")
