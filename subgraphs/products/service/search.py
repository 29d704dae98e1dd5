"""Finding products by words: PostgreSQL's full text first; where nothing has those words, names that look like them.

Both give each product a rank, a whole number, so that pages by relevance can be walked like any others.
"""

import re

from subgraphs.products.errors import InvalidInput

QUERY_LENGTH_MAX = 200
#: of the trigrams of what was typed, the share a name must have to look like it
LIKENESS_MIN = 0.5
#: a word of fewer letters looks like too many others
LIKE_LENGTH_MIN = 3
_MINUSES = re.compile(r"(?:-\s*){2,}")
#: a phrase, or a word to leave out: who types that means it
_EXACT = re.compile(r'"|(?:^|\s)-\w')
_WORD = re.compile(r"\w+")

# {words}, {likeness} and {status} are placeholders. Of the weights, A is a name or a SKU. `telling` are the trigrams
# that are not beginnings: those are shared by too many names to look them all through.
HITS = """exact AS MATERIALIZED (
    SELECT id, (1000000 *
        ts_rank_cd('{{0.1, 0.2, 0.4, 1.0}}', search, websearch_to_tsquery('english', {words})))::bigint AS rank
    FROM product WHERE search @@ websearch_to_tsquery('english', {words}) AND status = {status}
), typed AS MATERIALIZED (
    SELECT all_of.them AS trigrams, ARRAY(SELECT one FROM unnest(them) AS one WHERE one NOT LIKE ' %') AS telling
    FROM trigrams_of({likeness}::text) AS all_of(them) WHERE NOT EXISTS (SELECT FROM exact)
), hit AS (
    SELECT id, rank FROM exact
    UNION ALL
    SELECT p.id, (trigram_share(t.trigrams, p.trigrams) * 1000000)::bigint FROM typed t
        JOIN product p ON p.trigrams && t.telling AND p.status = {status}
    WHERE trigram_share(t.trigrams, p.trigrams) >= {likeness_min}
)"""


def hits(words: str, likeness: str, status: str) -> str:
    """`HITS` with these placeholders. A likeness of NULL looks for the words only."""
    return HITS.format(words=words, likeness=likeness, status=status, likeness_min=LIKENESS_MIN)


def clean_query(query: str) -> str | None:
    """The words to search for; None where there are none. Raises InvalidInput for more than 200 characters.

    Runs of minus signs become one: each is a negation of the next to PostgreSQL, which fails on 32 of them.
    """
    if len(query) > QUERY_LENGTH_MAX:
        raise InvalidInput(f"A search has at most {QUERY_LENGTH_MAX} characters.", ["query"])
    return _MINUSES.sub("-", query).strip() or None


def likeness_of(query: str) -> str | None:
    """The words of a search that a name may look like; None where it has none long enough, or has phrases in quotes
    or words with a minus: names that look like the rest could have what was excluded."""
    words = [word for word in _WORD.findall(query) if len(word) >= LIKE_LENGTH_MIN]
    return None if _EXACT.search(query) else " ".join(words) or None
