package main

import rego.v1

# Whoever joins a group in production has a reason, such as a ticket.
deny contains {
	"msg": sprintf("%s would join %s/%s, and nobody says why", [change.user, change.tenant, change.group]),
	"address": change.address,
	"remedy": "give the member a reason, such as `reason: OPS-42`",
} if {
	some change in input.plan.changes
	change.tenant == "acmeprod"
	change.user
	change.action == "create"
	not change.note
}

warn contains sprintf("%d groups are created at once", [count(created)]) if {
	created := [change | some change in input.plan.changes; change.action == "create"; not change.user]
	count(created) > 1
}
