"""Comments on pull and merge requests: the only room that knows a URL or a JSON field of GitHub and GitLab.

It knows nothing of plans: a comment is a text with a hidden first line, by which it is found again.
"""

from reconciler.forge.comment import Posted, open_forge, post, read
from reconciler.forge.marker import KEYS, fact, fitting, in_bytes, marked
from reconciler.forge.target import Target, find

__all__ = ["KEYS", "Posted", "Target", "fact", "find", "fitting", "in_bytes", "marked", "open_forge", "post", "read"]
