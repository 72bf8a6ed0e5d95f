"""The faults that facts show: things that a loop does in an order, or with values, that are seldom meant."""

from __future__ import annotations

from collections.abc import Mapping

from engine.diagnosis.loops.fault import CUT, Fault
from engine.events import Cause, Severity

FAULTS: Mapping[str, Fault] = {
    "backward-twice": Fault(
        Cause.STATE_NOT_DETACHED,
        "The hidden state still holds the graph of the window before, which that window's backward pass has used up. "
        "So the gradient cannot go back through it a second time.",
        CUT,
        least=1,
    ),
    "gradients-kept": Fault(
        Cause.GRADIENTS_NOT_ZEROED,
        "Each backward pass adds its gradient to those of all updates before: nothing sets them to zero in between.",
        "optimizer.zero_grad()  # before loss.backward()",
    ),
    "zeroed-before-step": Fault(
        Cause.ZEROED_BEFORE_STEP,
        "The gradients are set to zero after the backward pass and before the step, so that the step changes nothing.",
        "optimizer.zero_grad(); loss.backward(); optimizer.step()  # in this order",
    ),
    "zeroed-between-passes": Fault(
        Cause.ZEROED_BEFORE_STEP,
        "The gradients are set to zero between the backward passes of one update: of {passes} passes only the last one "
        "counts.",
        "optimizer.zero_grad()  # before the first of them, and not between them",
    ),
    "optimizer-anew": Fault(
        Cause.OPTIMIZER_ANEW,
        "Each update is made by a new optimiser, which knows nothing of the gradients before: its momentum and the "
        "sizes of earlier gradients are lost.",
        "make it once, before the loop",
        Severity.WARNING,
        least=1,
    ),
    "steps-in-both-modes": Fault(
        Cause.VALIDATION_TRAINED,
        "Updates are made in training mode and in evaluation mode by turns: what is run in evaluation mode, such as a "
        "validation, is trained on as well, and its loss says nothing of other data.",
        "with torch.no_grad(): …  # and neither backward nor step in a validation",
        Severity.WARNING,
        least=1,
        line="",
    ),
    "updates-lost": Fault(
        Cause.NUMERICAL_INSTABILITY,
        "The weights are {dtype} numbers, and {share} of those that have a gradient stay as they are: their updates "
        "are smaller than the distance to the next such number.",
        "keep the weights in float32, and compute in torch.autocast",
        Severity.WARNING,
    ),
    "gradients-elsewhere": Fault(
        Cause.OTHER_PARAMETERS,
        "None of the optimiser's parameters has a gradient: the loss depends on other ones. It was made for another "
        "model, or for the one that was there before.",
        "optimizer = torch.optim.Adam(model.parameters())  # after the model is made",
    ),
    "step-without-backward": Fault(
        Cause.STEP_WITHOUT_BACKWARD,
        "The optimiser makes a step without a backward pass since the one before: it repeats the old gradient.",
        "loss.backward()  # before each optimizer.step()",
    ),
    "step-never-called": Fault(
        Cause.STEP_NEVER_CALLED,
        "There are backward passes and an optimiser, and no step: no parameter has changed.",
        "optimizer.step()  # after loss.backward()",
        least=1,
    ),
    "clipped-without-a-gradient": Fault(
        Cause.CLIPPED_WITHOUT_GRADIENT,
        "Clipping runs before the backward pass or after the step, where the gradient of this update is not there.",
        "loss.backward(); torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); optimizer.step()  # in this order",
    ),
    "clipped-some": Fault(
        Cause.CLIPPED_SOME,
        "Clipping leaves out {some} of {every} parameters that have a gradient, such as {names}.",
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        Severity.NOTE,
    ),
    "module-twice": Fault(
        Cause.LAYER_REPEATED,
        "{names} are one layer with one set of weights: the second name was given the first layer itself.",
        "copy.deepcopy(layer)  # or make each of them anew",
        Severity.NOTE,
        least=1,
    ),
    "validation-trained": Fault(
        Cause.VALIDATION_TRAINED,
        "Of {checked} sequences on which the loss without gradient was computed, at least {found} had been trained on: "
        "that loss says nothing of other text, and cannot show overfitting.",
        "train, validation = data[:n], data[n:]  # no part in both",
        Severity.NOTE,
        least=1,
    ),
    "state-of-others": Fault(
        Cause.STATE_OF_ANOTHER_TEXT,
        "Each batch has sequences with a target of their own, and begins with the state that the batch before has "
        "left: it tells of other sequences.",
        "output, hidden = model(x)  # without a state, or with zeros",
        Severity.WARNING,
        least=1,
    ),
    "cell-begins-anew": Fault(
        Cause.STATE_THROWN_AWAY,
        "A cell is called {calls} times and more in one window, and is given the same state each time: what it returns "
        "is not given to its next call, so that it remembers nothing.",
        "states[i] = cell(x, states[i])  # and the next call gets it",
    ),
    "dropout-of-most": Fault(
        Cause.DROPOUT_TOO_HIGH,
        "A dropout sets {share} of its inputs to zero. Its number is the share that is dropped, not the one that is "
        "kept.",
        "nn.Dropout({kept})",
        Severity.WARNING,
        least=1,
    ),
    "broadcast": Fault(
        Cause.BROADCAST,
        "Predictions of the form (n, 1) are taken from targets of the form (n,): that makes (n, n) differences, of "
        "each prediction from each target, and only the mean of the targets is learnt.",
        "prediction.squeeze(1) - target",
    ),
    "viewed-for-transposed": Fault(
        Cause.BATCH_TAKEN_FOR_TIME,
        "The scores were brought from (batch, time, classes) to (batch, classes, time) by a view, which reads the same "
        "numbers in the same order: scores of different steps and classes are mixed.",
        "logits.transpose(1, 2)  # not view or reshape",
        line="",
    ),
    "graph-grows": Fault(
        Cause.STATE_NOT_DETACHED,
        "The gradient goes {length} steps back, and further at each update: the hidden state is never cut from the "
        "graph of the windows before, so that the time and the memory of an update grow.",
        CUT,
        least=1,
    ),
    "mask-inverted": Fault(
        Cause.SPARSE_TARGETS,
        "The loss counts only where the target is always one and the same, as it is for padding, and leaves out all "
        "others: the mask is the wrong way round.",
        "mask = targets != padding",
        least=1,
    ),
    "targets-few": Fault(
        Cause.SPARSE_TARGETS,
        "Each sequence has {steps} inputs and one target, the one that comes after its last: of the others, each of "
        "which has a next one too, nothing is learnt.",
        "cross_entropy(logits.flatten(0, 1), targets.flatten())  # with a target for every step",
        Severity.NOTE,
        least=1,
    ),
    "no-gradient": Fault(
        Cause.NO_GRADIENT,
        "{some} of the optimiser's {every} parameters never get a gradient, such as {names}: the loss does not depend "
        "on them.",
        "what the model returns must be made with them; or leave them out of the optimiser",
        Severity.NOTE,
        least=1,
    ),
    "in-no-optimizer": Fault(
        Cause.IN_NO_OPTIMIZER,
        "{some} of the model's {every} parameters get a gradient and are in no optimiser, such as {names}: they stay "
        "as they were made.",
        "optimizer = torch.optim.Adam(model.parameters())  # or set requires_grad_(False) for those",
        Severity.NOTE,
        least=1,
    ),
    "loss-without-its-graph": Fault(
        Cause.LOSS_WITHOUT_ITS_GRAPH,
        "The backward pass begins at a tensor that was made anew from a number: no gradient reaches the model from it.",
        "loss = criterion(model(x), y); loss.backward()  # the very tensor that the loss function returned",
    ),
    "softmax-before-cross-entropy": Fault(
        Cause.DOUBLE_SOFTMAX,
        "The predictions went through a softmax before cross_entropy, which applies one itself. Its gradient is then "
        "too small to learn from.",
        "the values before the softmax; apply it only to sample",
    ),
    "sigmoid-before-logits": Fault(
        Cause.DOUBLE_SOFTMAX,
        "The predictions went through a sigmoid before binary_cross_entropy_with_logits, which applies one itself.",
        "the values before the sigmoid",
    ),
    "log-softmax-before-cross-entropy": Fault(
        Cause.DOUBLE_SOFTMAX,
        "The predictions went through a log-softmax before cross_entropy, which applies one itself: the second one "
        "changes nothing, and takes time.",
        "nll_loss, or the values before the log-softmax",
        Severity.NOTE,
    ),
    "no-log-softmax": Fault(
        Cause.NO_LOG_SOFTMAX,
        "nll_loss is given numbers that are no logarithms of probabilities: they are above 0. It can be made as low as "
        "one likes without predicting anything.",
        "cross_entropy(logits, targets)  # or nll_loss(log_softmax(logits, -1), targets)",
    ),
    "log-softmax-of-another-axis": Fault(
        Cause.NO_LOG_SOFTMAX,
        "nll_loss is given logarithms that are no shares of the classes: their exponentials do not add up to 1. The "
        "log-softmax was taken over another axis, such as time.",
        "log_softmax(logits, dim=-1)  # over the classes",
    ),
    "training-in-eval-mode": Fault(
        Cause.TRAINING_IN_EVAL_MODE,
        "The model is trained in its evaluation mode: dropout does nothing, and batch normalisation learns no means.",
        "model.train()  # before each training epoch",
        Severity.WARNING,
    ),
    "validation-in-train-mode": Fault(
        Cause.VALIDATION_IN_TRAIN_MODE,
        "The loss without gradient is measured in training mode: dropout makes it worse than the model is, and batch "
        "normalisation learns from validation data.",
        "model.eval()  # before validation, and model.train() after it",
        Severity.WARNING,
    ),
    "module-repeated": Fault(
        Cause.LAYER_REPEATED,
        "In {name} one layer stands several times: `[layer] * n` makes n names for one layer with one set of weights.",
        "nn.ModuleList([make_layer() for _ in range(n)])",
        Severity.WARNING,
        least=1,
    ),
}
"""The fault that each fact shows. Names in braces are numbers of the fact."""
