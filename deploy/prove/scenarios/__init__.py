"""One file per scenario, numbered as in the design; each has a SCENARIO."""

from deploy.prove.scenario import Scenario
from deploy.prove.scenarios import r01_flash_sale

SCENARIOS: tuple[Scenario, ...] = (r01_flash_sale.SCENARIO,)
