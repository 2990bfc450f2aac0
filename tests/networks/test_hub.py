"""Weights of language networks come from the hub: here a local server that speaks as it does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

REPOSITORY = "openai-community/gpt2"
TOKENS = [[5, 7, 9]]
CODE = f"""
import json, sys, torch, tl_teach as tl
try:
    net = tl.load_network("gpt2")
except tl.assets.AssetError as reason:
    sys.exit(f"refused: {{reason}}")
with torch.no_grad():
    print(json.dumps(net(torch.tensor({TOKENS})).tolist()))
"""


class Hub(ThreadingHTTPServer):
    daemon_threads = True
    folder: Path
    cut = False
    asked: list[str]

    def handle_error(self, request, client_address):
        """Who is cut off hangs up."""


class Answers(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        self.server.asked.append(f"{self.command} {self.path}")
        start = f"/{REPOSITORY}/resolve/"
        file = self.server.folder / self.path.rpartition("/")[2]
        if not self.path.startswith(start) or not file.exists():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if self.server.cut else body)
        if self.server.cut:
            self.close_connection = True


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    server = Hub(("127.0.0.1", 0), Answers)
    server.folder, server.asked = tmp_path / "served", []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


@pytest.fixture
def theirs(hub: Hub):
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40, n_positions=64)
    model = transformers.GPT2Model(config).eval()
    model.save_pretrained(hub.folder)
    return model


def load(hub: Hub, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-c", CODE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_the_weights_are_fetched_once_and_are_theirs(hub, theirs, tmp_path):
    for _ in range(2):
        done = load(hub, tmp_path)
        assert done.returncode == 0, done.stderr
        with torch.no_grad():
            expected = theirs(torch.tensor(TOKENS)).last_hidden_state[:, -1]
        assert torch.allclose(torch.tensor(json.loads(done.stdout)), expected, atol=1e-5)
    fetched = [line for line in hub.asked if line == f"GET /{REPOSITORY}/resolve/main/config.json"]
    assert len(fetched) <= 1
    assert sum("GET" in line and "model.safetensors" in line for line in hub.asked) == 1


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("absent", "it answered 404 Not Found"), ("cut off", "the connection was cut off")],
)
def test_what_goes_wrong_gets_one_sentence(hub, theirs, tmp_path, trouble, words):
    if trouble == "absent":
        (hub.folder / "model.safetensors").unlink()
    hub.cut = trouble == "cut off"
    done = load(hub, tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
    assert REPOSITORY in sentence and words in sentence and "minilm" in sentence
