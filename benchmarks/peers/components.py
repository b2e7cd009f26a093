"""Strongly connected components, by Tarjan's method without recursion."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def components(following: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """The number of each node's component; nodes with the same number can reach each other."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    number: dict[Node, int] = {}
    path: list[Node] = []
    for root in following:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        path.append(root)
        stack = [(root, iter(following[root]))]
        while stack:
            node, rest = stack[-1]
            step = next((one for one in rest if one not in number), None)
            if step is None:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[node])
                if low[node] == order[node]:
                    found = len(number)
                    while node not in number:
                        number[path.pop()] = found
            elif step in order:
                low[node] = min(low[node], order[step])
            else:
                order[step] = low[step] = len(order)
                path.append(step)
                stack.append((step, iter(following[step])))
    return number
