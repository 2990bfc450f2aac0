"""Tasks of a few pictures, and a network that learns them in a moment."""

from collections import OrderedDict

import numpy as np
import pytest
from torch import nn

from tl_teach.networks import Network, ResidualBlock, pooled_head, seeded
from tl_teach.networks.text import compose_text
from tl_teach.tasks import (
    ArrayImages,
    Collection,
    Preprocess,
    TaskInfo,
    TextPreprocess,
    divide,
)

SIZE = 8
TINY8 = Preprocess(size=SIZE, channels=1, mean=(0.2,), std=(0.3,))


def info(name="tiny", kind="classification", classes=("ant", "bee", "cow"), positive=None):
    return TaskInfo(name, kind, tuple(classes), positive, "Nobody (2020)", "CC0")


def pictures(labels, seed=0):
    """Noise, with a bright bar whose place tells the class."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 120, (len(labels), SIZE, SIZE), dtype=np.uint8)
    for picture, label in zip(values, labels, strict=True):
        picture[2 * int(label) + 1] += 120
    return values


def collection(per_class=20, *, held_out=0.2, seed=0, **about):
    about = info(**about)
    labels = np.tile(np.arange(len(about.classes)), per_class)
    return Collection(about, ArrayImages(pictures(labels, seed)), labels, TINY8, held_out)


def task(per_class=20, *, labels_per_class=None, labels=None, split_seed=0, **options):
    return divide(collection(per_class, **options), labels_per_class, labels, split_seed)


def regression_task(count=60, name="tiny-regression"):
    places = np.arange(count) % 3
    values = places + np.random.default_rng(1).normal(0, 0.1, count)
    about = info(name=name, kind="regression", classes=("height",))
    return divide(Collection(about, ArrayImages(pictures(places)), values, TINY8, 0.2))


def multilabel_task(count=60, name="tiny-multilabel"):
    places = np.arange(count) % 4
    rows = np.stack([places % 2, places // 2], axis=1)
    about = info(name=name, kind="multilabel", classes=("odd", "high"))
    return divide(Collection(about, ArrayImages(pictures(places)), rows, TINY8, 0.2))


def network(outputs=3, seed=0, *, dropout=0.0, copied=True):
    """A row of four stages, BatchNorm in three of them."""
    with seeded(seed):
        stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(1, 4, 3, padding=1, bias=False), bn=nn.BatchNorm2d(4), relu=nn.ReLU()
            )
        )
        stages = {
            "stem": stem,
            "block1": ResidualBlock(4, 4),
            "block2": ResidualBlock(4, 8, stride=2),
            "head": pooled_head(8, outputs, dropout),
        }
    classes = tuple(str(number) for number in range(outputs))
    return Network("tiny-net", stages, TINY8, classes, copied=copied).eval()


def text_network(length=8):
    """BERT with one small layer and random weights; its vocabulary is the real one."""
    transformers = pytest.importorskip("transformers")
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.BertConfig(vocab_size=30522, hidden_size=8, **sizes)
    with seeded(0):
        stages = compose_text(transformers.BertModel(config).eval(), "Bert", "mean")
    preprocess = TextPreprocess("bert-uncased", length)
    return Network("tiny-text", stages, preprocess, tuple("abcdefgh"), copied=True)
