"""Watch any PyTorch training from a terminal: `charrnn.watch()` in a script or notebook, one line.

What is seen goes into a journal in a lab; nothing of the training changes. This package needs torch and the standard
library alone, and imports torch only where the program does.
"""

from charrnn.watching import Watch, watch

__all__ = ["Watch", "watch"]
