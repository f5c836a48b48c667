//! Sessions that belong together, and what may be compared with what.

use nines_stats::attack_time::AttackSession;
use serde::Serialize;
use std::collections::BTreeSet;

/// What time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Minutes at work.
    Minutes,
    /// Snippets scored.
    Queries,
}

impl Unit {
    /// Names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Queries => "queries",
        }
    }

    /// Returns how the names of its estimates begin.
    pub fn quantity(self) -> &'static str {
        match self {
            Self::Minutes => "attack_time",
            Self::Queries => "attack_queries",
        }
    }
}

/// Where the sessions of a group come from, which decides what they may be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Imported: who attacked what was decided elsewhere.
    Imported,
    /// Attempts of a recipe.
    Attempts,
    /// A task of the Rewrite page in which a coin decided on the tools of each session.
    Coin,
    /// A task of the Rewrite page in which all sessions have the tools, or none has.
    Assigned,
    /// The Rewrite page, with start and tools of the attacker's own choice.
    Chosen,
}

/// How a session stands, as far as labels say by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a find that somebody else has confirmed.
    Found,
    /// Without one: given up, refuted, or still going on.
    Withstood,
    /// With a find that waits for somebody else's label.
    Waiting,
}

/// A session with all that may still become of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Session {
    /// How long it took until its find; of no meaning without one.
    pub until_find: f64,
    /// How long it took in all.
    pub whole: f64,
    /// How it stands.
    pub end: End,
    /// Who attacked.
    pub attacker: u64,
}

/// Sessions that are counted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What its times are counted in.
    pub unit: Unit,
    /// Where its sessions come from.
    pub source: Source,
    /// The task of the Rewrite page that they belong to.
    pub task: Option<i64>,
    /// Whether they had the tools, where that is known.
    pub tools: Option<bool>,
    /// Sessions that nobody has ended: they count up to now, as ones without a find.
    pub open: u64,
    /// Its sessions.
    pub sessions: Vec<Session>,
}

impl Group {
    /// Counts the sessions whose find waits for a label.
    pub fn waiting(&self) -> u64 {
        let waiting = self.sessions.iter().filter(|s| s.end == End::Waiting);
        waiting.count() as u64
    }

    /// Returns the sessions as they are if every find that waits is confirmed: the attack at its fastest.
    pub fn fastest(&self) -> Vec<AttackSession> {
        self.with(true)
    }

    /// Returns the sessions as they are if no find that waits is confirmed: the attack at its slowest.
    pub fn slowest(&self) -> Vec<AttackSession> {
        self.with(false)
    }

    fn with(&self, waiting: bool) -> Vec<AttackSession> {
        let of = |session: &Session| {
            let found = match session.end {
                End::Found => true,
                End::Withstood => false,
                End::Waiting => waiting,
            };
            AttackSession {
                time: if found {
                    session.until_find
                } else {
                    session.whole
                },
                found,
                attacker: session.attacker,
            }
        };
        self.sessions.iter().map(of).collect()
    }

    /// Returns who attacked.
    pub fn attackers(&self) -> BTreeSet<u64> {
        self.sessions.iter().map(|s| s.attacker).collect()
    }
}
