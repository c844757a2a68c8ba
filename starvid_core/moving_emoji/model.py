"""The embedded text-to-video model: the classes of ZeroScope at a size that a laptop trains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from diffusers import DDIMScheduler, UNet3DConditionModel
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from starvid_core.moving_emoji.codec import CodecConfig
from starvid_core.moving_emoji.world import WorldConfig

START, END = "<|startoftext|>", "<|endoftext|>"
WORD = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the UNet and the text encoder."""

    codec: CodecConfig = CodecConfig()
    channels: tuple[int, int] = (96, 160)
    head: int = 32
    groups: int = 16
    text_width: int = 96
    text_layers: int = 2
    text_heads: int = 4
    tokens: int = 64


def build_unet(model: ModelConfig, world: WorldConfig) -> UNet3DConditionModel:
    """Cross-attention at an eighth of the frame (one down, two up) and at a sixteenth (the middle).

    Temporal transformers start as the identity, as temporal convolutions do, so that what was
    learned on images holds at the first step on videos.
    """
    scale = model.codec.patch
    unet = UNet3DConditionModel(
        sample_size=(world.height // scale, world.width // scale),
        in_channels=model.codec.channels,
        out_channels=model.codec.channels,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        block_out_channels=model.channels,
        layers_per_block=1,
        cross_attention_dim=model.text_width,
        attention_head_dim=model.head,
        norm_num_groups=model.groups,
    )
    for module in unet.modules():
        if isinstance(module, TransformerTemporalModel):
            module.proj_out.weight.data.zero_()
            module.proj_out.bias.data.zero_()
    return unet


def build_text_encoder(model: ModelConfig, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=model.text_width,
            intermediate_size=4 * model.text_width,
            num_hidden_layers=model.text_layers,
            num_attention_heads=model.text_heads,
            max_position_embeddings=model.tokens,
            projection_dim=model.text_width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def build_scheduler() -> DDIMScheduler:
    """DDIM whose last timestep is noise alone, where sampling begins (Lin et al., 2024).

    The usual schedule ends with 0.5 % of the signal and passes over the noise just below in two
    steps of 25. A subject is a thousand numbers of the latents: it is seen in far more noise than a
    pixel is, so that it was there that places were decided, and several at once.
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.024,  # twice the usual: six steps of 25 are noisier than 0.5 % of signal
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def build_tokenizer(captions: Iterable[str], tokens: int, size: int = 1400) -> CLIPTokenizer:
    """A CLIP tokenizer (byte-level pairs, so that it reads any text) learned from captions."""
    pieces = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    pieces.normalizer = normalizers.Lowercase()
    split = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces.train_from_iterator(
        captions,
        trainers.BpeTrainer(
            vocab_size=size,
            initial_alphabet=alphabet,
            end_of_word_suffix="</w>",
            special_tokens=[],
            show_progress=False,
        ),
    )
    with TemporaryDirectory() as folder:
        pieces.model.save(folder)
        merges = (Path(folder) / "merges.txt").read_text().splitlines()[1:]
    joined = ["".join(m.split(" ")) for m in merges if m]
    letters = sorted(alphabet)
    words = [*letters, *(c + "</w>" for c in letters), *joined, START, END]
    vocabulary = {word: k for k, word in enumerate(dict.fromkeys(words))}
    pairs = [tuple(m.split(" ")) for m in merges if m]
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=tokens)
