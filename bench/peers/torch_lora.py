"""One training step in PyTorch and transformers, timed: the peer of `throughput`'s training rows.

usage: torch_lora.py SHAPE TYPE MODE        SHAPE seedling | 1b    TYPE f32 | bf16    MODE lora | full
Prints one JSON line. Random weights, every token a target, AdamW, the fastest of three steps after one to warm up.
"""

import json
import math
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

TOKENS = 512
SHAPES = {
    "seedling": dict(hidden_size=256, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=4,
                     intermediate_size=768, vocab_size=2048),
    "1b": dict(hidden_size=2048, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
               intermediate_size=8192, vocab_size=128256),
}
MAPS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Adapted(torch.nn.Module):
    """y = W x + 2 B A x, with A and B of rank 16 in f32."""

    def __init__(self, frozen):
        super().__init__()
        self.frozen = frozen
        self.a = torch.nn.Parameter(torch.empty(16, frozen.in_features).uniform_(-1, 1) / math.sqrt(frozen.in_features))
        self.b = torch.nn.Parameter(torch.zeros(frozen.out_features, 16))

    def forward(self, x):
        low = torch.nn.functional.linear(x.float(), self.a)
        return self.frozen(x) + (2 * torch.nn.functional.linear(low, self.b)).to(x.dtype)


def build(shape, dtype, mode):
    torch.set_default_dtype(dtype)
    config = LlamaConfig(use_cache=False, tie_word_embeddings=True, max_position_embeddings=8192, **SHAPES[shape])
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    if mode == "lora":
        model.requires_grad_(False)
        for module in list(model.model.layers.modules()):
            for name in MAPS:
                if isinstance(getattr(module, name, None), torch.nn.Linear):
                    setattr(module, name, Adapted(getattr(module, name)))
    return model.train()


def main():
    shape, dtype_name, mode = sys.argv[1:4]
    model = build(shape, {"f32": torch.float32, "bf16": torch.bfloat16}[dtype_name], mode)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6)
    tokens = torch.randint(0, SHAPES[shape]["vocab_size"], (1, TOKENS))
    seconds = []
    for _ in range(4):
        begin = time.monotonic()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.monotonic() - begin)
    print(json.dumps({"peer": f"torch {torch.__version__}", "shape": shape, "weights": dtype_name, "work": f"{mode} training",
                      "tokens": TOKENS, "threads": torch.get_num_threads(), "tokens_per_second": TOKENS / min(seconds[1:])}))


main()
