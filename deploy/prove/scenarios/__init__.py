"""The scenarios, a file each, numbered as in docs/reliability.md."""

from deploy.prove.scenario import Scenario
from deploy.prove.scenarios import (
    l10_card_canary,
    m1_model,
    r01_flash_sale,
    r02_flash_sale_with_deaths,
    r03_negative_control,
    r04_carts,
    r05_double_click,
    r07_lost_answers,
    r09_crash_matrix,
    r13_pay_at_expiry,
    r14_webhooks,
    r15_poison,
    r16_late_commits,
    r18_cart,
    r19_refunds,
    r22_authorisation,
)

SCENARIOS: tuple[Scenario, ...] = (
    r01_flash_sale.SCENARIO,
    r02_flash_sale_with_deaths.SCENARIO,
    r03_negative_control.SCENARIO,
    r04_carts.SCENARIO,
    r05_double_click.DOUBLE_CLICK,
    r05_double_click.OTHER_BODY,
    r07_lost_answers.SCENARIO,
    r09_crash_matrix.SCENARIO,
    r13_pay_at_expiry.SCENARIO,
    r14_webhooks.SCENARIO,
    r15_poison.SCENARIO,
    r16_late_commits.SCENARIO,
    r18_cart.SCENARIO,
    r19_refunds.SCENARIO,
    r22_authorisation.SCENARIO,
    l10_card_canary.SCENARIO,
    m1_model.SCENARIO,
)
