"""A network is looked at where it is.

The device "meta" keeps shapes and no numbers: whoever brings a picture to the network and asks for
its answer back is told that there are no numbers, and whoever does not that two devices met.
"""

import pytest

import tl_teach as tl
from tests.tasks import tiny

LOOKS = {
    "feature maps": lambda net, task: tl.show_feature_maps(net, task.train[0][0]),
    "two networks": lambda net, task: tl.explore_feature_maps(net, [task.train[0][0]], after=net),
    "filters": lambda net, task: tl.show_filters(net),
    "receptive field": lambda net, task: tl.show_receptive_field(net, task.train),
    "top images": lambda net, task: tl.show_top_images(net, task.train, "block1"),
    "Grad-CAM": lambda net, task: tl.show_grad_cam(net, task.train, 0),
}


@pytest.mark.parametrize("look", LOOKS)
def test_pictures_are_brought_to_the_network_and_answers_back(look):
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        LOOKS[look](tiny.network().to("meta"), tiny.task())


def test_a_network_is_drawn_wherever_it_is():
    net = tiny.network()
    there = tiny.network().to("meta")
    assert there.device.type == "meta" and net.device.type == "cpu"
    assert tl.show_network(there).alt == tl.show_network(net).alt


def test_costs_are_measured_on_the_processor(monkeypatch):
    seen = []
    monkeypatch.setattr(tl.Network, "cpu", lambda net: seen.append(net) or tiny.network())
    tl.explore_network(tiny.network().to("meta"))
    assert len(seen) == 1
