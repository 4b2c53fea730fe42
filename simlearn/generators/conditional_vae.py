"""One variational autoencoder for all classes, told the class by an embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from simlearn.generators.autoencoder import (
    Autoencoder,
    Schedule,
    codes_and_noise,
    train_autoencoder,
)
from simlearn.generators.class_tables import TableGenerator
from simlearn.generators.code_prior import draw_codes, fit_code_prior
from simlearn.generators.draws import normal
from simlearn.generators.layers import Layers, feed_forward, linear_layers
from simlearn.generators.standardise import Standardiser
from simlearn.generators.triangle import packed_size
from simlearn.generators.vae import check_sizes


class ConditionalVAE(TableGenerator):
    """A conditional autoencoder (Sohn, Lee and Yan 2015): a tenth of the bytes of ten decoders.

    As :class:`simlearn.generators.vae.VAE`, but encoder and decoder are shared and are given a
    row of an embedding beside features and code; mean and spread of the features, noise and the
    Gaussian of the codes are each class's own. A fit gives every new class a fresh row and trains
    on the new features together with samples that it draws itself of each old class, as many as
    the new classes have on average. So what it draws of old classes changes with every fit and
    slowly wears off; their mean and spread are kept, and own samples are moved to that mean before
    the training, so that small shifts do not add up.

    The encoder is thrown away after a fit and drawn anew for the next one, while the decoder and
    the rows go on from where they were: all of the state is needed for sampling.

    Args:
        shape: of one activation, ``*F``; D values.
        hidden: sizes of the encoder's hidden layers; the decoder has them in reverse. None is
            allowed.
        latent: L, values of a code.
        embedding: E, values of a class's row.
        beta: weight of the KL, at least 0.
        epochs: passes over new features and own samples.
        min_steps: steps of a fit at the least.
        batch_size: samples of a step.
        lr: rate of Adam at the first step; it falls linearly to 0.
        noise: add independent normal noise as large as what the decoder leaves of every feature.
        nonnegative: samples are cut off at 0, as a ReLU does.

    Raises:
        ValueError: a value out of its range.
    """

    mean: Tensor
    std: Tensor
    noise: Tensor
    code_mean: Tensor
    code_factor: Tensor
    embedding: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        hidden: tuple[int, ...] = (256,),
        latent: int = 12,
        embedding: int = 16,
        beta: float = 1.0,
        epochs: int = 12,
        min_steps: int = 240,
        batch_size: int = 100,
        lr: float = 2e-3,
        noise: bool = True,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(shape)
        self.hidden = check_sizes(hidden, latent)
        if embedding < 1:
            raise ValueError(f"embedding is {embedding}, must be at least 1")
        self.latent, self.nonnegative, self.adds_noise = latent, nonnegative, noise
        self.schedule = Schedule(epochs, min_steps, batch_size, lr, beta)
        for name in ("mean", "std", *(["noise"] if noise else [])):
            self._table(name, self.features)
        self._table("code_mean", latent)
        self._table("code_factor", packed_size(latent))
        self._table("embedding", embedding)
        sizes = (latent + embedding, *self.hidden[::-1], self.features)
        self.depth = len(sizes) - 1
        for k in range(self.depth):
            self.register_buffer(f"decoder_weight_{k}", torch.zeros(sizes[k + 1], sizes[k]))
            self.register_buffer(f"decoder_bias_{k}", torch.zeros(sizes[k + 1]))

    def _decoder(self) -> Layers:
        return [
            (getattr(self, f"decoder_weight_{k}"), getattr(self, f"decoder_bias_{k}"))
            for k in range(self.depth)
        ]

    def _learn(self, groups: Mapping[int, Tensor], generator: torch.Generator) -> None:
        new = next(iter(groups.values()))
        count = round(sum(map(len, groups.values())) / len(groups))
        data, scales = [], []
        for row in range(len(self.labels)):
            scales.append(Standardiser(self.mean[row].to(new), self.std[row].to(new)))
            own = scales[-1].apply(self._draw(row, count, generator).to(new))
            data.append(own - own.mean(dim=0))
        for x in groups.values():
            scales.append(Standardiser.of(x))
            data.append(scales[-1].apply(x))
        model = self._begin(len(groups), new, generator)
        counts = torch.tensor([len(x) for x in data], device=new.device)
        place = torch.arange(len(data), device=new.device).repeat_interleave(counts)
        train_autoencoder(model, torch.cat(data), place, self.schedule, generator)
        self._keep([*self.labels.tolist(), *groups], model, data, scales, generator)

    def _begin(self, fresh: int, like: Tensor, generator: torch.Generator) -> Autoencoder:
        """A network with ``fresh`` new rows: the decoder and the old rows go on as copies."""
        size = self.embedding.shape[1]
        sizes = (self.latent + size, *self.hidden[::-1], self.features)
        encoder = linear_layers(
            (self.features + size, *self.hidden, 2 * self.latent), generator, like
        )
        if len(self.labels):
            decoder = [(w.clone().to(like), b.clone().to(like)) for w, b in self._decoder()]
        else:
            decoder = linear_layers(sizes, generator, like)
        rows = normal((fresh, size), generator, like)
        return Autoencoder(encoder, decoder, torch.cat([self.embedding.to(like), rows]))

    def _keep(
        self,
        labels: Sequence[int],
        model: Autoencoder,
        data: Sequence[Tensor],
        scales: Sequence[Standardiser],
        generator: torch.Generator,
    ) -> None:
        """Replace decoder and tables by those of a trained network."""
        for k, layer in enumerate(model.decoder):
            for name, value in zip(("weight", "bias"), layer, strict=True):
                setattr(self, f"decoder_{name}_{k}", value.to(self.embedding))
        for name in self._tables:
            setattr(self, name, getattr(self, name)[:0])
        for k, (label, x, scale) in enumerate(zip(labels, data, scales, strict=True)):
            place = torch.full((len(x),), k, device=x.device)
            mean, log_var, noise = codes_and_noise(model, x, place, generator)
            code_mean, code_factor = fit_code_prior(mean, log_var)
            rows = {"mean": scale.mean, "std": scale.std, "embedding": model.embedding[k]}
            rows |= {"code_mean": code_mean, "code_factor": code_factor}
            self._append(label, rows | ({"noise": noise} if self.adds_noise else {}))

    def _draw(self, row: int, n: int, generator: torch.Generator) -> Tensor:
        code = draw_codes(self.code_mean[row], self.code_factor[row], n, generator)
        told = torch.cat([code, self.embedding[row].expand(n, -1)], dim=1)
        x = feed_forward(told, self._decoder())
        if self.adds_noise:
            x = x + self.noise[row] * normal(x.shape, generator, x)
        x = Standardiser(self.mean[row], self.std[row]).invert(x)
        return x.clamp_min(0) if self.nonnegative else x
