"""Networks that turn images and clips into features, with named cuts."""

from simlearn.backbones.c3d import C3D
from simlearn.backbones.conv3d import Conv3DNet
from simlearn.backbones.convnet import ConvNet
from simlearn.backbones.head import LinearHead
from simlearn.backbones.weights import load_weights

__all__ = ["C3D", "Conv3DNet", "ConvNet", "LinearHead", "load_weights"]
