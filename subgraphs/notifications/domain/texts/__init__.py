"""The words of every template, a file per language. `{…}` stands for a value of the message's data."""

from collections.abc import Mapping

from subgraphs.notifications.domain.texts import de, en
from subgraphs.notifications.domain.texts.template import Language

DEFAULT_LANGUAGE = "en"
LANGUAGES: Mapping[str, Language] = {"de": de.GERMAN, "en": en.ENGLISH}


def language_of(locale: str) -> Language:
    """Of `de-AT` that is German; English for one nobody has translated."""
    return LANGUAGES.get(locale.partition("-")[0].lower(), LANGUAGES[DEFAULT_LANGUAGE])
