"""Use cases of users, one file each. A method that raises `RefusedError` has changed nothing."""

from dataclasses import dataclass

from common.subgraph.database import Database
from subgraphs.users.service.accounts import Vault
from subgraphs.users.service.administration import Administration
from subgraphs.users.service.credentials import Credentials
from subgraphs.users.service.directory import Directory
from subgraphs.users.service.emails import Emails
from subgraphs.users.service.links import Links
from subgraphs.users.service.logins import Logins
from subgraphs.users.service.profile import Profile, address_place
from subgraphs.users.service.registration import Registration
from subgraphs.users.service.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class UserService:
    database: Database
    vault: Vault
    registration: Registration
    logins: Logins
    credentials: Credentials
    emails: Emails
    profile: Profile
    administration: Administration
    links: Links
    directory: Directory
    upkeep: Upkeep


__all__ = ["UserService", "address_place"]
