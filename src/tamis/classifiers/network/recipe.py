"""What is known of a network before it is built: its form, and how it is trained."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained, where nobody says otherwise.

    Attributes
    ----------
    epochs : int
    lr : float
        Highest learning rate.
    schedule : str
        ``"constant"``; or ``"cosine"``: linearly up over `warmup` epochs, then down to
        nothing along half a cosine.
    warmup : float
        In epochs.
    weight_decay : float
        Decoupled, on all weights but biases and those of normalisations.
    label_smoothing : float
        Share of a target that is spread over all classes.
    ema : float
        Decay, per step, of the running average of the weights that is what answers in
        the end; 0 takes the weights as they are.
    augment : str
        One of `tamis.classifiers.network.augment.AUGMENTATIONS`.
    patience : int
        Epochs without a better validation after which training stops; 0 never stops.
    frozen : int
        Epochs at the start that train the last layer alone.
    backbone_lr : float
        What the learning rate of all but the last layer is multiplied by.
    flips : bool
        Average the answers for a picture and for its mirror image.
    """

    epochs: int = 50
    lr: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    augment: str = "original"
    patience: int = 0
    frozen: int = 0
    backbone_lr: float = 1.0
    flips: bool = False


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """One network: what it is called, what it takes, how it is trained.

    Attributes
    ----------
    name, summary : str
    size : int
        Height and width of the pictures, in pixels.
    least_size : int
        Smallest that the layers allow.
    mean, std : (float, float, float)
        Taken off and divided by, per channel, on the scale of 0 to 255.
    recipe : Recipe
    pretrained : str or None
        The backbone whose weights it starts from.
    """

    name: str
    summary: str
    size: int
    least_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    recipe: Recipe
    pretrained: str | None = None
