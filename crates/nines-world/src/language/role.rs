//! What words do in a sentence.

use nines_domain::label::Severity::{self, Arguable, Clear, Egregious};

/// What a word does in a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// A person, animal or living fantasy creature: can be hurt.
    Being,
    /// Stands for a being, such as `him` or `everyone`.
    Pronoun,
    /// `her`: possessive before a noun, else a pronoun.
    Her,
    /// `its`: what follows belongs to something that cannot be hurt.
    Its,
    /// A robot, skeleton, statue, ghost or the like: cannot be hurt.
    Hollow,
    /// An object.
    Thing,
    /// A part of a body.
    Part {
        /// Hurting it is a small matter.
        small: bool,
    },
    /// An object that hurts; otherwise a thing.
    Weapon,
    /// A place or force that keeps those it takes; otherwise a thing.
    Depth,
    /// A verb that hurts nobody.
    Verb,
    /// A verb that may hurt somebody.
    Harm(&'static Harm, Form),
    /// A word that tells of an injury: `blood`, `corpse`, `dead`.
    Injury(Injury),
    /// Turns a clause into its opposite.
    Negator {
        /// Like `failed`: an infinitive after an even number of negations happened.
        realises: bool,
    },
    /// Says that the rest did not happen: `almost`, `tried`, `would`.
    Unreal,
    /// Like `managed`: what follows as an infinitive happened.
    Realiser,
    /// `was`, `were` and the like.
    Auxiliary,
    /// `to`.
    Infinitive,
    /// `did`, `does`, `do`.
    Support,
    /// `of`.
    Of,
    /// Any other preposition.
    Preposition,
    /// `and`, `or`.
    Joiner,
    /// Ends a clause: `but`, `while`, a comma.
    Break,
    /// `who`, `which`, `that`: ends a clause, and stands for the noun before it.
    Relative,
    /// Makes the being after it a thing: `wooden`, `toy`.
    Artifice,
    /// Something that is told or played: `play`, `dream`.
    Frame,
    /// Shows that a harm word is a figure of speech: `kindness`, `chess`, `laughing`.
    Figure,
    /// Makes harm smaller: `slightly`.
    Softener,
    /// Makes harm greater: `badly`.
    Hardener,
    /// Makes harm grave: `fatally`, `death`, `for good`.
    Lethal,
    /// `again`.
    Again,
    /// Says that an injury is old: `healed`.
    Healed,
    /// Says that an injury is new: `fresh`, `another`.
    Anew,
    /// `only`, `just`, `merely`.
    Only,
    /// `the`, `a`, `his`: an object follows.
    Determiner,
    /// Means nothing here.
    Filler,
}

impl Role {
    /// Whether the word names somebody or something.
    pub fn is_noun(self) -> bool {
        matches!(
            self,
            Self::Being
                | Self::Pronoun
                | Self::Hollow
                | Self::Thing
                | Self::Part { .. }
                | Self::Weapon
                | Self::Depth
        )
    }

    /// Whether the word is a verb, harmful or not.
    pub fn is_verb(self) -> bool {
        matches!(self, Self::Verb | Self::Harm(..))
    }
}

/// Whom a harm verb hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Its object: `stabbed`.
    Object,
    /// Its subject: `died`.
    Subject,
    /// Its object, or without one its subject: `drowned`.
    Either,
}

/// Without what a verb hurts nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a plain harm verb.
    Nothing,
    /// Nothing, but it is said in a roundabout way: `silenced`.
    Tact,
    /// A weapon before it: `the blade found`.
    Weapon,
    /// A depth before it: `the river kept`.
    Depth,
    /// `again` after it: `never woke again`.
    Again,
}

/// A verb that may hurt somebody.
#[derive(Debug, PartialEq, Eq)]
pub struct Harm {
    /// Base form, third person, past forms, and the form in -ing last.
    pub forms: &'static str,
    /// How grave.
    pub severity: Severity,
    /// Whom.
    pub reach: Reach,
    /// Without what not.
    pub needs: Needs,
    /// Harmful when negated: `did not wake again`, `did not miss`.
    pub inverted: bool,
}

impl Harm {
    /// Returns the base form.
    pub fn base(&self) -> &'static str {
        self.forms.split(' ').next().unwrap_or_default()
    }

    /// Whether the verb says plainly what it means.
    pub fn is_plain(&self) -> bool {
        self.needs == Needs::Nothing && !self.inverted
    }
}

/// The form of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `stab`.
    Base,
    /// `stabs`, `stabbed`; also forms that equal the base, such as `cut`.
    Finite,
    /// `stabbing`.
    Gerund,
}

/// A word that tells of an injury.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injury {
    /// Blood from somebody.
    Blood,
    /// A bruise.
    Bruise,
    /// A blister.
    Blister,
    /// A wound.
    Wound,
    /// A gash.
    Gash,
    /// A dead body.
    Corpse,
    /// `dead`, of somebody.
    Dead,
}

impl Injury {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Blood,
        Self::Bruise,
        Self::Blister,
        Self::Wound,
        Self::Gash,
        Self::Corpse,
        Self::Dead,
    ];

    /// Returns how grave it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::Bruise | Self::Blister => Arguable,
            Self::Blood | Self::Wound | Self::Gash => Clear,
            Self::Corpse | Self::Dead => Egregious,
        }
    }
}
