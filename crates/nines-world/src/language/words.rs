//! The vocabulary: every word that means something, with its role.

use super::Mood;
use super::role::{Form, Harm, Injury, Needs, Reach, Role};
use crate::key::BuildFnv;
use nines_domain::label::Severity::{self, Arguable, Clear, Egregious};
use std::collections::HashMap;
use std::sync::LazyLock;

const fn verb(forms: &'static str, severity: Severity, reach: Reach, needs: Needs) -> Harm {
    Harm {
        forms,
        severity,
        reach,
        needs,
        inverted: false,
    }
}

const fn inverted(harm: Harm) -> Harm {
    Harm {
        inverted: true,
        ..harm
    }
}

use Needs::{Again, Depth, Nothing, Tact, Weapon};
use Reach::{Either, Object, Subject};

static HARMS: [Harm; 50] = [
    verb("stab stabs stabbed stabbing", Egregious, Object, Nothing),
    verb("shoot shoots shot shooting", Egregious, Object, Nothing),
    verb("kill kills killed killing", Egregious, Object, Nothing),
    verb(
        "murder murders murdered murdering",
        Egregious,
        Object,
        Nothing,
    ),
    verb(
        "strangle strangles strangled strangling",
        Egregious,
        Object,
        Nothing,
    ),
    verb(
        "behead beheads beheaded beheading",
        Egregious,
        Object,
        Nothing,
    ),
    verb(
        "poison poisons poisoned poisoning",
        Egregious,
        Object,
        Nothing,
    ),
    verb(
        "trample tramples trampled trampling",
        Egregious,
        Object,
        Nothing,
    ),
    verb("maul mauls mauled mauling", Egregious, Object, Nothing),
    verb("drown drowns drowned drowning", Egregious, Either, Nothing),
    verb("die dies died dying", Egregious, Subject, Nothing),
    verb(
        "perish perishes perished perishing",
        Egregious,
        Subject,
        Nothing,
    ),
    verb("hit hits hit hitting", Clear, Object, Nothing),
    verb("strike strikes struck striking", Clear, Object, Nothing),
    verb("beat beats beat beaten beating", Clear, Object, Nothing),
    verb("punch punches punched punching", Clear, Object, Nothing),
    verb("kick kicks kicked kicking", Clear, Object, Nothing),
    verb("club clubs clubbed clubbing", Clear, Object, Nothing),
    verb("bite bites bit bitten biting", Clear, Object, Nothing),
    verb("cut cuts cut cutting", Clear, Object, Nothing),
    verb("burn burns burned burnt burning", Clear, Either, Nothing),
    verb("crush crushes crushed crushing", Clear, Object, Nothing),
    verb("break breaks broke broken breaking", Clear, Object, Nothing),
    verb("choke chokes choked choking", Clear, Either, Nothing),
    verb("bleed bleeds bled bleeding", Clear, Subject, Nothing),
    verb("injure injures injured injuring", Clear, Object, Nothing),
    verb("hurt hurts hurt hurting", Clear, Object, Nothing),
    verb("slap slaps slapped slapping", Arguable, Object, Nothing),
    verb(
        "scratch scratches scratched scratching",
        Arguable,
        Object,
        Nothing,
    ),
    verb("prick pricks pricked pricking", Arguable, Object, Nothing),
    verb("pinch pinches pinched pinching", Arguable, Object, Nothing),
    verb("graze grazes grazed grazing", Arguable, Object, Nothing),
    verb("stub stubs stubbed stubbing", Arguable, Object, Nothing),
    verb("trip trips tripped tripping", Arguable, Object, Nothing),
    verb(
        "silence silences silenced silencing",
        Arguable,
        Object,
        Tact,
    ),
    verb("finish finishes finished finishing", Clear, Object, Tact),
    verb(
        "dispatch dispatches dispatched dispatching",
        Egregious,
        Object,
        Tact,
    ),
    verb("find finds found finding", Clear, Object, Weapon),
    verb("meet meets met meeting", Clear, Object, Weapon),
    verb("kiss kisses kissed kissing", Arguable, Object, Weapon),
    inverted(verb("miss misses missed missing", Clear, Object, Weapon)),
    verb("keep keeps kept keeping", Egregious, Object, Depth),
    verb("claim claims claimed claiming", Egregious, Object, Depth),
    verb(
        "swallow swallows swallowed swallowing",
        Egregious,
        Object,
        Depth,
    ),
    verb("take takes took taken taking", Egregious, Object, Depth),
    inverted(verb("wake wakes woke waking", Egregious, Subject, Again)),
    inverted(verb("rise rises rose rising", Clear, Subject, Again)),
    inverted(verb("move moves moved moving", Clear, Subject, Again)),
    inverted(verb("see sees seen seeing", Arguable, Object, Again)),
    inverted(verb(
        "breathe breathes breathed breathing",
        Egregious,
        Subject,
        Tact,
    )),
];

const BEINGS: &str = "knight baker captain nurse witch farmer pilot thief boy girl king queen \
    sailor cook guard teacher stranger traveller duke clown tailor dog cat goat horse wolf elf \
    dragon vampire werewolf troll fox man woman child friend mother father brother sister wife \
    husband uncle aunt prince princess soldier wizard gardener alien";
/// Irregular plurals, each with its singular.
const PLURALS: [(&str, &str); 9] = [
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("thieves", "thief"),
    ("wolves", "wolf"),
    ("werewolves", "werewolf"),
    ("elves", "elf"),
    ("wives", "wife"),
    ("snowmen", "snowman"),
];
const PRONOUNS: &str = "i me we us you he him she they them someone somebody everyone everybody \
    anyone anybody people himself herself myself ourselves yourself themselves";
const HOLLOW: &str = "robot skeleton statue ghost zombie scarecrow snowman puppet mannequin doll \
    machine dummy";
const THINGS: &str = "door lantern teapot wagon piano hat letter boat ladder basket kettle cake \
    map clock drum soup candle bell table curtain window cheese carrot fence barrel chair sleeve \
    heart shield armour wall key bread boot coat hair nail feeling";
const PARTS: &str = "arm leg hand face head knee ankle throat shoulder rib neck";
const SMALL_PARTS: &str = "thumb toe nose finger ear elbow";
const WEAPONS: &str = "blade arrow knife bullet axe spear dagger hammer sword";
const DEPTHS: &str = "river sea bog frost fire lake quicksand avalanche whirlpool";
const VERBS: &str = "thank thanks thanked thanking follow follows followed following watch \
    watches watched watching greet greets greeted greeting hug hugs hugged hugging feed feeds \
    fed feeding forgive forgave praise praised tease teased teasing invite invited ignore \
    ignored carry carries carried carrying polish polished polishing paint painted mend mended \
    open opened clean cleaned drop dropped handed show showed shown tell told say said says \
    dance danced dancing laugh laughed sing sang sung singing sleep slept sleeping argue argued \
    smile smiled smiling wave waved waving played went go goes rained served come came get gets \
    hold held made make notice noticed saw lived sat stood waited counted counting owned lost \
    bought wear wore ran run walked walk ate eat drank gave give asked wrote read rang cried \
    appeared shut threw ordered visit visited chased chase hid hide fell fall";
/// Turns a clause into its opposite; the second list also makes the infinitive after it happen.
const NEGATORS: &str = "not never nobody no none neither nor without cannot didnt wasnt dont";
const REALISING_NEGATORS: &str = "fail failed fails failing forgot forget refuse refused \
    hesitate hesitated neglected stopped stop";
const UNREAL: &str = "almost nearly tried tries try trying threatened threaten threatens planned \
    plans plan wanted want wants pretended pretends pretend imagined imagine dreamed dreamt \
    would could might may should shall will if hoped hope wished wish promised swore meant \
    attempted offered feared unless";
const PREPOSITIONS: &str = "in on at near by with under beside behind from before after over \
    into for above across around through against below between inside onto toward towards";
const BREAKS: &str = "but while then as until because when so yet though although whereas where";
const FRAMES: &str = "play dream film story song tale game painting rehearsal novel nightmare \
    joke legend opera poem";
const FIGURES: &str = "kindness chess cards glance laughing laughter boredom embarrassment envy \
    shame paperwork applause compliments curiosity pride words football puns peacefully age \
    silliness";
const DETERMINERS: &str = "the a an his their my your our this these those every each";
const FILLERS: &str = "it has had have having one there two old young little yellow long last \
    very late much sigh word surprise breakfast riddle";
const HARDENERS: &str = "badly deeply savagely brutally severely terribly";
const LETHAL: &str = "fatally mortally death forever";
const CUES: [(&str, Mood); 17] = [
    ("storm", Mood::Tense),
    ("quarrel", Mood::Tense),
    ("creaked", Mood::Tense),
    ("dark", Mood::Tense),
    ("ice", Mood::Tense),
    ("cliff", Mood::Tense),
    ("growled", Mood::Tense),
    ("threat", Mood::Tense),
    ("shadow", Mood::Tense),
    ("sword", Mood::Violent),
    ("battle", Mood::Violent),
    ("duel", Mood::Violent),
    ("brawl", Mood::Violent),
    ("war", Mood::Violent),
    ("fury", Mood::Violent),
    ("fists", Mood::Violent),
    ("ambush", Mood::Violent),
];

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) role: Role,
    pub(super) cue: Option<Mood>,
}

const UNKNOWN: Entry = Entry {
    role: Role::Filler,
    cue: None,
};

static LEXICON: LazyLock<HashMap<&'static str, (Entry, &'static str), BuildFnv>> =
    LazyLock::new(lexicon);

/// Every word with its role.
fn roles() -> Vec<(&'static str, Role)> {
    let mut roles = Vec::new();
    let mut add = |words: &'static str, role: Role| {
        roles.extend(words.split_whitespace().map(|word| (word, role)));
    };
    add(BEINGS, Role::Being);
    add(PRONOUNS, Role::Pronoun);
    add("her", Role::Her);
    add("its", Role::Its);
    add(HOLLOW, Role::Hollow);
    add(THINGS, Role::Thing);
    add(PARTS, Role::Part { small: false });
    add(SMALL_PARTS, Role::Part { small: true });
    add(WEAPONS, Role::Weapon);
    add(DEPTHS, Role::Depth);
    add(VERBS, Role::Verb);
    add(NEGATORS, Role::Negator { realises: false });
    add(REALISING_NEGATORS, Role::Negator { realises: true });
    add(UNREAL, Role::Unreal);
    add(
        "managed began begin started dared happened proceeded continued",
        Role::Realiser,
    );
    add("was were is are be been being got", Role::Auxiliary);
    add("to", Role::Infinitive);
    add("did does do", Role::Support);
    add("of", Role::Of);
    add(PREPOSITIONS, Role::Preposition);
    add("and or", Role::Joiner);
    add(BREAKS, Role::Break);
    add("who which that", Role::Relative);
    add(
        "wooden tin stuffed toy clay paper gingerbread marble cardboard chocolate plastic",
        Role::Artifice,
    );
    add(FRAMES, Role::Frame);
    add(FIGURES, Role::Figure);
    add("slightly lightly gently barely softly", Role::Softener);
    add(HARDENERS, Role::Hardener);
    add(LETHAL, Role::Lethal);
    add("again", Role::Again);
    add("healed fake healing bandaged", Role::Healed);
    add("new fresh another worse reopened", Role::Anew);
    add("only just merely", Role::Only);
    add(DETERMINERS, Role::Determiner);
    add(FILLERS, Role::Filler);
    // Only "for good" means anything.
    add("good", Role::Filler);
    add("blood", Role::Injury(Injury::Blood));
    add("bruise", Role::Injury(Injury::Bruise));
    add("blister", Role::Injury(Injury::Blister));
    add("wound", Role::Injury(Injury::Wound));
    add("gash", Role::Injury(Injury::Gash));
    add("corpse", Role::Injury(Injury::Corpse));
    add("dead", Role::Injury(Injury::Dead));
    for harm in &HARMS {
        let forms: Vec<&'static str> = harm.forms.split_whitespace().collect();
        for (place, form) in forms.iter().enumerate() {
            let form_of = match place {
                0 => Form::Base,
                p if p + 1 == forms.len() => Form::Gerund,
                _ => Form::Finite,
            };
            add(form, Role::Harm(harm, form_of));
        }
    }
    roles
}

fn lexicon() -> HashMap<&'static str, (Entry, &'static str), BuildFnv> {
    // A past form that equals the base, as in "cut", comes later and wins.
    let mut map: HashMap<_, _, BuildFnv> = roles()
        .into_iter()
        .map(|(word, role)| (word, (Entry { role, cue: None }, word)))
        .collect();
    for (plural, singular) in PLURALS {
        if let Some(&entry) = map.get(singular) {
            map.insert(plural, entry);
        }
    }
    for (word, mood) in CUES {
        let (entry, _) = map.entry(word).or_insert((UNKNOWN, word));
        entry.cue = Some(mood);
    }
    map
}

/// Returns what a lower-case word without a possessive ending does, and the word of the vocabulary.
pub(super) fn lookup(word: &str) -> (Entry, &'static str) {
    if let Some(&found) = LEXICON.get(word) {
        return found;
    }
    if word.ends_with("n't") {
        let role = Role::Negator { realises: false };
        return (Entry { role, cue: None }, "not");
    }
    let singular = |ending: &str| {
        let found = LEXICON.get(word.strip_suffix(ending)?)?;
        let noun = found.0.role.is_noun() || matches!(found.0.role, Role::Injury(_));
        (noun && found.0.role != Role::Pronoun).then_some(*found)
    };
    singular("s")
        .or_else(|| singular("es"))
        .unwrap_or((UNKNOWN, ""))
}

/// Returns every word of the vocabulary in alphabetical order, all forms of a verb included.
///
/// # Example
/// ```
/// assert!(nines_world::language::vocabulary().contains(&"stabbed"));
/// ```
pub fn vocabulary() -> Vec<&'static str> {
    let mut words: Vec<&'static str> = LEXICON.keys().copied().collect();
    words.sort_unstable();
    words
}

/// Returns the nouns that stories are made of.
pub(crate) fn story_nouns(role: Role) -> Vec<&'static str> {
    let (list, count) = match role {
        Role::Being => (BEINGS, 32),
        Role::Hollow => (HOLLOW, 12),
        _ => (THINGS, 22),
    };
    list.split_whitespace().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_has_two_roles() {
        let mut roles = roles();
        roles.sort_by_key(|(word, _)| *word);
        for pair in roles.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let same_verb = matches!(
                (pair[0].1, pair[1].1),
                (Role::Harm(one, _), Role::Harm(other, _)) if one == other
            );
            assert!(same_verb, "{pair:?}");
        }
    }
}
