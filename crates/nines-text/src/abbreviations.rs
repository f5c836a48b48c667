//! Words that decide whether a full stop ends an English sentence.

/// What a word before a full stop says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abbreviation {
    /// A name or a number follows: the stop ends nothing.
    Open,
    /// It can stand at the end of a sentence, too: what follows decides.
    Either,
}

/// Titles and the like, which never end a sentence.
const OPEN: [&str; 46] = [
    "adm", "adj", "brig", "capt", "cf", "cmdr", "col", "cpl", "dept", "dr", "e.g", "esq", "fig",
    "fr", "ft", "gen", "gov", "hon", "i.e", "lieut", "lt", "maj", "messrs", "mgr", "mlle", "mme",
    "mr", "mrs", "ms", "msgr", "mt", "mx", "nos", "pp", "pres", "prof", "pvt", "rep", "rev", "sen",
    "sgt", "sr", "sra", "st", "supt", "viz",
];

/// Abbreviations that end a sentence as often as not.
const EITHER: [&str; 24] = [
    "al", "apr", "aug", "ave", "bros", "co", "corp", "dec", "ed", "etc", "feb", "inc", "jan", "jr",
    "ltd", "mts", "nov", "oct", "ph.d", "rd", "sept", "univ", "vol", "vs",
];

/// Abbreviations only where a number follows.
const NUMBERED: [&str; 5] = ["ch", "no", "p", "sec", "vols"];

/// Words that start sentences and hardly ever follow an initial or an abbreviation within one.
const STARTERS: [&str; 62] = [
    "A",
    "After",
    "All",
    "An",
    "And",
    "Another",
    "As",
    "At",
    "Before",
    "Behind",
    "But",
    "By",
    "Did",
    "Do",
    "Even",
    "Every",
    "Everyone",
    "For",
    "From",
    "He",
    "Her",
    "Here",
    "His",
    "How",
    "However",
    "I",
    "If",
    "In",
    "Instead",
    "It",
    "Its",
    "Just",
    "Later",
    "Maybe",
    "Meanwhile",
    "My",
    "No",
    "Nobody",
    "Not",
    "Nothing",
    "Now",
    "On",
    "Only",
    "Or",
    "Our",
    "She",
    "Silence",
    "So",
    "Some",
    "Someone",
    "Something",
    "Suddenly",
    "That",
    "The",
    "Their",
    "Then",
    "There",
    "They",
    "This",
    "We",
    "When",
    "You",
];

/// Verbs that name a speaker after a quotation.
const SPEECH: [&str; 52] = [
    "added",
    "admitted",
    "agreed",
    "announced",
    "answered",
    "asked",
    "asks",
    "barked",
    "bawled",
    "begged",
    "bellowed",
    "breathed",
    "called",
    "calls",
    "cried",
    "cries",
    "croaked",
    "cut",
    "declared",
    "demanded",
    "exclaimed",
    "gasped",
    "groaned",
    "growled",
    "grumbled",
    "hissed",
    "insisted",
    "interrupted",
    "laughed",
    "moaned",
    "mumbled",
    "murmured",
    "muttered",
    "pleaded",
    "remarked",
    "repeated",
    "replied",
    "replies",
    "roared",
    "said",
    "says",
    "screamed",
    "shouted",
    "shouts",
    "shrieked",
    "sighed",
    "snapped",
    "whispered",
    "whispers",
    "wondered",
    "yelled",
    "yells",
];

/// Judges the word before a full stop. `follows_number` says that a digit comes next.
pub(crate) fn abbreviation(word: &str, follows_number: bool) -> Option<Abbreviation> {
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    if OPEN.contains(&lower) {
        return Some(Abbreviation::Open);
    }
    if NUMBERED.contains(&lower) && follows_number {
        return Some(Abbreviation::Open);
    }
    let mut letters = word.chars();
    let is_initial = matches!(
        (letters.next(), letters.next()),
        (Some(letter), None) if letter.is_uppercase()
    );
    (is_initial || word.contains('.') || EITHER.contains(&lower)).then_some(Abbreviation::Either)
}

/// Says whether a word starts sentences.
pub(crate) fn is_starter(word: &str) -> bool {
    let stem = word.split(['\'', '\u{2019}']).next().unwrap_or(word);
    STARTERS.binary_search(&stem).is_ok()
}

/// Says whether a word names the act of speaking.
pub(crate) fn is_speech(word: &str) -> bool {
    SPEECH.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_for_the_search() {
        assert!(STARTERS.is_sorted());
        assert!(SPEECH.is_sorted());
    }

    #[test]
    fn a_number_follows_no_only_where_it_does() {
        assert_eq!(abbreviation("No", true), Some(Abbreviation::Open));
        assert_eq!(abbreviation("No", false), None);
        assert_eq!(abbreviation("Mr", false), Some(Abbreviation::Open));
        assert_eq!(abbreviation("J", false), Some(Abbreviation::Either));
        assert_eq!(abbreviation("U.S", false), Some(Abbreviation::Either));
        assert_eq!(abbreviation("dog", false), None);
    }
}
