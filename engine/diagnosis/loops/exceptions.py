"""The faults that exceptions show: torch's message, in the terms of a training loop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.diagnosis.loops.fault import CUT, Fault
from engine.events import Cause

STATE_IS_A_PAIR = Fault(
    Cause.STATE_NOT_DETACHED,
    "An LSTM's state is a pair of tensors, and a pair has no `detach` of its own: each of the two has one.",
    "hidden = tuple(each.detach() for each in hidden)",
    least=1,
)

EXCEPTIONS: Mapping[str, Fault] = {
    r"'tuple' object has no attribute 'detach'": STATE_IS_A_PAIR,
    r"modified by an inplace operation": Fault(
        Cause.CHANGED_IN_PLACE,
        "Something that the backward pass needs was changed in place meanwhile: most often weights, by a step, while "
        "the state still holds the graph of the window before; or a tensor by `+=` or an assignment to a part of it.",
        CUT,
    ),
    r"does not require grad and does not have a grad_fn": Fault(
        Cause.LOSS_WITHOUT_ITS_GRAPH,
        "The loss depends on no parameter: it was made under no_grad, from detached values, or anew from a number.",
        "loss = criterion(model(x), y); loss.backward()  # outside of torch.no_grad()",
    ),
    r"Expected input batch_size \(\d+\) to match target batch_size \(\d+\)": Fault(
        Cause.WRONG_SHAPE,
        "The loss gets another number of predictions than of targets. Predictions of a window are (batch, time, "
        "classes), and cross_entropy wants (n, classes) beside (n,).",
        "cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))",
    ),
    r"Expected target size|only batches of spatial targets supported|0D or 1D target tensor expected": Fault(
        Cause.WRONG_SHAPE,
        "cross_entropy takes the second dimension of predictions for the classes: those of a window, (batch, time, "
        "classes), have them last.",
        "cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))",
    ),
    r"Expected hidden(\[\d\])? size|For (un)?batched .*hx|hidden\[0\]": Fault(
        Cause.WRONG_SHAPE,
        "The state has another shape than the recurrent module wants: (layers, batch, hidden), with the batch in the "
        "middle even where batch_first is set. The last batch of an epoch may be smaller.",
        "hidden = torch.zeros(layers, x.shape[0], hidden_size)  # or drop_last=True in the data loader",
    ),
    r"mat1 and mat2 shapes cannot be multiplied|input\.size\(-1\) must be equal to input_size": Fault(
        Cause.WRONG_SHAPE,
        "A layer gets vectors of another size than it was made for: the last dimension of its input is to be its "
        "number of inputs.",
        "nn.Linear(hidden_size, vocabulary)  # the sizes of what goes in and of what comes out",
    ),
    r"index out of range in self|Target -?\d+ is out of bounds": Fault(
        Cause.WRONG_SHAPE,
        "A character's number is as large as the number of classes, or larger: the vocabulary was made of another text "
        "than this one, or is counted from 1.",
        "vocabulary = sorted(set(text)); nn.Embedding(len(vocabulary), …); nn.Linear(…, len(vocabulary))",
    ),
    r"result type \w+ can't be cast to the desired output type|expected scalar type Long|"
    r"expected m(at)?1 and m(at)?2 to have the same dtype|scalar types?; got|"
    r"to have one of the following scalar types|not implemented for '(Int|Float|Long)'": Fault(
        Cause.WRONG_TYPE,
        "A tensor has another number type than is wanted: numbers of characters and classes are int64, and what goes "
        "into a layer has its type, which is float32 unless it was changed.",
        "x.long()  # for embedding and targets; x.float() for layers",
    ),
    r"optimizer got an empty parameter list": Fault(
        Cause.OTHER_PARAMETERS,
        "The model has no parameters: layers in a plain list or dictionary are not found.",
        "self.layers = nn.ModuleList([...])  # and super().__init__() first",
    ),
}
"""The fault that an exception shows, by a regular expression for its message."""


def explained(message: str) -> Iterator[Fault]:
    """The fault that the message of an exception shows, if any."""
    yield from [fault for words, fault in EXCEPTIONS.items() if re.search(words, message)][:1]
