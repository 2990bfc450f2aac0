"""Texts as items: their tokens, the rated words and sentences, and the archive that holds them."""

import io
import tarfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import tl_teach as tl
from tl_teach import assets
from tl_teach.tasks import SealedError, TextPreprocess, Texts
from tl_teach.tasks.words import read_member

PREPROCESS = TextPreprocess("bert-uncased", 8)


@given(st.text(max_size=60))
def test_every_text_becomes_one_row_of_numbers_and_padding_at_its_end(text):
    row = PREPROCESS(text)
    real = row >= 0
    assert row.shape == (8,) and row.dtype == torch.int64
    assert real.tolist() == sorted(real.tolist(), reverse=True) and real.sum() >= 2
    assert row[0] == 101 and row[int(real.sum()) - 1] == 102  # the marks at both ends stay


@given(st.text(max_size=20))
def test_bytes_give_what_the_text_gives(text):
    texts = Texts([text])
    assert torch.equal(PREPROCESS(texts.pixels(0)), PREPROCESS(text))
    assert texts.text(0) == text


def test_tokens_are_named_as_the_network_reads_them():
    assert PREPROCESS.tokens("Cheerless days") == ["[CLS]", "cheer", "##less", "days", "[SEP]"]


@pytest.mark.parametrize("length", [0, 2.5, 513])
def test_a_length_that_cannot_be_is_refused(length):
    with pytest.raises(ValueError, match="length="):
        TextPreprocess("bert-uncased", length)


def test_a_split_of_texts_goes_into_a_data_loader():
    task = tl.make_task([f"text {n}" for n in range(20)], [0, 1] * 10, classes=["a", "b"])
    numbers, labels = next(iter(DataLoader(task.train, batch_size=4)))
    assert numbers.shape == (4, 32) and labels.shape == (4,)
    assert task.train.text(0).startswith("text")


def test_texts_are_not_shifted():
    task = tl.make_task([f"text {n}" for n in range(20)], [0, 1] * 10, classes=["a", "b"])
    with pytest.raises(TypeError, match="'texts' is about texts, and this looks at pictures"):
        tl.shift(task, "noise")


def test_a_task_of_pictures_has_no_text():
    with pytest.raises(TypeError, match="has pictures, not texts"):
        tl.load_task("printed-digits").train.text(0)


def test_words_have_the_ratings_of_the_lexicon():
    task = tl.load_task("word-valence")
    parts = (task.train, task.validation)
    ratings = {p.text(i): round(float(p.targets[i]), 1) for p in parts for i in range(len(p))}
    known = {"welldoer": 2.5, "timid": -1.0}
    assert {word: ratings[word] for word in known if word in ratings} == known
    assert all(word.isalpha() and word.islower() for word in ratings)
    assert task.info.range == (-4, 4) and 5000 < len(ratings) < 6000


def test_the_sign_of_a_word_is_that_of_its_valence():
    signs, values = tl.load_task("word-sentiment"), tl.load_task("word-valence")
    valence = {values.train.text(i): float(v) for i, v in enumerate(values.train.targets)}
    shared = [
        (int(signs.train.targets[i]), valence[signs.train.text(i)] > 0)
        for i in range(len(signs.train))
        if signs.train.text(i) in valence
    ]
    assert len(shared) > 1000 and all(sign == positive for sign, positive in shared)


@pytest.mark.parametrize("domain", ["tweets", "films", "products", "editorials"])
def test_each_domain_has_its_sentences_and_hides_the_targets_labels(domain):
    other = "films" if domain == "tweets" else "tweets"
    source, target = tl.load_domains("sentence-sentiment", source=domain, target=other)
    assert source.classes == ("negative", "positive") and len(source.train) > 2000
    assert all(source.train.text(i).strip() for i in range(50))
    with pytest.raises(SealedError):
        target.unlabelled.targets


def test_sentences_of_one_review_stand_on_one_side():
    task, _ = tl.load_domains("sentence-sentiment", source="products", target="tweets")
    groups = [set(task.groups[part.indices]) for part in (task.train, task.validation)]
    assert not groups[0] & groups[1]


def test_no_sentence_is_garbled():
    task, _ = tl.load_domains("sentence-sentiment", source="tweets", target="films")
    text = " ".join(task.train.text(i) for i in range(len(task.train)))
    assert "&amp;" not in text and "\ufffd" not in text and "â€" not in text


def archive(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as out:
        for member, content in members:
            out.addfile(member, io.BytesIO(content))
    file.seek(0)
    return tarfile.open(fileobj=file)


def member(name, content=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def test_a_file_of_an_archive_is_read_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with archive(member("a.txt", b"hello"), member("../../b.txt", b"bad")) as tar:
        assert read_member(tar, "a.txt") == b"hello"
    assert not list(tmp_path.rglob("*"))


def test_links_and_folders_and_what_is_missing_are_refused():
    link = member("link", kind=tarfile.SYMTYPE, link="/etc/passwd")
    hard = member("hard", kind=tarfile.LNKTYPE, link="a.txt")
    folder = member("folder", kind=tarfile.DIRTYPE)
    with archive(member("a.txt", b"x"), link, hard, folder) as tar:
        for name in ("link", "hard", "folder", "absent"):
            with pytest.raises(assets.AssetError, match=name):
                read_member(tar, name)


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("tl_teach.tasks.words._MOST", 10)
    with archive(member("big", bytes(11))) as tar, pytest.raises(assets.AssetError, match="10 by"):
        read_member(tar, "big")


def test_own_texts_make_tasks_of_classes_and_of_values():
    texts = [f"text {n}" for n in range(30)]
    assert tl.make_task(texts, [0, 1, 2] * 10, classes="abc").kind == "classification"
    values = tl.make_task(texts, np.arange(30.0), name="lengths")
    assert values.kind == "regression" and values.name == "lengths"
