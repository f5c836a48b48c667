//! Accounts: who works in the browser, and what they may do.

use crate::snippet::id;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

id!(
    /// The key of an account.
    AccountId
);
id!(
    /// The key of a session: one browser that somebody signed in with.
    SessionId
);
id!(
    /// The key of an invitation.
    InvitationId
);
id!(
    /// The key of an API token.
    TokenId
);

/// What an account may do. Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Labels and compares.
    Labeller,
    /// Trains, measures, makes queues, sees the numbers.
    Researcher,
    /// Also says who the others are.
    Admin,
}

impl Role {
    /// All roles, the least allowed first.
    pub const ALL: [Self; 3] = [Self::Labeller, Self::Researcher, Self::Admin];

    /// Returns the word used in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Labeller => "labeller",
            Self::Researcher => "researcher",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its key.
    pub id: AccountId,
    /// Its name, which labels carry as their labeller; it never changes.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// The most characters of an account's name.
pub const LONGEST_NAME: usize = 64;

/// The name of an account: 1 to 64 characters that can be seen, without spaces at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName(String);

/// A text cannot be the name of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAccountName {
    /// Nothing is left of it without its spaces.
    #[error("the name is empty")]
    Empty,
    /// It is too long.
    #[error("the name has {0} characters; {LONGEST_NAME} is the most")]
    Long(usize),
    /// It holds what nobody sees, so that two names could look the same.
    #[error("the name holds a character that cannot be seen (U+{0:04X})")]
    Invisible(u32),
}

impl AccountName {
    /// Returns the name as it was given, without the spaces around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what two names that differ in capitals alone have in common: an account has one
    /// of these to itself.
    ///
    /// # Example
    /// ```
    /// use nines_domain::account::AccountName;
    /// let name = |text: &str| text.parse::<AccountName>().expect("a name");
    /// assert_eq!(name("Élodie").key(), name(" élodie ").key());
    /// assert_ne!(name("Élodie").key(), name("Elodie").key());
    /// ```
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for AccountName {
    type Err = BadAccountName;

    fn from_str(text: &str) -> Result<Self, BadAccountName> {
        let name = text.trim();
        if name.is_empty() {
            return Err(BadAccountName::Empty);
        }
        let length = name.chars().count();
        if length > LONGEST_NAME {
            return Err(BadAccountName::Long(length));
        }
        match name.chars().find(|&c| is_invisible(c)) {
            Some(c) => Err(BadAccountName::Invisible(c.into())),
            None => Ok(Self(name.to_owned())),
        }
    }
}

/// Says whether a character leaves no mark, or turns the order of those around it.
fn is_invisible(c: char) -> bool {
    let blank = c.is_whitespace() && c != ' ';
    blank
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_do_what_those_before_it_may() {
        assert!(Role::Admin > Role::Researcher && Role::Researcher > Role::Labeller);
        assert!(Role::ALL.is_sorted());
    }

    #[test]
    fn names_are_seen_as_they_are() {
        let name = |text: &str| text.parse::<AccountName>();
        assert_eq!(name("  Ann Lee ").expect("a name").as_str(), "Ann Lee");
        assert_eq!(name("  "), Err(BadAccountName::Empty));
        assert!(name(&"é".repeat(64)).is_ok());
        assert_eq!(name(&"é".repeat(65)), Err(BadAccountName::Long(65)));
        for hidden in [
            "a\0b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{a0}b",
            "a\tb",
        ] {
            assert!(
                matches!(name(hidden), Err(BadAccountName::Invisible(_))),
                "{hidden:?}"
            );
        }
    }
}
