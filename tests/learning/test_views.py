import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning.prefix import Prefix
from tl_teach.learning.views import with_views


def noisy(picture):
    return (picture.int() + torch.randint(0, 40, picture.shape)).clamp(0, 255).to(torch.uint8)


def test_views_differ_and_stay_the_same_when_asked_again():
    split = tiny.task().train
    views = with_views(split, noisy, 3, seed=0)
    assert len(views) == 3 * len(split)
    first = [views.pixels(index) for index in range(len(views))]
    again = [views.pixels(index) for index in reversed(range(len(views)))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({bytes(picture.numpy()) for picture in first}) == len(views)
    assert len(set(views.digests())) == len(views)


def test_views_belong_to_the_picture_and_keep_its_label():
    split = tiny.task().train
    views = with_views(split, lambda picture: picture, 2, seed=0)
    for index in range(len(views)):
        assert torch.equal(views.pixels(index), split.pixels(index // 2))
        assert views.targets[index] == split.targets[index // 2]


def test_a_smaller_budget_of_labels_has_the_same_views():
    few, many = (tiny.task(labels_per_class=count).train for count in (2, 4))
    drawn = set(with_views(many, noisy, 2, seed=0).digests())
    assert set(with_views(few, noisy, 2, seed=0).digests()) < drawn


def test_another_seed_gives_other_views_and_no_draw_reaches_the_caller():
    split, state = tiny.task().train, torch.get_rng_state()
    digests = [set(with_views(split, noisy, 2, seed=seed).digests()) for seed in range(2)]
    assert not digests[0] & digests[1] and torch.equal(torch.get_rng_state(), state)


def test_views_that_change_nothing_train_the_weights_of_plain_pictures():
    plain, viewed = (tl.freeze(tiny.network(), through="block1") for _ in range(2))
    tl.fit(plain, tiny.task(), epochs=3, exact=True)
    same = {"augment": lambda picture: picture, "views": 2}
    tl.fit(viewed, tiny.task(), epochs=3, exact=True, **same)
    assert tl.fingerprint(plain) == tl.fingerprint(viewed)


def test_every_view_is_computed_once_and_shown_in_turn(monkeypatch):
    net, task, seen = tl.freeze(tiny.network(), through="stem"), tiny.task(), []
    run = Prefix.__call__
    monkeypatch.setattr(Prefix, "__call__", lambda self, x: seen.append(len(x)) or run(self, x))
    history = tl.fit(net, task, epochs=7, augment=noisy, views=3, exact=True)
    assert sum(seen) <= 3 * len(task.train) + 1
    assert len(set(history.train_loss)) == 7
