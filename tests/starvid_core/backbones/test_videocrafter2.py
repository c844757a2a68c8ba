"""VideoCrafter2 against its original network, and its conversion against everything that is wrong.

`golden/videocrafter2.safetensors` holds what the public code of AILab-CVC/VideoCrafter (commit
11bcd76) computed in float32 on one thread of a CPU, numbers only. All inputs come from
`starvid_core.noise`. Every tensor of a network is `noise(shape, 0, name)` by its original name,
divided by the square root of the inputs of one output or, for a vector, by 5; to vectors called
weight 1 is added. `unet_fps_*`: the UNet with model_channels 32, channel_mult [1, 2],
num_res_blocks 1, attention_resolutions [1], num_head_channels 8, context_dim 16, else as in
`inference_t2v_512_v2.0.yaml`, at timesteps 601 and 21, of the latents
noise((2, 4, 3, 6, 8), 1, "z") and the text noise((2, 5, 16), 1, "text"). `step_T_eta_E`: one step
of DDIMSampler with 50 steps and the scale of that configuration, of
noise((1, 4, 2, 3, 4), 2, "z"), prediction "e", fresh noise "fresh". `vae_*`: the moments of
noise((1, 3, 8, 12), 3, "image") and the image of noise((1, 4, 3, 5), 3, "z") by the first stage
with ch 32, ch_mult [1, 2], num_res_blocks 1; the names and shapes of its tensors stand in the
file's metadata.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import UNet3DConditionModel
from safetensors import safe_open
from torch import Tensor, nn

from starvid_core import conversion
from starvid_core.backbones import videocrafter2
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.noise import noise
from starvid_core.phases import Guide
from starvid_core.sampling import sample

GOLDEN = Path(__file__).parent / "golden" / "videocrafter2.safetensors"
# Of the sorted names and shapes of the published UNet's 1484 tensors, in the original code.
PUBLISHED = "c573c9f343031527f50778c62f6c756a231e60cdb66d782a4e7bc3607f7b567a"
SMALL = "2b304b3b32a637081d99339e51da965a338ec1e291eb09def18cbd58238a6bd9"
LAYERS, WIDTH, HEADS = 2, 16, 2
PARTS = conversion.Parts(
    unet={
        "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
        "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "attention_head_dim": 8,
        "cross_attention_dim": WIDTH,
    },
    vae={
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
    },
    text_encoder={
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "hidden_act": "gelu",
        "vocab_size": 700,
    },
)


def golden(name: str) -> Tensor:
    with safe_open(GOLDEN, "pt") as file:
        return file.get_tensor(name)


def named_shapes(unet: UNet3DConditionModel) -> list[list]:
    """The original names and shapes of a UNet's tensors, the frame rate's among them."""
    found = []
    for name, tensor in unet.state_dict().items():
        old, shape = conversion.original(name, unet), list(tensor.shape)
        folded = old.startswith("init_attn.0.proj") and tensor.ndim == 2
        found.append([old, [*shape, 1] if folded else shape])
    first, last = (unet.state_dict()[f"time_embedding.linear_{n}.weight"].shape for n in (1, 2))
    for number, shape in ((0, first), (2, last)):
        found.append([f"fps_embedding.{number}.weight", list(shape)])
        found.append([f"fps_embedding.{number}.bias", [shape[0]]])
    return sorted(found)


def digest(listed: list[list]) -> str:
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()


def test_all_1480_tensors_of_the_published_unet_have_their_place() -> None:
    with torch.device("meta"):
        unet = UNet3DConditionModel(**conversion.Parts().unet)
    listed = named_shapes(unet)
    assert len(listed) == len({name for name, _ in listed}) == 1480 + 4
    assert digest(listed) == PUBLISHED


def weights(listed: Iterable[list], prefix: str) -> dict[str, Tensor]:
    state = {}
    for name, shape in listed:
        value = noise(shape, 0, name) / (math.prod(shape[1:]) ** 0.5 if len(shape) > 1 else 5)
        state[prefix + name] = 1 + value if len(shape) == 1 and name.endswith("weight") else value
    return state


class OpenClip(nn.Module):
    """The text model of OpenCLIP from torch's own layers, named as there."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(700, WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(77, WIDTH) / 10)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, WIDTH))
        self.ln_final = nn.LayerNorm(WIDTH)
        blocks = [
            nn.ModuleDict(
                {
                    "ln_1": nn.LayerNorm(WIDTH),
                    "attn": nn.MultiheadAttention(WIDTH, HEADS, batch_first=True),
                    "ln_2": nn.LayerNorm(WIDTH),
                    "mlp": nn.ModuleDict(
                        {
                            "c_fc": nn.Linear(WIDTH, 4 * WIDTH),
                            "c_proj": nn.Linear(4 * WIDTH, WIDTH),
                        }
                    ),
                }
            )
            for _ in range(LAYERS + 1)
        ]
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(blocks)})

    def forward(self, ids: Tensor) -> Tensor:
        """The penultimate layer, normed, as VideoCrafter reads it."""
        x = self.token_embedding(ids) + self.positional_embedding
        future = torch.full((77, 77), -math.inf).triu(1)
        for block in self.transformer["resblocks"][:-1]:
            y = block["ln_1"](x)
            x = x + block["attn"](y, y, y, attn_mask=future, need_weights=False)[0]
            inner = nn.functional.gelu(block["mlp"]["c_fc"](block["ln_2"](x)))
            x = x + block["mlp"]["c_proj"](inner)
        return self.ln_final(x)


@pytest.fixture(scope="module")
def open_clip() -> OpenClip:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return OpenClip().eval()


@pytest.fixture(scope="module")
def state(open_clip) -> dict[str, Tensor]:
    """A small checkpoint, named as the published one."""
    with torch.device("meta"):
        listed = named_shapes(UNet3DConditionModel(**PARTS.unet))
    assert digest(listed) == SMALL
    with safe_open(GOLDEN, "pt") as file:
        vae = json.loads(file.metadata()["first_stage_tensors"])
    text = {conversion.TEXT + name: tensor for name, tensor in open_clip.state_dict().items()}
    first_stage = weights(vae, "first_stage_model.")
    return weights(listed, conversion.UNET) | first_stage | text | {"betas": torch.ones(1000)}


@pytest.fixture(scope="module")
def words(tokenizer, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(state, words, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("videocrafter2")
    torch.save({"state_dict": state}, place / "model.ckpt")
    conversion.videocrafter2(place / "model.ckpt", place / "out", words, PARTS)
    return place / "out"


def load(folder: Path, fps: int = 28) -> Backbone:
    return videocrafter2.load(folder, "cpu", height=64, width=128, frames=3, fps=fps)


@torch.no_grad()
@pytest.mark.parametrize("fps", [28, 8])
def test_the_unet_is_the_original_one_at_every_frame_rate(folder: Path, fps: int) -> None:
    network = load(folder, fps).network
    z, text = noise((2, 4, 3, 6, 8), 1, "z"), noise((2, 5, WIDTH), 1, "text")
    prediction = network.predict(z, torch.tensor([601, 21]), text)
    torch.testing.assert_close(prediction, golden(f"unet_fps_{fps}"), rtol=1e-4, atol=1e-4)
    other = golden(f"unet_fps_{36 - fps}")
    assert (prediction - other).abs().max() > 1e-2


@torch.no_grad()
def test_the_autoencoder_is_the_original_one(folder: Path) -> None:
    vae = load(folder).codec.vae
    decoded = vae.decode(noise((1, 4, 3, 5), 3, "z")).sample
    torch.testing.assert_close(decoded, golden("vae_decoded"), rtol=1e-4, atol=1e-4)
    moments = vae.encode(noise((1, 3, 8, 12), 3, "image")).latent_dist.parameters
    torch.testing.assert_close(moments, golden("vae_moments"), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_text_is_read_at_the_penultimate_layer_and_padded_with_zeros(
    folder: Path, open_clip
) -> None:
    b = load(folder)
    ids = b.tokenizer(["a dog runs", "a bird"], padding="max_length", return_tensors="pt").input_ids
    assert (ids[:, -1] == 0).all()
    expected = open_clip(ids)
    text = b.encode_text(["a dog runs", "a bird"])
    torch.testing.assert_close(text, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("timestep", [1, 21, 201, 381, 501, 981])
@pytest.mark.parametrize("eta", [0, 1])
def test_a_step_is_that_of_the_original_sampler(folder: Path, timestep: int, eta: int) -> None:
    scheduler = videocrafter2.VideoCrafterScheduler.from_pretrained(folder / "scheduler")
    scheduler.set_timesteps(50)
    assert timestep in scheduler.timesteps
    z, e, fresh = (noise((1, 4, 2, 3, 4), 2, name) for name in ("z", "e", "fresh"))
    stepped = scheduler.step(e, timestep, z, eta=float(eta), variance_noise=fresh).prev_sample
    torch.testing.assert_close(stepped, golden(f"step_{timestep}_eta_{eta}"), rtol=1e-5, atol=1e-5)


def test_a_video_is_made_with_the_published_numbers(folder: Path) -> None:
    b = load(folder)
    assert b.sampling == SamplingConfig(steps=50, guidance_scale=12.0, eta=1.0)
    assert videocrafter2.WEIGHTS.options == {"height": 320, "width": 512, "frames": 16, "fps": 28}
    tiny = replace(b, height=8, width=16)
    (clip,) = sample(tiny, ["a dog runs"], [Guide()], [0], SamplingConfig(2, 12.0, eta=1.0))
    assert clip.video.shape == (3, 8, 16, 3)


def test_the_origin_of_a_converted_folder_is_written_down(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    assert index["origin"]["file"] == "model.ckpt" and len(index["origin"]["sha256"]) == 64
    assert not list(folder.rglob("*.bin"))
    assert load(folder).fingerprint != load(folder, fps=8).fingerprint


def test_pickles_are_opened_in_one_place_alone() -> None:
    opening = {
        file.name
        for file in Path(conversion.__file__).parent.rglob("*.py")
        if re.search(r"torch\.load\(|pickle\.loads?\(|allow_pickle=True", file.read_text())
    }
    assert opening == {"conversion.py"}


class Unpickled:
    """What no checkpoint of tensors holds."""


def without(state: dict, *starts: str) -> dict:
    return {name: tensor for name, tensor in state.items() if not name.startswith(starts)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {"state_dict": s, "hook": Unpickled()}, "no checkpoint of tensors alone"),
        (lambda s: [1, 2], "has no tensor model.diffusion_model"),
        (lambda s: without(s, "model.diffusion_model.fps"), r"has \[\] of fps_embedding"),
        (lambda s: without(s, "model.diffusion_model.out.2.w"), "lacks tensor conv_out.weight"),
        (
            lambda s: s | {"model.diffusion_model.adapter": torch.ones(1)},
            "has an unknown tensor adapter",
        ),
        (lambda s: without(s, "cond_stage_model.model.ln_final"), "lacks tensor final_layer_norm"),
        (lambda s: without(s, "first_stage_model.post"), "lacks tensor post_quant_conv"),
    ],
)
def test_a_wrong_checkpoint_is_one_line_and_leaves_nothing(
    state, words: Path, tmp_path: Path, change, said: str
) -> None:
    torch.save(change(state), tmp_path / "model.ckpt")
    with pytest.raises(InputError, match=said) as raised:
        conversion.videocrafter2(tmp_path / "model.ckpt", tmp_path / "out", words, PARTS)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt"]


def test_what_is_missing_is_named_with_its_cure(tmp_path: Path, words: Path) -> None:
    with pytest.raises(InputError, match="does not exist; fetch it: hf download VideoCrafter"):
        conversion.videocrafter2(tmp_path / "model.ckpt", tmp_path / "out", words)
    with pytest.raises(InputError, match="no CLIP vocabulary.*hf download cerspense/zeroscope"):
        conversion.videocrafter2(tmp_path / "model.ckpt", tmp_path / "out", tmp_path)
    (tmp_path / "model.ckpt").write_bytes(b"PK")
    with pytest.raises(InputError, match="no checkpoint of tensors alone"):
        conversion.videocrafter2(tmp_path / "model.ckpt", tmp_path / "out", words)
    with pytest.raises(
        InputError, match="--include model.ckpt .* && starvid convert videocrafter2"
    ):
        videocrafter2.load(tmp_path)
    with pytest.raises(InputError, match="320x500 pixels must be divisible by 64"):
        videocrafter2.load(tmp_path, width=500)
