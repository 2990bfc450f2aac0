import base64
import copy
import io
import re
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import tl_teach as tl
from tests.networks.test_text_families import Case
from tests.tasks import tiny
from tl_teach.learning import History, LrRange, Study
from tl_teach.show.picture import INK, PAPER, QUIET
from tl_teach.show.roles import ROLES
from tl_teach.tasks import SealedError

matplotlib.use("Agg")

HISTORY = History(
    train_loss=[2.0, 1.0, 0.5],
    validation_loss=[1.9, 1.1, 1.2],
    validation_score=[0.3, 0.75, 0.7],
    best_epoch=2,
)
SCORES = {"frozen": [0.8, 0.82, 0.84], "from scratch": [0.3, 0.35, 0.4]}

RANGE = LrRange(rates=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1], losses=[2, 1.9, 1, 0.5, 3], suggested=1e-3)


def study(counts=(1, 5, None), seeds=(0, 1, 2)):
    """Three recipes; the first two are told apart at 1 label a class, but not at all of them."""
    scores = {"frozen": (0.6, 0.7, 0.9), "fine-tuned": (0.4, 0.5, 0.91), "mine": (0.2, 0.3, 0.4)}
    rows = [
        (recipe, count, seed, scores[recipe][place] + (0.03 * seed - 0.03) * luck)
        for recipe, luck in zip(scores, (1, 0.5, 2), strict=True)
        for place, count in enumerate((1, 5, None))
        for seed in seeds
        if count in counts
    ]
    table = pd.DataFrame(rows, columns=["recipe", "labels_per_class", "seed", "score"])
    return Study(table, "accuracy", 0.1)


def letters(through="block2"):
    return tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), 10), through=through)


def photo():
    y, x = np.mgrid[:40, :50]
    return np.stack([4 * x, 5 * y, 90 + 0 * x], axis=-1).astype(np.uint8)


def digits():
    return tl.load_task("printed-digits").validation


def cloud():
    """Points in three heaps, one a class, and the classes."""
    targets = tiny.task().train.targets.numpy()
    points = np.random.default_rng(0).normal(scale=0.2, size=(len(targets), 2))
    return points + 3 * np.eye(3)[targets, :2], targets


def unlike(net):
    """The same network before its third block moved."""
    before = copy.deepcopy(net)
    for parameter in before.stages["block3"].parameters():
        parameter.data *= 0.5
    return before


# Each public way to draw, and words that its finding must hold.
WAYS = {
    "show_network": (
        lambda net: tl.show_network(net),
        ["letters-resnet", "5 stages", "Frozen: stem, block1, block2", "New: head", "learn"],
    ),
    "show_change": (
        lambda net: tl.show_change(unlike(net), net),
        ["letters-resnet", "block3 by 100 %", "block1, block2 by exactly 0 (frozen)"],
    ),
    "show_confusion": (
        lambda net: tl.show_confusion(tl.baseline(tiny.task())),
        ["accuracy 0.33", "bee taken for ant, 4 of 4 (100 %)"],
    ),
    "show_calibration": (
        lambda net: tl.show_calibration(tl.baseline(tiny.task())),
        ["12 answers", "expected calibration error"],
    ),
    "show_errors": (
        lambda net: tl.show_errors(tiny.network(), tiny.task().validation, count=3),
        ["The 3 worst of", "tiny-net", "12 validation items of tiny", "taken for"],
    ),
    "show_grad_cam": (
        lambda net: tl.show_grad_cam(net, digits(), [0, 1, 2], "7"),
        ["Grad-CAM at stage block3 of letters-resnet. Item 0, true ", "speaks for 7"],
    ),
    "show_integrated_gradients": (
        lambda net: tl.show_integrated_gradients(net, digits(), 3),
        ["Integrated gradients of letters-resnet. Item 3, true ", "the output for"],
    ),
    "show_receptive_field": (
        lambda net: tl.show_receptive_field(net, photo()),
        ["letters-resnet", "of 28×28: stem 3×3, block1 7×7, block2 13×13, block3 25×25"],
    ),
    "show_cka": (
        lambda net: tl.show_cka(unlike(net), net, tiny.task().train),
        ["on 36 pictures of tiny", "stem 1.00, block1 1.00, block2 1.00, block3"],
    ),
    "show_embedding": (
        lambda net: tl.show_embedding(*cloud(), ["ant", "bee", "cow"], title="a cloud"),
        ["36 points of 3 classes", "The nearest neighbour of 1.00", "chance gives 0.31"],
    ),
    "show_embedding with pictures": (
        lambda net: tl.show_embedding(*cloud(), ["ant", "bee", "cow"], tiny.task().train),
        ["36 points of 3 classes", "All classes are apart"],
    ),
    "show_clusters": (
        lambda net: tl.show_clusters(tiny.task().train.targets, tiny.task().train, 4),
        ["3 clusters of 36 pictures of tiny. Cluster 0 has 12 pictures, 100 % of them ant"],
    ),
    "show_neighbours": (
        lambda net: tl.show_neighbours(tiny.task().train, 0, [3, 4], [0.9, 0.8]),
        ["Item 0 of tiny, a picture of", "2 pictures most like it", "(0.90)", "of 2 have its"],
    ),
    "show_study": (
        lambda net: tl.show_study(study()),
        ["Mean accuracy of 3 recipes over 3 seeds. At 1 label per class frozen 0.60, ahead of"],
    ),
    "show_study as a heat map": (
        lambda net: tl.show_study(study(), "heatmap"),
        ["at all fine-tuned 0.91, not told apart from frozen 0.90", "constant guess gets 0.10"],
    ),
    "show_study of one count": (
        lambda net: tl.show_study(study(counts=(5,))),
        ["over 3 seeds. At 5 labels per class frozen 0.70"],
    ),
    "show_layers": (
        lambda net: tl.show_layers(tiny.network(), {"which insect": tiny.task()}),
        ["linear probe behind each stage of tiny", "which insect: stem", "constant guess gets"],
    ),
    "show_attention": (
        lambda net: tl.show_attention(Case("Bert").net, "a good film", "layer2"),
        ["Attention in layer2 of Bert", "mean of 2 heads", "5 tokens", "largest share"],
    ),
    "show_token_importance": (
        lambda net: tl.show_token_importance(tl.replace_head(Case("Bert").net, 2), "a good film"),
        ["The probability of", "text of 3 tokens", "Without one token"],
    ),
    "show_lr_range": (
        lambda net: tl.show_lr_range(RANGE),
        ["from 1e-5 to 0.1", "lowest at a rate of 0.01 with 0.50", "Suggested: 0.001."],
    ),
    "show_filters": (
        lambda net: tl.show_filters(net),
        ["16 filters", "3×3", "stem", "letters-resnet"],
    ),
    "show_feature_maps": (
        lambda net: tl.show_feature_maps(net, photo(), channels=3),
        ["strongest 3", "stem (frozen) channels", "block3 (fine-tuned) channels"],
    ),
    "show_feature_maps of two networks": (
        lambda net: tl.show_feature_maps(unlike(net), photo(), after=net),
        ["before and after", "block2 (frozen) not at all; block3 (fine-tuned) by"],
    ),
    "show_top_images": (
        lambda net: tl.show_top_images(net, tiny.task().train, "block1", [0, 5], count=3),
        ["3 patches", "channels 0, 5", "block1"],
    ),
    "show_history": (
        lambda net: tl.show_history(HISTORY),
        ["3 epochs", "from 2.00 to 0.50", "lowest at epoch 2", "0.75"],
    ),
    "show_history of training alone": (
        lambda net: tl.show_history(History(train_loss=[2.0, 1.5], best_epoch=2)),
        ["2 epochs", "from 2.00 to 1.50"],
    ),
    "show_scores": (
        lambda net: tl.show_scores(SCORES, constant_guess=0.1),
        ["frozen 0.82", "from scratch 0.35", "constant guess gets 0.10", "95 % interval"],
    ),
    "show_examples": (
        lambda net: tl.show_examples(tiny.task(), count=6, columns=3),
        ["6 pictures of tiny", "ant, bee, cow"],
    ),
    "show_examples of an unlabelled part": (
        lambda net: tl.show_examples(tiny.task().unlabelled, count=3),
        ["3 pictures of tiny, without labels"],
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def pictures():
    return {way: draw(letters()) for way, (draw, _) in WAYS.items()}


@pytest.fixture(scope="module", autouse=True)
def first_bytes(pictures):
    return {way: picture.png() for way, picture in pictures.items()}


def test_every_public_way_to_draw_is_tested():
    public = {name for name in dir(tl) if name.startswith("show_")}
    assert public == {way.split()[0] for way in WAYS}


@every_way
def test_a_picture_says_in_words_what_it_shows(way, pictures):
    alt = pictures[way].alt
    for words in WAYS[way][1]:
        assert words in alt
    assert alt.endswith(".") and len(alt) > 30 and repr(pictures[way]) == f"[Picture] {alt}"


@every_way
def test_a_notebook_gets_a_png_with_its_words_and_its_size(way, pictures):
    data, metadata = pictures[way]._repr_mimebundle_()
    drawn = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    drawn.load()
    assert set(data) == {"image/png", "text/plain"}  # HTML would be compared, not skipped
    about = metadata["image/png"]
    assert about["alt"] == pictures[way].alt and data["text/plain"] == repr(pictures[way])
    assert drawn.format == "PNG"
    for shown, drawn_side in zip((about["width"], about["height"]), drawn.size, strict=True):
        assert drawn_side == pytest.approx(2 * shown, abs=2)


@every_way
def test_a_picture_is_no_blank_sheet(way, first_bytes):
    drawn = np.asarray(Image.open(io.BytesIO(first_bytes[way])).convert("L"))
    assert drawn.std() > 5


@every_way
def test_two_runs_give_the_same_bytes(way, first_bytes):
    assert WAYS[way][0](letters()).png() == first_bytes[way]


@every_way
@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_no_trace(way, training):
    net = letters(through="stem").train(training)
    net.stages["block3"].bn1.eval()
    net.run(torch.randn(2, 1, 28, 28)).sum().backward()
    twin, gradients = copy.deepcopy(net), [copy.deepcopy(p.grad) for p in net.parameters()]
    modes = [module.training for module in net.modules()]
    torch.manual_seed(3)
    np.random.seed(3)
    states = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    WAYS[way][0](net)
    assert tl.fingerprint(net) == tl.fingerprint(twin)
    assert [module.training for module in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == [
        p.requires_grad for p in twin.parameters()
    ]
    for parameter, before in zip(net.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (before is None)
        assert before is None or torch.equal(parameter.grad, before)
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]


def test_the_readers_pyplot_is_left_alone(pictures):
    from matplotlib import pyplot

    settings = dict(matplotlib.rcParams)
    for draw, _ in WAYS.values():
        draw(letters())
    pictures["show_network"].png()
    assert pyplot.get_fignums() == [] and dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture_can_be_saved(suffix, pictures, tmp_path):
    path = pictures["show_network"].save(tmp_path / f"net{suffix}")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_a_picture_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    def half(figure, file, **_):
        file.write_text("half")
        raise OSError("no space left")

    path, picture = tmp_path / "net.svg", tl.show_network(tiny.network())
    path.write_text("as it was")
    monkeypatch.setattr(type(picture.figure), "savefig", half)
    with pytest.raises(OSError, match="no space"):
        picture.save(path)
    assert path.read_text() == "as it was" and list(tmp_path.iterdir()) == [path]


def luminance(colour):
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_reckoned_as_the_web_guidelines_do():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_be_read_on_paper_and_on_its_own_area(role):
    assert contrast(ROLES[role].ink, PAPER) >= 4.5
    assert contrast(ROLES[role].ink, ROLES[role].fill) >= 4.5


@pytest.mark.parametrize("colour", [INK, QUIET])
def test_text_can_be_read_on_paper(colour):
    assert contrast(colour, PAPER) >= 4.5


def test_roles_differ_in_more_than_colour():
    looks = {(role.hatch, role.line) for role in ROLES.values()}
    assert len(looks) == len(ROLES)


@every_way
def test_every_text_can_be_read_where_it_stands(way, pictures):
    for text in pictures[way].figure.findobj(matplotlib.text.Text):
        if text.get_text().strip() and text.get_visible():
            assert contrast(matplotlib.colors.to_hex(text.get_color()), PAPER) >= 4.5


def every_boundary():
    for name in ("letters-resnet", "mobilenet_v2"):
        for through in (None, *tl.load_network(name, "random").stage_names):
            yield name, through


def texts_of(figure):
    figure.draw_without_rendering()  # lays the parts out
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes._left_title, axes._right_title]
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            texts += axes.get_xticklabels() + axes.get_yticklabels()
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
    renderer = figure.canvas.get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in texts
        if text.get_text().strip() and text.get_visible()
    ]


@pytest.mark.parametrize("head", ["copied", "new"])
@pytest.mark.parametrize(("name", "through"), list(every_boundary()))
def test_no_text_of_a_network_covers_another_or_leaves_the_sheet(name, through, head):
    net = tl.load_network(name, "random")
    net.copied = dict.fromkeys(net.stages, True)
    if head == "new":
        net = tl.replace_head(net, 10)
    if through:
        tl.freeze(net, through=through)
    figure = tl.show_network(net).figure
    texts = texts_of(figure)
    assert len(texts) > 3 * len(net.stages)
    for (one, here), (other, there) in combinations(texts, 2):
        assert not here.overlaps(there), (one, other)
    for text, box in texts:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text


@pytest.mark.parametrize("way", [way for way in WAYS if way != "show_network"])
def test_no_text_of_another_picture_covers_another(way, pictures):
    for (one, here), (other, there) in combinations(texts_of(pictures[way].figure), 2):
        assert not here.overlaps(there), (one, other)


def test_the_boundary_stands_between_frozen_and_learning_stages():
    labels = {
        text: box.x0 + box.width / 2 for text, box in texts_of(tl.show_network(letters()).figure)
    }
    assert labels["block2"] < labels["freeze boundary"] < labels["block3"]
    assert "freeze boundary" not in dict(texts_of(tl.show_network(tiny.network()).figure))


def test_a_network_is_drawn_with_its_shapes_and_counts():
    texts = {text for text, _ in texts_of(tl.show_network(letters()).figure)}
    assert {"input", "1×28×28", "16×28×28", "32×14×14", "64×7×7", "650"} <= texts


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("through", [None, "stem", "head"])
def test_every_combination_of_roles_is_drawn_and_named(through, copied):
    net = tiny.network(copied=copied)
    if through:
        tl.freeze(net, through=through)
    alt = tl.show_network(net).alt
    for role in {net.role(stage) for stage in net.stages}:
        assert f"{role.capitalize()}: " in alt


def test_the_words_count_what_learns():
    net = tiny.network()
    total = sum(p.numel() for p in net.parameters())
    head = sum(p.numel() for p in net.head.parameters())
    assert f"{total:,} of {total:,} parameters learn" in tl.show_network(net).alt
    assert f"{head:,} of {total:,} parameters learn" in tl.show_network(tl.freeze(net)).alt


def test_the_feature_maps_named_are_the_strongest():
    net = letters()
    with torch.no_grad():
        maps = net.run(net.preprocess(photo())[None], through="stem")[0]
    expected = maps.clamp(min=0).mean((1, 2)).topk(3).indices.tolist()
    listed = ", ".join(map(str, expected))
    assert f"stem (frozen) channels {listed};" in tl.show_feature_maps(net, photo(), 3).alt


def test_the_channels_compared_are_those_that_changed_most():
    before, after = tiny.network(), tl.freeze(tiny.network(), through="block1")
    after.stages["block2"].bn2.bias.data[[3, 6]] += 5
    image = tiny.task().train[0][0]
    with torch.no_grad():
        old, new = (net.run(image[None], through="block2")[0] for net in (before, after))
    share = float((new - old).norm() / old.norm())
    picture = tl.show_feature_maps(before, image, after=after)
    assert "stem (frozen) not at all; block1 (frozen) not at all" in picture.alt
    changed = f"block2 (fine-tuned) by {100 * share:.0f} %, most in channels "
    assert changed in picture.alt
    assert {*picture.alt.split("channels ")[1].rstrip(".").split(", ")} == {"3", "6"}
    texts = [text for text, _ in texts_of(picture.figure)]
    assert texts.count("same") == 4 and texts.count("before") == texts.count("change") == 2
    last = [axes.get_images()[0] for axes in picture.figure.axes[-3:]]
    assert last[0].get_clim() == last[1].get_clim()  # else the two could not be compared
    one, other, difference = (np.asarray(image.get_array()) for image in last)
    assert np.allclose(other - one, difference, atol=1e-6) and difference.any()


def test_feature_maps_of_other_architectures_are_not_compared():
    with pytest.raises(ValueError, match=r"do not have the same feature maps; compare two"):
        tl.show_feature_maps(tl.load_network("letters-resnet"), photo(), after=tiny.network())


def test_feature_maps_take_an_input_as_a_split_gives_it():
    net, task = letters(), tl.load_task("printed-digits")
    item = tl.show_feature_maps(net, task.train[0][0], channels=2)
    assert item.alt == tl.show_feature_maps(net, task.train.pixels(0), channels=2).alt


def test_top_patches_come_from_the_pictures_that_excite_the_channel_most():
    net, split = tiny.network(), tiny.task().train
    with torch.no_grad():
        maps = net.run(torch.stack([image for image, _ in split]), through="stem")
    best = int(maps[:, 2].amax((1, 2)).argmax())
    figure = tl.show_top_images(net, split, "stem", [2], count=1).figure
    (patch,) = [image for axes in figure.axes for image in axes.get_images()]
    whole = split.pixels(best)[0].float().numpy() / 255
    shown = np.asarray(patch.get_array())
    windows = np.lib.stride_tricks.sliding_window_view(whole, shown.shape)
    assert max(shown.shape) <= 3  # what one 3 x 3 convolution sees
    assert np.abs(windows - shown).max((2, 3)).min() < 1e-4


def test_examples_go_evenly_over_the_classes():
    assert "labelled ant, bee, cow" in tl.show_examples(tiny.task(), count=3).alt


def test_examples_of_a_regression_are_labelled_with_their_values():
    task = tl.load_task("digit-rotation", labels=4)
    assert f"labelled {task.train.targets[0]:.3g} degrees" in tl.show_examples(task, count=2).alt


def test_examples_of_several_labels_name_each_that_holds():
    task = tiny.multilabel_task()
    held = [name for name, holds in zip(task.classes, task.train.targets[0], strict=True) if holds]
    assert f"labelled {'+'.join(held) or 'none'}" in tl.show_examples(task, count=1).alt


def test_a_long_label_is_broken_into_lines(monkeypatch):
    monkeypatch.setattr("tl_teach.show.examples.in_words", lambda *_: "american pit bull terrier")
    figure = tl.show_examples(tiny.task(), count=2, columns=8).figure
    assert figure.axes[0].get_title() == "american pit\nbull terrier"


def test_examples_name_their_source_and_licence():
    texts = " ".join(
        t for t, _ in texts_of(tl.show_examples(tl.load_task("solar-cells"), 2).figure)
    )
    assert "Buerhop-Lutz" in texts and "CC BY-NC-SA 4.0" in texts


@pytest.mark.parametrize("name", ["letters-resnet", "mobilenet_v2"])
def test_the_filters_of_any_stage_can_be_drawn(name):
    net = tl.load_network(name)
    for stage in net.stage_names[:2]:
        assert f"stage {stage} of {name}" in tl.show_filters(net, stage).alt


BAD = {
    "filters of no stage": (
        lambda: tl.show_filters(letters(), "block9"),
        r"no stage of 'letters-resnet' named 'block9'; expected one of 'stem'",
    ),
    "filters of the head": (
        lambda: tl.show_filters(letters(), "head"),
        r"'head' of 'letters-resnet' has no convolution.*choose another of stem",
    ),
    "top images of no stage": (
        lambda: tl.show_top_images(letters(), tiny.task().train, "blok1"),
        r"named 'blok1'.*did you mean 'block1'",
    ),
    "top images of the head": (
        lambda: tl.show_top_images(letters(), tiny.task().train, "head"),
        r"'head' of 'letters-resnet' gives no feature maps; choose one of stem",
    ),
    "a channel too far": (
        lambda: tl.show_top_images(letters(), tiny.task().train, "stem", [0, 16]),
        r"channels=\[0, 16\] does not work: .* has the channels 0 to 15",
    ),
    "a negative channel": (
        lambda: tl.show_top_images(letters(), tiny.task().train, "stem", [-1]),
        r"channels=\[-1\] does not work: .* has the channels 0 to 15",
    ),
    "an input of another network": (
        lambda: tl.show_feature_maps(letters(), torch.zeros(3, 28, 28)),
        r"'letters-resnet' needs one input of shape \(1, 28, 28\), but got \(3, 28, 28\)",
    ),
    "a batch of inputs": (
        lambda: tl.show_feature_maps(letters(), torch.zeros(2, 1, 28, 28)),
        r"needs one input of shape .* but got \(2, 1, 28, 28\)",
    ),
    "no maps": (
        lambda: tl.show_feature_maps(letters(), photo(), channels=0),
        r"channels=0 does not work",
    ),
    "no patches": (
        lambda: tl.show_top_images(letters(), tiny.task().train, "stem", count=0),
        r"count=0 does not work",
    ),
    "examples of nothing": (
        lambda: tl.show_examples(tiny.task().validation[:0]),
        r"There is nothing in <validation split of 'tiny': 0 items>; give a part that has items",
    ),
    "a picture of no format": (
        lambda: tl.show_network(tiny.network()).save("x.xyz"),
        r"suffix '\.xyz' of 'x\.xyz' names no format of a picture; expected '\.png'",
    ),
    "a list of tasks": (
        lambda: tl.show_layers(tiny.network(), [tiny.task()]),
        r"no question with a name in this list; give tasks by name",
    ),
    "no examples": (lambda: tl.show_examples(tiny.task(), count=0), r"count=0 does not work"),
    "an empty history": (lambda: tl.show_history(History()), r"holds no epoch; fit the network"),
    "no scores": (lambda: tl.show_scores({}), r"no scores to compare; give"),
    "one score": (lambda: tl.show_scores({"a": [0.5]}), r"at least two repetitions"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(case):
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("thing", ["tiny", None, 3, [1, 2]])
def test_examples_of_what_is_no_task_are_refused(thing):
    with pytest.raises(TypeError, match=r"Expected a part of a task.*task\.train"):
        tl.show_examples(thing)


@pytest.mark.parametrize(
    "draw",
    [tl.show_examples, lambda test: tl.show_top_images(tiny.network(), test, "stem")],
)
def test_a_sealed_test_is_never_shown(draw):
    with pytest.raises(SealedError):
        draw(tiny.task().test)


def test_words_hold_no_markup(pictures):
    for way, picture in pictures.items():
        assert not re.search(r"[<>\n]", picture.alt), way


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tl.show_history(3), r"but got int; give what tl\.fit"),
        (lambda: tl.show_scores([0.1, 0.2]), "but got list; give a dictionary"),
        (
            lambda: tl.show_feature_maps(tiny.network(), "cat.jpg"),
            "'cat.jpg' is the name of a picture.*open it first",
        ),
        (
            lambda: tl.show_feature_maps(tiny.network(), tiny.task().train),
            r"Expected a picture, but got a Split; give one input, such as split\[0\]\[0\]",
        ),
        (
            lambda: tl.show_feature_maps(tiny.network(), tiny.task().train[0]),
            "Expected a picture, but got a tuple",
        ),
    ],
    ids=["no history", "no scores", "a file's name", "a split", "an item"],
)
def test_what_cannot_be_drawn_is_refused_with_the_remedy(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_a_picture_is_not_saved_to_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere' for 'x\.png'"):
        tl.show_network(tiny.network()).save(tmp_path / "nowhere" / "x.png")
