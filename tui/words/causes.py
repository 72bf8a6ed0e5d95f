"""The title of every cause: what is wrong, in one clause that a sentence can begin with."""

from __future__ import annotations

from collections.abc import Mapping

from engine.events import Cause

TITLES: Mapping[Cause, str] = {
    Cause.LEARNING_RATE_TOO_HIGH: "The learning rate is too high",
    Cause.LEARNING_RATE_TOO_LOW: "The learning rate is too low",
    Cause.CLIP_TOO_TIGHT: "Clipping cuts too much",
    Cause.EXPLODING_GRADIENT: "The gradient explodes through time",
    Cause.VANISHING_GRADIENT: "The gradient vanishes through time",
    Cause.BPTT_TOO_SHORT: "The BPTT length is too short for this text",
    Cause.SPARSE_TARGETS: "Few characters count for the loss",
    Cause.DATA_SHIFT: "The text has changed, not the network",
    Cause.OVERFITTING: "The network memorises its training text",
    Cause.PLATEAU: "The loss has stopped falling",
    Cause.SATURATED_UNITS: "Most units are saturated",
    Cause.NUMERICAL_INSTABILITY: "The gradient is computed with too few digits",
    Cause.NON_FINITE: "Numbers are no longer finite",
    Cause.NOISY_UPDATES: "Updates undo each other",
    Cause.STUCK_AT_LETTER_FREQUENCIES: "The network knows nothing but letter frequencies",
    Cause.DETACH_DROPPED: "The result of detach() is dropped",
    Cause.STATE_NOT_DETACHED: "The hidden state is never cut from its graph",
    Cause.GRADIENTS_NOT_ZEROED: "Gradients are never set to zero",
    Cause.ZEROED_BEFORE_STEP: "Gradients are set to zero before the step",
    Cause.OTHER_PARAMETERS: "The optimiser has the parameters of another model",
    Cause.STEP_WITHOUT_BACKWARD: "A step repeats the gradient of the step before",
    Cause.CLIPPED_WITHOUT_GRADIENT: "Clipping runs where there is no gradient to clip",
    Cause.STEP_NEVER_CALLED: "The parameters are never updated",
    Cause.NOT_CALLED: "A function is named and not called",
    Cause.CLIPPED_SOME: "Clipping leaves some parameters out",
    Cause.NO_GRADIENT: "Some parameters never get a gradient",
    Cause.IN_NO_OPTIMIZER: "Some parameters are in no optimiser",
    Cause.LOSS_WITHOUT_ITS_GRAPH: "The loss has lost its graph",
    Cause.LOSSES_KEPT: "Losses are kept with their graphs",
    Cause.DOUBLE_SOFTMAX: "Softmax is applied twice",
    Cause.NO_LOG_SOFTMAX: "The loss function expects log-softmax",
    Cause.STATE_THROWN_AWAY: "The hidden state is thrown away",
    Cause.STATE_OF_ANOTHER_TEXT: "The hidden state is of another text",
    Cause.TARGETS_ARE_INPUTS: "The targets are the inputs",
    Cause.TARGETS_SHIFTED: "The targets are not the next characters",
    Cause.BATCH_TAKEN_FOR_TIME: "Batch and time are mixed up",
    Cause.SAME_BATCH: "Every update uses the same batch",
    Cause.TRAINING_IN_EVAL_MODE: "The model trains in eval mode",
    Cause.VALIDATION_IN_TRAIN_MODE: "Validation runs in train mode",
    Cause.VALIDATION_TRAINED: "The validation data is trained on",
    Cause.WEIGHTS_NOT_COPIED: "The best weights are not copied",
    Cause.LABELS_OF_OTHERS: "Examples have the labels of others",
    Cause.UNITS_ALIKE: "All units are alike",
    Cause.PADDING_READ: "What is read last is padding",
    Cause.DROPOUT_TOO_HIGH: "Dropout removes nearly everything",
    Cause.BROADCAST: "Predictions and targets have different shapes",
    Cause.INPUTS_NOT_SCALED: "The inputs are far too large",
    Cause.RATE_GONE: "The schedule has used up the learning rate",
    Cause.LAYER_REPEATED: "One layer stands in several places",
    Cause.WRONG_SHAPE: "A tensor has the wrong shape",
    Cause.WRONG_TYPE: "A tensor has the wrong type",
    Cause.CHANGED_IN_PLACE: "A tensor was changed that the gradient needs",
    Cause.RANDOM_INTERVAL: "Updates come less often than they seem to",
    Cause.OPTIMIZER_ANEW: "The optimiser is made anew at each update",
    Cause.UNDETERMINED: "No single change explains the climb",
    Cause.WEIGHT_DECAY_TOO_STRONG: "Weight decay is too strong",
    Cause.OPTIMISER_STATE: "The optimiser's memory misleads it",
    Cause.CARRIED_STATE: "The carried state is broken",
    Cause.DAMAGED_WEIGHTS: "The weights were damaged",
}
"""A title for every cause."""


def title(cause: Cause | str) -> str:
    """The title of a cause. A cause that another version has stored is named as it is."""
    try:
        return TITLES[Cause(cause)]
    except ValueError:
        return str(cause).replace("-", " ").capitalize()
