//! The sessions of people and programs, in groups: those imported, those of the Rewrite page, and, where
//! asked for, the attempts of recipes.
//!
//! A find counts from when somebody else has verified it, one that was refuted is a session without a find,
//! and one that waits stays open: no session is left out for how it ended. One that nobody has ended is one
//! that has found nothing so far.

use super::group::{End, Group, Session, Source, Unit};
use crate::commands::attack::Attacked;
use crate::project::Project;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ModelId, RunId};
use nines_store::{
    AttackOutcome, Model, RewritingResult, RewritingState, StoredAttackSession, Tools,
};
use std::collections::{BTreeMap, BTreeSet};

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
            let minutes = stored.session.seconds / 60.0;
            let session = Session {
                until_find: minutes,
                whole: minutes,
                end: if stored.session.found {
                    End::Found
                } else {
                    End::Withstood
                },
                attacker: gathered.attacker(&stored.session.attacker),
            };
            let like = empty(&stored.session.group, Unit::Minutes, Source::Imported);
            gathered.group(like).sessions.push(session);
        }
        gathered
    }

    /// Adds the sessions of the Rewrite page. Those of a task are a group of their own for each arm of it,
    /// so that what people chose for themselves is never mixed with what a coin gave them.
    fn add_rewriting(&mut self, results: &[RewritingResult], name: impl Fn(ModelId) -> String) {
        let thresholds = thresholds(results);
        for result in results {
            let mut of = name(result.model);
            // Another threshold is another filter; it is named where there are several.
            if thresholds[&result.model].len() > 1 {
                let named = &thresholds[&result.model][&result.threshold.to_bits()];
                of.push_str(&format!(" at log odds {named}"));
            }
            let (source, from) = match &result.task {
                Some(task) => {
                    let source = match task.tools {
                        Tools::Random => Source::Coin,
                        Tools::On | Tools::Off => Source::Assigned,
                    };
                    (source, format!("task {} ({})", task.id, task.name))
                }
                None => (Source::Chosen, "of their own choice".to_owned()),
            };
            let tools = if result.tools {
                "with tools"
            } else {
                "without tools"
            };
            let minutes = result.seconds / 60.0;
            let session = Session {
                until_find: minutes,
                whole: minutes,
                end: match (result.state, result.verified) {
                    (RewritingState::Submitted, Some(true)) => End::Found,
                    (RewritingState::Submitted, None) => End::Waiting,
                    _ => End::Withstood,
                },
                attacker: self.attacker(&result.attacker),
            };
            let group = self.group(Group {
                task: result.task.as_ref().map(|task| task.id),
                tools: Some(result.tools),
                ..empty(&format!("{of}, {from}, {tools}"), Unit::Minutes, source)
            });
            group.open += u64::from(result.state == RewritingState::Open);
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
            let verdict = attacked.verdict(attempt, LabellerKind::Person);
            let end = match (attempt.outcome, verdict) {
                (AttackOutcome::Reached, Some(true)) => End::Found,
                (AttackOutcome::Reached, None) => End::Waiting,
                _ => End::Withstood,
            };
            let start = match attempt.start {
                Some(start) => format!("start {start}"),
                None => format!("run {} start {}", attacked.run.id, attempt.position),
            };
            let reached = attempt.detail["reached_at"].as_u64();
            let session = Session {
                until_find: reached.unwrap_or(attempt.queries) as f64,
                whole: attempt.queries as f64,
                end,
                attacker: self.attacker(&start),
            };
            let like = empty(&name, Unit::Queries, Source::Attempts);
            self.group(like).sessions.push(session);
        }
    }

    /// Says whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Pairs up what may be compared: imported groups one with the next, likewise the runs of an attack,
    /// and of the Rewrite page only the two arms of a task whose tools a coin decided on, with the tools
    /// first.
    pub fn pairs(&self) -> Vec<(&Group, &Group)> {
        let mut pairs = Vec::new();
        for source in [Source::Imported, Source::Attempts] {
            let of: Vec<&Group> = self.groups.iter().filter(|g| g.source == source).collect();
            pairs.extend(of.windows(2).map(|pair| (pair[0], pair[1])));
        }
        let arm = |task: Option<i64>, tools: bool| {
            self.groups.iter().find(|group| {
                group.source == Source::Coin && group.task == task && group.tools == Some(tools)
            })
        };
        let tasks: BTreeSet<i64> = self.groups.iter().filter_map(|group| group.task).collect();
        for task in tasks {
            if let (Some(with), Some(without)) = (arm(Some(task), true), arm(Some(task), false)) {
                pairs.push((with, without));
            }
        }
        pairs
    }

    fn attacker(&mut self, name: &str) -> u64 {
        let next = self.attackers.len() as u64;
        *self.attackers.entry(name.to_owned()).or_insert(next)
    }

    /// Finds the group like this one, or makes it.
    fn group(&mut self, like: Group) -> &mut Group {
        let at = self.groups.iter().position(|group| {
            (&group.name, group.unit, group.source) == (&like.name, like.unit, like.source)
        });
        let at = at.unwrap_or_else(|| {
            self.groups.push(like);
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
}

fn empty(name: &str, unit: Unit, source: Source) -> Group {
    Group {
        name: name.to_owned(),
        unit,
        source,
        task: None,
        tools: None,
        open: 0,
        sessions: Vec::new(),
    }
}

/// Writes the thresholds of each classifier with so many decimals that no two look alike.
fn thresholds(results: &[RewritingResult]) -> BTreeMap<ModelId, BTreeMap<u64, String>> {
    let mut of: BTreeMap<ModelId, BTreeMap<u64, String>> = BTreeMap::new();
    for result in results {
        let of_model = of.entry(result.model).or_default();
        of_model.insert(result.threshold.to_bits(), String::new());
    }
    for of_model in of.values_mut() {
        // No two numbers of 64 bits are alike with all of the decimals that they have.
        for decimals in (2..=17).chain([1_074]) {
            for (bits, name) in of_model.iter_mut() {
                *name = format!("{:.decimals$}", f64::from_bits(*bits));
            }
            let names: BTreeSet<&String> = of_model.values().collect();
            if names.len() == of_model.len() {
                break;
            }
        }
    }
    of
}

#[cfg(test)]
mod tests;
