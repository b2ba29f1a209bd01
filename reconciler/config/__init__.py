"""The configuration: YAML files to what is desired, with exact positions; the only room that knows a YAML key.

::

    paths -> files -> events -> document -> nodes -> objections (schema)
        -> expand (templates, variables) -> violations (rules) -> resolve -> Desired

:func:`load` reads everything and speaks of every problem at once; :func:`json_schema` describes the file to editors.
"""

from reconciler.config.loading import Loaded, Places, load, places_of, rules_of
from reconciler.config.schema import json_schema
from reconciler.config.values import BESIDE
from reconciler.config.variables import Given

__all__ = ["BESIDE", "Given", "Loaded", "Places", "json_schema", "load", "places_of", "rules_of"]
