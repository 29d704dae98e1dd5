"""English."""

from subgraphs.notifications.domain.texts.template import Language, Template

ENGLISH = Language(
    greeting="Dear {name},",
    closing="Punnet",
    templates={
        "welcome": Template(
            "Welcome to Punnet",
            "Your account is ready. We are glad to have you.",
            "Confirm that this is your e-mail address",
        ),
        "email_verification": Template(
            "Please confirm your e-mail address",
            "You asked for another link. It works once, within three days.",
            "Confirm that this is your e-mail address",
        ),
        "email_change": Template(
            "Please confirm your new e-mail address",
            "You want to be reached at this address from now on. The link works once, within a day. "
            "If this was not you, ignore this message: nothing has changed.",
            "Use this e-mail address",
        ),
        "password_reset": Template(
            "Set a new password",
            "Somebody, most likely you, asked for a new password. The link works once, within half an hour. "
            "If this was not you, ignore this message: your password is still the same.",
            "Set a new password",
        ),
        "email_change_requested": Template(
            "Your e-mail address is about to change",
            "Somebody who knows your password wants to replace the e-mail address of your account. "
            "If this was not you, set a new password now.",
        ),
        "email_changed": Template(
            "Your e-mail address was changed", "From now on we write to you at this address, and you log in with it."
        ),
        "password_changed": Template(
            "Your password was changed",
            "You were logged out everywhere else. If this was not you, set a new password now.",
        ),
        "order_confirmed": Template(
            "Order {number} is confirmed", "Thank you! Your order over {total} is confirmed; we are packing it."
        ),
        "order_cancelled": Template(
            "Order {number} was cancelled",
            "Your order was cancelled. You will not be charged for it; what you have paid comes back to you.",
        ),
        "order_shipped": Template(
            "Order {number} is on its way", "A parcel of your order has left our house. Tracking: {tracking}."
        ),
        "order_delivered": Template("Order {number}: a parcel has arrived", "A parcel of your order was delivered."),
        "order_completed": Template("Order {number} was delivered", "Everything has arrived. We hope you like it."),
        "payment_action_required": Template(
            "Your payment needs your confirmation",
            "Your bank wants you to confirm the payment of {amount}. Please finish it in the shop.",
        ),
        "payment_failed": Template(
            "Your payment failed", "The payment of {amount} failed. Please try another way to pay, or another card."
        ),
        "payment_refunded": Template("Your money is on its way back", "We have paid {amount} back to you."),
    },
)
