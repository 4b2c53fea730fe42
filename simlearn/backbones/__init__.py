"""Networks that turn images and clips into features, with named cuts."""

from simlearn.backbones.c3d import C3D
from simlearn.backbones.cnn_lstm import CNNLSTM
from simlearn.backbones.conv3d import Conv3DNet
from simlearn.backbones.conv_lstm import ConvLSTM2D
from simlearn.backbones.convnet import ConvNet
from simlearn.backbones.head import IdentityHead, LinearHead, MLPHead
from simlearn.backbones.inception import Inception
from simlearn.backbones.inception_resnet import InceptionResnetV1
from simlearn.backbones.inception_small import InceptionSmall
from simlearn.backbones.mdlstm import MDLSTM
from simlearn.backbones.weights import load_weights

__all__ = [
    "C3D",
    "CNNLSTM",
    "MDLSTM",
    "Conv3DNet",
    "ConvLSTM2D",
    "ConvNet",
    "IdentityHead",
    "Inception",
    "InceptionResnetV1",
    "InceptionSmall",
    "LinearHead",
    "MLPHead",
    "load_weights",
]
