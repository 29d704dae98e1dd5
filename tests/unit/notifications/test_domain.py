from datetime import timedelta
from string import Formatter

import pytest

from subgraphs.notifications.domain.messages import EVENT_TYPES, LINKS, TEMPLATES, Message, message_for
from subgraphs.notifications.domain.rendering import Text, render, render_letter, render_sms
from subgraphs.notifications.domain.retries import pause_before
from subgraphs.notifications.domain.texts import LANGUAGES, language_of
from subgraphs.notifications.domain.words import Category, Channel

ORDER = {"order_id": "ord_1", "customer_id": "usr_1", "number": "1001", "total_minor": 1500, "currency": "JPY"}
PAYLOAD = ORDER | {"user_id": "usr_1", "amount_minor": 1299, "kind": "email_change", "carrier": "Post"}


def test_a_confirmed_order_is_told_with_its_total_in_its_currency() -> None:
    message = message_for("orders.order.confirmed", ORDER)

    assert message == Message(
        "order_confirmed", Category.ORDERS, "usr_1", "ord_1", {"number": "1001", "total": "1500 JPY"}
    )
    assert render(message.template, "en", message.data) == Text(
        "Order 1001 is confirmed", "Thank you! Your order over 1500 JPY is confirmed; we are packing it."
    )


@pytest.mark.parametrize("locale", ["en", "de", "de-AT", "xx"])
@pytest.mark.parametrize("event_type", TEMPLATES)
def test_every_event_consumed_has_words_in_every_language(event_type: str, locale: str) -> None:
    message = message_for(event_type, PAYLOAD)

    assert message is not None
    text = render(message.template, locale, message.data)
    assert text.title
    assert "{" not in text.title + text.body
    assert len(render_sms(text)) <= 459


def test_every_language_knows_the_same_templates_and_values() -> None:
    def values(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    shapes = [
        {
            name: (values(words.title), values(words.body), words.action is not None)
            for name, words in language.templates.items()
        }
        for language in LANGUAGES.values()
    ]

    assert all(shape == shapes[0] for shape in shapes)
    assert {name for name, (_, _, has_action) in shapes[0].items() if has_action} == LINKS.keys()


def test_events_that_nobody_is_told_about_have_no_message() -> None:
    assert message_for("orders.order.placed", PAYLOAD) is None
    assert message_for("users.user.erased", PAYLOAD) is None
    assert "users.user.erased" in EVENT_TYPES


def test_links_go_to_the_mailbox_they_prove_and_nowhere_else() -> None:
    reset = message_for("users.user.password_reset_requested", {"user_id": "usr_1", "kind": "password_reset"})
    change = message_for("users.user.email_verification_requested", {"user_id": "usr_1", "kind": "email_change"})

    assert reset is not None
    assert change is not None
    assert (reset.channels, reset.category) == ((Channel.EMAIL,), Category.SECURITY)
    assert (change.template, change.channels, change.category) == ("email_change", (Channel.EMAIL,), Category.SECURITY)


def test_a_payload_that_lacks_its_order_is_an_error_not_a_message() -> None:
    with pytest.raises(KeyError):
        message_for("orders.order.confirmed", {"customer_id": "usr_1"})


def test_an_unknown_language_is_english() -> None:
    assert language_of("xx-YY") is LANGUAGES["en"]
    assert language_of("DE-ch") is LANGUAGES["de"]


def test_whatever_a_name_holds_is_text_in_html() -> None:
    letter = render_letter(
        "welcome",
        "en",
        render("welcome", "en", {}),
        name="<script>alert('x')</script> & {number}",
        url='https://shop.example/a?b=1&c=2#token="><script>',
    )

    assert "<script>" not in letter.html
    assert "Dear &lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; {number}," in letter.html
    assert 'href="https://shop.example/a?b=1&amp;c=2#token=&quot;&gt;&lt;script&gt;"' in letter.html
    assert letter.text.startswith("Dear <script>alert('x')</script> & {number},\n\nYour account is ready.")


def test_pauses_double_up_to_five_minutes_and_differ() -> None:
    for attempt, longest_s in ((1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (1000, 300)):
        pauses = [pause_before(attempt) for _ in range(200)]
        assert all(timedelta(seconds=longest_s) / 10 <= pause <= timedelta(seconds=longest_s) for pause in pauses)
        assert len(set(pauses)) > 100
