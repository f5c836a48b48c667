//! Names of accounts, and how far people agree.

use crate::error::Problem;
use crate::estimate::Estimate;
use crate::state::AppState;
use nines_domain::account::AccountId;
use nines_domain::label::{Severity, Verdict};
use nines_domain::snippet::SnippetId;
use nines_measure::estimate;
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::clopper_pearson;
use nines_store::{AgreementMark, PeopleRatings, Store, StoreError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// How far from the threshold a score counts as near it, in logits.
const NEAR: f64 = 2.0;
/// Computing agreements rests for so many times as long as it took.
const REST: u32 = 4;
/// The confidence of intervals about people.
pub const CONFIDENCE: f64 = 0.95;

/// The names of accounts.
pub struct Names(BTreeMap<AccountId, String>);

impl Names {
    /// Reads them.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let accounts = store.accounts().await?;
        let names = accounts
            .into_iter()
            .map(|stored| (stored.account.id, stored.account.name));
        Ok(Self(names.collect()))
    }

    /// Returns the name of an account.
    pub fn of(&self, id: AccountId) -> Option<String> {
        self.0.get(&id).cloned()
    }
}

/// How far people agree about some items.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgreementRow {
    /// Which items: `all`, or `within 2 logits of the threshold`.
    pub items: String,
    /// About what.
    pub about: String,
    /// Krippendorff's alpha: 1 is perfect agreement, 0 is what chance gives.
    pub alpha: Estimate,
}

/// How far people agree; their labels only, never judges'.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Agreement {
    /// Near the threshold, where it is hard, apart from everywhere.
    pub rows: Vec<AgreementRow>,
    /// Of the snippets with two people's labels, how often one says yes and another no.
    pub disagree: Option<Estimate>,
    /// How many people.
    pub labellers: usize,
    /// How many snippets with two people's labels.
    pub snippets: usize,
}

/// How far people agree, and how far each agrees with the others.
#[derive(Debug, Default)]
pub struct Agreements {
    /// All together; nothing where no two people have labelled the same snippet.
    pub together: Option<Agreement>,
    each: BTreeMap<String, (u64, u64)>,
}

impl Agreements {
    /// Of the snippets that others labelled too, the share on which somebody says of strict what most
    /// of the others say.
    pub fn of(&self, name: &str) -> Option<Estimate> {
        let (same, of) = self.each.get(name)?;
        share(*same, *of)
    }
}

/// The agreements computed last. Computing them resamples every snippet that two people labelled, and
/// the page asks again with each label.
#[derive(Debug, Default)]
pub struct LastAgreements(Mutex<Option<Last>>);

#[derive(Debug)]
struct Last {
    mark: AgreementMark,
    found: Arc<Agreements>,
    took: Duration,
    at: Instant,
}

/// Says how far people agree: computed anew where labels, scores or thresholds have moved, one at a
/// time, and then after a rest of some times as long as the work took.
pub async fn agreements(state: &AppState) -> Result<Arc<Agreements>, Problem> {
    let mut last = state.agreements.0.lock().await;
    let mark = state.store.agreement_mark().await?;
    if let Some(last) = &*last
        && (last.mark == mark || last.at.elapsed() < REST * last.took)
    {
        return Ok(last.found.clone());
    }
    let started = Instant::now();
    let found = Arc::new(computed_anew(state).await?);
    *last = Some(Last {
        mark,
        found: found.clone(),
        took: started.elapsed(),
        at: Instant::now(),
    });
    Ok(found)
}

async fn computed_anew(state: &AppState) -> Result<Agreements, Problem> {
    let ratings = state.store.people_ratings().await?;
    if ratings.is_empty() {
        return Ok(Agreements::default());
    }
    let near = near_threshold(state, &ratings).await?;
    // It resamples: longer than a thread that answers requests may be held.
    let found = tokio::task::spawn_blocking(move || Agreements {
        together: Some(computed(&ratings, &near)),
        each: with_the_others(&ratings),
    });
    found.await.map_err(Problem::internal)
}

async fn near_threshold(
    state: &AppState,
    ratings: &[PeopleRatings],
) -> Result<HashSet<SnippetId>, Problem> {
    let calibrations = state.store.calibrations(None).await?;
    let Some(newest) = calibrations.into_iter().next_back() else {
        return Ok(HashSet::new());
    };
    let path = newest.record["path"].as_str().unwrap_or_default();
    let ids: Vec<SnippetId> = ratings.iter().map(|rating| rating.snippet).collect();
    let scores = state.store.scores_of(newest.model, path, &ids).await?;
    let threshold = newest.threshold.logit();
    let close = ids.into_iter().zip(scores).filter_map(|(id, score)| {
        let distance = (score?.logit() - threshold).abs();
        (distance <= NEAR).then_some(id)
    });
    Ok(close.collect())
}

type Given = (Verdict, Option<Severity>);

fn computed(ratings: &[PeopleRatings], near: &HashSet<SnippetId>) -> Agreement {
    let names: BTreeSet<&str> = ratings
        .iter()
        .flat_map(|rating| rating.by_name.keys().map(String::as_str))
        .collect();
    let mut rows = Vec::new();
    for (items, of) in [
        ("all", None),
        ("within 2 logits of the threshold", Some(near)),
    ] {
        let among: Vec<&PeopleRatings> = ratings
            .iter()
            .filter(|rating| of.is_none_or(|near| near.contains(&rating.snippet)))
            .collect();
        for (about, value) in [
            ("yes or no", broad as fn(&Given) -> Option<f64>),
            ("severity 2 or more", strict),
        ] {
            let table: Vec<Vec<Option<f64>>> = among
                .iter()
                .map(|rating| {
                    let of_name = |name: &&str| rating.by_name.get(*name).and_then(value);
                    names.iter().map(of_name).collect()
                })
                .collect();
            let bootstrap = Bootstrap {
                confidence: CONFIDENCE,
                ..Bootstrap::default()
            };
            // Too few units say nothing.
            if let Ok(alpha) = krippendorff_alpha(&table, Metric::Nominal, &bootstrap) {
                rows.push(AgreementRow {
                    items: items.to_owned(),
                    about: about.to_owned(),
                    alpha: estimate(alpha).into(),
                });
            }
        }
    }
    let split = ratings.iter().filter(|rating| {
        let said = |verdict| rating.by_name.values().any(|given| given.0 == verdict);
        said(Verdict::Yes) && said(Verdict::No)
    });
    let n = ratings.len() as u64;
    Agreement {
        rows,
        disagree: share(split.count() as u64, n),
        labellers: names.len(),
        snippets: ratings.len(),
    }
}

/// Counts for each person on how many snippets most of the others say the same of strict, and on how
/// many others say anything.
fn with_the_others(ratings: &[PeopleRatings]) -> BTreeMap<String, (u64, u64)> {
    let mut each: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for rating in ratings {
        let said: Vec<(&String, f64)> = rating
            .by_name
            .iter()
            .filter_map(|(name, given)| Some((name, strict(given)?)))
            .collect();
        for (name, mine) in &said {
            let others = said.len() - 1;
            let alike = said.iter().filter(|(_, theirs)| theirs == mine).count() - 1;
            if others > 0 {
                let counts = each.entry((*name).clone()).or_default();
                counts.0 += u64::from(2 * alike > others);
                counts.1 += 1;
            }
        }
    }
    each
}

fn broad(given: &Given) -> Option<f64> {
    match given.0 {
        Verdict::Yes => Some(1.0),
        Verdict::No => Some(0.0),
        Verdict::Unsure => None,
    }
}

fn strict(given: &Given) -> Option<f64> {
    match given {
        (Verdict::Unsure, _) => None,
        (Verdict::Yes, severity) => {
            let is_clear = severity.is_none_or(|severity| severity >= Severity::Clear);
            Some(f64::from(u8::from(is_clear)))
        }
        (Verdict::No, _) => Some(0.0),
    }
}

/// A share with its exact interval; nothing where there was nothing to count.
pub fn share(of: u64, among: u64) -> Option<Estimate> {
    let interval = clopper_pearson(of, among, CONFIDENCE).ok()?;
    (among > 0).then(|| estimate(interval).into())
}
