"""What the provider says of a charge -> the steps a payment takes; none where it has taken them already.

Monotone: whatever order answers, polls and webhooks come in, and however often, a payment only goes forward, so reading
the provider's state once more is always safe. Each step is one legal transition with its events and ledger entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from subgraphs.payments.domain.declines import NOT_AS_ASKED
from subgraphs.payments.domain.ledger import Entry, EntryKind
from subgraphs.payments.domain.provider import Charge, ChargeState, DisputeStatus
from subgraphs.payments.domain.status import OPEN, Payment, PaymentStatus, refund_result

#: the provider says something after that many tries, too, but nobody has so many cards
ATTEMPTS_MAX = 10
_S = PaymentStatus
_TAKEN = frozenset({_S.CAPTURED, _S.PARTIALLY_REFUNDED, _S.REFUNDED})


@dataclass(frozen=True, slots=True)
class Step:
    """`after` is the payment with its new version; `told` pairs the last part of an event's type with the payment as
    of that event."""

    after: Payment
    told: tuple[tuple[str, Payment], ...] = ()
    entries: tuple[Entry, ...] = ()


def understood(payment: Payment, charge: Charge) -> Charge:
    """What the charge of an attempt under way is to us: declined, where its money is not what was asked for. Nothing is
    sold for another amount, or another currency."""
    is_money = payment.status in OPEN and charge.state in (ChargeState.AUTHORIZED, ChargeState.CAPTURED)
    is_as_asked = charge.amount_minor == payment.amount_minor and charge.currency in ("", payment.currency)
    if not is_money or is_as_asked:
        return charge
    return replace(charge, state=ChargeState.DECLINED, decline_code=NOT_AS_ASKED)


def settle(payment: Payment, charge: Charge, now: datetime) -> Sequence[Step]:
    """The steps to where the charge is, in order; empty where there is nothing new."""
    steps = _settle_money(payment, charge, now)
    return (*steps, *_settle_dispute(steps[-1].after if steps else payment, charge, now))


def _settle_money(payment: Payment, charge: Charge, now: datetime) -> Sequence[Step]:
    if payment.status in OPEN:
        # an earlier attempt's charge was declined or given up, else there were no later attempt
        return _settle_open(payment, charge, now) if charge.attempt_id in (None, payment.attempt_id) else ()
    if charge.reference != payment.provider_ref:
        return ()
    match payment.status, charge.state:
        case PaymentStatus.AUTHORIZED, ChargeState.CAPTURED:
            return (captured(payment, charge, now),)
        case PaymentStatus.AUTHORIZED, ChargeState.VOIDED:
            return (voided(payment, now),)
    return ()


def _settle_dispute(payment: Payment, charge: Charge, now: datetime) -> Sequence[Step]:
    dispute, steps = charge.dispute, []
    if dispute is None or payment.status not in _TAKEN or charge.reference != payment.provider_ref:
        return ()
    if payment.dispute_status is None:
        opened = replace(_next(payment, payment.status, now), disputed_minor=dispute.amount_minor)
        payment = replace(opened, dispute_status=DisputeStatus.OPEN)
        entry = Entry(EntryKind.DISPUTE, payment.disputed_minor, charge.reference)
        steps.append(Step(payment, (("disputed", payment),), (entry,)))
    if payment.dispute_status is DisputeStatus.OPEN and dispute.status is not DisputeStatus.OPEN:
        decided = replace(_next(payment, payment.status, now), dispute_status=dispute.status)
        kind = EntryKind.DISPUTE_WON if dispute.status is DisputeStatus.WON else EntryKind.DISPUTE_LOST
        entry = Entry(kind, decided.disputed_minor, charge.reference)
        steps.append(Step(decided, ((kind.value.lower(), decided),), (entry,)))
    return steps


def superseded(payment: Payment, now: datetime) -> Step:
    """The customer, who was asked to confirm, pays by something else: whatever becomes of the attempt, it no longer
    moves the payment."""
    return Step(_next(payment, _S.REQUIRES_METHOD, now))


def voided(payment: Payment, now: datetime) -> Step:
    """What was held, if anything, is let go."""
    after = replace(_next(payment, _S.VOIDED, now), action_url=None, action_expires_at=None)
    held = payment.authorized_minor
    entry = Entry(EntryKind.VOID, held, payment.provider_ref or "")
    return Step(after, (("voided", after),), (entry,) if held else ())


def captured(payment: Payment, charge: Charge, now: datetime) -> Step:
    """What was held is taken, or a part of it while the rest is let go."""
    after = replace(_next(payment, _S.CAPTURED, now), captured_minor=charge.captured_minor)
    entries = [Entry(EntryKind.CAPTURE, charge.captured_minor, charge.reference, payment.is_cash)]
    if rest := payment.authorized_minor - charge.captured_minor:
        entries.append(Entry(EntryKind.VOID, rest, charge.reference))
    return Step(after, (("captured", after),), tuple(entries))


def refunded(payment: Payment, amount_minor: int, reference: str, now: datetime) -> Step:
    """A refund of `amount_minor`, which `reference` names, has been given."""
    total = payment.refunded_minor + amount_minor
    after = replace(_next(payment, refund_result(payment.captured_minor, total), now), refunded_minor=total)
    entry = Entry(EntryKind.REFUND, amount_minor, reference, payment.is_cash)
    return Step(after, (("refunded", after),), (entry,))


def _settle_open(payment: Payment, charge: Charge, now: datetime) -> Sequence[Step]:
    match charge.state:
        case ChargeState.ACTION_REQUIRED:
            return (_action_required(payment, charge, now),) if payment.status is _S.PROCESSING else ()
        case ChargeState.PROCESSING:
            is_known = payment.provider_ref == charge.reference
            return (
                () if is_known else (Step(replace(_next(payment, payment.status, now), provider_ref=charge.reference)),)
            )
        case ChargeState.VOIDED if payment.status is _S.REQUIRES_ACTION:
            return (voided(payment, now),)
        case ChargeState.VOIDED:
            return (_declined(payment, replace(charge, decline_code="canceled"), now),)
        case ChargeState.DECLINED if payment.status is _S.REQUIRES_ACTION and payment.attempt_count < ATTEMPTS_MAX:
            return (_declined(payment, charge, now),)
    # out of REQUIRES_ACTION, the way to an outcome leads through PROCESSING
    steps = [Step(_next(payment, _S.PROCESSING, now))] if payment.status is _S.REQUIRES_ACTION else []
    last = steps[-1].after if steps else payment
    return [*steps, _outcome(last, charge, now)]


def _outcome(payment: Payment, charge: Charge, now: datetime) -> Step:
    """Of a payment that is PROCESSING."""
    if charge.state is ChargeState.DECLINED:
        return _declined(payment, charge, now)
    held = replace(
        _next(payment, _S.AUTHORIZED, now),
        provider_ref=charge.reference,
        authorized_minor=charge.amount_minor,
        decline_code=None,
    )
    entry = Entry(EntryKind.AUTHORIZATION, charge.amount_minor, charge.reference)
    authorized = Step(held, (("authorized", held),), (entry,))
    if charge.state is not ChargeState.CAPTURED:
        return authorized
    # money that comes by itself was never held: one step, told as both, so that nobody needs to know the difference
    taken = captured(held, charge, now)
    return Step(taken.after, authorized.told + taken.told, authorized.entries + taken.entries)


def _action_required(payment: Payment, charge: Charge, now: datetime) -> Step:
    after = replace(_next(payment, _S.REQUIRES_ACTION, now), provider_ref=charge.reference)
    if charge.action:
        after = replace(after, action_url=charge.action.url, action_expires_at=charge.action.expires_at)
    return Step(after, (("action_required", after),))


def _declined(payment: Payment, charge: Charge, now: datetime) -> Step:
    code = charge.decline_code or "generic_decline"
    is_last = payment.attempt_count >= ATTEMPTS_MAX and payment.status is _S.PROCESSING
    after = replace(
        _next(payment, _S.FAILED if is_last else _S.REQUIRES_METHOD, now),
        provider_ref=charge.reference,
        decline_code=code,
    )
    return Step(after, (("failed" if is_last else "declined", after),))


def _next(payment: Payment, status: PaymentStatus, now: datetime) -> Payment:
    leaves_action = payment.status is _S.REQUIRES_ACTION and status is not _S.REQUIRES_ACTION
    if leaves_action:
        payment = replace(payment, action_url=None, action_expires_at=None)
    return replace(payment, status=status, version=payment.version + 1, updated_at=now)
