//! Two classifiers compared from labels on what they disagree about.
//!
//! Completions that both accept or both reject add the same to either's leak and cancel in the
//! difference, so only those that exactly one of them accepts need labels.
//!
//! The leak meant here is P(catastrophe and accepted) over a common frame of completions. For the
//! failure rate of a filtered generator, which draws again until it accepts, catastrophes that both
//! accept do **not** cancel, because the two classifiers accept with different probabilities.

use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::hypergeometric::marked_ends;
use crate::interval::exact_ends;
use crate::wald;

/// How often normal intervals at 0.95 covered in simulations, as their method says it.
const COVERED: &str = "0.92 to 0.95 of 0.95 in simulations";

/// The completions that one classifier accepts and the other rejects, and the labels on some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisagreementSample {
    /// How many there are in the frame.
    pub size: u64,
    /// How many of them, drawn at random without replacement, have a label.
    pub labelled: u64,
    /// How many of the labelled are catastrophes.
    pub failures: u64,
}

impl DisagreementSample {
    fn rate(self) -> f64 {
        if self.labelled == 0 {
            0.0
        } else {
            self.failures as f64 / self.labelled as f64
        }
    }

    /// The variance of the estimated rate, before any finite population correction.
    fn variance(self) -> f64 {
        let p = self.rate();
        if self.labelled < 2 {
            0.0
        } else {
            p * (1.0 - p) / (self.labelled - 1) as f64
        }
    }

    /// How many of the rarer label there are.
    fn rarer(self) -> u64 {
        self.failures.min(self.labelled - self.failures)
    }

    fn check(self, which: usize) -> Result<(), StatsError> {
        let refuse = |what, value: u64, allowed| StatsError::ItemOutOfRange {
            what,
            index: which,
            value: value as f64,
            allowed,
        };
        if self.labelled > self.size {
            return Err(refuse(
                "labelled disagreements (0 old only, 1 new only)",
                self.labelled,
                "at most the number of disagreements",
            ));
        }
        if self.failures > self.labelled {
            return Err(refuse(
                "failures among disagreements (0 old only, 1 new only)",
                self.failures,
                "at most the number of labels",
            ));
        }
        if self.size > 0 && self.labelled == 0 {
            return Err(refuse(
                "labelled disagreements (0 old only, 1 new only)",
                0,
                "at least 1 where there are disagreements",
            ));
        }
        Ok(())
    }
}

/// A difference of leaks, with an interval that always holds and the normal one.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakDifference {
    /// The interval that covers with at least its confidence, also with no failure in a stratum.
    pub exact: IntervalEstimate,
    /// The normal interval; `None` where the labels show no spread at all. Approximate.
    pub normal: Option<IntervalEstimate>,
    /// The standard error behind the normal interval.
    pub standard_error: Option<f64>,
}

/// The leak of the old classifier minus that of the new one: positive when the new one leaks less.
#[derive(Debug, Clone, PartialEq)]
pub struct DisagreementComparison {
    /// The difference within this very frame, with finite population correction: certain once every
    /// disagreement has a label.
    pub frame: LeakDifference,
    /// The difference among all completions like those of the frame, without correction. Its exact
    /// interval also allows for the frame's shares of disagreement being themselves a sample; its
    /// normal interval takes them as known.
    pub population: LeakDifference,
}

/// What part of the error of the population's exact interval is left to the shares of
/// disagreement, which a large frame shows far more closely than labels show rates.
const PART_FOR_SHARES: f64 = 0.1;

/// Returns how much the old classifier leaks more than the new one, from labels on completions of a
/// common frame that exactly one of them accepts: |D₁|/N·k₁/m₁ − |D₂|/N·k₂/m₂.
///
/// `old_only` are accepted by the old classifier only, `new_only` by the new one only. Assumes that
/// the labelled ones are a simple random sample of each, and (for the population) that the frame's
/// `frame` completions are independent draws; with several completions a prompt they are not. Neither
/// classifier may have been trained or chosen on these labels.
///
/// # Errors
/// [`StatsError::Empty`] when the frame is empty; [`StatsError::OutOfRange`] when the disagreements
/// exceed the frame or the confidence is not in (0, 1); [`StatsError::ItemOutOfRange`] (item 0: old
/// only, item 1: new only) for more labels than disagreements, more failures than labels, or
/// disagreements without any label.
///
/// # Example
/// ```
/// use nines_stats::disagreement::{DisagreementSample, compare};
/// let old_only = DisagreementSample { size: 3000, labelled: 600, failures: 9 };
/// let new_only = DisagreementSample { size: 2500, labelled: 500, failures: 2 };
/// let compared = compare(200_000, old_only, new_only, 0.95)?;
/// assert!((compared.frame.exact.value.unwrap() - 1.75e-4).abs() < 1e-15);
/// let unlabelled = DisagreementSample { labelled: 0, failures: 0, ..new_only };
/// assert!(compare(200_000, old_only, unlabelled, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Stratified difference: Cochran, *Sampling Techniques* (1977), chapter 5. Exact intervals:
/// Bonferroni over both strata, hypergeometric for the frame, Clopper-Pearson for the population.
pub fn compare(
    frame: u64,
    old_only: DisagreementSample,
    new_only: DisagreementSample,
    confidence: f64,
) -> Result<DisagreementComparison, StatsError> {
    let alpha = alpha_of(confidence)?;
    if frame == 0 {
        return Err(StatsError::Empty {
            what: "the frame of completions",
        });
    }
    old_only.check(0)?;
    new_only.check(1)?;
    let disagreements = old_only.size.checked_add(new_only.size);
    if disagreements.is_none_or(|d| d > frame) {
        return Err(StatsError::OutOfRange {
            what: "the number of disagreements",
            value: old_only.size as f64 + new_only.size as f64,
            allowed: "at most the frame",
        });
    }
    // Two strata, two sides.
    let tail = alpha / 4.0;
    let size = frame as f64;
    let value =
        (old_only.size as f64 * old_only.rate() - new_only.size as f64 * new_only.rate()) / size;
    let n = old_only.labelled + new_only.labelled;
    let exact = |(old, new): ((f64, f64), (f64, f64)), method: &str| IntervalEstimate {
        value: Some(value),
        lower: old.0 - new.1,
        upper: old.1 - new.0,
        confidence,
        method: method.to_owned(),
        n,
    };
    let strata = [old_only, new_only];
    let finite = strata.map(|s| {
        let (lower, upper) = marked_ends(s.failures, s.labelled, s.size, tail);
        (lower as f64 / size, upper as f64 / size)
    });
    let infinite = strata.map(|s| {
        let rate = exact_ends(
            s.failures as f64,
            s.labelled as f64,
            tail * (1.0 - PART_FOR_SHARES),
        );
        let share = exact_ends(s.size as f64, size, tail * PART_FOR_SHARES);
        // Without disagreements there are no labels, and nothing but the share bounds the leak.
        let rate = if s.labelled == 0 { (0.0, 1.0) } else { rate };
        (share.0 * rate.0, share.1 * rate.1)
    });
    let rarer = strata
        .iter()
        .filter(|s| s.labelled < s.size)
        .map(|s| s.rarer())
        .min();
    let normal = |name: &str, correction: bool, rarer: Option<u64>| {
        let variance: f64 = strata
            .iter()
            .map(|s| {
                let fraction = s.labelled as f64 / (s.size as f64).max(1.0);
                let kept = if correction { 1.0 - fraction } else { 1.0 };
                (s.size as f64 / size).powi(2) * s.variance() * kept
            })
            .sum();
        let standard_error = wald::standard_error(variance, 0.0);
        let interval = standard_error
            .map(|se| {
                let method = wald::method(name, rarer.unwrap_or(0) as f64, COVERED);
                wald::interval(value, se, (-1.0, 1.0), confidence, method, n)
            })
            .transpose();
        interval.map(|normal| (normal.flatten(), standard_error))
    };
    let (frame_normal, frame_se) = normal("normal with finite population correction", true, rarer)?;
    let everywhere = strata
        .iter()
        .filter(|s| s.size > 0)
        .map(|s| s.rarer())
        .min();
    let (population_normal, population_se) = normal(
        "normal, shares of disagreement taken as known",
        false,
        everywhere,
    )?;
    Ok(DisagreementComparison {
        frame: LeakDifference {
            exact: exact(
                (finite[0], finite[1]),
                "Bonferroni over two hypergeometric intervals (guaranteed, conservative)",
            ),
            normal: frame_normal,
            standard_error: frame_se,
        },
        population: LeakDifference {
            exact: exact(
                (infinite[0], infinite[1]),
                "Bonferroni over Clopper-Pearson intervals of rates and shares (guaranteed, conservative)",
            ),
            normal: population_normal,
            standard_error: population_se,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn sample(size: u64, labelled: u64, failures: u64) -> DisagreementSample {
        DisagreementSample {
            size,
            labelled,
            failures,
        }
    }

    #[test]
    fn the_worked_example() {
        let c = compare(200_000, sample(3000, 600, 9), sample(2500, 500, 2), 0.95).unwrap();
        assert!((c.population.exact.value.unwrap() - 1.75e-4).abs() < 1e-15);
        assert!((c.population.standard_error.unwrap() - 8.244616e-5).abs() < 5e-12);
        assert!((c.frame.standard_error.unwrap() - 7.374209e-5).abs() < 5e-12);
        let normal = c.population.normal.unwrap();
        assert!((normal.lower - 1.34e-5).abs() < 5e-8, "{normal:?}");
        assert!((normal.upper - 3.366e-4).abs() < 5e-8);
        assert!(normal.method.contains("not to be trusted"));
        // Hypergeometric ends from scipy: (21, 86) and (2, 37) failing of 200,000.
        assert!((c.frame.exact.lower + 8e-5).abs() < 1e-15);
        assert!((c.frame.exact.upper - 4.2e-4).abs() < 1e-15);
        // With known shares Bonferroni-Clopper-Pearson gives (−1.1043e-4, 4.5174e-4).
        let exact = c.population.exact;
        assert!(
            -1.4e-4 < exact.lower && exact.lower < -1.1042854e-4,
            "{exact:?}"
        );
        assert!(
            4.5173950e-4 < exact.upper && exact.upper < 5.0e-4,
            "{exact:?}"
        );
    }

    #[test]
    fn without_failures_only_the_exact_intervals_remain() {
        let c = compare(10_000, sample(300, 50, 0), sample(200, 40, 0), 0.95).unwrap();
        for d in [&c.frame, &c.population] {
            assert_eq!((d.standard_error, &d.normal), (None, &None));
            assert!(d.exact.lower < -1e-3 && d.exact.upper > 1e-3, "{d:?}");
        }
        let one_sided = compare(10_000, sample(300, 50, 12), sample(200, 40, 0), 0.95).unwrap();
        let normal = one_sided.population.normal.unwrap();
        assert!(normal.method.contains("not to be trusted"), "{normal:?}");
    }

    #[test]
    fn every_disagreement_labelled_is_certain_for_the_frame_only() {
        let c = compare(1000, sample(30, 30, 3), sample(20, 20, 1), 0.95).unwrap();
        assert_eq!((c.frame.exact.lower, c.frame.exact.upper), (0.002, 0.002));
        assert!(c.population.exact.lower < 0.0 && c.population.exact.upper > 0.005);
        let agree = compare(1000, sample(0, 0, 0), sample(0, 0, 0), 0.95).unwrap();
        assert_eq!(
            (agree.frame.exact.lower, agree.frame.exact.upper),
            (0.0, 0.0)
        );
        let upper = agree.population.exact.upper;
        assert!(upper > 0.005 && upper < 0.01, "{upper}");
    }

    #[test]
    fn swapping_the_classifiers_mirrors_and_intervals_nest() {
        let (a, b) = (sample(300, 100, 12), sample(500, 150, 11));
        let (forward, backward) = (
            compare(9000, a, b, 0.9).unwrap(),
            compare(9000, b, a, 0.9).unwrap(),
        );
        assert_eq!(forward.frame.exact.lower, -backward.frame.exact.upper);
        assert_eq!(
            forward.population.exact.lower,
            -backward.population.exact.upper
        );
        assert!(
            !forward
                .frame
                .normal
                .unwrap()
                .method
                .contains("not to be trusted")
        );
        let wide = compare(9000, a, b, 0.99).unwrap();
        for (n, w) in [
            (&forward.frame.exact, &wide.frame.exact),
            (&forward.population.exact, &wide.population.exact),
        ] {
            assert!(w.lower <= n.lower && n.upper <= w.upper);
        }
    }

    #[test]
    fn exact_intervals_hold_the_difference() {
        // Population: 5 % old only with rate 0.1, 3 % new only with rate 0.02.
        let truth = 0.05 * 0.1 - 0.03 * 0.02;
        let (mut held_population, mut held_frame) = (0, 0);
        for run in 0..300 {
            let mut stream = Stream::new(17, run);
            let (mut failing, mut sizes) = ([0_u64; 2], [0_u64; 2]);
            let mut labelled = [(0_u64, 0_u64); 2];
            for _ in 0..2000 {
                let u = stream.unit();
                let stratum = usize::from(u >= 0.05);
                if u < 0.08 {
                    let fails = stream.unit() < [0.1, 0.02][stratum];
                    sizes[stratum] += 1;
                    failing[stratum] += u64::from(fails);
                    // The first forty in random order are a simple random sample.
                    if labelled[stratum].0 < 40 {
                        labelled[stratum].0 += 1;
                        labelled[stratum].1 += u64::from(fails);
                    }
                }
            }
            let [old, new] = [0, 1].map(|s| sample(sizes[s], labelled[s].0, labelled[s].1));
            let c = compare(2000, old, new, 0.9).unwrap();
            let own = (failing[0] as f64 - failing[1] as f64) / 2000.0;
            let holds = |d: &IntervalEstimate, t: f64| d.lower <= t + 1e-12 && t <= d.upper + 1e-12;
            held_population += u32::from(holds(&c.population.exact, truth));
            held_frame += u32::from(holds(&c.frame.exact, own));
        }
        assert!(held_population >= 270, "{held_population}");
        assert!(held_frame >= 270, "{held_frame}");
    }

    #[test]
    fn bad_counts_are_refused() {
        let fine = sample(10, 5, 1);
        for (frame, old, new) in [
            (100, sample(10, 11, 1), fine),
            (100, fine, sample(10, 5, 6)),
            (100, sample(10, 0, 0), fine),
            (15, fine, fine),
            (0, sample(0, 0, 0), sample(0, 0, 0)),
        ] {
            assert!(
                compare(frame, old, new, 0.95).is_err(),
                "{frame} {old:?} {new:?}"
            );
        }
        let error = compare(100, fine, sample(10, 0, 0), 0.95).unwrap_err();
        assert!(error.to_string().contains("item 1 is 0"), "{error}");
        assert!(compare(100, fine, fine, 0.0).is_err());
    }
}
