//! The sessions of people and programs, in groups: those imported, those of the Rewrite page, and, where
//! asked for, the attempts of recipes.
//!
//! A find counts from when somebody else has verified it. One that was refuted is a session without a find,
//! which lasted as long as it did; one that waits says nothing yet, and is left out.

use crate::commands::attack::Attacked;
use crate::project::Project;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ModelId, RunId};
use nines_stats::attack_time::AttackSession;
use nines_store::{AttackOutcome, RewritingResult, RewritingState, StoredAttackSession};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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

/// Sessions that are compared with others.
pub struct Group {
    /// Its name.
    pub name: String,
    /// What its times are counted in.
    pub unit: Unit,
    /// Its sessions.
    pub sessions: Vec<AttackSession>,
    /// Sessions left out, since nobody has verified their find yet.
    pub waiting: u64,
}

/// All sessions, in groups.
#[derive(Default)]
pub struct Gathered {
    /// The groups, in the order in which they were first met.
    pub groups: Vec<Group>,
    attackers: BTreeMap<String, u64>,
}

impl Gathered {
    /// Reads imported sessions, those of the Rewrite page, and the attempts of some runs.
    pub async fn read(project: &Project, runs: &[i64]) -> Result<Self> {
        let store = &project.store;
        let mut gathered = Self::of_sessions(&store.attack_sessions().await?);
        let models = store.models(None).await?;
        let name = |id: ModelId| {
            let found = models.iter().find(|model| model.id == id);
            found.map_or_else(|| id.to_string(), |model| model.label())
        };
        gathered.add_rewriting(&store.rewriting_results().await?, name);
        for run in runs {
            gathered.add_attempts(&Attacked::read(project, RunId(*run)).await?);
        }
        Ok(gathered)
    }

    /// Gathers imported sessions alone.
    pub fn of_sessions(sessions: &[StoredAttackSession]) -> Self {
        let mut gathered = Self::default();
        // By their names, so that their order changes no digit.
        let names: BTreeSet<&str> = sessions
            .iter()
            .map(|s| s.session.attacker.as_str())
            .collect();
        for name in names {
            gathered.attacker(name);
        }
        for stored in sessions {
            let session = AttackSession {
                time: stored.session.seconds / 60.0,
                found: stored.session.found,
                attacker: gathered.attacker(&stored.session.attacker),
            };
            let group = gathered.group(&stored.session.group, Unit::Minutes);
            group.sessions.push(session);
        }
        gathered
    }

    /// Adds the sessions of the Rewrite page.
    pub fn add_rewriting(&mut self, results: &[RewritingResult], name: impl Fn(ModelId) -> String) {
        // Another threshold is another filter; it is named where there are several.
        let mut thresholds: BTreeMap<ModelId, BTreeSet<u64>> = BTreeMap::new();
        for result in results {
            let of_model = thresholds.entry(result.model).or_default();
            of_model.insert(result.threshold.to_bits());
        }
        for result in results {
            let tools = if result.tools {
                "with tools"
            } else {
                "without tools"
            };
            let mut group = name(result.model);
            if thresholds[&result.model].len() > 1 {
                group.push_str(&format!(" at log odds {:.2}", result.threshold));
            }
            let group = format!("{group}, {tools}");
            let submitted = result.ended == RewritingState::Submitted;
            if submitted && result.verified.is_none() {
                self.group(&group, Unit::Minutes).waiting += 1;
                continue;
            }
            let session = AttackSession {
                time: result.seconds / 60.0,
                found: submitted && result.verified == Some(true),
                attacker: self.attacker(&result.attacker),
            };
            self.group(&group, Unit::Minutes).sessions.push(session);
        }
    }

    /// Adds the attempts of a run: queries are their time, and one without a find is censored at those that
    /// it had asked. Each start counts as an attacker of its own.
    pub fn add_attempts(&mut self, attacked: &Attacked) {
        let config = &attacked.run.config;
        let of = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{} on {}, run {}",
            of(&config["name"]),
            of(&config["attacked"]["classifier"]),
            attacked.run.id
        );
        for attempt in &attacked.attempts {
            if attempt.outcome == AttackOutcome::Skipped {
                continue;
            }
            let reached = attempt.outcome == AttackOutcome::Reached;
            let verdict = attacked.verdict(attempt, LabellerKind::Person);
            if reached && verdict.is_none() {
                self.group(&name, Unit::Queries).waiting += 1;
                continue;
            }
            let found = reached && verdict == Some(true);
            let until = attempt.detail["reached_at"].as_u64().filter(|_| found);
            let start = match attempt.start {
                Some(start) => format!("start {start}"),
                None => format!("run {} start {}", attacked.run.id, attempt.position),
            };
            let session = AttackSession {
                time: until.unwrap_or(attempt.queries) as f64,
                found,
                attacker: self.attacker(&start),
            };
            self.group(&name, Unit::Queries).sessions.push(session);
        }
    }

    /// Says whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    fn attacker(&mut self, name: &str) -> u64 {
        let next = self.attackers.len() as u64;
        *self.attackers.entry(name.to_owned()).or_insert(next)
    }

    fn group(&mut self, name: &str, unit: Unit) -> &mut Group {
        let at = self
            .groups
            .iter()
            .position(|group| group.name == name && group.unit == unit);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                unit,
                sessions: Vec::new(),
                waiting: 0,
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(
        attacker: &str,
        seconds: f64,
        ended: RewritingState,
        verified: Option<bool>,
    ) -> RewritingResult {
        RewritingResult {
            session: 1,
            task: None,
            attacker: attacker.to_owned(),
            model: ModelId(1),
            threshold: -4.0,
            tools: attacker != "bob",
            seconds,
            ended,
            snippet: None,
            verified,
        }
    }

    #[test]
    fn a_find_counts_once_it_is_verified_and_a_refuted_one_is_censored() {
        use RewritingState::{GaveUp, Submitted};
        let mut gathered = Gathered::default();
        let results = [
            result("ann", 600.0, Submitted, Some(true)),
            result("ann", 300.0, Submitted, Some(false)),
            result("ann", 60.0, Submitted, None),
            result("bob", 1200.0, GaveUp, None),
        ];
        gathered.add_rewriting(&results, |_| "hurt v1".to_owned());
        let told: Vec<_> = gathered
            .groups
            .iter()
            .map(|g| (g.name.as_str(), g.waiting, g.sessions.clone()))
            .collect();
        let session = |time, found, attacker| AttackSession {
            time,
            found,
            attacker,
        };
        let with = vec![session(10.0, true, 0), session(5.0, false, 0)];
        assert_eq!(told[0], ("hurt v1, with tools", 1, with));
        assert_eq!(
            told[1],
            ("hurt v1, without tools", 0, vec![session(20.0, false, 1)])
        );
    }
}
