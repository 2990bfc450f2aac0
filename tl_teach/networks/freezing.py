"""Moving the freeze boundary."""

from __future__ import annotations

from .network import Network, require_network


def freeze(net: Network, through: str | None = None) -> Network:
    """Put the freeze boundary just after a stage.

    Everything up to and including `through` is frozen and everything after it learns, wherever
    the boundary was before. Frozen means frozen: no gradient, eval mode whatever ``.train()`` is
    called with, and so the same parameters *and* buffers after training.

    Parameters
    ----------
    net : Network
        Changed in place.
    through : str, optional
        The last stage to freeze; the one before the head by default.

    Returns
    -------
    Network
        The same network.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If there is no such stage, or a frozen and a learning stage share a parameter.

    References
    ----------
    Yosinski, Clune, Bengio, Lipson (2014), "How transferable are features in deep neural
    networks?", https://arxiv.org/abs/1411.1792

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.freeze(tl.load_network("letters-resnet"), through="block2")
    >>> net.frozen_through, net.role("block2"), net.role("block3")
    ('block2', 'frozen', 'fine-tuned')
    """
    net = require_network(net)
    frozen = len(net.stages) - 1 if through is None else net.position(through) + 1
    _refuse_shared(net, frozen)
    net.set_boundary(frozen)
    return net


def unfreeze(net: Network, from_: str | None = None) -> Network:
    """Let a stage and everything after it learn again.

    Parameters
    ----------
    net : Network
        Changed in place. An optimiser that was built earlier does not know the stages that
        start to learn here: build it anew, as `fit` does.
    from_ : str, optional
        The first stage to let learn; the first of all by default.

    Returns
    -------
    Network
        The same network. Stages before `from_` keep the state they had.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If there is no such stage, or a frozen and a learning stage share a parameter.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.freeze(tl.load_network("letters-resnet"))
    >>> tl.unfreeze(net, from_="block3").frozen_through
    'block2'
    """
    net = require_network(net)
    frozen = min(len(net.frozen), 0 if from_ is None else net.position(from_))
    _refuse_shared(net, frozen)
    net.set_boundary(frozen)
    return net


def _refuse_shared(net: Network, frozen: int) -> None:
    """A parameter that stands on both sides of the boundary can be neither fixed nor free."""
    owners: dict[int, str] = {}
    for place, (name, stage) in enumerate(net.stages.items()):
        for parameter in stage.parameters():
            owner = owners.setdefault(id(parameter), name)
            if net.position(owner) < frozen <= place:
                raise ValueError(
                    f"The stages {owner!r} and {name!r} share a parameter, so {owner!r} cannot "
                    f"stand still while {name!r} learns; put the boundary elsewhere, or give "
                    "one of them a copy (copy.deepcopy)."
                )
