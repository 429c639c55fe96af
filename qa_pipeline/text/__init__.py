"""How words are compared: normal form with a way back to the original, sound classes, word boundaries. Imports only model.

`VERSION` is part of every rule's version: raise it when the same text would compare differently.
"""

VERSION = 1
