"""Root fields of the products subgraph: each calls the service or a loader and maps what comes back."""

import strawberry

from common.subgraph.schema import create_schema
from subgraphs.products.schema.category_mutations import CategoryMutations
from subgraphs.products.schema.inventory_mutations import InventoryMutations
from subgraphs.products.schema.product_mutations import ProductMutations
from subgraphs.products.schema.queries import Query
from subgraphs.products.schema.subscriptions import Subscription
from subgraphs.products.types.entities import Category, Product


@strawberry.type
class Mutation(ProductMutations, InventoryMutations, CategoryMutations):
    pass


schema = create_schema("products", query=Query, mutation=Mutation, subscription=Subscription, types=[Product, Category])
