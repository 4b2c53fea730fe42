"""One variational autoencoder per class (Kingma and Welling 2014)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from simlearn.generators.autoencoder import (
    Autoencoder,
    Schedule,
    codes_and_noise,
    train_autoencoder,
)
from simlearn.generators.class_tables import ClassByClass
from simlearn.generators.code_prior import draw_codes, fit_code_prior
from simlearn.generators.draws import normal
from simlearn.generators.layers import Layers, feed_forward, linear_layers
from simlearn.generators.standardise import Standardiser
from simlearn.generators.triangle import packed_size


class VAE(ClassByClass):
    """A small fully connected variational autoencoder for every class.

    Features are standardised per class (:func:`simlearn.generators.standardise.mean_and_std`);
    the loss is :func:`simlearn.generators.elbo.vae_loss`. A sample is the decoder's answer to a
    code, plus noise, taken back to the class's mean and spread. The encoder is thrown away after
    the fit: the state, all of which counts as memory, holds the decoder, the mean and spread of
    the features, the noise and the Gaussian of the codes. Before a ReLU is the better cut; behind
    one use ``nonnegative``.

    "Incremental Class Learning using VAEs with Similarity Learning" (Huo and van Zyl) replays
    such representations; the sizes here are ours.

    Args:
        shape: of one activation, ``*F``; D values.
        hidden: sizes of the encoder's hidden layers; the decoder has them in reverse. None is
            allowed.
        latent: L, values of a code.
        beta: weight of the KL, at least 0.
        epochs: passes over a class's samples.
        min_steps: steps at the least for a class, however few its samples.
        batch_size: samples of a step.
        lr: rate of Adam at the first step; it falls linearly to 0.
        prior: codes are drawn from the Gaussian that was fitted to those of the class, or from
            the standard normal distribution.
        noise: add independent normal noise as large as what the decoder leaves of every feature.
        nonnegative: samples are cut off at 0, as a ReLU does.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self,
        shape: Sequence[int],
        hidden: tuple[int, ...] = (256,),
        latent: int = 12,
        beta: float = 1.0,
        epochs: int = 12,
        min_steps: int = 240,
        batch_size: int = 100,
        lr: float = 2e-3,
        prior: Literal["fitted", "standard"] = "fitted",
        noise: bool = True,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(shape)
        self.hidden = check_sizes(hidden, latent)
        if prior not in ("fitted", "standard"):
            raise ValueError(f"prior is {prior!r}, must be fitted or standard")
        self.latent, self.prior, self.nonnegative = latent, prior, nonnegative
        self.schedule = Schedule(epochs, min_steps, batch_size, lr, beta)
        self.adds_noise = noise
        for name in ("mean", "std", *(["noise"] if noise else [])):
            self._table(name, self.features)
        if prior == "fitted":
            self._table("code_mean", latent)
            self._table("code_factor", packed_size(latent))
        sizes = (latent, *self.hidden[::-1], self.features)
        for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            self._table(f"decoder_weight_{k}", outputs, inputs)
            self._table(f"decoder_bias_{k}", outputs)

    def _rows(self, x: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The rows of one class with samples ``x (n, D)``."""
        scale = Standardiser.of(x)
        x = scale.apply(x)
        place = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        model = Autoencoder(
            linear_layers((self.features, *self.hidden, 2 * self.latent), generator, x),
            linear_layers((self.latent, *self.hidden[::-1], self.features), generator, x),
            x.new_zeros(1, 0),
        )
        train_autoencoder(model, x, place, self.schedule, generator)
        mean, log_var, noise = codes_and_noise(model, x, place, generator)
        rows = {"mean": scale.mean, "std": scale.std}
        if self.adds_noise:
            rows["noise"] = noise
        if self.prior == "fitted":
            rows["code_mean"], rows["code_factor"] = fit_code_prior(mean, log_var)
        for k, (weight, bias) in enumerate(model.decoder):
            rows[f"decoder_weight_{k}"], rows[f"decoder_bias_{k}"] = weight, bias
        return rows

    def _draw(self, row: int, n: int, generator: torch.Generator) -> Tensor:
        state = {name: getattr(self, name)[row] for name in self._tables}
        if self.prior == "fitted":
            code = draw_codes(state["code_mean"], state["code_factor"], n, generator)
        else:
            code = normal((n, self.latent), generator, state["mean"])
        layers: Layers = [
            (state[f"decoder_weight_{k}"], state[f"decoder_bias_{k}"])
            for k in range(len(self.hidden) + 1)
        ]
        x = feed_forward(code, layers)
        if self.adds_noise:
            x = x + state["noise"] * normal(x.shape, generator, x)
        x = Standardiser(state["mean"], state["std"]).invert(x)
        return x.clamp_min(0) if self.nonnegative else x


def check_sizes(hidden: Sequence[int], latent: int) -> tuple[int, ...]:
    """Sizes of hidden layers as a tuple.

    Raises:
        ValueError: a size below 1.
    """
    sizes = tuple(int(size) for size in hidden)
    if min((*sizes, latent)) < 1:
        raise ValueError(f"hidden is {sizes} and latent {latent}: every size must be at least 1")
    return sizes
