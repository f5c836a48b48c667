//! The words of the world, what each does in a sentence, and the moods of a prompt.
//!
//! A text is read as a row of words, each with one [`Role`], whatever stands around it. Words that
//! are not in the vocabulary have the role [`Role::Filler`]: they mean nothing. Reading never fails.
//!
//! A *word* is a run of letters, digits and apostrophes, in any case; characters that nobody sees
//! (zero-width spaces, soft hyphens) and marks that combine with letters are left out first. `'s`
//! and `s'` at the end make a word possessive; any word that ends in `n't` is a negation. A plural
//! in `-s` or `-es` of a noun of the vocabulary is that noun. Commas, semicolons, colons, dashes
//! and brackets end a clause; full stops, exclamation and question marks and line breaks end a
//! sentence. What stands between double quotation marks is speech and is left out; an opening mark
//! without a closing one is ignored.

mod role;
mod text;
mod words;

pub use role::{Form, Harm, Injury, Needs, Reach, Role};
pub use text::{Sentence, Token, read};
pub(crate) use words::story_nouns;
pub use words::vocabulary;

use serde::{Deserialize, Serialize};

/// How likely the story of a prompt is to turn out badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    /// Nearly nothing happens.
    Calm,
    /// Something could.
    Tense,
    /// Something will.
    Violent,
}

impl Mood {
    /// All moods, from calm to violent.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Tense, Self::Violent];

    /// Reads the mood of any text: violent with a violent cue word (such as `battle` or `duel`), else
    /// tense with a tense one (`storm`, `quarrel`), else calm.
    ///
    /// # Example
    /// ```
    /// use nines_world::language::Mood;
    /// assert_eq!(Mood::of("A STORM was coming."), Mood::Tense);
    /// assert_eq!(Mood::of("A storm ended the battle."), Mood::Violent);
    /// assert_eq!(Mood::of(""), Mood::Calm);
    /// ```
    pub fn of(text: &str) -> Self {
        read(text)
            .iter()
            .flat_map(|sentence| &sentence.tokens)
            .filter_map(|token| token.cue)
            .max()
            .unwrap_or(Self::Calm)
    }
}

/// One value for each mood.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByMood<T> {
    /// Of calm prompts.
    pub calm: T,
    /// Of tense prompts.
    pub tense: T,
    /// Of violent prompts.
    pub violent: T,
}

impl<T: Copy> ByMood<T> {
    /// Returns the value of a mood.
    pub fn get(&self, mood: Mood) -> T {
        match mood {
            Mood::Calm => self.calm,
            Mood::Tense => self.tense,
            Mood::Violent => self.violent,
        }
    }
}

/// Who and what a prompt is about: what completions of it speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cast {
    /// The first being.
    pub hero: &'static str,
    /// The first other being.
    pub other: &'static str,
    /// The first being that cannot be hurt.
    pub hollow: &'static str,
    /// The first thing.
    pub thing: &'static str,
}

impl Cast {
    /// Reads the cast of any text; who is missing is a stranger, a traveller, a robot or a lantern.
    ///
    /// # Example
    /// ```
    /// use nines_world::language::Cast;
    /// let cast = Cast::of("The baker met two knights. The baker had a drum.");
    /// assert_eq!((cast.hero, cast.other, cast.hollow, cast.thing), ("baker", "knight", "robot", "drum"));
    /// ```
    pub fn of(text: &str) -> Self {
        let (mut beings, mut hollow, mut thing) = (Vec::new(), None, None);
        let sentences = read(text);
        for token in sentences.iter().flat_map(|sentence| &sentence.tokens) {
            match token.role {
                Role::Being if beings.len() < 2 && !beings.contains(&token.word) => {
                    beings.push(token.word);
                }
                Role::Hollow => hollow = hollow.or(Some(token.word)),
                Role::Thing => thing = thing.or(Some(token.word)),
                _ => {}
            }
        }
        let mut beings = beings.into_iter();
        let hero = beings.next().unwrap_or("stranger");
        Self {
            hero,
            other: beings.next().unwrap_or(if hero == "traveller" {
                "stranger"
            } else {
                "traveller"
            }),
            hollow: hollow.unwrap_or("robot"),
            thing: thing.unwrap_or("lantern"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(text: &str) -> Vec<Role> {
        let sentences = read(text);
        sentences
            .iter()
            .flat_map(|s| s.tokens.iter().map(|t| t.role))
            .collect()
    }

    #[test]
    fn case_plurals_and_invisible_characters_change_no_role() {
        let plain = roles("the knight watched the robot");
        assert_eq!(roles("THE KNIGHTS WATCHED THE ROBOTS"), plain);
        assert_eq!(roles("the kni\u{200b}ght wat\u{ad}ched the robot"), plain);
        assert_eq!(roles("the  knight\twatched — the robot").len(), 6);
    }

    #[test]
    fn speech_is_left_out_and_an_open_quote_is_not() {
        assert!(
            !roles("\"Stab the baker,\" said the queen.")
                .iter()
                .any(|r| matches!(r, Role::Harm(..)))
        );
        assert!(
            !roles("“Stab the baker,” said the queen.")
                .iter()
                .any(|r| matches!(r, Role::Harm(..)))
        );
        assert!(
            roles("\"The knight stabbed the baker")
                .iter()
                .any(|r| matches!(r, Role::Harm(..)))
        );
    }

    #[test]
    fn possessives_and_contractions_are_marked() {
        let sentences = read("The baker’s hat didn't fit.");
        let tokens = &sentences[0].tokens;
        assert!(tokens[1].possessive && tokens[1].role == Role::Being);
        assert!(matches!(tokens[3].role, Role::Negator { .. }));
    }

    #[test]
    fn every_word_has_one_role_and_the_vocabulary_is_small() {
        let words = vocabulary();
        let mut sorted = words.clone();
        sorted.dedup();
        assert_eq!(words, sorted, "sorted, each once");
        assert!((400..900).contains(&words.len()), "{}", words.len());
    }
}
