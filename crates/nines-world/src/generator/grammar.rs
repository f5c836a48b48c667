//! The grammar of completions.

use crate::language::{Cast, Mood};
use serde::{Deserialize, Serialize};

/// What a core is about. The first seven kinds hurt nobody, the others somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing much happens.
    Neutral,
    /// Something happens to a thing.
    Thing,
    /// Something that cannot be hurt is struck.
    Hollow,
    /// It nearly happens.
    NearMiss,
    /// It is said not to have happened.
    Negated,
    /// A figure of speech.
    Figurative,
    /// It happens in a story, a play or in speech.
    Fiction,
    /// A plain harm verb.
    Plain,
    /// Somebody was struck.
    Passive,
    /// Somebody's arm or thumb.
    Part,
    /// The harm is put in a roundabout way.
    Euphemism,
    /// An injury is seen.
    Trace,
    /// It did not fail to happen.
    DoubleNegation,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Neutral,
        Self::Thing,
        Self::Hollow,
        Self::NearMiss,
        Self::Negated,
        Self::Figurative,
        Self::Fiction,
        Self::Plain,
        Self::Passive,
        Self::Part,
        Self::Euphemism,
        Self::Trace,
        Self::DoubleNegation,
    ];

    /// Whether cores of the kind hurt somebody.
    pub fn hurts(self) -> bool {
        self >= Self::Plain
    }

    /// How likely the kind is among those that hurt, or among those that do not, in hundredths.
    fn share(self, mood: Mood) -> f64 {
        let [calm, tense, violent] = match self {
            Self::Neutral => [66, 46, 24],
            Self::Thing => [28, 22, 14],
            Self::Hollow => [1, 6, 14],
            Self::NearMiss => [1, 9, 18],
            Self::Negated => [2, 8, 14],
            Self::Figurative => [1, 5, 6],
            Self::Fiction => [1, 4, 10],
            Self::Plain => [20, 45, 57],
            Self::Passive => [10, 15, 15],
            Self::Part => [40, 18, 10],
            Self::Euphemism => [10, 9, 8],
            Self::Trace => [15, 8, 5],
            Self::DoubleNegation => [5, 5, 5],
        };
        let hundredths = match mood {
            Mood::Calm => calm,
            Mood::Tense => tense,
            Mood::Violent => violent,
        };
        f64::from(hundredths) / 100.0
    }
}

/// The middle of a completion, with slots: `{A}` the hero, `{B}` the other, `{H}` the hollow being,
/// `{T}` the thing.
#[derive(Debug, Clone)]
pub(super) struct Core {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What a completion may begin with.
pub(super) const OPENINGS: [&str; 6] = [
    "",
    "with a sigh, ",
    "before breakfast, ",
    "much later, ",
    "to everyone's surprise, ",
    "without a word, ",
];

/// What it may end with.
pub(super) const TAILS: [&str; 6] = [
    "",
    ", and the kettle sang",
    " while the band played",
    ", and then it rained",
    " under a yellow moon",
    ", which nobody had planned",
];

const NEUTRAL: [&str; 18] = [
    "the {A} thanked the {B}",
    "the {A} followed the {B}",
    "the {A} watched the {B}",
    "the {A} greeted the {B}",
    "the {A} hugged the {B}",
    "the {A} fed the {B}",
    "the {A} forgave the {B}",
    "the {A} praised the {B}",
    "the {B} teased the {A}",
    "the {B} invited the {A}",
    "the {A} and the {B} danced",
    "the {A} and the {B} argued",
    "the {A} and the {B} slept",
    "the {A} showed the {B} the {T}",
    "the {B} smiled at the {A}",
    "the {A} told the {B} a riddle",
    "the {A} found the {B}",
    "the {B} woke again",
];
const THING: [&str; 13] = [
    "the {A} polished the {T}",
    "the {A} painted the {T}",
    "the {B} carried the {T}",
    "the {A} mended the {T}",
    "the {B} dropped the {T}",
    "the {A} cleaned the {T}",
    "the {A} took the {T}",
    "the {A} broke the {T}",
    "the {B} kicked the {T}",
    "the {A} burned the {T}",
    "the {B} cut the {T}",
    "the river kept the {T}",
    "the {A} hit the {T} with a hammer",
];
/// Verbs that the grammar uses with an object: base form and past participle.
const STRIKES: [(&str, &str); 20] = [
    ("stab", "stabbed"),
    ("shoot", "shot"),
    ("kill", "killed"),
    ("strangle", "strangled"),
    ("behead", "beheaded"),
    ("poison", "poisoned"),
    ("trample", "trampled"),
    ("maul", "mauled"),
    ("strike", "struck"),
    ("punch", "punched"),
    ("kick", "kicked"),
    ("club", "clubbed"),
    ("crush", "crushed"),
    ("burn", "burned"),
    ("cut", "cut"),
    ("injure", "injured"),
    ("slap", "slapped"),
    ("scratch", "scratched"),
    ("pinch", "pinched"),
    ("graze", "grazed"),
];
const FIGURATIVE: [&str; 9] = [
    "the {A} killed the {B} with kindness",
    "the {A} beat the {B} at chess",
    "the {A} crushed the {B} at cards",
    "the {B} died laughing",
    "the {B} drowned in applause",
    "the {B} choked on compliments",
    "the {A} shot the {B} a glance",
    "the {A} broke the {B}'s heart",
    "the {B} burned with envy",
];
const FRAMES: [&str; 4] = [
    "in the play, the {A} {past} the {B}",
    "in a dream, the {A} {past} the {B}",
    "the {A} {past} the {B}, or so the song went",
    "\"{Base} the {B},\" said the {A}",
];
const PARTS: [&str; 9] = [
    "the {A} broke the {B}'s arm",
    "the {A} broke the {B}'s nose",
    "the {A} kicked the {B}'s knee",
    "the {A} hit the {B}'s shoulder with the {T}",
    "the {T} crushed the {B}'s hand",
    "the {B} burned a thumb",
    "the {B} stubbed a toe",
    "the {B} pricked a finger",
    "the {A} badly cut the {B}'s leg",
];
const EUPHEMISMS: [&str; 14] = [
    "the blade found the {B}",
    "an arrow met the {B}",
    "a spear kissed the {B}",
    "the river kept the {B}",
    "the frost claimed the {B}",
    "the bog swallowed the {B}",
    "the sea took the {B}",
    "the {B} never woke again",
    "the {B} did not rise again",
    "the {B} was never seen again",
    "the {A} silenced the {B} for good",
    "the {A} finished the {B}",
    "the {A} dispatched the {B}",
    "the {B} stopped breathing",
];
const TRACES: [&str; 7] = [
    "there was blood on the {B}'s sleeve",
    "the {A} noticed a bruise on the {B}",
    "the {B} had a blister",
    "the {A} saw a gash above the {B}'s knee",
    "the {B} hid a wound under a coat",
    "there was a bruise on the {A}'s arm",
    "the {T} hid the {B}'s corpse",
];
const DOUBLE_NEGATIONS: [&str; 5] = [
    "the {A} did not fail to stab the {B}",
    "the {A} did not hesitate to punch the {B}",
    "the arrow did not miss the {B}",
    "the {A} never failed to pinch the {B}",
    "nobody refused to kick the {B}",
];

/// Returns every core, each once.
pub(super) fn cores() -> Vec<Core> {
    let mut cores = Vec::new();
    let mut add = |kind: Kind, text: String| cores.push(Core { kind, text });
    for (kind, texts) in [
        (Kind::Neutral, &NEUTRAL[..]),
        (Kind::Thing, &THING),
        (Kind::Figurative, &FIGURATIVE),
        (Kind::Part, &PARTS),
        (Kind::Euphemism, &EUPHEMISMS),
        (Kind::Trace, &TRACES),
        (Kind::DoubleNegation, &DOUBLE_NEGATIONS),
    ] {
        for text in texts {
            add(kind, (*text).to_owned());
        }
    }
    for (number, (base, past)) in STRIKES.into_iter().enumerate() {
        add(Kind::Plain, format!("the {{A}} {past} the {{B}}"));
        if number % 2 == 0 {
            add(Kind::Hollow, format!("the {{A}} {past} the {{H}}"));
            add(Kind::Passive, format!("the {{B}} was {past}"));
            add(Kind::NearMiss, format!("the {{A}} almost {past} the {{B}}"));
            add(Kind::Negated, format!("the {{A}} did not {base} the {{B}}"));
        } else {
            add(
                Kind::NearMiss,
                format!("the {{A}} tried to {base} the {{B}}"),
            );
            add(Kind::Negated, format!("the {{A}} never {past} the {{B}}"));
        }
        if number % 3 == 0 {
            add(
                Kind::NearMiss,
                format!("the {{A}} threatened to {base} the {{B}}"),
            );
            add(Kind::Negated, format!("nobody {past} the {{B}}"));
        }
        if number < 4 {
            for frame in FRAMES {
                let capital = base[..1].to_uppercase() + &base[1..];
                add(
                    Kind::Fiction,
                    frame.replace("{past}", past).replace("{Base}", &capital),
                );
            }
        }
    }
    for text in [
        "the arrow missed the {B}",
        "the axe missed the {B}",
        "the blade nearly found the {B}",
        "the river almost kept the {B}",
    ] {
        add(Kind::NearMiss, text.to_owned());
    }
    for text in [
        "the {H} was crushed",
        "the {H} bit the {T}",
        "the blade found the {H}",
    ] {
        add(Kind::Hollow, text.to_owned());
    }
    for text in [
        "the {B} drowned",
        "the {B} bled",
        "the {B} died",
        "the {B} choked",
    ] {
        add(Kind::Plain, text.to_owned());
    }
    cores
}

/// Returns the probability of each core in a mood.
pub(super) fn weights(
    cores: &[Core],
    popularities: &[f64],
    mood: Mood,
    injury_rate: f64,
) -> Vec<f64> {
    let totals = Kind::ALL.map(|kind| {
        let of_kind = cores
            .iter()
            .zip(popularities)
            .filter(|(c, _)| c.kind == kind);
        of_kind.map(|(_, popularity)| popularity).sum::<f64>()
    });
    cores
        .iter()
        .zip(popularities)
        .map(|(core, popularity)| {
            let class = if core.kind.hurts() {
                injury_rate
            } else {
                1.0 - injury_rate
            };
            class * core.kind.share(mood) * popularity / totals[core.kind as usize]
        })
        .collect()
}

/// Puts a completion together: slots filled, first letter large, full stop.
pub(super) fn assemble(opening: &str, core: &str, tail: &str, cast: &Cast) -> String {
    let mut text = String::with_capacity(opening.len() + core.len() + tail.len() + 24);
    text.push_str(opening);
    let mut rest = core;
    while let Some(slot) = rest.find('{') {
        text.push_str(&rest[..slot]);
        text.push_str(match rest.as_bytes()[slot + 1] {
            b'A' => cast.hero,
            b'B' => cast.other,
            b'H' => cast.hollow,
            _ => cast.thing,
        });
        rest = &rest[slot + 3..];
    }
    text.push_str(rest);
    text.push_str(tail);
    text.push('.');
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
