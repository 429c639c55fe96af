"""How words are compared. Imports only model.

`normal` form with a way back to the original, `sound` classes, `columns` both for many texts at once, `numbers` as they are
read aloud, `plain` many texts with both, `segment` word boundaries.

`VERSION` is part of every rule's version: raise it when the same text would compare differently.
"""

VERSION = 1
