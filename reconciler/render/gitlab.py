"""The numbers of a plan for GitLab's merge-request widget."""

import json

from reconciler.core.plan import Action, Plan


def report(plan: Plan) -> str:
    """One line for ``artifacts:reports:terraform``: what is to be created, updated and deleted.

    A replacement is one of each, as in the summary line; what changes only the lockfile is not counted. The form is
    that of GitLab's documentation, "Terraform integration in merge requests".
    """
    replaced = plan.counts[Action.REPLACE]
    return json.dumps(
        {
            "create": plan.counts[Action.CREATE] + replaced,
            "update": plan.counts[Action.UPDATE],
            "delete": plan.counts[Action.DELETE] + replaced,
        }
    )
