//! What a find costs, from counts of attempts and what they took.

use super::super::find::confirmed;
use super::super::show::Attacked;
use super::{CONFIDENCE, EACH};
use crate::shown::percent;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_stats::quantile::{Support, mean};
use nines_store::{AttackAttempt, AttackOutcome};

/// Attempts by what is known of them.
#[derive(Default)]
pub struct Counted {
    /// Those that were not skipped.
    tried: u64,
    /// Those that broke.
    broken: u64,
    /// Those that labels confirm.
    confirmed: u64,
    /// Those that labels confirm or refute.
    decided: u64,
    /// Those that reached the goal and whose labels leave that open.
    pub waiting: u64,
    /// Finds of the decided ones that were labelled.
    finds: u64,
}

impl Counted {
    /// Counts the attempts of a run by what one kind of labeller says.
    pub fn of(attacked: &Attacked, by: LabellerKind) -> Self {
        let mut counted = Self::default();
        for attempt in &attacked.attempts {
            counted.tried += u64::from(attempt.outcome != AttackOutcome::Skipped);
            counted.broken += u64::from(attempt.outcome == AttackOutcome::Broken);
            if attempt.outcome != AttackOutcome::Reached {
                continue;
            }
            let Some(verdict) = attacked.verdict(attempt, by) else {
                counted.waiting += 1;
                continue;
            };
            let said = attempt
                .finds
                .iter()
                .filter(|find| confirmed(attacked.goal, find, attempt.threshold, by).is_some());
            counted.confirmed += u64::from(verdict);
            counted.decided += 1;
            counted.finds += said.count() as u64;
        }
        counted
    }

    /// The share of the attempts that reached the goal whose find labels confirm. The interval holds
    /// whatever those turn out to be that wait: which ones were labelled first may be no chance.
    pub fn precision(&self) -> Result<Option<Estimate>> {
        let value = self.confirmed as f64 / self.decided as f64;
        match self.decided {
            0 => Ok(None),
            decided => self.share(decided + self.waiting, self.waiting, value),
        }
    }

    /// The share of all attempts that end in a confirmed find; broken ones may have.
    pub fn success(&self) -> Result<Option<Estimate>> {
        if self.decided == 0 {
            return Ok(None);
        }
        let reached = (self.decided + self.waiting) as f64 / (self.tried - self.broken) as f64;
        let value = reached * self.confirmed as f64 / self.decided as f64;
        self.share(self.tried, self.waiting + self.broken, value)
    }

    fn share(&self, n: u64, open: u64, value: f64) -> Result<Option<Estimate>> {
        let least = estimate(clopper_pearson(self.confirmed, n, EACH)?);
        let most = estimate(clopper_pearson(self.confirmed + open, n, EACH)?);
        Ok(Some(Estimate {
            value: Some(value),
            upper: most.upper,
            ..least
        }))
    }

    /// Finds labelled for one attempt: more than one where more are asked about.
    pub fn labels_each(&self) -> f64 {
        match self.decided {
            0 => 1.0,
            decided => self.finds as f64 / decided as f64,
        }
    }
}

/// Leaves out what took no work of its own: starts that were skipped, and attempts that broke before they had
/// done theirs, which the value of a share leaves out as well.
pub fn ended(attempts: &[AttackAttempt]) -> impl Iterator<Item = &AttackAttempt> {
    let none = [AttackOutcome::Skipped, AttackOutcome::Broken];
    attempts
        .iter()
        .filter(move |attempt| !none.contains(&attempt.outcome))
}

/// Returns the mean work of an attempt; nothing of no attempts.
pub fn mean_work(values: impl Iterator<Item = f64>) -> Result<Option<Estimate>> {
    let values: Vec<f64> = values.collect();
    let differ = values.windows(2).any(|pair| pair[0] != pair[1]);
    let support = Support {
        low: 0.0,
        high: f64::INFINITY,
    };
    Ok(match values.first() {
        None => None,
        Some(_) if differ => Some(estimate(mean(&values, support, EACH)?)),
        // All alike: what other attempts take is not to be seen in these.
        Some(same) => Some(Estimate {
            value: Some(*same),
            lower: 0.0,
            upper: f64::INFINITY,
            confidence: EACH,
            method: "equal values, which bound nothing".to_owned(),
            n: values.len() as u64,
        }),
    })
}

/// Work for one find where attempts take so much work and succeed so often.
pub fn over(work: &Estimate, success: &Estimate, what: &str) -> Estimate {
    let value = work.value.zip(success.value.filter(|p| *p > 0.0));
    Estimate {
        value: value.map(|(work, p)| work / p),
        lower: work.lower / success.upper,
        upper: work.upper / success.lower,
        confidence: CONFIDENCE,
        method: format!(
            "{what}; mean work of an attempt over the share that labels confirm, each at {} % (Bonferroni)",
            percent(EACH)
        ),
        n: success.n,
    }
}

/// The machine's seconds for one find, and those of the labels for one.
pub fn with_labels(machine: &Estimate, labels: &Estimate, seconds: f64) -> Estimate {
    let value = machine.value.zip(labels.value);
    Estimate {
        value: value.map(|(machine, labels)| machine + seconds * labels),
        lower: machine.lower + seconds * labels.lower,
        upper: machine.upper + seconds * labels.upper,
        method: format!(
            "{}; and the mean seconds of a label, taken as known",
            machine.method
        ),
        ..machine.clone()
    }
}

/// Work for one find where each piece of work finds with this share.
pub fn inverse(share: &Estimate, work: f64, what: &str) -> Estimate {
    Estimate {
        value: share.value.filter(|p| *p > 0.0).map(|p| work / p),
        lower: work / share.upper,
        upper: work / share.lower,
        confidence: share.confidence,
        method: format!("{what}; inverse of {}", share.method),
        n: share.n,
    }
}

/// How many times less work for a find the attack takes than random sampling.
pub fn times(random: &Estimate, attack: &Estimate, what: &str) -> Estimate {
    let value = random.value.zip(attack.value);
    let (lower, upper) = (random.lower / attack.upper, random.upper / attack.lower);
    Estimate {
        value: value.map(|(random, attack)| random / attack),
        lower: if lower.is_finite() { lower } else { 0.0 },
        upper: if upper.is_nan() { f64::INFINITY } else { upper },
        confidence: CONFIDENCE,
        method: format!(
            "{what}; ratio of two prices, of parts each at {} % (Bonferroni)",
            percent(EACH)
        ),
        n: random.n + attack.n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_domain::snippet::{ModelId, RunId};

    fn of(value: f64, lower: f64, upper: f64) -> Estimate {
        Estimate {
            value: Some(value),
            lower,
            upper,
            confidence: EACH,
            method: "exact".to_owned(),
            n: 10,
        }
    }

    #[test]
    fn a_find_costs_one_over_its_share() {
        let cost = inverse(&of(0.001, 0.0005, 0.002), 6.0, "seconds");
        assert_eq!(cost.value, Some(6000.0));
        assert_eq!((cost.lower, cost.upper), (3000.0, 12_000.0));
        let none = inverse(&of(0.0, 0.0, 0.01), 1.0, "labels");
        assert_eq!((none.value, none.lower), (None, 100.0));
        assert!(none.upper.is_infinite());
    }

    #[test]
    fn a_price_reaches_from_the_cheapest_to_the_dearest_pair() {
        // Of 100 attempts of 3 to 5 queries .2 to .41 succeed.
        let price = over(&of(4.0, 3.0, 5.0), &of(0.3, 0.2, 0.4), "queries");
        assert_eq!((price.lower, price.upper), (7.5, 25.0));
        assert!((price.value.expect("a price") - 4.0 / 0.3).abs() < 1e-12);
        assert_eq!(price.confidence, CONFIDENCE);
        let none = over(&of(4.0, 3.0, 5.0), &of(0.0, 0.0, 0.1), "queries");
        assert_eq!((none.value, none.lower), (None, 30.0));
        assert!(none.upper.is_infinite());
    }

    #[test]
    fn the_ratio_reaches_from_the_worst_pair_to_the_best() {
        let random = inverse(&of(0.001, 0.0005, 0.002), 1.0, "labels");
        let attack = inverse(&of(0.8, 0.5, 0.9), 1.0, "labels");
        let ratio = times(&random, &attack, "labels");
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-12;
        assert!(close(ratio.value.expect("a ratio"), 800.0));
        assert!(close(ratio.lower, 250.0) && close(ratio.upper, 1800.0));
        assert_eq!(ratio.confidence, 0.95);
        let unseen = inverse(&of(0.0, 0.0, 0.01), 1.0, "labels");
        let unknown = times(&unseen, &attack, "labels");
        assert_eq!((unknown.value, unknown.lower), (None, 50.0));
        assert!(unknown.upper.is_infinite());
        // Neither found anything: nothing is known.
        let neither = times(&unseen, &unseen, "labels");
        assert_eq!((neither.lower, neither.upper), (0.0, f64::INFINITY));
    }

    #[test]
    fn an_outage_makes_no_find_cheaper() {
        let attempt = |outcome, queries| AttackAttempt {
            id: 1,
            run: RunId(1),
            position: 0,
            recipe: "typos".to_owned(),
            model: ModelId(1),
            start: None,
            outcome,
            why: None,
            judge: None,
            start_score: None,
            score: None,
            threshold: -4.0,
            queries,
            scored: queries,
            seconds: 1.0,
            words: 10,
            words_changed: None,
            seed: 0,
            detail: serde_json::Value::Null,
            created: jiff::Timestamp::UNIX_EPOCH,
            finds: Vec::new(),
        };
        let mut attempts = vec![attempt(AttackOutcome::Reached, 10); 5];
        attempts.extend(vec![attempt(AttackOutcome::Failed, 50); 5]);
        attempts.extend(vec![attempt(AttackOutcome::Broken, 3); 40]);
        attempts.extend(vec![attempt(AttackOutcome::Skipped, 1); 40]);
        let counted = Counted {
            tried: 50,
            broken: 40,
            confirmed: 5,
            decided: 5,
            waiting: 0,
            finds: 5,
        };
        let work = mean_work(ended(&attempts).map(|one| one.queries as f64));
        let work = work.expect("numbers").expect("some");
        let success = counted.success().expect("counts").expect("some");
        assert_eq!(over(&work, &success, "queries").value, Some(60.0));
    }

    #[test]
    fn ten_labels_for_an_attempt_cost_ten_labels() {
        let counted = Counted {
            tried: 20,
            broken: 0,
            confirmed: 5,
            decided: 10,
            waiting: 4,
            finds: 100,
        };
        assert_eq!(counted.labels_each(), 10.0);
        let precision = counted.precision().expect("numbers").expect("decided");
        let of = |k, n| clopper_pearson(k, n, EACH).expect("a share");
        assert_eq!(precision.value, Some(0.5));
        assert_eq!(
            (precision.lower, precision.upper),
            (of(5, 14).lower, of(9, 14).upper)
        );
        let labels = inverse(&precision, counted.labels_each(), "labels");
        assert_eq!(labels.value, Some(20.0));
        let success = counted.success().expect("numbers").expect("decided");
        assert_eq!((success.value, success.n), (Some(0.35), 20));
        assert_eq!(
            (success.lower, success.upper),
            (of(5, 20).lower, of(9, 20).upper)
        );
    }

    #[test]
    fn one_attempt_bounds_no_mean() {
        let one = mean_work([3.0].into_iter())
            .expect("a number")
            .expect("one");
        assert_eq!((one.value, one.lower), (Some(3.0), 0.0));
        assert!(one.upper.is_infinite());
        assert!(mean_work(std::iter::empty()).expect("none").is_none());
    }
}
