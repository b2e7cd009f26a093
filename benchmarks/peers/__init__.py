"""Two straightforward ways to the same answer, to measure the engine against and to check it on small estates.

Both read the estate as the definition is written and contract nothing. Neither reads Cedar policies: compare on
estates without them.
"""
