//! Labels drawn where failures are likely: importance sampling, Poisson sampling, active testing.

use super::Section;
use super::chance::{Wheel, happens};
use super::plan::Plan;
use super::tally::{AtEach, Row, Rule, Sheet, or_zero};
use nines_stats::StatsError;
use nines_stats::active_testing::lure;
use nines_stats::importance::{
    Draw, ImportanceEstimate, Proposal, defensive_mixture, hajek, hansen_hurwitz, horvitz_thompson,
    optimal_probabilities,
};
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for frame in FRAMES {
        // Frames that the crate refuses would show as a family without rows.
        rows.extend(importance(plan, &frame).unwrap_or_default());
        rows.extend(poisson(plan, &frame).unwrap_or_default());
    }
    for labels in [20, 80] {
        rows.extend(active(plan, 30, labels));
    }
    rows.extend(active(plan, 2, 80));
    Section {
        title: "Weighted labels",
        words: "A frame of items with a guess of each item's risk, and draws in proportion to its square root, \
            mixed with a share of uniform ones. The truth is the frame's own failure rate. \"When trusted\" \
            counts only repetitions in which the estimate calls its normal interval trustworthy. Active \
            testing: 200 items, a uniform share of 0.3, a fifth of the items with a wrong guess.",
        rows,
    }
}

/// A frame of items, of which the first fail.
struct Frame {
    words: &'static str,
    items: usize,
    failing: usize,
    /// How many failing items are guessed to be safe.
    overlooked: usize,
    /// How many items that do not fail are guessed to be risky.
    suspected: usize,
    /// The share of uniform draws; 1 makes all weights equal.
    uniform: f64,
    labels: u64,
    /// What becomes of the normal intervals.
    normal: Rule,
    /// What becomes of them when no failure seen is taken for none.
    blind: Rule,
}

const FRAMES: [Frame; 5] = [
    Frame {
        words: "common failures, good guesses",
        items: 1_000,
        failing: 100,
        overlooked: 10,
        suspected: 100,
        uniform: 0.2,
        labels: 200,
        normal: Rule::Word,
        blind: Rule::Shown,
    },
    Frame {
        words: "common failures, uniform draws",
        items: 1_000,
        failing: 100,
        overlooked: 0,
        suspected: 0,
        uniform: 1.0,
        labels: 200,
        normal: Rule::Word,
        blind: Rule::Shown,
    },
    Frame {
        words: "rare failures, good guesses",
        items: 10_000,
        failing: 20,
        overlooked: 0,
        suspected: 200,
        uniform: 0.1,
        labels: 1_000,
        normal: Rule::Word,
        blind: Rule::Shown,
    },
    Frame {
        words: "rare failures, a quarter overlooked",
        items: 10_000,
        failing: 20,
        overlooked: 5,
        suspected: 200,
        uniform: 0.1,
        labels: 1_000,
        normal: Rule::Broken,
        blind: Rule::Shown,
    },
    Frame {
        words: "rare failures, all overlooked",
        items: 10_000,
        failing: 20,
        overlooked: 20,
        suspected: 200,
        uniform: 0.1,
        labels: 1_000,
        normal: Rule::Word,
        blind: Rule::Broken,
    },
];

impl Frame {
    fn truth(&self) -> f64 {
        self.failing as f64 / self.items as f64
    }

    fn fails(&self, item: usize) -> bool {
        item < self.failing
    }

    /// Draw probabilities: failing items first, the overlooked ones at the start.
    fn probabilities(&self) -> Result<Vec<f64>, StatsError> {
        let risks: Vec<f64> = (0..self.items)
            .map(|i| {
                let risky = (self.overlooked..self.failing + self.suspected).contains(&i);
                if risky { 0.3 } else { 1e-4 }
            })
            .collect();
        defensive_mixture(&optimal_probabilities(&risks)?, self.uniform)
    }
}

/// Enters the intervals of an estimate; names are of the estimator.
fn enter(
    names: [&'static str; 5],
    frame: &Frame,
    sheet: &mut Sheet,
    of: impl Fn(f64) -> Option<ImportanceEstimate>,
) {
    let truth = frame.truth();
    let found = AtEach::of(of);
    sheet.record(names[0], Rule::Word, truth, |c| {
        Some(found.at(c)?.guaranteed.clone())
    });
    sheet.record(names[1], Rule::Word, truth, |c| {
        Some(found.at(c)?.upper_bound.clone())
    });
    sheet.record(names[2], frame.normal, truth, |c| {
        found.at(c)?.normal.clone()
    });
    sheet.record(names[3], frame.normal, truth, |c| {
        let e = found.at(c)?;
        e.normal.clone().filter(|_| e.normal_trusted)
    });
    if frame.blind == Rule::Broken {
        sheet.record(names[4], Rule::Broken, truth, |c| {
            Some(or_zero(found.at(c)?.normal.clone(), c))
        });
    }
}

fn importance(plan: &Plan, frame: &Frame) -> Result<Vec<Row>, StatsError> {
    let probabilities = frame.probabilities()?;
    let proposal = Proposal::covering(&probabilities)?;
    let wheel = Wheel::new(&probabilities);
    let setting = format!("draws with replacement: {}", frame.words);
    Ok(plan.simulate(
        &setting,
        frame.labels,
        plan.size(500, 5_000),
        |stream, sheet| {
            let draws: Vec<Draw> = (0..frame.labels)
                .map(|_| {
                    let item = wheel.draw(stream);
                    Draw {
                        item,
                        failed: frame.fails(item),
                    }
                })
                .collect();
            enter(
                [
                    "hansen_hurwitz: guaranteed",
                    "hansen_hurwitz: upper_bound",
                    "hansen_hurwitz: normal",
                    "hansen_hurwitz: normal, when trusted",
                    "hansen_hurwitz: normal, or 0 without a failure",
                ],
                frame,
                sheet,
                |c| hansen_hurwitz(&proposal, &draws, c).ok(),
            );
            sheet.record("hajek: normal", frame.normal, frame.truth(), |c| {
                hajek(&proposal, &draws, c).ok()?.normal
            });
        },
    ))
}

fn poisson(plan: &Plan, frame: &Frame) -> Result<Vec<Row>, StatsError> {
    let labels = frame.labels as f64;
    let inclusion: Vec<f64> = frame
        .probabilities()?
        .iter()
        .map(|q| (labels * q).min(0.95))
        .collect();
    let setting = format!("a coin for each item: {}", frame.words);
    Ok(plan.simulate(
        &setting,
        frame.labels,
        plan.size(300, 4_000),
        |stream, sheet| {
            let seen: Vec<Option<bool>> = inclusion
                .iter()
                .enumerate()
                .map(|(i, &p)| happens(p, stream).then(|| frame.fails(i)))
                .collect();
            enter(
                [
                    "horvitz_thompson: guaranteed",
                    "horvitz_thompson: upper_bound",
                    "horvitz_thompson: normal",
                    "horvitz_thompson: normal, when trusted",
                    "horvitz_thompson: normal, or 0 without a failure",
                ],
                frame,
                sheet,
                |c| horvitz_thompson(&inclusion, &seen, c).ok(),
            );
        },
    ))
}

/// The pool for which active testing's documentation gives a figure, with 30 failing items.
fn active(plan: &Plan, failing: usize, labels: u64) -> Vec<Row> {
    let pool = 200_usize;
    let share = 0.3;
    let guess = |i: usize| if i % 5 != 4 && i < 60 { 0.5 } else { 0.02 };
    // Two failing items must be among those thought safe.
    let fails = |i: usize| {
        if failing == 30 {
            i < 30
        } else {
            i % 5 == 4 && i < 5 * failing
        }
    };
    let truth = failing as f64 / pool as f64;
    let normal = match (failing, labels) {
        (30, 80) => Rule::Figures([Some(0.79), None, None]),
        _ => Rule::Word,
    };
    let setting = format!("active testing, {failing} of 200 items fail");
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let mut left: Vec<usize> = (0..pool).collect();
        let (mut failed, mut chosen) = (Vec::new(), Vec::new());
        for _ in 0..labels {
            let total: f64 = left.iter().map(|&i| guess(i)).sum();
            let floor = share / left.len() as f64;
            let probability = |i: usize| (1.0 - share) * guess(i) / total + floor;
            let masses: Vec<f64> = left.iter().map(|&i| probability(i)).collect();
            let at = Wheel::new(&masses).draw(stream);
            chosen.push(masses[at]);
            failed.push(fails(left.swap_remove(at)));
        }
        let found = AtEach::of(|c| lure(pool as u64, &failed, &chosen, share, c).ok());
        sheet.record("lure: guaranteed", Rule::Word, truth, |c| {
            Some(found.at(c)?.guaranteed.clone())
        });
        sheet.record("lure: upper_bound", Rule::Word, truth, |c| {
            Some(found.at(c)?.upper_bound.clone())
        });
        sheet.record("lure: normal", normal, truth, |c| {
            found.at(c)?.normal.clone()
        });
        sheet.record("lure: normal, when trusted", Rule::Word, truth, |c| {
            let e = found.at(c)?;
            e.normal.clone().filter(|_| e.normal_trusted)
        });
        if failing < 30 {
            sheet.record(
                "lure: normal, or 0 without a failure",
                Rule::Broken,
                truth,
                |c| Some(or_zero(found.at(c)?.normal.clone(), c)),
            );
        }
    };
    plan.simulate(&setting, labels, plan.size(500, 5_000), experiment)
}
