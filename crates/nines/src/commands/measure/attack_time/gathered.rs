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
use nines_store::{AttackOutcome, Model, RewritingResult, RewritingState, StoredAttackSession};
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

/// Where sessions come from, and so with which others they are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A file named the group.
    Imported,
    /// The Rewrite page: a filter, attacked with or without the tools.
    Rewriting { filter: String, tools: bool },
    /// A recipe's attempts.
    Attempts,
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
    source: Source,
}

impl Group {
    /// Says whether its sessions took any time: without, there is no rate of finds.
    fn is_measured(&self) -> bool {
        self.sessions.iter().any(|session| session.time > 0.0)
    }
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
        let mut gathered = Self::of_people(
            &store.attack_sessions().await?,
            &store.rewriting_results().await?,
            &store.models(None).await?,
        );
        for run in runs {
            gathered.add_attempts(&Attacked::read(project, RunId(*run)).await?);
        }
        Ok(gathered)
    }

    /// Gathers imported sessions and those of the Rewrite page.
    pub fn of_people(
        imported: &[StoredAttackSession],
        rewriting: &[RewritingResult],
        models: &[Model],
    ) -> Self {
        let mut gathered = Self::of_sessions(imported);
        gathered.add_rewriting(rewriting, |id| {
            let found = models.iter().find(|model| model.id == id);
            found.map_or_else(|| id.to_string(), Model::label)
        });
        gathered
    }

    /// Gathers imported sessions alone.
    fn of_sessions(sessions: &[StoredAttackSession]) -> Self {
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
            let name = &stored.session.group;
            let group = gathered.group(name, Unit::Minutes, Source::Imported);
            group.sessions.push(session);
        }
        gathered
    }

    /// Adds the sessions of the Rewrite page. Their time is that at work: pauses are taken out of it.
    fn add_rewriting(&mut self, results: &[RewritingResult], name: impl Fn(ModelId) -> String) {
        // Another threshold is another filter; it is named where there are several.
        let mut thresholds: BTreeMap<ModelId, BTreeSet<u64>> = BTreeMap::new();
        for result in results {
            let of_model = thresholds.entry(result.model).or_default();
            of_model.insert(result.threshold.to_bits());
        }
        for result in results {
            let mut filter = name(result.model);
            if thresholds[&result.model].len() > 1 {
                filter.push_str(&format!(" at log odds {:.2}", result.threshold));
            }
            let tools = if result.tools { "with" } else { "without" };
            let group = format!("{filter}, {tools} tools");
            let source = Source::Rewriting {
                filter,
                tools: result.tools,
            };
            let submitted = result.ended == RewritingState::Submitted;
            if submitted && result.verified.is_none() {
                self.group(&group, Unit::Minutes, source).waiting += 1;
                continue;
            }
            let session = AttackSession {
                time: result.seconds / 60.0,
                found: submitted && result.verified == Some(true),
                attacker: self.attacker(&result.attacker),
            };
            let group = self.group(&group, Unit::Minutes, source);
            group.sessions.push(session);
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
                let group = self.group(&name, Unit::Queries, Source::Attempts);
                group.waiting += 1;
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
            let group = self.group(&name, Unit::Queries, Source::Attempts);
            group.sessions.push(session);
        }
    }

    /// Lists the groups whose sessions took any time.
    pub fn measured(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.is_measured())
    }

    /// Lists what is compared, the one that is expected to find faster first: each imported group and each
    /// run of a recipe with the next, each filter with the tools and without them, and with the next filter
    /// that was attacked alike.
    pub fn compared(&self) -> Vec<(&Group, &Group)> {
        let of = |source: &Source| -> Vec<&Group> {
            self.measured().filter(|g| g.source == *source).collect()
        };
        let mut pairs = adjacent(&of(&Source::Imported));
        let rewriting = |wanted: bool| -> Vec<(&str, &Group)> {
            self.measured()
                .filter_map(|group| match &group.source {
                    Source::Rewriting { filter, tools } if *tools == wanted => {
                        Some((filter.as_str(), group))
                    }
                    _ => None,
                })
                .collect()
        };
        let (with, without) = (rewriting(true), rewriting(false));
        for (filter, group) in &with {
            let same = without.iter().find(|(other, _)| other == filter);
            pairs.extend(same.map(|(_, other)| (*group, *other)));
        }
        for arm in [with, without] {
            let groups: Vec<&Group> = arm.into_iter().map(|(_, group)| group).collect();
            pairs.extend(adjacent(&groups));
        }
        pairs.extend(adjacent(&of(&Source::Attempts)));
        pairs
    }

    /// Says how many sessions are left out, since nobody has verified their find yet.
    pub fn waiting(&self) -> u64 {
        self.groups.iter().map(|group| group.waiting).sum()
    }

    /// Says whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    fn attacker(&mut self, name: &str) -> u64 {
        let next = self.attackers.len() as u64;
        *self.attackers.entry(name.to_owned()).or_insert(next)
    }

    fn group(&mut self, name: &str, unit: Unit, source: Source) -> &mut Group {
        let at = self
            .groups
            .iter()
            .position(|group| group.name == name && group.source == source);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                unit,
                sessions: Vec::new(),
                waiting: 0,
                source,
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
}

fn adjacent<'a>(groups: &[&'a Group]) -> Vec<(&'a Group, &'a Group)> {
    groups.windows(2).map(|pair| (pair[0], pair[1])).collect()
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

    #[test]
    fn the_tools_are_compared_within_a_filter_and_filters_within_an_arm() {
        use RewritingState::GaveUp;
        let of = |attacker: &str, model, seconds| RewritingResult {
            model: ModelId(model),
            ..result(attacker, seconds, GaveUp, None)
        };
        let mut gathered = Gathered::default();
        // bob works without the tools; a session that took no time says nothing.
        let results = [
            of("bob", 1, 60.0),
            of("ann", 2, 60.0),
            of("ann", 1, 60.0),
            of("bob", 2, 0.0),
            of("ann", 3, 60.0),
        ];
        gathered.add_rewriting(&results, |id| format!("v{id}"));
        let pairs: Vec<_> = gathered
            .compared()
            .iter()
            .map(|(first, second)| format!("{} / {}", first.name, second.name))
            .collect();
        let expected = [
            "v1, with tools / v1, without tools",
            "v2, with tools / v1, with tools",
            "v1, with tools / v3, with tools",
        ];
        assert_eq!(pairs, expected);
        assert_eq!(gathered.measured().count(), 4);
    }
}
