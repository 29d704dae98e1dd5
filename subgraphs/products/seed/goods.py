"""What the demo shop sells: eight departments of five kinds of things each. Prices in US dollars, weights in grams."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing, which is a category too; `price` and `grams` are the usual ones."""

    code: str
    singular: str
    plural: str
    price: int
    grams: int
    text: str


@dataclass(frozen=True, slots=True)
class Department:
    """Five lines times five finishes make 25 products of each kind."""

    name: str
    lines: tuple[str, str, str, str, str]
    finishes: tuple[str, str, str, str, str]
    promise: str
    kinds: tuple[Kind, ...]


DEPARTMENTS = (
    Department(
        "Kitchen",
        ("Hearth", "Meadow", "Copperfield", "Northwind", "Juniper"),
        ("Enamel", "Steel", "Copper", "Slate", "Ivory"),
        "Made to be handed down.",
        (
            Kind("KET", "Kettle", "Kettles", 59, 1400, "Boils a litre and a half and pours without dripping."),
            Kind("PAN", "Frying Pan", "Frying pans", 49, 1200, "Heats evenly and goes from hob to oven."),
            Kind("KNI", "Chef's Knife", "Chef's knives", 89, 250, "A forged blade that keeps its edge."),
            Kind("BOW", "Mixing Bowl", "Mixing bowls", 24, 700, "Deep enough to knead in, light enough to hold."),
            Kind("MUG", "Mug", "Mugs", 14, 380, "Holds a generous morning coffee."),
        ),
    ),
    Department(
        "Living",
        ("Aalto", "Brooklyn", "Linden", "Saga", "Atelier"),
        ("Oak", "Walnut", "Ash", "Black", "White"),
        "Arrives assembled, or nearly so.",
        (
            Kind("CHA", "Armchair", "Armchairs", 349, 14000, "A deep seat for long evenings."),
            Kind("LMP", "Floor Lamp", "Floor lamps", 129, 4200, "Warm light where you read."),
            Kind("SHE", "Bookshelf", "Bookshelves", 189, 19000, "Five boards that do not bend."),
            Kind("RUG", "Wool Rug", "Wool rugs", 219, 6500, "Hand-tufted from undyed wool."),
            Kind("TAB", "Side Table", "Side tables", 99, 5200, "Room for a cup, a book and a lamp."),
        ),
    ),
    Department(
        "Outdoor",
        ("Trail", "Summit", "Fjord", "Prairie", "Ridge"),
        ("Moss", "Ember", "Slate", "Ocean", "Sand"),
        "Repaired free of charge for ten years.",
        (
            Kind("TEN", "Two-Person Tent", "Tents", 279, 2300, "Stands in five minutes and through a storm."),
            Kind("BAG", "Sleeping Bag", "Sleeping bags", 149, 1100, "Warm down to minus five degrees."),
            Kind("PAK", "Backpack", "Backpacks", 119, 1300, "Forty litres that sit on the hips."),
            Kind("STO", "Camping Stove", "Camping stoves", 64, 420, "Boils half a litre in two minutes."),
            Kind("BOT", "Insulated Bottle", "Insulated bottles", 29, 340, "Keeps tea hot until the summit."),
        ),
    ),
    Department(
        "Sound",
        ("Echo Hall", "Vinyl Days", "Studio One", "Nocturne", "Pulse"),
        ("Graphite", "Silver", "Cream", "Cobalt", "Crimson"),
        "With a free return for thirty days of listening.",
        (
            Kind("HEA", "Headphones", "Headphones", 179, 260, "Closed cups and thirty hours without a cable."),
            Kind("SPK", "Bookshelf Speaker", "Speakers", 249, 5400, "A clear voice for a small room."),
            Kind("TUR", "Turntable", "Turntables", 299, 5900, "Belt driven, ready for a new cartridge."),
            Kind("RAD", "Kitchen Radio", "Radios", 89, 1500, "Finds every station, remembers six."),
            Kind("MIC", "Microphone", "Microphones", 139, 550, "Takes a voice as it is."),
        ),
    ),
    Department(
        "Office",
        ("Clerk", "Draft", "Focus", "Ledger", "Mono"),
        ("Black", "Grey", "Forest", "Navy", "Natural"),
        "Tested for eight hours a day.",
        (
            Kind("KEY", "Mechanical Keyboard", "Keyboards", 119, 980, "Quiet switches that can be changed."),
            Kind("MOU", "Mouse", "Mice", 59, 95, "Fits the hand, works on glass."),
            Kind("DES", "Desk Lamp", "Desk lamps", 74, 1600, "Light from the side, no glare."),
            Kind("NOT", "Notebook", "Notebooks", 17, 320, "Two hundred pages that lie flat."),
            Kind("PEN", "Fountain Pen", "Fountain pens", 45, 28, "Writes at the first touch."),
        ),
    ),
    Department(
        "Garden",
        ("Orchard", "Potting Shed", "Wisteria", "Allotment", "Kew"),
        ("Green", "Terracotta", "Zinc", "Cedar", "Anthracite"),
        "Left outside over winter without regret.",
        (
            Kind("SPA", "Spade", "Spades", 54, 2100, "A sharp blade on an ash handle."),
            Kind("WAT", "Watering Can", "Watering cans", 34, 1100, "Nine litres through a fine rose."),
            Kind("PLA", "Planter", "Planters", 44, 3800, "Drains well and does not crack in frost."),
            Kind("SEC", "Secateurs", "Secateurs", 39, 260, "A clean cut up to two centimetres."),
            Kind("BEE", "Bird House", "Bird houses", 29, 1300, "Made for tits, cleaned without tools."),
        ),
    ),
    Department(
        "Wardrobe",
        ("Harbour", "Highland", "Weekday", "Coast", "Archive"),
        ("Navy", "Oatmeal", "Olive", "Rust", "Charcoal"),
        "Cut generously, washed before sewing.",
        (
            Kind("JAC", "Rain Jacket", "Rain jackets", 159, 480, "Waterproof seams and a hood that turns along."),
            Kind("SWE", "Merino Sweater", "Sweaters", 99, 390, "Fine wool that does not itch."),
            Kind("SHI", "Linen Shirt", "Shirts", 69, 210, "Better with every wash."),
            Kind("SCA", "Scarf", "Scarves", 39, 180, "Long enough for two turns."),
            Kind("SOC", "Wool Socks", "Socks", 18, 90, "Darned heels before they need it."),
        ),
    ),
    Department(
        "Pantry",
        ("Village", "Monastery", "Old Mill", "Riverside", "Family"),
        ("Classic", "Reserve", "Organic", "Smoked", "Wild"),
        "Packed by hand, in small batches.",
        (
            Kind("COF", "Coffee Beans", "Coffee", 16, 500, "Roasted this week, chocolate and plum."),
            Kind("TEA", "Black Tea", "Tea", 12, 250, "Second flush leaves, malty and bright."),
            Kind("OIL", "Olive Oil", "Olive oil", 21, 900, "First press of one orchard."),
            Kind("HON", "Honey", "Honey", 13, 480, "From hives at the edge of the forest."),
            Kind("JAM", "Strawberry Jam", "Jam", 9, 340, "More fruit than sugar; it comes in a punnet too."),
        ),
    ),
)
