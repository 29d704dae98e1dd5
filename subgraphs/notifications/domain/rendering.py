"""Template and data -> what is read: text and HTML. Every value is escaped where it enters HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from subgraphs.notifications.domain.texts import language_of

#: three parts of an SMS
MAX_SMS_CHARACTERS = 459


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


def render(template: str, locale: str, data: Mapping[str, str]) -> Text:
    """Raises KeyError for a template that no language knows, and for data that lack a value."""
    words = language_of(locale).templates[template]
    return Text(words.title.format_map(data), words.body.format_map(data))


def render_letter(template: str, locale: str, text: Text, *, name: str, url: str | None) -> Letter:
    """An e-mail to `name`, with the template's link if there is one. Raises KeyError."""
    language = language_of(locale)
    action = language.templates[template].action
    paragraphs = [language.greeting.format(name=name), text.body, language.closing]
    plain, marked = list(paragraphs), [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]
    if url is not None and action is not None:
        plain.insert(2, f"{action}:\n{url}")
        marked.insert(2, f'<p><a href="{escape(url)}">{escape(action)}</a></p>')
    return Letter(text.title, "\n\n".join(plain) + "\n", _page(locale, text.title, "\n".join(marked)))


def render_sms(text: Text) -> str:
    return f"{text.title}. {text.body}"[:MAX_SMS_CHARACTERS]


def _page(locale: str, title: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}">'
        f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f'<body style="font-family: sans-serif; max-width: 36em; margin: 2em auto">\n{content}\n</body></html>\n'
    )
