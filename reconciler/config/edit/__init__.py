"""Editing the configuration's files in place: what an edit is not about stays byte for byte.

::

    bytes -> Text (pieces with offsets) -> splices -> bytes -> load them -> exactly the wanted difference, or nothing
"""

from reconciler.config.edit.edits import Edit, Edited
from reconciler.config.edit.facts import label
from reconciler.config.edit.leaving import Leave, offboard
from reconciler.config.edit.members import add, remove_from
from reconciler.config.edit.whom import Target, Who, misspelt, refuse_name, targets, tenants_of, who

__all__ = [
    "Edit",
    "Edited",
    "Leave",
    "Target",
    "Who",
    "add",
    "label",
    "misspelt",
    "offboard",
    "refuse_name",
    "remove_from",
    "targets",
    "tenants_of",
    "who",
]
