"""GroundedSAM: the real classes at tiny size with random weights, and boxes around masks."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    Sam2VideoConfig,
    Sam2VideoModel,
)
from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig
from transformers.models.sam2_video.configuration_sam2_video import (
    Sam2VideoMaskDecoderConfig,
    Sam2VideoPromptEncoderConfig,
)
from transformers.utils import logging

from starvid_core.errors import InputError
from starvid_core.metrics.dsr_boxes import locate
from starvid_core.metrics.dsr_screening import DSRConfig
from starvid_core.perception import grounded_sam, grounding_dino
from starvid_core.perception.base import Detection, Tracker
from starvid_core.published.pretrained import GROUNDING_DINO, SAM, WEIGHTS
from starvid_core.scene import Box

SIDE = 64
VIDEO = np.random.default_rng(0).integers(0, 256, (5, 48, 96, 3), dtype=np.uint8)
LEFT, RIGHT = Box(0.05, 0.3, 0.35, 0.9), Box(0.6, 0.3, 0.9, 0.9)


def make_segmenter(folder: Path) -> None:
    # The sizes of SAM's memory depend on each other: none of these can be smaller.
    wide = 128
    trunk = Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[4, 4, 4, 4],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    config = Sam2VideoConfig(
        vision_config=Sam2VisionConfig(
            backbone_config=trunk,
            backbone_channel_list=[64, 32, 16, 8],
            fpn_hidden_size=wide,
            backbone_feature_sizes=[[SIDE // n, SIDE // n] for n in (4, 8, 16)],
        ),
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(hidden_size=wide, image_size=SIDE),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(
            hidden_size=wide, mlp_dim=16, num_attention_heads=2, iou_head_hidden_dim=16
        ),
        image_size=SIDE,
        memory_attention_hidden_size=wide,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=16,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=wide,
        mask_downsampler_embed_dim=wide,
        memory_fuser_embed_dim=wide,
        memory_fuser_intermediate_dim=16,
    )
    Sam2VideoModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def models(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tiny weights of both, in the place of the published ones."""
    folder = tmp_path_factory.mktemp("grounded")
    (folder / GROUNDING_DINO.name).symlink_to(tiny_models / GROUNDING_DINO.name)
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        make_segmenter(folder / SAM.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grounded_sam, "GROUNDING_DINO", replace(GROUNDING_DINO, sha256=""))
        patch.setattr(grounded_sam, "SAM", replace(SAM, sha256=""))
        yield folder


@pytest.fixture(scope="module")
def tracker(models: Path) -> grounded_sam.GroundedSam:
    return grounded_sam.load(models)


def test_it_is_a_tracker_with_a_name_of_its_own(tracker) -> None:
    assert isinstance(tracker, Tracker)
    assert tracker.identity.startswith("grounded_sam ")
    assert not tracker.detector.model.training and not tracker.segmenter.training


def test_every_frame_is_asked_for_all_names_at_once(tracker, monkeypatch) -> None:
    monkeypatch.setattr(grounding_dino, "BOX_THRESHOLD", 0.0)
    monkeypatch.setattr(grounded_sam, "TEXT_THRESHOLD", 0.0)
    found = tracker.find(VIDEO, ("Cat", "dog"))
    assert len(found) == 5 and all(len(frame) <= 6 for frame in found) and any(found)
    names = {d.name for frame in found for d in frame}
    assert any("cat" in name and "dog" in name for name in names)
    for frame in found:
        assert [d.score for d in frame] == sorted((d.score for d in frame), reverse=True)


def test_above_the_threshold_nothing_is_nothing(tracker, monkeypatch) -> None:
    assert (grounding_dino.BOX_THRESHOLD, grounded_sam.TEXT_THRESHOLD) == (0.4, 0.3)
    monkeypatch.setattr(grounding_dino, "BOX_THRESHOLD", 1.0)
    assert tracker.find(VIDEO, ("cat", "dog")) == ((),) * 5


@pytest.mark.parametrize("frame", [0, 2, 4])
def test_boxes_are_followed_forwards_and_backwards(tracker, frame: int) -> None:
    rows = tracker.follow(VIDEO, frame, [LEFT, RIGHT])
    assert [len(row) for row in rows] == [5, 5]
    seen = [box for row in rows for box in row if box is not None]
    assert seen
    assert all(0 <= b.x0 < b.x1 <= 1 and 0 <= b.y0 < b.y1 <= 1 for b in seen)


def test_every_frame_is_visited_once_the_seed_included(tracker) -> None:
    visited = [number for number, _ in tracker._masks(VIDEO, 2, [LEFT, RIGHT])]
    assert sorted(set(visited)) == [0, 1, 2, 3, 4]


class Sure(grounded_sam.GroundedSam):
    """Finds a cat and a box from the second frame on."""

    def find(self, video, names):
        both = (Detection("cat", LEFT, 0.9), Detection("box", RIGHT, 0.8))
        return ((),) + (both,) * (len(video) - 1)


def test_dsr_reads_boxes_of_all_frames_through_it(tracker) -> None:
    sure = Sure(tracker.detector, tracker.segmenter, "sure")
    config = DSRConfig(1, 1, min_valid=4, max_redundant=0, min_run=2)
    screening, subject, thing = locate(VIDEO, ("cat", "box"), sure, config)
    assert screening.seed == 1 and not screening.reason
    assert subject.shape == thing.shape == (5, 4)


def test_the_extent_of_a_mask_is_its_pixels() -> None:
    mask = np.zeros((10, 20), bool)
    assert grounded_sam.extent(mask) is None
    mask[2:5, 4:9] = True
    assert grounded_sam.extent(mask) == Box(0.2, 0.2, 0.45, 0.5)


def test_frames_are_squared_and_standardized() -> None:
    flat = np.full((2, 30, 60, 3), 255, np.uint8)
    made = grounded_sam.pixels(flat, 16)
    assert made.shape == (2, 3, 16, 16)
    assert made[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - m) / d for m, d in zip(grounded_sam.MEAN, grounded_sam.DEVIATION, strict=True)]
    )


def test_missing_weights_say_how_to_get_them(models: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no weights of IDEA-Research/grounding-dino-tiny .*`hf do"
    ):
        grounded_sam.load(tmp_path)
    (tmp_path / GROUNDING_DINO.name).symlink_to(models / GROUNDING_DINO.name)
    with pytest.raises(InputError, match="no weights of facebook/sam2.1-hiera-large .*--local-dir"):
        grounded_sam.load(tmp_path)


def test_damaged_weights_are_one_line(models: Path, tmp_path: Path) -> None:
    (tmp_path / GROUNDING_DINO.name).symlink_to(models / GROUNDING_DINO.name)
    broken = Path(shutil.copytree(models / SAM.name, tmp_path / SAM.name))
    (broken / WEIGHTS).write_bytes(b"x" * 64)
    with pytest.raises(InputError, match="cannot be read as a Sam2VideoModel") as error:
        grounded_sam.load(tmp_path)
    assert "\n" not in str(error.value)
