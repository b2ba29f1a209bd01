"""Policy on plans: rules in Rego that refuse a plan or warn of it, in the words of whoever wrote them.

The room knows plans and nothing of where they come from: it gets JSON, asks the rules, and gives diagnostics.
"""

from reconciler.policy.files import find
from reconciler.policy.judge import TIME, TIME_VARIABLE, Verdict, can_judge, judge

__all__ = ["TIME", "TIME_VARIABLE", "Verdict", "can_judge", "find", "judge"]
