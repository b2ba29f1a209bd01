"""Values to text: pure functions, so that every output can be a golden file and no output can decide anything.

Colour and width are arguments; whether there is a terminal is the command line's question. The machine-readable form is
:mod:`reconciler.core.document`, because it is also what ``apply FILE`` obeys.
"""
