"""Fetching: the bytes are right or refused, and whatever happens leaves the cache clean."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tl_teach import assets
from tl_teach.assets import mirrors
from tl_teach.assets.mirrors import Installed
from tl_teach.assets.partfile import PartFile

from .conftest import BODY, Handler, sha256, wheel_of


def names(folder):
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def refusal(action):
    """The one sentence that `action` fails with."""
    with pytest.raises(assets.AssetError) as caught:
        action()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith("Cannot ")
    assert sentence.endswith(".")
    return sentence


def test_the_first_use_fetches_and_the_second_asks_nobody(server, tiny, cache):
    tiny(server.gives("/tiny", BODY))
    first = assets.path("tiny")
    assert first.read_bytes() == BODY
    assert first == cache / "tiny.bin"
    assert assets.path("tiny") == first
    assert server.asked == ["/tiny"]
    assert names(cache) == ["tiny.bin"]


def test_an_unknown_name_is_answered_with_the_nearest(tiny):
    tiny()
    with pytest.raises(ValueError, match=r"There is no asset named 'tinny'.*did you mean 'tiny'\?"):
        assets.path("tinny")


def test_a_slow_server_still_gives_the_file(server, tiny):
    tiny(server.does("/slow", Handler.slow))
    assert assets.path("tiny").read_bytes() == BODY


def test_a_redirect_is_followed(server, tiny):
    target = server.gives("/moved", BODY)

    def redirect(handler):
        handler.send_response(301)
        handler.send_header("Location", target)
        handler.end_headers()

    tiny(server.does("/old", redirect))
    assert assets.path("tiny").read_bytes() == BODY


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Handler.missing, "it answered 404 Not Found"),
        (Handler.cut, "the connection was cut off"),
        (Handler.cut_without_saying_how_long, "only 100000 of 200000 bytes"),
        (Handler.hang, "no answer in time"),
        (Handler.endless, "more than the expected 200000 bytes"),
        (Handler.redirect_forever, "it answered 302 Found"),
        (lambda handler: handler.send(b""), "only 0 of 200000 bytes"),
        (lambda handler: handler.send(BODY[:-1] + b"?"), "the checksum differs"),
        (lambda handler: handler.send(b"<html>Please log in</html>"), "only 26 of 200000 bytes"),
    ],
)
def test_a_bad_answer_is_refused_with_its_reason(
    server, tiny, cache, monkeypatch, behaviour, reason
):
    monkeypatch.setattr(mirrors, "TIMEOUT", (1, 0.2))
    tiny(server.does("/bad", behaviour))
    sentence = refusal(lambda: assets.path("tiny"))
    assert "tiny.bin" in sentence
    assert f"127.0.0.1:{server.server_port} ({reason})" in sentence
    assert "TL_TEACH_MIRROR" in sentence
    assert names(cache) == []


def test_a_mirror_with_other_bytes_does_not_stop_the_next_from_being_asked(server, tiny):
    tiny(server.url("/missing"), server.gives("/wrong", BODY[::-1]), server.gives("/right", BODY))
    assert assets.path("tiny").read_bytes() == BODY
    assert server.asked == ["/missing", "/wrong", "/right"]


def test_every_mirror_that_was_tried_is_named(server, tiny):
    tiny(Installed("no-such-package", "x"), server.url("/missing"))
    sentence = refusal(lambda: assets.path("tiny"))
    assert "the installed package no-such-package (it is not installed), then 127.0.0.1" in sentence


def test_without_a_network_it_fails_at_once_and_asks_each_mirror_once(server, tiny):
    server.shutdown()
    server.server_close()  # connections to its port are now refused
    tiny(server.url("/a"), server.url("/b"))
    start = time.perf_counter()
    sentence = refusal(lambda: assets.path("tiny"))
    assert time.perf_counter() - start < 3
    assert sentence.count("no connection") == 2


# Going on after a cut, and checksums of which little is known


def test_a_download_that_is_cut_off_goes_on_where_it_was(server, tiny, cache):
    tiny(server.does("/cut", Handler.resumable))
    assert assets.path("tiny").read_bytes() == BODY
    assert server.ranges[0] is None and len(server.ranges) == 3
    starts = [int(asked[6:-1]) for asked in server.ranges[1:]]
    assert starts == sorted(set(starts)) and starts[0] > 0
    assert names(cache) == ["tiny.bin"]


def test_a_server_that_begins_again_is_not_mixed_with_what_came_before(server, tiny):
    parts = iter([70_000, 140_000, len(BODY)])

    def whole_again(handler):
        handler.headers_for(len(BODY))
        handler.wfile.write(BODY[: next(parts)])

    tiny(server.does("/again", whole_again))
    assert assets.path("tiny").read_bytes() == BODY
    assert len(server.asked) == 3


def test_a_server_that_gets_no_further_is_given_up(server, tiny, cache):
    tiny(server.does("/cut", Handler.cut))
    assert "the connection was cut off" in refusal(lambda: assets.path("tiny"))
    assert len(server.asked) == 2 and names(cache) == []


def test_a_server_that_changes_its_mind_half_way_is_refused(server, tiny, cache):
    def other_half(handler):
        handler.resumable(BODY if handler.headers["Range"] is None else BODY[::-1], 130_000)

    tiny(server.does("/mind", other_half))
    assert "the checksum differs" in refusal(lambda: assets.path("tiny"))
    assert names(cache) == []


@pytest.mark.parametrize("off", [-1000, 0, 1000])
def test_a_size_that_is_known_roughly_and_the_first_digits_of_a_checksum_will_do(
    server, tiny, off, cache
):
    rough = tiny(
        server.gives("/tiny", BODY), size=len(BODY) + off, slack=1024, sha256=sha256(BODY)[:8]
    )
    assert assets.path("tiny").read_bytes() == BODY
    assert assets.present(rough) and assets.verify("tiny") == cache / "tiny.bin"
    assets.path("tiny")
    assert len(server.asked) == 1


@pytest.mark.parametrize("content", [BODY[:-1] + b"?", BODY[:-5000], BODY + bytes(5000)])
def test_other_bytes_than_a_rough_description_are_refused(server, tiny, cache, content):
    tiny(server.gives("/tiny", content), slack=1024, sha256=sha256(BODY)[:8])
    refusal(lambda: assets.path("tiny"))
    assert names(cache) == []


def test_an_asset_that_stands_in_no_catalogue_is_fetched_like_any_other(server, tiny, cache):
    loose = tiny(server.gives("/tiny", BODY))
    del assets.catalogue["tiny"]
    assert assets.path(loose) == assets.path(loose) == cache / "tiny.bin"
    assert server.asked == ["/tiny"]


# The folder in TL_TEACH_MIRROR


def test_the_mirror_folder_is_asked_before_any_server(server, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tiny.bin").write_bytes(BODY)
    tiny(server.gives("/tiny", BODY))
    assert assets.path("tiny").read_bytes() == BODY
    assert server.asked == []


def test_the_mirror_folder_may_hold_the_carrier_instead(
    server, tiny, carrier, tmp_path, monkeypatch
):
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path))
    wheel = wheel_of(BODY)
    (tmp_path / "carrier-1.0-py3-none-any.whl").write_bytes(wheel)
    tiny(carrier(server.url("/carrier-1.0-py3-none-any.whl"), wheel))
    assert assets.path("tiny").read_bytes() == BODY
    assert server.asked == []


def test_another_build_of_the_carrier_is_not_opened(server, tiny, carrier, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path))
    (tmp_path / "carrier-1.0-py3-none-any.whl").write_bytes(b"PK, but not the published one")
    tiny(carrier(server.url("/carrier-1.0-py3-none-any.whl"), wheel_of(BODY)))
    reason = "(the checksum of carrier-1.0-py3-none-any.whl differs)"
    assert reason in refusal(lambda: assets.path("tiny"))


def test_a_mirror_folder_that_does_not_help_says_what_it_lacks(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path / "nowhere"))
    tiny("http://127.0.0.1:9/x")
    assert "nowhere (it holds no tiny.bin)" in refusal(lambda: assets.path("tiny"))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, len(BODY) - 1), change=st.integers(0, 255), cut=st.booleans())
def test_any_changed_or_missing_byte_is_refused(
    tiny, cache, tmp_path, monkeypatch, position, change, cut
):
    shutil.rmtree(cache, ignore_errors=True)
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path))
    changed = BODY[:position] + (b"" if cut else bytes([change]) + BODY[position + 1 :])
    (tmp_path / "tiny.bin").write_bytes(changed)
    tiny()
    if changed == BODY:
        assert assets.path("tiny").read_bytes() == BODY
    else:
        refusal(lambda: assets.path("tiny"))
        assert names(cache) == []


# Carriers and installed packages


def test_a_carrier_gives_its_one_file_and_is_not_kept(server, tiny, carrier, cache):
    wheel = wheel_of(BODY)
    tiny(carrier(server.gives("/carrier-1.0-py3-none-any.whl", wheel), wheel))
    assert assets.path("tiny").read_bytes() == BODY
    assert names(cache) == ["tiny.bin"]


def test_a_carrier_with_other_bytes_is_not_opened(server, tiny, carrier, cache, monkeypatch):
    monkeypatch.setattr("zipfile.ZipFile.__init__", lambda *_: pytest.fail("it was opened"))
    url = server.gives("/carrier-1.0-py3-none-any.whl", BODY)
    tiny(carrier(url, BODY[::-1]))
    assert "carrier 1.0 on PyPI (the checksum differs)" in refusal(lambda: assets.path("tiny"))
    assert names(cache) == []


def test_a_member_that_unpacks_to_more_than_expected_is_cut_short(server, tiny, carrier, cache):
    bomb = wheel_of(bytes(50_000_000))
    tiny(carrier(server.gives("/carrier-1.0-py3-none-any.whl", bomb), bomb))
    assert "(more than the expected 200000 bytes)" in refusal(lambda: assets.path("tiny"))
    assert names(cache) == []


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that is installed, and fails if anybody imports it."""
    site = tmp_path / "site"
    (site / "carrier_pkg").mkdir(parents=True)
    (site / "carrier_pkg" / "__init__.py").write_text("raise SystemExit('it was imported')")
    (site / "carrier_pkg-2.0.dist-info").mkdir()
    (site / "carrier_pkg-2.0.dist-info" / "METADATA").write_text("Name: carrier-pkg\nVersion: 2.0")
    monkeypatch.syspath_prepend(site)
    return site / "carrier_pkg"


def test_a_file_of_an_installed_package_is_used_without_importing_it(installed, tiny):
    (installed / "tiny.bin").write_bytes(BODY)
    tiny(Installed("carrier-pkg", "carrier_pkg/tiny.bin"))
    assert assets.path("tiny").read_bytes() == BODY


def test_another_version_of_an_installed_package_does_no_harm(installed, server, tiny):
    (installed / "tiny.bin").write_bytes(BODY[:-1] + b"?")
    tiny(
        Installed("carrier-pkg", "carrier_pkg/gone.bin"),
        Installed("carrier-pkg", "carrier_pkg/tiny.bin"),
        server.gives("/tiny", BODY),
    )
    assert assets.path("tiny").read_bytes() == BODY


# The cache


def test_a_truncated_file_in_the_cache_is_fetched_again(server, tiny, cache):
    tiny(server.gives("/tiny", BODY))
    cache.mkdir()
    (cache / "tiny.bin").write_bytes(BODY[:1000])
    assert assets.path("tiny").read_bytes() == BODY


def test_the_cache_is_where_the_environment_says(monkeypatch):
    import pooch

    monkeypatch.setenv("TL_TEACH_CACHE", os.path.join("~", "course"))
    assert assets.folder() == Path.home() / "course"
    monkeypatch.setenv("TL_TEACH_CACHE", "")
    assert assets.folder() == pooch.os_cache("tl-teach")


PLACES = [("TL_TEACH_CACHE", assets.folder), ("TL_TEACH_MIRROR", assets.mirror)]


@pytest.mark.parametrize(("variable", "place"), PLACES)
def test_folders_stay_where_they_were_when_a_notebook_changes_its_own(
    monkeypatch, tmp_path, variable, place
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, f"a-{tmp_path.name}")
    before = place()
    monkeypatch.chdir("elsewhere")
    assert place() == before == tmp_path / f"a-{tmp_path.name}"


@pytest.mark.parametrize(("variable", "place"), PLACES)
def test_a_user_without_a_home_is_told_what_to_set(monkeypatch, variable, place):
    monkeypatch.setenv(variable, os.path.join("~no-such-user", "course"))
    assert f"set {variable}" in refusal(place)


def test_no_mirror_is_asked_for_where_none_is_named(monkeypatch):
    for nothing in ("", None):
        monkeypatch.delenv("TL_TEACH_MIRROR", raising=False)
        if nothing is not None:
            monkeypatch.setenv("TL_TEACH_MIRROR", nothing)
        assert assets.mirror() is None


def test_a_cache_that_cannot_be_written_is_one_sentence(server, tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "file" / "cache"))
    tiny(server.gives("/tiny", BODY))
    assert "set TL_TEACH_CACHE to another folder" in refusal(lambda: assets.path("tiny"))
    assert server.asked == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_a_shared_cache_can_be_read_by_the_whole_class(server, tiny):
    tiny(server.gives("/tiny", BODY))
    before = os.umask(0o022)
    try:
        assert stat.S_IMODE(assets.path("tiny").stat().st_mode) == 0o644
    finally:
        os.umask(before)


@pytest.fixture
def full_disk(tmp_path, monkeypatch):
    """A cache on a real file system of 64 KB; where that cannot be mounted, writes that fail."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    mounted = (
        os.name == "posix"
        and shutil.which("mount")
        and not subprocess.call(mount, stderr=subprocess.DEVNULL)
    )
    if not mounted:

        def refuse(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setenv("TL_TEACH_CACHE", str(disk))
    yield disk
    if mounted:
        subprocess.check_call(["umount", str(disk)])


@pytest.mark.parametrize("in_a_wheel", [False, True])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    server, tiny, carrier, full_disk, in_a_wheel
):
    wheel = wheel_of(BODY)
    url = server.gives("/carrier-1.0-py3-none-any.whl", wheel if in_a_wheel else BODY)
    tiny(carrier(url, wheel) if in_a_wheel else url, server.gives("/second", BODY))
    sentence = refusal(lambda: assets.path("tiny"))
    assert os.strerror(errno.ENOSPC) in sentence
    assert "make room" in sentence
    assert "/second" not in server.asked  # another mirror would not help
    assert names(full_disk) == []


def test_what_fills_the_last_buffer_of_the_disk_is_noticed_too(full_disk):
    content = bytes(70_000)  # of which the last few thousand bytes wait in Python's buffer
    with (
        pytest.raises(assets.AssetError, match="make room"),
        PartFile(full_disk, "x", len(content), sha256(content)) as part,
    ):
        for start in range(0, len(content), 1000):
            part.write(content[start : start + 1000])
        part.keep()
    assert names(full_disk) == []


# verify


def test_verify_accepts_what_was_fetched(server, tiny):
    tiny(server.gives("/tiny", BODY))
    fetched = assets.path("tiny")
    assert assets.verify("tiny") == fetched


@pytest.mark.parametrize("damaged", [BODY[:-1] + b"?", BODY[:-1], b""])
def test_verify_removes_a_damaged_file_and_says_how_to_get_it_back(tiny, cache, damaged):
    tiny()
    cache.mkdir()
    (cache / "tiny.bin").write_bytes(damaged)
    with pytest.raises(assets.AssetError, match=r"was damaged.*`tl-teach assets fetch tiny`"):
        assets.verify("tiny")
    assert names(cache) == []


def test_verify_of_what_is_not_there_fetches_nothing(server, tiny):
    tiny(server.gives("/tiny", BODY))
    with pytest.raises(assets.AssetError, match=r"tiny\.bin is not in"):
        assets.verify("tiny")
    assert server.asked == []


# Progress


FETCH = """
import sys
from tl_teach import assets
url, size, sha256 = sys.argv[1:]
download = assets.Download(url)
tiny = assets.Asset("tiny", "Tiny", "tiny.bin", int(size), sha256, "", "", (download,))
print(assets.path(tiny).name)
assets.path(tiny)
"""


@pytest.mark.parametrize("disabled", ["", "1"])
def test_progress_is_on_standard_error_and_can_be_switched_off(server, cache, disabled):
    about = [server.does("/slow", Handler.slow), str(len(BODY)), sha256(BODY)]
    done = subprocess.run(
        [sys.executable, "-c", FETCH, *about],
        env={**os.environ, "TQDM_DISABLE": disabled, "TL_TEACH_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "tiny.bin\n" and server.asked == ["/slow"]
    assert ("tiny.bin" in done.stderr) == (not disabled)
    assert not disabled or not done.stderr
