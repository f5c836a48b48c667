//! How often the approximate intervals hold the truth, by simulation with fixed seeds. The bounds
//! are what their documentation claims.

use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::interval::{FamilyCount, clopper_pearson, clustered_proportion};
use nines_stats::normal;
use nines_stats::random::Stream;
use nines_stats::ranking::{RankingMetric, RankingSample, paired_difference};

/// Prompt families of normal scores: a family effect, plus `shift` for catastrophes.
struct World {
    with_positive: usize,
    without: usize,
    shift: f64,
    family_spread: f64,
}

impl World {
    /// Scores, labels and families: one of each class in the first families, two safe ones in the
    /// others.
    fn draw(&self, stream: &mut Stream) -> (Vec<f64>, Vec<bool>, Vec<u64>) {
        let (mut scores, mut positive, mut families) = (vec![], vec![], vec![]);
        for family in 0..self.with_positive + self.without {
            let effect = self.family_spread * stream.normal();
            for item in 0..2 {
                let hurt = item == 0 && family < self.with_positive;
                scores.push(effect + stream.normal() + if hurt { self.shift } else { 0.0 });
                positive.push(hurt);
                families.push(family as u64);
            }
        }
        (scores, positive, families)
    }

    fn auroc(&self) -> f64 {
        let sd = (2.0 * (1.0 + self.family_spread.powi(2))).sqrt();
        normal::ln_cdf(self.shift / sd).exp()
    }
}

const QUICK: Bootstrap = Bootstrap {
    resamples: 200,
    seed: 1,
    confidence: 0.95,
};

#[test]
fn auroc_intervals_hold_the_truth_as_often_as_documented() {
    for (with_positive, without, shift) in [
        (5, 100, 1.2),
        (5, 100, 2.5),
        (12, 100, 2.5),
        (40, 100, 1.2),
        (40, 100, 2.5),
    ] {
        let world = World {
            with_positive,
            without,
            shift,
            family_spread: 0.5,
        };
        let repeats = 400;
        let mut stream = Stream::new(17, with_positive as u64);
        let held = (0..repeats)
            .filter(|_| {
                let (scores, positive, families) = world.draw(&mut stream);
                let sample = RankingSample::new(&scores, &positive, &families).expect("classes");
                let e = sample
                    .estimate(RankingMetric::Auroc, &QUICK)
                    .expect("valid");
                e.lower <= world.auroc() && world.auroc() <= e.upper
            })
            .count();
        let coverage = held as f64 / f64::from(repeats);
        println!(
            "AUROC {:.3}, {with_positive} families: {coverage}",
            world.auroc()
        );
        assert!(coverage >= 0.91, "{with_positive} {shift}: {coverage}");
    }
}

#[test]
fn paired_differences_hold_zero_as_often_as_documented() {
    let world = World {
        with_positive: 20,
        without: 60,
        shift: 1.2,
        family_spread: 0.5,
    };
    let mut stream = Stream::new(5, 0);
    let repeats = 400;
    let held = (0..repeats)
        .filter(|_| {
            let (base, positive, families) = world.draw(&mut stream);
            let noisy = |stream: &mut Stream| {
                let scores: Vec<f64> = base.iter().map(|s| s + 0.5 * stream.normal()).collect();
                RankingSample::new(&scores, &positive, &families).expect("classes")
            };
            let (first, second) = (noisy(&mut stream), noisy(&mut stream));
            let e =
                paired_difference(&first, &second, RankingMetric::Auroc, &QUICK).expect("families");
            e.lower <= 0.0 && 0.0 <= e.upper
        })
        .count();
    let coverage = held as f64 / f64::from(repeats);
    println!("paired difference: {coverage}");
    assert!((0.92..=0.99).contains(&coverage), "{coverage}");
}

#[test]
fn recall_at_an_acceptance_counts_the_thresholds_own_uncertainty() {
    // Uniform reference scores and positives squared towards 1: recall at acceptance a is 1 − a².
    let (acceptance, repeats) = (0.8, 400);
    for (positives, references) in [(20, 80), (85, 80), (85, 550)] {
        let truth = 1.0 - acceptance * acceptance;
        let mut stream = Stream::new(23, positives);
        let held = (0..repeats)
            .filter(|_| {
                let hurt: Vec<f64> = (0..positives).map(|_| stream.unit().sqrt()).collect();
                let random: Vec<f64> = (0..references).map(|_| stream.unit()).collect();
                let hurt_families: Vec<u64> = (0..positives).collect();
                let random_families: Vec<u64> = (1000..1000 + references).collect();
                let e = recall_at_acceptance(
                    &FamilyScores::new("injuries", &hurt, &hurt_families).expect("valid"),
                    &FamilyScores::new("random", &random, &random_families).expect("valid"),
                    acceptance,
                    &QUICK,
                )
                .expect("valid")
                .recall;
                e.lower <= truth && truth <= e.upper
            })
            .count();
        let coverage = held as f64 / f64::from(repeats);
        println!("recall at 0.8, {positives} injuries, {references} random: {coverage}");
        assert!(coverage >= 0.92, "{positives} {references}: {coverage}");
    }
}

#[test]
fn clustered_proportions_hold_the_truth_where_naive_ones_do_not() {
    // Each prompt has its own acceptance, uniform on (0, 1); ten draws each: the mean is ½.
    let (prompts, draws, repeats) = (30, 10, 1000);
    let mut stream = Stream::new(3, 0);
    let (mut clustered, mut naive) = (0, 0);
    for _ in 0..repeats {
        let families: Vec<FamilyCount> = (0..prompts)
            .map(|_| {
                let p = stream.unit();
                let successes = (0..draws).filter(|_| stream.unit() < p).count() as u64;
                FamilyCount {
                    successes,
                    trials: draws,
                }
            })
            .collect();
        let total = families.iter().map(|f| f.successes).sum();
        let holds = |lower: f64, upper: f64| u32::from(lower <= 0.5 && 0.5 <= upper);
        let e = clustered_proportion(&families, 0.95).expect("valid");
        clustered += holds(e.lower, e.upper);
        let e = clopper_pearson(total, prompts * draws, 0.95).expect("valid");
        naive += holds(e.lower, e.upper);
    }
    let share = |count| f64::from(count) / f64::from(repeats);
    println!("clustered {}, naive {}", share(clustered), share(naive));
    assert!(share(clustered) >= 0.94, "{}", share(clustered));
    assert!(share(naive) < 0.85, "{}", share(naive));
}
