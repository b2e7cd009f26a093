"""The gate: no lease without a quorum that no state can reach. Pure: estate, now, keys and chance are passed in.

A question is looked at (decision), a request is judged with its approvals (judge), and the quorum that is found becomes
a lease once its record is durable (lease). What happened is a list of events (event), and the state is what they make
of it (state). Any error while deciding is a refusal with its reason.
"""

__all__: list[str] = []
