"""VideoCrafter2, whose UNet is ModelScope's with an embedding of the frame rate.

Haoxin Chen, Yong Zhang, Xiaodong Cun, Menghan Xia, Xintao Wang, Chao Weng, Ying Shan:
"VideoCrafter2: Overcoming Data Limitations for High-Quality Video Diffusion Models", CVPR 2024,
arXiv:2401.09047; numbers of `scripts/run_text2video.sh` and `configs/inference_t2v_512_v2.0.yaml`
in AILab-CVC/VideoCrafter (commit 11bcd76), written afresh. It is published as a pickle, which
`starvid convert videocrafter2` turns into the folder that is loaded here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.schedulers.scheduling_ddim import DDIMSchedulerOutput
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import silu

from starvid_core.backbones import zeroscope
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.published.hub import Published

WEIGHTS = Published(
    name="videocrafter2",
    repository="VideoCrafter/VideoCrafter2",
    revision="7b4079838622fcba3fc2c9575210df3ed1cb8d69",
    gigabytes=7.4,
    pipeline="VideoCrafter2",
    parts=("unet", "vae", "text_encoder", "fps"),
    options={"height": 320, "width": 512, "frames": 16, "fps": 28},
    pickle="model.ckpt",
    unit=64,  # the UNet's three halvings of latents of 8 pixels
)
SAMPLING = SamplingConfig(steps=50, guidance_scale=12.0, eta=1.0)
FPS = "fps/fps_embedding.safetensors"
BIAS = "time_embedding.linear_2.bias"


def load(
    weights: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    **options: int,
) -> Backbone:
    """VideoCrafter2 from its converted folder; options are height, width, frames and fps.

    Raises InputError, with the commands that fetch and convert them, when the weights are missing.
    """
    chosen = WEIGHTS.chosen(options)
    b = zeroscope.assemble(
        WEIGHTS, SAMPLING, weights, device, dtype, options, VideoCrafterScheduler
    )
    bias = b.network.module.get_parameter(BIAS)
    bias.data.copy_(folded(load_file(WEIGHTS.find(weights) / FPS), chosen["fps"]))
    return b


def folded(tensors: dict[str, Tensor], fps: int) -> Float[Tensor, " dim"]:
    """The bias of the time embedding with that of a frame rate, which is added to it, inside.

    `tensors` are the bias alone and the two linear layers of the embedding of the frame rate.
    """
    hidden = tensors["0.weight"].float()
    sines = get_timestep_embedding(
        torch.tensor([fps]), hidden.shape[1], flip_sin_to_cos=True, downscale_freq_shift=0
    )
    inner = silu(sines[0] @ hidden.T + tensors["0.bias"].float())
    added = inner @ tensors["2.weight"].float().T + tensors["2.bias"].float()
    return tensors[BIAS].float() + added


class VideoCrafterScheduler(DDIMScheduler):
    """DDIM on latents sqrt(alphabar) s x0 + sqrt(1 - alphabar) e, where s falls from 1 to 0.7.

    The model was trained with less signal at high noise; it predicts e as others do.
    """

    def step(
        self,
        model_output: Tensor,
        timestep: Tensor | int,
        sample: Tensor,
        return_dict: bool = True,
        **noise: Any,
    ) -> DDIMSchedulerOutput | tuple[Tensor, Tensor]:
        """DDIM's step, with the predicted x0 at the next step's scale instead of this one's."""
        z, x0 = super().step(model_output, timestep, sample, return_dict=False, **noise)
        before = int(timestep) - self.config.num_train_timesteps // self.num_inference_steps
        alphabar = self.alphas_cumprod[before] if before >= 0 else self.final_alpha_cumprod
        now, then = x0_scale(int(timestep)), x0_scale(max(before, 0))
        z = z + alphabar**0.5 * (then / now - 1) * x0
        return DDIMSchedulerOutput(z, x0 / now) if return_dict else (z, x0 / now)


def x0_scale(timestep: int) -> float:
    """scale_arr: linspace(1, 0.7, 400), then 0.7."""
    return 1 - 0.3 * min(timestep, 399) / 399
