"""Makes the 1,000 lines on which tokenizers are compared: our own sentences, and every trap that a
tokenizer can fall into. The same seed gives the same lines."""

import random

NAMES = ["Zoë", "Søren", "Nguyễn", "Łukasz", "Chloé", "Ayşe", "İbrahim", "Bjørn", "Siân", "Jürgen",
         "Mary", "Tom", "Oyelaran", "O'Neill", "d'Artagnan", "Anne-Marie", "Dr. Bell", "Mr. J. R. Oake"]
VERBS = ["dropped", "carried", "painted", "found", "burned", "mended", "followed", "hid", "sold", "counted"]
THINGS = ["the lantern", "a crème brûlée", "forty egg rolls", "her façade", "the naïve plan", "two £5 notes",
          "a 3.5 kg salmon", "the piñata", "an 18th-century clock", "his résumé", "the coöperative's van",
          "a £1,234.56 bill", "the ½-inch bolt", "20°C water", "the Ångström ruler"]
ENDS = [" in the rain.", "; nobody minded.", "!", "?!", "…", " — and left.", " (twice).", " at 12:45 p.m.", " for €9.99.",
        ", whispering.", " by the river—slowly."]
QUOTES = [('"', '"'), ("“", "”"), ("‘", "’"), ("'", "'"), ("«", "»"), ("„", "“"), ("「", "」"), ("‹", "›")]
SCRIPTS = [
    "她把灯笼放在桌子上，然后离开了。", "彼女は静かにドアを閉めた。", "カタカナとひらがなと漢字が混ざる", "그는 강가에서 돌을 던졌다.",
    "Она уронила фонарь и засмеялась.", "Ο Νίκος έφυγε πριν από τη βροχή.", "הוא סגר את הדלת בשקט.", "שָׁלוֹם עֲלֵיכֶם",
    "كانت السماء صافية في ذلك اليوم.", "السَّلامُ عَلَيْكُم", "उसने दीया जलाया और बाहर देखा।", "তিনি নদীর ধারে বসেছিলেন।",
    "เขาเดินไปที่ตลาดตอนเช้า", "Սա մի փոքրիկ գյուղ է։", "ის ნელა წავიდა სახლში.", "ድመቷ በጸጥታ ተኛች።", "அவள் கதவைத் திறந்தாள்.",
    "𠀀𠮷野家で会う", "ﾊﾝｶｸ ｶﾅ と ＦＵＬＬ ｗｉｄｔｈ １２３", "ཁང་པ་ཆུང་ཆུང་།", "Ꮳꮃꭹ ꭶꮼꮒꭿꮝꮧ",
]
EMOJI = ["😀", "🙃", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇬🇧", "🇫🇷🇩🇪", "❤️", "☠", "🧜🏿‍♀️", "1️⃣", "🫠", "✈︎", "⌛️", "🤷‍♂️"]
CODE = [
    "for i in range(10): print(f'{i:>3}')", "let x: Vec<&str> = s.split(\"::\").collect();", "SELECT * FROM t WHERE a <> 'b' -- c",
    "{\"a\": [1, 2.5e-3, null], \"b\\n\": \"\\u00e9\"}", "https://example.org/a/b?c=d&e=%20f#g", "C:\\Temp\\new\\file.txt",
    "if (a&&b||!c) { return a<<=2; }", "# Heading\t* item ** bold ** `code`", "user.name+tag@example.co.uk", "\tindented\twith\ttabs",
    "<div class=\"x\">&amp;&nbsp;</div>", "a_b_c camelCase PascalCase SCREAMING_CASE kebab-case", "0xDEADBEEF 0b1010 1_000_000 1e-9",
]
SPECIAL = ["[SEP]", "[CLS]", "[MASK]", "[PAD]", "[UNK]", "<|im_end|>", "<|im_start|>system", "<|endoftext|>", "<s>", "</s>",
           "<repo_name>", "<filename>", "[unused1]", "[ SEP ]", "[sep]", "<|IM_END|>", "[SEP][SEP]", "##ing", "Ġthe", "▁the"]
ODD = [
    "", " ", "   ", "\u00a0", "\t", "a", ".", "\u200b", "\ufeff", "\u2028", "'", "\"", "''", "...", "!!!!!!!!!!", "- - - -", "\u3000",
    "a\u0000b", "bell\u0007 and \u001b[31mred", "soft\u00adhyphen", "zero\u200bwidth\u200cjoin\u200der", "nb\u00a0space and thin\u2009space",
    "ideographic\u3000space", "ltr\u200e rtl\u200f marks \u202aembedded\u202c", "e\u0301 vs \u00e9; n\u0303 vs \u00f1; A\u030a vs \u00c5",
    "Z\u0351\u036b\u0343a\u0335l\u0321g\u0322o\u0489 text", "ﬁne ﬂour oﬃce Ĳssel ǅungla", "İstanbul ıssız ISTANBUL", "Straße STRASSE ẞ",
    "ὈΔΥΣΣΕΎΣ ὀδυσσεύς ς", "½ ¼ ² ³ ① ⑳ Ⅷ ٣ ४ 五", "𝓯𝓪𝓷𝓬𝔂 𝕕𝕠𝕦𝕓𝕝𝕖 𝐛𝐨𝐥𝐝", "private \ue000 unassigned \U000e0080 noncharacter \ufdd0",
    "replacement \ufffd end", "line\rreturn", "vertical\u000btab form\u000cfeed next\u0085line", "\u0301starts with a mark", "क\u094dष ක්‍ෂ",
    "1234567890 12,345 3.14159 007 1-2-3", "don't DON'T we'll I've it's 'tis o'clock rock'n'roll y'all'd've", "x" * 99, "x" * 100, "x" * 101,
    "é" * 100, "pneumonoultramicroscopicsilicovolcanoconiosis", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "ab" * 120, "字" * 150, "😀" * 40, "1" * 130, "-" * 200, " " * 40 + "end", "tail" + " " * 30, "a  b   c    d", "\t\t \t mixed", "no-break\u2011hyphen",
    "math ∑∫√∞ ≠ ≤ x²+y³=z¹", "arrows → ← ⇒ and boxes ┌─┐", "currency ₹ ₺ ₿ ¥ ¢ ₩", "degree º ª ordinal", "tag \U000e0041\U000e0042 chars", "\u0e33\u0eb3 am vowels",
]


def sentence(rng: random.Random) -> str:
    text = f"{rng.choice(NAMES)} {rng.choice(VERBS)} {rng.choice(THINGS)}{rng.choice(ENDS)}"
    roll = rng.random()
    if roll < 0.25:
        left, right = rng.choice(QUOTES)
        text = f"{left}{text}{right} said {rng.choice(NAMES)}."
    elif roll < 0.35:
        text += " " + rng.choice(EMOJI) * rng.randint(1, 3)
    elif roll < 0.42:
        text = text.upper()
    elif roll < 0.50:
        text += " " + rng.choice(SCRIPTS)
    elif roll < 0.55:
        text = text.replace(" ", "  ", 2)
    return text


def noise(rng: random.Random) -> str:
    """Characters from anywhere in Unicode."""
    out = []
    for _ in range(rng.randint(1, 24)):
        low, high = rng.choice([(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x6FF), (0x900, 0xDFF), (0x1E00, 0x1FFF),
                                (0x2000, 0x27BF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFE00, 0xFFFD), (0x1F300, 0x1FAFF), (0, 0x1F)])
        out.append(chr(rng.randint(low, high)))
        if rng.random() < 0.2:
            out.append(" ")
    return "".join(out)


def lines(seed: int = 20261108, count: int = 1000) -> list[str]:
    rng = random.Random(seed)
    made = ODD + SCRIPTS + CODE + EMOJI + SPECIAL
    made += [f"She wrote {token} on the wall." for token in SPECIAL]
    made += [f"{rng.choice(NAMES)}{token}{rng.choice(EMOJI)}" for token in SPECIAL]
    while len(made) < count:
        roll = rng.random()
        if roll < 0.62:
            made.append(" ".join(sentence(rng) for _ in range(rng.randint(1, 3))))
        elif roll < 0.72:
            made.append(rng.choice(CODE) + " " + sentence(rng))
        elif roll < 0.80:
            words = sentence(rng).split(" ")
            made.append("".join(rng.sample(words, len(words))) * rng.randint(1, 6))
        else:
            made.append(noise(rng))
    rng.shuffle(made)
    return made[:count]
