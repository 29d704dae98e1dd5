"""The laws of the shop, one check each: what must hold at any moment, and what must hold once the shop is at rest."""

from deploy.prove.laws.events import DELIVERY, VERSIONS
from deploy.prove.laws.law import Law
from deploy.prove.laws.money import CHARGES, LEDGER
from deploy.prove.laws.orders import DURABILITY, HISTORY, TOTALS
from deploy.prove.laws.stock import CONSERVATION, UNITS

#: L10 is not here: it is a search of files and dumps (`deploy.prove.cards`)
LAWS: tuple[Law, ...] = (CONSERVATION, UNITS, HISTORY, CHARGES, LEDGER, TOTALS, DELIVERY, DURABILITY, VERSIONS)

__all__ = ["LAWS", "Law"]
