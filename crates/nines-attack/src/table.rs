//! The closing table of a list of attempts: the same for every recipe, so that they can be compared.

use crate::attempt::Attempt;
use crate::victim::Budget;
use nines_domain::estimate::Estimate;
use nines_stats::interval::clopper_pearson;
use nines_stats::quantile::{Support, mean};
use nines_stats::{IntervalEstimate, StatsError};
use serde::{Deserialize, Serialize};

/// Budgets at which success is told, in queries.
pub const BUDGETS: [u64; 6] = [10, 30, 100, 300, 1_000, 2_000];

/// What a table needs to know of one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it came to, as [`crate::attempt::Outcome::as_str`] writes it.
    pub outcome: String,
    /// What labels say of its find: the injury survived, it did not, or nobody has said yet.
    pub verified: Option<bool>,
    /// Score of the start.
    pub start_score: Option<f64>,
    /// Score of the first find; without one, of the text nearest to the goal.
    pub score: Option<f64>,
    /// Queries asked.
    pub queries: u64,
    /// Queries that it might have asked.
    pub budget: u64,
    /// Seconds that it might have taken; `None` where that is not known.
    #[serde(default)]
    pub seconds_allowed: Option<f64>,
    /// The query that met the goal first.
    pub reached_at: Option<u64>,
    /// Different snippets scored.
    pub scored: u64,
    /// Seconds.
    pub seconds: f64,
    /// Words of the start.
    pub words: u64,
    /// Words changed.
    pub words_changed: u64,
}

impl Row {
    /// Takes from an attempt what a table needs. `verified` is what labels say by now.
    pub fn of(attempt: &Attempt, budget: Budget, verified: Option<bool>) -> Self {
        let first = |scores: &Vec<f64>| scores.first().copied();
        let shown = attempt.finds.first().or(attempt.best.as_ref());
        Self {
            outcome: attempt.outcome.as_str().to_owned(),
            verified,
            start_score: attempt.start_scores.as_ref().and_then(first),
            score: shown.and_then(|find| first(&find.scores)),
            queries: attempt.queries,
            budget: budget.queries,
            seconds_allowed: Some(budget.seconds),
            reached_at: attempt.reached_at,
            scored: attempt.scored,
            seconds: attempt.seconds,
            words: attempt.words as u64,
            words_changed: attempt.words_changed as u64,
        }
    }

    fn is(&self, outcome: &str) -> bool {
        self.outcome == outcome
    }

    /// Says whether it never came to its end: somebody stopped it, or a model or a judge failed.
    fn is_cut_off(&self) -> bool {
        self.is("broken") || self.is("cancelled")
    }

    /// Says whether the seconds ended it before its queries were spent. Queries that are left over are no proof of
    /// that: an attempt also ends where they do not suffice for the next step of its search.
    fn is_timed_out(&self) -> bool {
        let is_late = self.seconds_allowed.is_none_or(|most| self.seconds >= most);
        self.is("spent") && self.queries < self.budget && is_late
    }

    /// Says whether it is not known what it would have come to with so many queries: it ended earlier, and
    /// neither because its search was over nor because its queries were.
    fn is_unknown_at(&self, queries: u64) -> bool {
        (self.is_cut_off() || self.is_timed_out()) && self.queries < queries
    }
}

/// How many attempts had succeeded by so many queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtBudget {
    /// The budget.
    pub queries: u64,
    /// The share of the attempts, before verification. `None` where the attempts had a smaller budget: they
    /// do not say what a larger one would have brought. Attempts that the seconds ended before may have
    /// reached the goal later: where there are some, the interval reaches from none of them to all.
    pub share: Option<Estimate>,
    /// The same after verification, as [`Table::success_after_verification`].
    pub verified: Option<Estimate>,
}

/// What a list of attempts came to.
///
/// Every share and every mean is over all attempts that were not skipped. Averaging queries over successes alone
/// would flatter the attack. What broke or was stopped says nothing of the attack, and least of all that it is
/// weak: the values of shares leave it out, and their intervals reach from none of it succeeding to all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Attempts, skipped ones not among them.
    pub tried: u64,
    /// Attempts that met the goal.
    pub reached: u64,
    /// Finds that labels confirm.
    pub verified: u64,
    /// Finds in which, labels say, the injury is gone.
    pub refuted: u64,
    /// Finds that nobody has labelled yet.
    pub waiting: u64,
    /// Searches that ended in vain.
    pub failed: u64,
    /// Attempts whose budget was spent.
    pub spent: u64,
    /// Those of them that the seconds ended before their queries were spent.
    pub timed_out: u64,
    /// Starts that were skipped.
    pub skipped: u64,
    /// Attempts that a failing model or judge ended.
    pub broken: u64,
    /// Attempts that somebody stopped.
    pub cancelled: u64,
    /// Share that met the goal. No success yet: only labels say whether the injury survived.
    pub success_before_verification: Option<Estimate>,
    /// Share whose find labels confirm. While finds wait, the interval reaches from none of them confirmed
    /// to all of them.
    pub success_after_verification: Option<Estimate>,
    /// Share of the labelled finds that labels confirm.
    pub precision: Option<Estimate>,
    /// Mean score of the starts.
    pub score_before: Option<Estimate>,
    /// Mean score of the finds, over attempts that met the goal.
    pub score_after: Option<Estimate>,
    /// Mean share of words changed, over attempts that met the goal.
    pub words_changed: Option<Estimate>,
    /// Mean queries, those after the goal was met included: of the rest of a batch, and of pruning.
    pub queries: Option<Estimate>,
    /// Mean queries until the goal was met; all of an attempt's queries where it was not.
    pub queries_until_met: Option<Estimate>,
    /// Mean seconds.
    pub seconds: Option<Estimate>,
    /// Success by so many queries.
    pub at_budgets: Vec<AtBudget>,
    /// The means alone, for where there are too few values for an interval.
    pub points: Points,
}

/// Means without intervals. From one value, or from equal ones of something without bounds, no interval follows:
/// the value itself is told nonetheless.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Mean score of the starts.
    pub score_before: Option<f64>,
    /// Mean score of the finds.
    pub score_after: Option<f64>,
    /// Mean share of words changed.
    pub words_changed: Option<f64>,
    /// Mean queries.
    pub queries: Option<f64>,
    /// Mean seconds.
    pub seconds: Option<f64>,
}

/// The confidence of every interval of a table.
pub const CONFIDENCE: f64 = 0.95;

impl Table {
    /// Counts attempts.
    ///
    /// # Errors
    /// [`StatsError`] for numbers that are none, such as a score that is not finite.
    pub fn of(rows: &[Row]) -> Result<Self, StatsError> {
        let count = |outcome: &str| rows.iter().filter(|row| row.is(outcome)).count() as u64;
        let tried: Vec<&Row> = rows.iter().filter(|row| !row.is("skipped")).collect();
        let reached: Vec<&Row> = rows.iter().filter(|row| row.is("reached")).collect();
        let labelled = |verdict: Option<bool>| {
            let of = reached.iter().filter(|row| row.verified == verdict);
            of.count() as u64
        };
        let (verified, refuted, waiting) =
            (labelled(Some(true)), labelled(Some(false)), labelled(None));
        let n = tried.len() as u64;
        let cut_off = tried.iter().filter(|row| row.is_cut_off()).count() as u64;
        let numbers = |rows: &[&Row], of: &dyn Fn(&Row) -> Option<f64>| -> Vec<f64> {
            rows.iter().filter_map(|row| of(row)).collect()
        };
        let any = Support {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
        let from_zero = |high: f64| Support { low: 0.0, high };
        let most = tried.iter().map(|row| row.queries.max(row.budget)).max();
        let in_budget = from_zero(most.unwrap_or(0) as f64);
        let before = numbers(&tried, &|row| row.start_score);
        let after = numbers(&reached, &|row| row.score);
        let changed = numbers(&reached, &|row| {
            // More words than the start has can come in.
            (row.words > 0).then(|| row.words_changed as f64 / row.words as f64)
        });
        let queries = numbers(&tried, &|row| Some(row.queries as f64));
        let seconds = numbers(&tried, &|row| Some(row.seconds));
        Ok(Self {
            tried: n,
            reached: reached.len() as u64,
            verified,
            refuted,
            waiting,
            failed: count("failed"),
            spent: count("spent"),
            timed_out: tried.iter().filter(|row| row.is_timed_out()).count() as u64,
            skipped: count("skipped"),
            broken: count("broken"),
            cancelled: count("cancelled"),
            success_before_verification: Parts {
                yes: reached.len() as u64,
                cut_off,
                ..Parts::of(n)
            }
            .share()?,
            success_after_verification: Parts {
                yes: verified,
                waiting,
                cut_off,
                ..Parts::of(n)
            }
            .share()?,
            precision: share(verified, verified + refuted)?,
            score_before: average(&before, any)?,
            score_after: average(&after, any)?,
            words_changed: average(&changed, from_zero(f64::INFINITY))?,
            queries: average(&queries, in_budget)?,
            queries_until_met: average(
                &numbers(&tried, &|row| {
                    let until = row.reached_at.filter(|_| row.is("reached"));
                    Some(until.unwrap_or(row.queries) as f64)
                }),
                in_budget,
            )?,
            seconds: average(&seconds, from_zero(f64::INFINITY))?,
            at_budgets: at_budgets(&tried)?,
            points: Points {
                score_before: plain(&before),
                score_after: plain(&after),
                words_changed: plain(&changed),
                queries: plain(&queries),
                seconds: plain(&seconds),
            },
        })
    }
}

fn at_budgets(tried: &[&Row]) -> Result<Vec<AtBudget>, StatsError> {
    let smallest = tried.iter().map(|row| row.budget).min().unwrap_or(0);
    BUDGETS
        .into_iter()
        .map(|queries| {
            if queries > smallest {
                return Ok(AtBudget {
                    queries,
                    share: None,
                    verified: None,
                });
            }
            let by_then: Vec<&&Row> = tried
                .iter()
                .filter(|row| row.is("reached"))
                .filter(|row| row.reached_at.is_some_and(|at| at <= queries))
                .collect();
            let labelled = |verdict| {
                let of = by_then.iter().filter(|row| row.verified == verdict);
                of.count() as u64
            };
            let unknown = || tried.iter().filter(|row| row.is_unknown_at(queries));
            let cut_off = unknown().filter(|row| row.is_cut_off()).count() as u64;
            let unknown = Parts {
                timed_out: unknown().count() as u64 - cut_off,
                cut_off,
                ..Parts::of(tried.len() as u64)
            };
            Ok(AtBudget {
                queries,
                share: Parts {
                    yes: by_then.len() as u64,
                    ..unknown
                }
                .share()?,
                verified: Parts {
                    yes: labelled(Some(true)),
                    waiting: labelled(None),
                    ..unknown
                }
                .share()?,
            })
        })
        .collect()
}

fn estimate(of: IntervalEstimate) -> Estimate {
    Estimate {
        value: of.value,
        lower: of.lower,
        upper: of.upper,
        confidence: of.confidence,
        method: of.method,
        n: of.n,
    }
}

/// Returns a share with its exact interval; `None` of nothing.
fn share(k: u64, n: u64) -> Result<Option<Estimate>, StatsError> {
    if n == 0 {
        return Ok(None);
    }
    Ok(Some(estimate(clopper_pearson(k, n, CONFIDENCE)?)))
}

/// Attempts by what is known of them.
#[derive(Clone, Copy)]
struct Parts {
    /// Those that succeeded.
    yes: u64,
    /// Those whose find waits for a label.
    waiting: u64,
    /// Those that the seconds ended before the queries that are asked about.
    timed_out: u64,
    /// Those that never came to their end.
    cut_off: u64,
    /// All of them.
    n: u64,
}

impl Parts {
    /// Attempts none of which succeeded.
    fn of(n: u64) -> Self {
        Self {
            yes: 0,
            waiting: 0,
            timed_out: 0,
            cut_off: 0,
            n,
        }
    }

    /// Returns the share that succeeded, with an interval that holds whatever becomes of the open ones.
    fn share(self) -> Result<Option<Estimate>, StatsError> {
        let open = self.waiting + self.timed_out + self.cut_off;
        let (Some(least), Some(most)) = (share(self.yes, self.n)?, share(self.yes + open, self.n)?)
        else {
            return Ok(None);
        };
        if open == 0 {
            return Ok(Some(least));
        }
        let ended = self.n - self.cut_off;
        // That something broke has nothing to do with the find; that one waits, or took long, has.
        let has_value = self.waiting + self.timed_out == 0 && ended > 0;
        let reasons = [
            (self.waiting, "waiting for a label"),
            (self.timed_out, "ended by the clock before so many queries"),
            (self.cut_off, "broken or stopped"),
        ];
        let told: Vec<String> = reasons
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        Ok(Some(Estimate {
            value: has_value.then(|| self.yes as f64 / ended as f64),
            lower: least.lower,
            upper: most.upper,
            method: format!(
                "{}; {}: none of them counts at the lower end, all at the upper",
                least.method,
                told.join(", ")
            ),
            ..least
        }))
    }
}

/// Returns the mean of scores with its interval, as [`Table`] has it, and the mean alone.
///
/// # Errors
/// [`StatsError`] for numbers that are none.
pub fn mean_score(scores: &[f64]) -> Result<(Option<Estimate>, Option<f64>), StatsError> {
    let any = Support {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };
    Ok((average(scores, any)?, plain(scores)))
}

fn plain(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Returns a mean with Student's interval; `None` where there are too few different values for one. Equal
/// values on a bounded support have an interval too: all at the whole budget, their mean cannot lie above it,
/// and the lower end says how low so few attempts leave it.
fn average(values: &[f64], support: Support) -> Result<Option<Estimate>, StatsError> {
    let bounded = (support.high - support.low).is_finite();
    let differ = values.windows(2).any(|pair| pair[0] != pair[1]);
    if values.is_empty() || !(bounded || differ) {
        return Ok(None);
    }
    Ok(Some(estimate(mean(values, support, CONFIDENCE)?)))
}

#[cfg(test)]
mod tests;
