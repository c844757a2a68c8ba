"""VideoCrafter2's published checkpoint as a folder of diffusers.

Here alone a pickle is opened, with torch's `weights_only=True`: it builds tensors and nothing else.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet3DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from starvid_core.artifacts import sha256_file, write_json, writing_folder
from starvid_core.backbones import zeroscope
from starvid_core.backbones.videocrafter2 import BIAS, FPS, WEIGHTS, VideoCrafterScheduler, folded
from starvid_core.errors import InputError
from starvid_core.weights import check

UNET = "model.diffusion_model."
RATE = "fps_embedding."
TEXT = "cond_stage_model.model."

STABLE_DIFFUSION: dict[str, Any] = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "sample_size": 512,
    "scaling_factor": 0.18215,
}
# ViT-H-14 of OpenCLIP without the last of its 24 layers: what comes out of the last but one.
OPEN_CLIP: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "hidden_act": "gelu",
    "projection_dim": 1024,
}
# The betas that the model was trained with, and DDIM's timesteps 1, 21, 41, ...
SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


@dataclass(frozen=True)
class Parts:
    """The configurations of a VideoCrafter2; as published, the UNet has those of its class."""

    unet: Mapping[str, Any] = field(default_factory=dict)
    vae: Mapping[str, Any] = field(default_factory=lambda: STABLE_DIFFUSION)
    text_encoder: Mapping[str, Any] = field(default_factory=lambda: OPEN_CLIP)


def videocrafter2(
    checkpoint: Path, folder: Path, tokenizer: Path, parts: Parts | None = None
) -> None:
    """Write the folder that the backbone loads, with the frame rate's published value folded in.

    `tokenizer` is a folder with CLIP's vocabulary, which the checkpoint has not. Raises InputError
    for a file that holds more than tensors, or other tensors than these parts have.
    """
    words = _tokenizer(tokenizer)
    state, parts = read_pickle(checkpoint), parts or Parts()
    with torch.device("meta"):
        unet = UNet3DConditionModel(**parts.unet)
        vae = AutoencoderKL(**parts.vae)
        text_encoder = CLIPTextModel(CLIPTextConfig(**parts.text_encoder))
    own = {name.removeprefix(UNET): t for name, t in state.items() if name.startswith(UNET)}
    fps = {name.removeprefix(RATE): own.pop(name) for name in [*own] if name.startswith(RATE)}
    _fill(unet, unet_state(unet, own), checkpoint)
    _fill(vae, convert_ldm_vae_checkpoint(dict(state), vae.config), checkpoint)
    _fill(text_encoder, text_state(text_encoder, state), checkpoint)
    with writing_folder(folder) as place:
        (place / "fps").mkdir()
        save_file(_fold(unet, fps, checkpoint), place / FPS)
        unet.save_pretrained(place / "unet")
        vae.save_pretrained(place / "vae")
        text_encoder.save_pretrained(place / "text_encoder")
        words.save_pretrained(place / "tokenizer")
        VideoCrafterScheduler(**SCHEDULE).save_pretrained(place / "scheduler")
        origin = {"file": checkpoint.name, "sha256": sha256_file(checkpoint)}
        write_json(place / "model_index.json", {"_class_name": WEIGHTS.pipeline, "origin": origin})


def read_pickle(checkpoint: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, mapped into memory; nothing else is ever built from it."""
    if not checkpoint.is_file():
        raise InputError(f"{checkpoint} does not exist; {WEIGHTS.cure}")
    try:
        loaded = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{checkpoint} is no checkpoint of tensors alone: {said}") from None
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    if not any(name.startswith(UNET) for name in state):
        raise InputError(f"{checkpoint} has no tensor {UNET}*, so it is no VideoCrafter2")
    return state


def unet_state(unet: UNet3DConditionModel, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under diffusers' names; those that nobody asks for keep their own."""
    asked = {original(name, unet): name for name in unet.state_dict()}
    # The first temporal transformer projects by convolutions of width 1 instead of linear layers.
    return {asked.get(old, old): t.squeeze(-1) if t.ndim == 3 else t for old, t in state.items()}


def original(name: str, unet: UNet3DConditionModel) -> str:
    """What VideoCrafter calls a tensor of diffusers' UNet."""
    for new, old in SINGLE.items():
        if name.startswith(f"{new}."):
            return name.replace(new, old, 1)
    if name.startswith("mid_block."):
        _, kind, number, rest = name.split(".", 3)
        return _inside("middle_block", kind, rest, 3 * int(number))
    side, block, kind, number, rest = name.split(".", 4)
    length = unet.config["layers_per_block"] + 1
    first = int(block) * length
    if kind == "downsamplers":
        return f"input_blocks.{first + length}.0.{rest.replace('conv', 'op')}"
    if kind == "upsamplers":
        attends = unet.config["up_block_types"][int(block)].startswith("CrossAttn")
        return f"output_blocks.{first + length - 1}.{3 if attends else 1}.{rest}"
    place = 1 + first if side == "down_blocks" else first
    return _inside(f"{SIDES[side]}.{place + int(number)}", kind, rest, 0)


def _inside(place: str, kind: str, rest: str, resnet: int) -> str:
    """A tensor of a layer of the given kind; at `resnet` its place has the convolutions."""
    if kind == "resnets":
        part, _, last = rest.partition(".")
        return f"{place}.{resnet}.{RESNET[part]}.{last}"
    if kind == "temp_convs":
        return f"{place}.{resnet}.temopral_conv.{rest}"
    return f"{place}.{TRANSFORMERS[kind]}.{rest}"


SINGLE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "transformer_in": "init_attn.0",
}
SIDES = {"down_blocks": "input_blocks", "up_blocks": "output_blocks"}
TRANSFORMERS = {"attentions": 1, "temp_attentions": 2}
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def text_state(text_encoder: CLIPTextModel, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """OpenCLIP's text model without the layers that are not read."""
    last = text_encoder.config.num_hidden_layers
    read = {
        name: tensor
        for name, tensor in state.items()
        if not re.match(rf"{re.escape(TEXT)}transformer\.resblocks\.{last}\.", name)
    }
    found = convert_open_clip_checkpoint(text_encoder, read, TEXT)
    found.pop("text_projection.weight", None)
    # Since transformers 5 the model stands for itself.
    return {name.removeprefix("text_model."): tensor for name, tensor in found.items()}


def _fold(
    unet: UNet3DConditionModel, fps: dict[str, Tensor], checkpoint: Path
) -> dict[str, Tensor]:
    """Fold the published frame rate into the UNet; return what another one is folded in with."""
    wanted = {"0.weight", "0.bias", "2.weight", "2.bias"}
    if set(fps) != wanted:
        raise InputError(f"{checkpoint} has {sorted(fps)} of {RATE}*, expected {sorted(wanted)}")
    bias = unet.get_parameter(BIAS)
    kept = {name: t.contiguous() for name, t in fps.items()} | {BIAS: bias.data.clone()}
    bias.data = folded(kept, WEIGHTS.options["fps"])
    return kept


def _fill(module: nn.Module, state: dict[str, Tensor], checkpoint: Path) -> None:
    check(module, state, checkpoint)
    module.load_state_dict(
        {name: tensor.float().contiguous() for name, tensor in state.items()}, assign=True
    )


def _tokenizer(folder: Path) -> CLIPTokenizer:
    if not any((folder / name).is_file() for name in ("vocab.json", "tokenizer.json")):
        raise InputError(
            f"{folder} has no CLIP vocabulary, and neither has the checkpoint; ZeroScope's is the "
            f"same: {zeroscope.WEIGHTS.command}"
        )
    # OpenCLIP pads with token 0.
    return CLIPTokenizer.from_pretrained(folder, pad_token="!", local_files_only=True)
