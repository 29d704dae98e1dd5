"""The description of the REST routes is OpenAPI 3.1, and true."""

from __future__ import annotations

import json
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.kit.rest_fuzz import fuzz
from tests.kit.started_shop import StartedShop


def test_the_description_is_openapi(shop: StartedShop) -> None:
    with urllib.request.urlopen(f"{shop.url}/api/openapi.json") as answer:
        description = json.load(answer)
    assert list(OpenAPIV31SpecValidator(description).iter_errors()) == []


def test_random_requests_find_no_fault_and_no_answer_that_breaks_the_description(shop: StartedShop) -> None:
    done = fuzz(shop.url, seconds=10, seed=1)
    assert done.returncode == 0, done.stdout
