"""Whisper's architecture with the parameter names of `transformers`, and what training it from nothing needs besides:
a head that names the character of every encoder frame, and the cross-attention weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Size:
    vocabulary: int
    frame_classes: int
    width: int = 160
    heads: int = 4
    encoder_layers: int = 6
    decoder_layers: int = 2


def sinusoids(length: int, width: int) -> Tensor:
    step = math.log(10000) / (width // 2 - 1)
    angle = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angle.sin(), angle.cos()], 1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj, self.q_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor, source: Tensor, causal: bool, want_weights: bool) -> tuple[Tensor, Tensor | None]:
        batch, length, width = x.shape

        def split(t: Tensor) -> Tensor:
            return t.view(batch, t.shape[1], self.heads, -1).transpose(1, 2)

        q, k, v = split(self.q_proj(x)), split(self.k_proj(source)), split(self.v_proj(source))
        weights = None
        if want_weights:
            weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
            out = weights @ v
        else:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(out.transpose(1, 2).reshape(batch, length, width)), weights


class Layer(nn.Module):
    """One transformer layer; a decoder's also attends to the encoder."""

    def __init__(self, width: int, heads: int, decoder: bool) -> None:
        super().__init__()
        self.decoder = decoder
        self.self_attn, self.self_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        if decoder:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, encoded: Tensor | None, dropout: float) -> tuple[Tensor, Tensor | None]:
        def drop(t: Tensor) -> Tensor:
            return F.dropout(t, dropout, self.training)

        normed, weights = self.self_attn_layer_norm(x), None
        x = x + drop(self.self_attn(normed, normed, self.decoder, False)[0])
        if encoded is not None:
            heard, weights = self.encoder_attn(self.encoder_attn_layer_norm(x), encoded, False, True)
            x = x + drop(heard)
        return x + drop(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))), weights


class Encoder(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width
        self.conv1 = nn.Conv1d(80, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding.from_pretrained(sinusoids(1500, width), freeze=True)
        self.layers = nn.ModuleList(Layer(width, size.heads, False) for _ in range(size.encoder_layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor, dropout: float = 0.0) -> Tensor:
        """mel [batch, 80, frames] of 10 ms → [batch, frames / 2, width]."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x, _ = layer(x, None, dropout)
        return self.layer_norm(x)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size.vocabulary, size.width)
        self.embed_positions = nn.Embedding(448, size.width)
        self.layers = nn.ModuleList(Layer(size.width, size.heads, True) for _ in range(size.decoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)

    def forward(self, ids: Tensor, encoded: Tensor, dropout: float = 0.0) -> tuple[Tensor, list[Tensor]]:
        """ids [batch, length] → logits [batch, length, vocabulary], cross-attention of each layer [batch, heads, length, T]."""
        x, attention = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]], []
        for layer in self.layers:
            x, weights = layer(x, encoded, dropout)
            attention.append(weights)
        return self.layer_norm(x) @ self.embed_tokens.weight.t(), attention


class Whisper(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(size), Decoder(size)
        self.aux = nn.Linear(size.width, size.frame_classes)  # for training only, not exported
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.decoder.embed_tokens.weight, std=size.width**-0.5)
        nn.init.normal_(self.decoder.embed_positions.weight, std=0.02)
