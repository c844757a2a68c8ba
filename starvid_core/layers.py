"""Layers of a UNet (Section III-A, Table XIII): which of them read the text, and on which grid."""

from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel

from starvid_core.config import STAGES, check_stages
from starvid_core.errors import InputError


def cross_attention_layers(
    unet: UNet3DConditionModel, stages: tuple[str, ...] = ("down", "up")
) -> dict[str, Attention]:
    """The layers of Table XIII in the order in which they run, by their names in the UNet.

    "down" and "up" are the blocks at the lowest resolution where both paths read the text; "mid" is
    the coarser block between them. Raises InputError for unknown stages or a UNet without such.
    """
    check_stages(stages)
    level = map_level(unet)
    blocks = {
        "down": f"down_blocks.{level}",
        "mid": "mid_block",
        "up": f"up_blocks.{len(unet.up_blocks) - 1 - level}",
    }
    layers: dict[str, Attention] = {}
    for stage in STAGES:
        if stage in stages:
            layers |= _text_layers(unet, blocks[stage])
    return layers


def text_layers(unet: UNet3DConditionModel) -> dict[str, Attention]:
    """All layers that read the text, in the order in which they run, by their names in the UNet."""
    down = [f"down_blocks.{n}" for n in range(len(unet.down_blocks))]
    up = [f"up_blocks.{n}" for n in range(len(unet.up_blocks))]
    blocks = (_text_layers(unet, block) for block in (*down, "mid_block", *up))
    return {name: layer for block in blocks for name, layer in block.items()}


def level(unet: UNet3DConditionModel, name: str) -> int:
    """How often the grid that a module works on was halved, told from the module's name."""
    part, number = name.split(".")[:2]
    last = len(unet.down_blocks) - 1
    if part == "down_blocks":
        return int(number)
    return last - int(number) if part == "up_blocks" else last


def grid(height: int, width: int, level: int) -> tuple[int, int]:
    """Latents of that height and width after `level` strided convolutions, which round up."""
    return -(-height // 2**level), -(-width // 2**level)


def map_level(unet: UNet3DConditionModel) -> int:
    """The level of the maps A: the deepest one with text on both paths."""
    last = len(unet.up_blocks) - 1
    both = [
        level
        for level in range(len(unet.down_blocks))
        if _text_layers(unet, f"down_blocks.{level}")
        and _text_layers(unet, f"up_blocks.{last - level}")
    ]
    if not both:
        raise InputError(
            "this UNet has no resolution with cross-attention on both its down and its up path; "
            "guidance needs one"
        )
    return both[-1]


def map_size(unet: UNet3DConditionModel, height: int, width: int) -> tuple[int, int]:
    """The h and w of the maps for latents of that height and width."""
    return grid(height, width, map_level(unet))


def _text_layers(unet: UNet3DConditionModel, block: str) -> dict[str, Attention]:
    """Layers of a block that read the text; temporal `attn2` layers read only the frames."""
    return {
        name: module
        for name, module in unet.named_modules()
        if name.startswith(f"{block}.attentions.")
        and isinstance(module, Attention)
        and module.is_cross_attention
    }
