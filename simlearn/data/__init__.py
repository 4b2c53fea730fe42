"""Readers, clips and batches."""

from simlearn.data.arrays import Arrays
from simlearn.data.digits import Digits
from simlearn.data.easy_vqa import EasyVQA
from simlearn.data.errors import DataError
from simlearn.data.image_folder import ImageFolder
from simlearn.data.question_batches import QuestionBatches
from simlearn.data.question_sets import QuestionSets
from simlearn.data.sampler import PKBatches
from simlearn.data.synthetic_source import SyntheticFaces
from simlearn.data.tones import Tones
from simlearn.data.video_class_sources import (
    ImageFolderClasses,
    SyntheticFacesClasses,
    YouTubeFacesClasses,
)
from simlearn.data.video_source import YouTubeFaces
from simlearn.data.vision_sets import CIFAR10, CIFAR100, EMNIST, MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "MNIST",
    "Arrays",
    "DataError",
    "Digits",
    "EasyVQA",
    "FashionMNIST",
    "ImageFolder",
    "ImageFolderClasses",
    "PKBatches",
    "QuestionBatches",
    "QuestionSets",
    "SyntheticFaces",
    "SyntheticFacesClasses",
    "Tones",
    "YouTubeFaces",
    "YouTubeFacesClasses",
]
