"""Site rules as a YAML file that people read, change and keep under version control."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from SeriesClassifierLib import vocabulary
from SeriesClassifierLib.curation.site_rules import CODES, RANGES, Condition, SiteRule
from SeriesClassifierLib.errors import UsageError
from SeriesClassifierLib.publish.atomic import replacing
from SeriesClassifierLib.vocabulary import FACETS

_COUNTS = ("corrections", "confirmations", "studies", "readers", "others", "changes", "contradictions")
_MOST_BYTES = 4 * 1024 * 1024
_HEAD = """\
# Site rules of SeriesClassifier: proposals made of what people corrected. Nothing here has been applied.
# Research use; not a medical device.
#
# Read every rule, change or delete what is wrong, then look at what would happen and do it:
#   series-classifier rules apply JOURNAL --rules THIS_FILE --user YOUR_NAME --dry-run
#   series-classifier rules apply JOURNAL --rules THIS_FILE --user YOUR_NAME
# Each rule is one step that can be undone. Labels that a person gave are never changed.
#
# when: all of it must hold. description is a regular expression, searched in the SeriesDescription in any
#       case of letters, with .* as the only repetition; a code (kinds, family, scanning, acquired, plane)
#       holds alone or among others; numbers are [smallest, largest]: te, tr, ti in ms, flip in degrees, etl,
#       thickness in mm, b in s/mm2.
# then: what such a part is.
# seen: when the rule was proposed, series that were corrected or confirmed so, in how many studies and by how
#       many readers; other parts that it holds for, and how many of them it changes.
"""


def write_rules(rules: Iterable[SiteRule], path: str | PathLike[str]) -> int:
    """Write the file, whole or not at all; returns the number of rules.

    Raises UsageError when two rules have one name or the folder is missing, SeriesClassifierError when the
    file cannot be written.
    """
    rules = list(rules)
    text = dump_rules(rules)
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    return len(rules)


def read_rules(path: str | PathLike[str]) -> list[SiteRule]:
    """The rules of a file. Raises UsageError, which says what to change, when it cannot be used."""
    path = Path(path)
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsageError(f"{path} is larger than a file of rules may be (4 MB): name another")
        text = content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a file of rules") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text: name a file of rules") from error
    try:
        return load_rules(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def dump_rules(rules: Sequence[SiteRule]) -> str:
    """The text of a file. Raises UsageError when two rules have one name."""
    import yaml

    _check_names(rules)
    content = {"rules": [_entry(rule) for rule in rules]}
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=1000)
    return f"{_HEAD}{body}"


def load_rules(text: str) -> list[SiteRule]:
    """The rules of the text of a file; ``dump_rules`` of them has the same rules.

    Raises UsageError, which names the rule or the line, when the text cannot be used.
    """
    import yaml

    try:
        content = yaml.safe_load(text)
        _check_schema(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"this is no YAML of site rules ({reason}): correct it") from error
    rules = [_rule(entry) for entry in content["rules"]]
    _check_names(rules)
    return rules


def _entry(rule: SiteRule) -> dict[str, Any]:
    when = rule.when
    texts = {"vendor": when.vendor, "description": when.description}
    return {
        "name": rule.name,
        "when": {
            **{name: text for name, text in texts.items() if text},
            **{name: when.codes[name] for name in CODES if name in when.codes},
            **{name: list(when.ranges[name]) for name in RANGES if name in when.ranges},
        },
        "then": {facet: rule.then[facet] for facet in FACETS if facet in rule.then},
        "seen": {name: getattr(rule, name) for name in _COUNTS},
    }


def _rule(entry: Mapping[str, Any]) -> SiteRule:
    name, when = entry["name"], entry["when"]
    try:
        condition = Condition(
            vendor=when.get("vendor", "").upper(),
            description=when.get("description", ""),
            codes={code: when[code] for code in CODES if code in when},
            ranges={
                number: (float(when[number][0]), float(when[number][1]))
                for number in RANGES
                if number in when
            },
        )
        then = {facet: vocabulary.check(facet, value) for facet, value in entry["then"].items()}
    except (UsageError, OverflowError) as error:
        raise UsageError(f"rule {name}: {error}") from error
    return SiteRule(name, condition, then, **entry.get("seen", {}))


def _check_names(rules: Sequence[SiteRule]) -> None:
    twice = [name for name, n in Counter(rule.name for rule in rules).items() if n > 1]
    if twice:
        raise UsageError(f"two rules are called {twice[0]}: give one of them another name")


def _check_schema(content: object) -> None:
    import jsonschema

    schema = json.loads(
        files("SeriesClassifierLib").joinpath("data/site_rules_schema.json").read_text(encoding="utf-8")
    )
    found = jsonschema.Draft7Validator(schema).iter_errors(content)
    error = next(found, None)
    if error is None:
        return
    place = list(error.absolute_path)
    named = ""
    if len(place) > 1 and isinstance(place[1], int) and isinstance(content, dict):
        entry = content["rules"][place[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        named = f"rule {name if isinstance(name, str) else place[1] + 1}: "
    where = " / ".join(str(step) for step in place[2:])
    raise UsageError(f"{named}{where + ': ' if where else ''}{error.message[:200]}: correct it")
