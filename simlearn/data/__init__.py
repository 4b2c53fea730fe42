"""Readers, clips and batches."""

from simlearn.data.errors import DataError
from simlearn.data.image_folder import ImageFolder
from simlearn.data.sampler import PKBatches
from simlearn.data.synthetic_source import SyntheticFaces
from simlearn.data.video_source import YouTubeFaces

__all__ = ["DataError", "ImageFolder", "PKBatches", "SyntheticFaces", "YouTubeFaces"]
