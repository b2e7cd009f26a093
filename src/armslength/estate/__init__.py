"""The estate: one frozen, cross-checked value, made from the bytes of a folder and from nothing else.

`parse` gives an `Estate` or an `EstateError` with every problem; there is nothing between. Pure: no clock, disk or
network.
"""

from armslength.estate.annotations import policy_annotations
from armslength.estate.columns import COLUMNS, FILES, INTAKE, ORIGIN
from armslength.estate.columns import refused as refused_column
from armslength.estate.costs import COSTS, row_costs
from armslength.estate.digesting import content, digest
from armslength.estate.edits import drop_grants, drop_memberships, grant, join, leaver, set_all_terms, set_terms, travel
from armslength.estate.model import (
    AMEND,
    ASSUME,
    ENROLL,
    OPERATE,
    POWERS,
    Assets,
    Basis,
    Bytes,
    Entities,
    Estate,
    Floor,
    Grants,
    Groups,
    Ints,
    Journey,
    Kind,
    People,
    Place,
    PolicyText,
    Ref,
    Settings,
    State,
    Table,
    Terms,
    Tie,
)
from armslength.estate.problem import EstateError, Problem
from armslength.estate.reading import Parsed, parse
from armslength.estate.routes import (
    MOST_PATH,
    MOST_SEGMENTS,
    Route,
    RouteProblem,
    filled,
    parse_host,
    parse_route,
    route_ties,
    routes_of,
    segment_problem,
)
from armslength.estate.states import BLOCS, NAMES
from armslength.estate.toml_lines import lines as setting_lines
from armslength.estate.widening import with_action, with_state

__all__ = [
    "AMEND",
    "ASSUME",
    "BLOCS",
    "COLUMNS",
    "COSTS",
    "ENROLL",
    "FILES",
    "INTAKE",
    "MOST_PATH",
    "MOST_SEGMENTS",
    "NAMES",
    "OPERATE",
    "ORIGIN",
    "POWERS",
    "Assets",
    "Basis",
    "Bytes",
    "Entities",
    "Estate",
    "EstateError",
    "Floor",
    "Grants",
    "Groups",
    "Ints",
    "Journey",
    "Kind",
    "Parsed",
    "People",
    "Place",
    "PolicyText",
    "Problem",
    "Ref",
    "Route",
    "RouteProblem",
    "Settings",
    "State",
    "Table",
    "Terms",
    "Tie",
    "content",
    "digest",
    "drop_grants",
    "drop_memberships",
    "filled",
    "grant",
    "join",
    "leaver",
    "parse",
    "parse_host",
    "parse_route",
    "policy_annotations",
    "refused_column",
    "route_ties",
    "routes_of",
    "row_costs",
    "segment_problem",
    "set_all_terms",
    "set_terms",
    "setting_lines",
    "travel",
    "with_action",
    "with_state",
]
