"""GitHub organisations: a peribolos config in YAML, or the answers of the REST API in a folder.

Mapped: accounts, owners, teams with their nesting and maintainers, repositories, roles on them, deploy keys, apps,
Actions environments and secrets; required reviews of protected branches become terms, as far as nothing leads past.
Taken wider: a reviewed push counts the author of a pull request for nobody where one person can stand for both, by a
second account or by pushing to somebody's open request; rules whose reach is unclear do not count.
Not modelled: organisation roles, who may dismiss reviews, push restrictions, required checks, what workflows do.
"""

from armslength.intake.github.mapping import map_github

__all__ = ["map_github"]
