"""Attention as PyTorch has it, and as its formula is written."""

import torch
from torch.nn.functional import scaled_dot_product_attention

HEADS, WIDTH = 8, 64


def formula(q, k, v):
    """Return softmax(q k' / sqrt(width)) v, for each head."""
    weights = torch.einsum("hnd,hmd->hnm", q, k) / WIDTH**0.5
    return torch.einsum("hnm,hmd->hnd", weights.softmax(dim=-1), v)


def setup(way, n, device):
    """Return what is to be timed for one way and length of sequence."""
    q, k, v = torch.randn(3, HEADS, n, WIDTH, device=device)
    attention = {"attention": scaled_dot_product_attention, "einsum": formula}[way]
    return {
        "call": lambda: attention(q, k, v),
        "flops": 4 * HEADS * n * n * WIDTH,
        "check": lambda: torch.allclose(attention(q, k, v), formula(q, k, v), atol=1e-4),
    }
