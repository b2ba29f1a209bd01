"""Editing the configuration's files in place: what an edit is not about stays byte for byte.

::

    bytes -> Text (pieces with offsets) -> splices -> bytes -> load them -> exactly the wanted difference, or nothing
"""
