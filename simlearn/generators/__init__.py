"""Generators of the representations of classes, for replay without stored images."""

from simlearn.generators.base import RepresentationGenerator
from simlearn.generators.conditional_vae import ConditionalVAE
from simlearn.generators.gaussian import GaussianGenerator
from simlearn.generators.vae import VAE

__all__ = ["VAE", "ConditionalVAE", "GaussianGenerator", "RepresentationGenerator"]
