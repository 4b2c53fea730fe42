"""From words to a checked configuration: YAML in, plain typed arguments out.

**Nouns** stand in ``configs``. ``configs/train.yaml`` holds the defaults list over the groups
(``- loss: triplet``; ``- strategy: null`` leaves a group out until somebody chooses an option)
and the plain top-level keys (``seed: 0``, ``run_dir: null``). ``configs/<group>/<option>.yaml``
begins with a comment that explains the option, then ``class: NAME`` (a public name of that
group's package, looked up, never imported) and every argument of that class with its default.
An argument that the user must give is written ``???``. An option may inherit from another of its
group: ``defaults: [triplet, _self_]``::

    # Triplet loss over all valid triplets of the batch.
    class: TripletLoss
    margin: 0.2
    mining: all

**Sentences** stand in ``recipes/<name>.yaml``: comment lines, ``defaults`` (``override /group:
option`` entries, names of other recipes to inherit from, ``_self_``), ``card`` (keys ``paper``,
``claim``, ``published``, ``needs``, ``smoke``; optional ``table``, ``note``; it is never
inherited) and values nested by group. A recipe never holds ``class``::

    # Triplet network on clips with a C3D backbone.
    defaults: [{override /backbone: c3d}, {override /loss: triplet}]
    card: {paper: huo2020, claim: clips beat stills, published: null, needs: {}, smoke: []}
    loss: {margin: 0.3}

A folder given as ``--config-dir DIR`` adds ``DIR/NAME.yaml`` recipes and
``DIR/<group>/<option>.yaml`` options and goes before what the package ships. The order of
precedence is: option file, recipe, command line. The YAML here is plain: no tags, no anchors,
no key twice; ``true`` and ``false`` are the only booleans (as on the command line), so ``off``
is a word; ``1e-3`` is a number; ``${group.key}`` and ``${oc.env:NAME}`` are OmegaConf's.

The grammar of the command line and of sweeps is Hydra's. The composition itself is done on plain
mappings (:mod:`simlearn.config.compose`), because every value has to carry the file and line, or
the override, that set it. Import from the modules (``from simlearn.config.compose import
compose``): this package loads nothing by itself, since ``list`` needs neither Hydra nor torch.
"""

from __future__ import annotations

__all__: list[str] = []
