"""What models cannot say of 0003: search that forgives typing errors, a tree without cycles, and more laws of stock.

Trigrams are made by functions of our own: the embedded PostgreSQL comes without pg_trgm.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# `Wool rug` -> {"  w"," wo",woo,ool,"ol ","  r"," ru",rug,"ug "}: as pg_trgm pads them, so that beginnings weigh more
TRIGRAMS = """
CREATE FUNCTION trigrams_of(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(padded, position, 3)), '{}')
    FROM regexp_split_to_table(lower(given), '[^[:alnum:]]+') AS word,
        LATERAL (SELECT '  ' || word || ' ' AS padded) AS p,
        LATERAL generate_series(1, length(padded) - 2) AS position
    WHERE word <> ''
$$;
CREATE FUNCTION trigram_share(wanted text[], present text[]) RETURNS real LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT count(*)::real / greatest(cardinality(wanted), 1) FROM unnest(wanted) AS one WHERE one = ANY(present) $$;
ALTER TABLE product ADD COLUMN trigrams text[] GENERATED ALWAYS AS (trigrams_of(name)) STORED;
CREATE INDEX product_trigrams ON product USING gin (trigrams);
"""
TRIGRAMS_BACK = """
DROP INDEX product_trigrams;
ALTER TABLE product DROP COLUMN trigrams;
DROP FUNCTION trigram_share(text[], text[]), trigrams_of(text);
"""
# Two moves at once, each harmless alone, could close a cycle together: they take turns, and the second sees the first.
TREE = """
CREATE FUNCTION refuse_cycles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above uuid := NEW.parent_id;
    height int := 1;
BEGIN
    IF above IS NULL AND TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('category tree', 0));
    WHILE above IS NOT NULL LOOP
        height := height + 1;
        IF above = NEW.id OR height > 100 THEN
            RAISE EXCEPTION 'a category cannot stand below itself'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'category_no_cycle';
        END IF;
        SELECT parent_id INTO above FROM category WHERE id = above;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER category_no_cycle BEFORE INSERT OR UPDATE OF parent_id ON category
    FOR EACH ROW EXECUTE FUNCTION refuse_cycles();
"""
TREE_BACK = "DROP TRIGGER category_no_cycle ON category; DROP FUNCTION refuse_cycles();"
# what was struck out before is a higher price; where the price rose above it since, there is no reduction any more
CONSTRAINTS = """
UPDATE product SET compare_at_minor = NULL WHERE compare_at_minor <= price_minor;
ALTER TABLE product ADD CONSTRAINT product_compare_at_is_higher CHECK (compare_at_minor > price_minor);
ALTER TABLE product_price
    ADD CONSTRAINT product_price_not_negative CHECK (price_minor >= 0),
    ADD CONSTRAINT product_price_compare_at_is_higher CHECK (compare_at_minor > price_minor),
    ADD CONSTRAINT product_price_currency CHECK (currency ~ '^[A-Z]{3}$');
ALTER TABLE reservation ADD CONSTRAINT reservation_returned CHECK (returned BETWEEN 0 AND shipped);
ALTER TABLE stock_movement ADD CONSTRAINT stock_movement_direction CHECK (CASE
    WHEN reason IN ('INITIAL', 'RECEIVED', 'RETURNED') THEN delta > 0
    WHEN reason IN ('SHIPPED', 'DAMAGED') THEN delta < 0 ELSE reason = 'CORRECTION' END);
"""
CONSTRAINTS_BACK = """
ALTER TABLE stock_movement DROP CONSTRAINT stock_movement_direction;
ALTER TABLE reservation DROP CONSTRAINT reservation_returned;
ALTER TABLE product_price DROP CONSTRAINT product_price_not_negative,
    DROP CONSTRAINT product_price_compare_at_is_higher, DROP CONSTRAINT product_price_currency;
ALTER TABLE product DROP CONSTRAINT product_compare_at_is_higher;
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0003_price_lists")]

    initial = False

    operations = [
        ops.RunSQL(TRIGRAMS, TRIGRAMS_BACK),
        ops.RunSQL(TREE, TREE_BACK),
        ops.RunSQL(CONSTRAINTS, CONSTRAINTS_BACK),
    ]
