/** The word lists of the TPC-H specification (revision 3.0.1, sections 4.2.2 and 4.2.3). */

/** By R_REGIONKEY. */
export const REGIONS = words("AFRICA|AMERICA|ASIA|EUROPE|MIDDLE EAST");

/** By N_NATIONKEY, with the R_REGIONKEY of each. */
export const NATIONS = [
  ["ALGERIA", 0],
  ["ARGENTINA", 1],
  ["BRAZIL", 1],
  ["CANADA", 1],
  ["EGYPT", 4],
  ["ETHIOPIA", 0],
  ["FRANCE", 3],
  ["GERMANY", 3],
  ["INDIA", 2],
  ["INDONESIA", 2],
  ["IRAN", 4],
  ["IRAQ", 4],
  ["JAPAN", 2],
  ["JORDAN", 4],
  ["KENYA", 0],
  ["MOROCCO", 0],
  ["MOZAMBIQUE", 0],
  ["PERU", 1],
  ["CHINA", 2],
  ["ROMANIA", 3],
  ["SAUDI ARABIA", 4],
  ["VIETNAM", 2],
  ["RUSSIA", 3],
  ["UNITED KINGDOM", 3],
  ["UNITED STATES", 1],
] as const;

/** 92 of them: five different ones make the name of a part. */
export const COLORS = words(
  "almond|antique|aquamarine|azure|beige|bisque|black|blanched|blue|blush|brown|burlywood|burnished|chartreuse|" +
    "chiffon|chocolate|coral|cornflower|cornsilk|cream|cyan|dark|deep|dim|dodger|drab|firebrick|floral|forest|" +
    "frosted|gainsboro|ghost|goldenrod|green|grey|honeydew|hot|indian|ivory|khaki|lace|lavender|lawn|lemon|light|" +
    "lime|linen|magenta|maroon|medium|metallic|midnight|mint|misty|moccasin|navajo|navy|olive|orange|orchid|pale|" +
    "papaya|peach|peru|pink|plum|powder|puff|purple|red|rose|rosy|royal|saddle|salmon|sandy|seashell|sienna|sky|" +
    "slate|smoke|snow|spring|steel|tan|thistle|tomato|turquoise|violet|wheat|white|yellow",
);

export const TYPE_SIZES = words("STANDARD|SMALL|MEDIUM|LARGE|ECONOMY|PROMO");
export const TYPE_FINISHES = words("ANODIZED|BURNISHED|PLATED|POLISHED|BRUSHED");
export const TYPE_METALS = words("TIN|NICKEL|BRASS|STEEL|COPPER");
export const CONTAINER_SIZES = words("SM|LG|MED|JUMBO|WRAP");
export const CONTAINER_KINDS = words("CASE|BOX|BAG|JAR|PKG|PACK|CAN|DRUM");
export const SEGMENTS = words("AUTOMOBILE|BUILDING|FURNITURE|MACHINERY|HOUSEHOLD");
export const PRIORITIES = words("1-URGENT|2-HIGH|3-MEDIUM|4-NOT SPECIFIED|5-LOW");
export const INSTRUCTIONS = words("DELIVER IN PERSON|COLLECT COD|NONE|TAKE BACK RETURN");
export const SHIP_MODES = words("REG AIR|AIR|RAIL|SHIP|TRUCK|MAIL|FOB");

export const NOUNS = words(
  "packages|requests|accounts|deposits|foxes|ideas|theodolites|pinto beans|instructions|dependencies|excuses|" +
    "platelets|asymptotes|courts|dolphins|multipliers|sauternes|warthogs|frets|dinos|attainments|somas|patterns|" +
    "forges|braids|hockey players|frays|warhorses|dugouts|epitaphs|pearls|tithes|waters|orbits|gifts|sheaves",
);
export const VERBS = words(
  "sleep|wake|are|cajole|haggle|nag|use|boost|affix|detect|integrate|maintain|nod|lose|sublate|solve|thrash|" +
    "promise|engage|hinder|print|breach|eat|grow|impress|mold|poach|serve|run|dazzle|snooze|doze|unwind|play",
);
export const ADJECTIVES = words(
  "special|pending|unusual|express|furious|sly|careful|blithe|quick|fluffy|slow|quiet|ruthless|thin|close|dogged|" +
    "daring|brave|stealthy|permanent|enticing|idle|busy|regular|final|ironic|even|bold|silent",
);
export const ADVERBS = words(
  "sometimes|always|never|furiously|slyly|carefully|blithely|quickly|fluffily|slowly|quietly|ruthlessly|thinly|" +
    "closely|doggedly|daringly|bravely|stealthily|permanently|enticingly|idly|busily|regularly|finally|ironically",
);
export const PREPOSITIONS = words(
  "about|above|across|after|against|along|among|around|at|atop|before|behind|beneath|beside|between|beyond|" +
    "during|from|inside|into|near|outside|over|past|since|through|toward|under|until|upon|without|within",
);

function words(list: string): readonly string[] {
  return list.split("|");
}
