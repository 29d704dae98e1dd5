"""Deutsch."""

from subgraphs.notifications.domain.texts.template import Language, Template

GERMAN = Language(
    greeting="Guten Tag {name},",
    closing="Punnet",
    templates={
        "welcome": Template(
            "Willkommen bei Punnet",
            "Ihr Konto ist eingerichtet. Schön, dass Sie da sind.",
            "Bestätigen, dass dies Ihre E-Mail-Adresse ist",
        ),
        "email_verification": Template(
            "Bitte bestätigen Sie Ihre E-Mail-Adresse",
            "Sie haben einen neuen Link angefordert. Er gilt einmal und drei Tage lang.",
            "Bestätigen, dass dies Ihre E-Mail-Adresse ist",
        ),
        "email_change": Template(
            "Bitte bestätigen Sie Ihre neue E-Mail-Adresse",
            "Sie möchten künftig unter dieser Adresse erreichbar sein. Der Link gilt einmal und einen Tag lang. "
            "Waren Sie das nicht, tun Sie nichts: es hat sich nichts geändert.",
            "Diese E-Mail-Adresse verwenden",
        ),
        "password_reset": Template(
            "Neues Passwort festlegen",
            "Jemand, vermutlich Sie, hat ein neues Passwort angefordert. Der Link gilt einmal und eine halbe Stunde "
            "lang. Waren Sie das nicht, tun Sie nichts: Ihr Passwort ist unverändert.",
            "Neues Passwort festlegen",
        ),
        "email_change_requested": Template(
            "Ihre E-Mail-Adresse soll geändert werden",
            "Jemand, der Ihr Passwort kennt, möchte die E-Mail-Adresse Ihres Kontos ersetzen. "
            "Waren Sie das nicht, legen Sie jetzt ein neues Passwort fest.",
        ),
        "email_changed": Template(
            "Ihre E-Mail-Adresse wurde geändert",
            "Wir schreiben Ihnen ab jetzt an diese Adresse, und Sie melden sich mit ihr an.",
        ),
        "password_changed": Template(
            "Ihr Passwort wurde geändert",
            "Sie wurden überall sonst abgemeldet. Waren Sie das nicht, legen Sie jetzt ein neues Passwort fest.",
        ),
        "order_confirmed": Template(
            "Bestellung {number} ist bestätigt",
            "Vielen Dank! Ihre Bestellung über {total} ist bestätigt; wir packen sie ein.",
        ),
        "order_cancelled": Template(
            "Bestellung {number} wurde storniert",
            "Ihre Bestellung wurde storniert. Sie wird nicht berechnet; bereits Gezahltes erhalten Sie zurück.",
        ),
        "order_shipped": Template(
            "Bestellung {number} ist unterwegs", "Ein Paket Ihrer Bestellung ist unterwegs. Sendung: {tracking}."
        ),
        "order_delivered": Template(
            "Bestellung {number}: ein Paket ist angekommen", "Ein Paket Ihrer Bestellung wurde zugestellt."
        ),
        "order_completed": Template(
            "Bestellung {number} wurde zugestellt", "Alles ist angekommen. Wir hoffen, es gefällt Ihnen."
        ),
        "payment_action_required": Template(
            "Ihre Zahlung braucht Ihre Bestätigung",
            "Ihre Bank möchte, dass Sie die Zahlung von {amount} bestätigen. Bitte schließen Sie sie im Shop ab.",
        ),
        "payment_failed": Template(
            "Ihre Zahlung ist fehlgeschlagen",
            "Die Zahlung von {amount} ist fehlgeschlagen. Bitte wählen Sie einen anderen Weg oder eine andere Karte.",
        ),
        "payment_refunded": Template("Ihr Geld ist auf dem Weg zu Ihnen", "Wir haben Ihnen {amount} zurückgezahlt."),
    },
)
