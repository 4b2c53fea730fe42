"""The network of a variational autoencoder, of one class or of several, and its training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.generators.draws import minibatches, normal
from simlearn.generators.elbo import vae_loss
from simlearn.generators.layers import Layers, feed_forward


@dataclass
class Autoencoder:
    """Encoder and decoder, both told the class by a row of a table.

    Attributes:
        encoder: ``D + E`` values to ``2 L``: means and logarithms of variances.
        decoder: ``L + E`` values to D.
        embedding: ``(K, E)``, a row per class; E = 0 where there is one class.
    """

    encoder: Layers
    decoder: Layers
    embedding: Tensor

    def encode(self, x: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance ``(B, L)`` of ``x (B, D)`` of the classes in ``place``.

        Args:
            x: standardised features.
            place: ``(B,)`` int64 rows of the embedding.
        """
        known = torch.cat([x, self.embedding[place]], dim=1)
        mean, log_var = feed_forward(known, self.encoder).chunk(2, dim=1)
        return mean, log_var

    def decode(self, code: Tensor, place: Tensor) -> Tensor:
        """``(B, D)`` standardised features of ``code (B, L)`` of the classes in ``place``."""
        return feed_forward(torch.cat([code, self.embedding[place]], dim=1), self.decoder)

    def parameters(self) -> list[Tensor]:
        """All tensors that are learnt."""
        layers = [*self.encoder, *self.decoder]
        tensors = [self.embedding, *(tensor for layer in layers for tensor in layer)]
        return [tensor for tensor in tensors if tensor.numel()]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast is trained.

    Attributes:
        epochs: passes over the samples.
        min_steps: steps at the least, so that a class of few images is learnt too.
        batch_size: samples of a step.
        lr: rate of Adam at the first step; it falls linearly to 0.
        beta: weight of the KL.

    Raises:
        ValueError: a value out of its range.
    """

    epochs: int
    min_steps: int
    batch_size: int
    lr: float
    beta: float

    def __post_init__(self) -> None:
        """Check the values."""
        least = {"epochs": 1, "min_steps": 0, "batch_size": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} is {getattr(self, name)}, must be at least {bound}")
        if not self.lr > 0:
            raise ValueError(f"lr is {self.lr}, must be above 0")
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must not be negative")

    def steps(self, n: int) -> int:
        """Steps of a training with ``n`` samples."""
        return max(self.min_steps, self.epochs * -(-n // self.batch_size))


@torch.enable_grad()
def train_autoencoder(
    model: Autoencoder, x: Tensor, place: Tensor, schedule: Schedule, generator: torch.Generator
) -> None:
    """Minimise :func:`simlearn.generators.elbo.vae_loss` with Adam; changes the model in place.

    The rate falls linearly to 0: the last steps at a full one would leave the means of the samples
    off by a tenth of their spread.

    Args:
        model: its tensors are made to need no gradient afterwards.
        x: ``(N, D)`` standardised features.
        place: ``(N,)`` int64 rows of the embedding.
        schedule: how long and how fast.
        generator: orders of the minibatches and codes.

    Raises:
        ValueError: it ended in values that are not finite.
    """
    parameters = [tensor.requires_grad_() for tensor in model.parameters()]
    adam = torch.optim.Adam(parameters, lr=schedule.lr, fused=True)
    steps = schedule.steps(len(x))
    batches = minibatches(len(x), schedule.batch_size, steps, generator)
    for step, rows in enumerate(batches):
        adam.param_groups[0]["lr"] = schedule.lr * (1 - step / steps)
        part, which = x[rows.to(x.device)], place[rows.to(x.device)]
        mean, log_var = model.encode(part, which)
        code = mean + (log_var / 2).exp() * normal(mean.shape, generator, mean)
        loss = vae_loss(part, model.decode(code, which), mean, log_var, beta=schedule.beta)
        adam.zero_grad()
        loss.value.backward()
        adam.step()
    for tensor in parameters:
        tensor.requires_grad_(False)
        tensor.grad = None
    if not all(torch.isfinite(tensor).all() for tensor in parameters):
        raise ValueError(f"the autoencoder diverged at lr {schedule.lr}: lower generator.lr")


def codes_and_noise(
    model: Autoencoder, x: Tensor, place: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Posteriors of the samples of one class, and what the decoder leaves of every feature.

    One code is drawn from every posterior, as in training; the noise is the root of the mean
    squared error of its reconstruction.

    Args:
        model: a trained one.
        x: ``(N, D)`` standardised features, N at least 1.
        place: ``(N,)`` int64 rows of the embedding.
        generator: draws the codes.

    Returns:
        mean ``(N, L)``, log-variance ``(N, L)`` and noise ``(D,)``, at least 0.
    """
    mean, log_var = model.encode(x, place)
    code = mean + (log_var / 2).exp() * normal(mean.shape, generator, mean)
    noise = (x - model.decode(code, place)).square().mean(dim=0).sqrt()
    return mean, log_var, noise
