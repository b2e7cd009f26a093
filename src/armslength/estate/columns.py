"""The tables and their columns, and the columns that are refused.

Exposure comes from places and employers. A column about nationality, ancestry, faith or birth is never loaded, whatever
table it stands in (semantics, "Exposure, never ancestry").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "people": ("id", "unit", "role", "entity", "workplace", "residence", "manager", "name"),
    "entities": ("id", "state", "parent"),
    "travel": ("person", "state", "from", "until"),
    "declared": ("person", "state"),
    "groups": ("group", "member"),
    "assets": ("id", "kind", "class", "within", "hosted_in", "key", "subjects", "shielded_from"),
    "unknown": ("group", "note"),
    "grants": ("holder", "action", "target", "terms"),
    "routes": ("host", "method", "path", "action", "resource", "customers"),
}
"""Known columns of every table, in the order of the definition."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "people": ("id",),
    "entities": ("id",),
    "travel": ("person", "state", "from", "until"),
    "declared": ("person", "state"),
    "groups": ("group", "member"),
    "assets": ("id",),
    "unknown": ("group",),
    "grants": ("holder", "action", "target"),
    "routes": ("path", "action", "resource"),
}
"""Columns in which no row may be empty."""

ORIGIN = ("source", "as_of")
"""Where a row came from and how old it is: allowed in any table, no part of the digest."""

INTAKE = "intake/"
"""What `source` begins with in a row that was made from what another system exported, and is made anew at each run."""

SETTINGS, POLICY = "estate.toml", "policy.cedar"

FILES: frozenset[str] = frozenset(
    {f"{name}{form}" for name in COLUMNS for form in (".csv", ".parquet")} | {SETTINGS, POLICY}
)
"""Every file name that an estate can have."""

REFUSED = (
    "is refused: exposure comes from places and employers, never from nationality, ancestry, faith or birth,"
    " so this column is never loaded: remove it"
)

# Parts of words, looked for in the name with accents, case and separators removed.
_ANYWHERE = (
    "nationalit|nacionalidad|nacionalidade|nazionalita|narodnost|natsionalnost|nationalorigin|originnational"
    "|citizen|citoyen|ciudadan|cidadan|cittadin|staatsangehor|staatsburger|burgerschap|obywatel|grazhdan|vatandas"
    "|passport|passeport|pasaporte|passaporte|passaporto|reisepass"
    "|ethnic|ethnie|ethnisch|etnia|etnic|etnisch|ethnos"
    "|ancestr|abstammung|ascendencia|bloodline"
    "|religi|religija|konfession"
    "|racial|raceethnicity|ethnicityrace"
    "|countryoforigin|placeoforigin|stateoforigin|countryorigin|origincountry|paysdorigine|paisdeorigen|paisdeorigem|herkunftsland"
    "|mothertongue|nativelanguage|muttersprache|languematernelle|lenguamaterna"
    "|geburtsort|geburtsland|geburtsstaat|geboorteplaats|geboorteland"
    "|国籍|國籍|民族|宗教|种族|種族|人種|出生地|出身地|籍贯|籍貫|국적|종교|인종|출생지|민족"
    "|гражданств|национальност|этническ|вероисповедан|религи|месторождения|происхожден|громадянств|национальніст"
    "|جنسية|الجنسيه|ديانة|العرق|אזרחות"
)
_BIRTH = "birth|born|naissance|nacimiento|nascimento|nascita|geburt|geboorte|urodzenia"
_PLACE = (
    "place|country|state|city|town|nation|region|province|location|lieu|pays|ville|lugar|pais|ciudad|local|luogo|paese"
    "|plaats|miejsce|kraj"
)
# Whole words only: a column `trace` or `embrace` says nothing of anyone.
_WORDS = frozenset(
    "race races raza raca rasse razza ras rasa nation nationals nationof caste faith creed bornin דת לאום".split()
)
_ANYWHERE_PATTERN = re.compile(_ANYWHERE)
_PLACE_OF_BIRTH = re.compile(f"(?:{_BIRTH}).*(?:{_PLACE})|(?:{_PLACE}).*(?:{_BIRTH})")
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def refused(column: str) -> bool:
    """Whether a column is named like nationality, citizenship, ethnicity, religion, birthplace or race, in the common
    spellings and languages: letter case, accents and separators do not matter."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", _HUMP.sub(" ", column)) if not unicodedata.combining(c))
    words = _WORD.findall(unicodedata.normalize("NFC", plain).casefold())
    joined = "".join(words)
    return (
        not _WORDS.isdisjoint(words)
        or joined in _WORDS
        or _ANYWHERE_PATTERN.search(joined) is not None
        or _PLACE_OF_BIRTH.search(joined) is not None
    )
