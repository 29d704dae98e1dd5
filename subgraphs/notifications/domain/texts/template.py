"""What a translator writes."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    title: str
    body: str
    #: what the link of the message is called
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Language:
    #: with {name}
    greeting: str
    closing: str
    templates: Mapping[str, Template]
