//! Quality: rated pairs, several pairs of a prompt, prompts from the wrong distribution, raters.

use super::Section;
use super::chance::{Counts, Wheel, happens};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet, stated};
use nines_stats::StatsError;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::quality::{
    Pair, PairOutcome, Population, Preference, Presentation, PromptKind, RaterPair, Rating,
    RejectionRate, WeightedPair, bootstrap_interval, corrected_for_noise, hajek, horvitz_thompson,
    known_rejection, position_bias, skip_pairs, two_way_interval, with_missing_mass,
};
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for world in WORLDS {
        for prompts in [100, 300, 1_000] {
            rows.extend(rated(plan, &world, prompts));
        }
    }
    for prompts in [30, 100, 300] {
        rows.extend(several(plan, prompts));
    }
    for raters in [3, 10, 30] {
        rows.extend(tastes(plan, raters));
    }
    for ratings in [100, 1_000] {
        // A mixture that does not add up would show as a family without rows.
        rows.extend(repaired(plan, ratings).unwrap_or_default());
    }
    Section {
        title: "Quality",
        words: "Pairs of an unfiltered and a filtered completion; only those whose unfiltered completion was \
            rejected are rated. Single pairs; three pairs of a prompt whose prompts differ; raters with tastes \
            of their own (1,000 prompts; the truth is that of all raters); prompts drawn from the wrong \
            distribution.",
        rows,
    }
}

/// What pairs are like.
struct World {
    words: &'static str,
    rejected: f64,
    tied: f64,
    /// How often the filtered completion wins a decided pair.
    won: f64,
}

const WORLDS: [World; 4] = [
    World {
        words: "a tenth rejected, no ties",
        rejected: 0.1,
        tied: 0.0,
        won: 0.45,
    },
    World {
        words: "40 % rejected, a fifth of them tied",
        rejected: 0.4,
        tied: 0.2,
        won: 0.45,
    },
    World {
        words: "40 % rejected, nine of ten tied",
        rejected: 0.4,
        tied: 0.9,
        won: 0.5,
    },
    World {
        words: "a tenth rejected, the filtered one nearly always wins",
        rejected: 0.1,
        tied: 0.0,
        won: 0.98,
    },
];

fn preference(tied: f64, won: f64, stream: &mut Stream) -> Preference {
    if happens(tied, stream) {
        Preference::Tie
    } else if happens(won, stream) {
        Preference::Filtered
    } else {
        Preference::Unfiltered
    }
}

fn outcome(rejected: f64, tied: f64, won: f64, stream: &mut Stream) -> PairOutcome {
    if happens(rejected, stream) {
        PairOutcome::Rated(preference(tied, won, stream))
    } else {
        PairOutcome::Accepted
    }
}

fn flipped(outcome: PairOutcome) -> PairOutcome {
    match outcome {
        PairOutcome::Rated(Preference::Filtered) => PairOutcome::Rated(Preference::Unfiltered),
        PairOutcome::Rated(Preference::Unfiltered) => PairOutcome::Rated(Preference::Filtered),
        other => other,
    }
}

fn resampling(seed: u64, confidence: f64) -> Bootstrap {
    Bootstrap {
        resamples: 200,
        seed,
        confidence,
    }
}

fn rated(plan: &Plan, world: &World, prompts: u64) -> Vec<Row> {
    let World {
        rejected,
        tied,
        won,
        ..
    } = *world;
    let quality = 0.5 + rejected * (1.0 - tied) * (won - 0.5);
    let pool = Counts::binomial(5_000, rejected);
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let pairs: Vec<Pair> = (0..prompts)
            .map(|prompt| Pair {
                prompt,
                outcome: outcome(rejected, tied, won, stream),
            })
            .collect();
        let skip = |c: f64| skip_pairs(&pairs, c).ok();
        sheet.record("skip_pairs: guaranteed", Rule::Word, quality, |c| {
            Some(skip(c)?.guaranteed)
        });
        sheet.record("skip_pairs: normal", stated(0.93), quality, |c| {
            skip(c)?.normal
        });
        let seed = stream.bits();
        sheet.record("bootstrap_interval", Rule::Word, quality, |c| {
            bootstrap_interval(&pairs, &resampling(seed, c)).ok()?
        });
        // Ratings of which a tenth says the opposite.
        let noisy: Vec<Pair> = pairs
            .iter()
            .map(|pair| Pair {
                outcome: if happens(0.1, stream) {
                    flipped(pair.outcome)
                } else {
                    pair.outcome
                },
                ..*pair
            })
            .collect();
        sheet.record(
            "corrected_for_noise, of skip_pairs: guaranteed",
            Rule::Word,
            quality,
            |c| corrected_for_noise(&skip_pairs(&noisy, c).ok()?.guaranteed, 0.1).ok(),
        );
        let ratings: Vec<Rating> = (0..prompts)
            .map(|prompt| Rating {
                prompt,
                preference: preference(tied, won, stream),
            })
            .collect();
        let rate = RejectionRate::Pool {
            rejected: pool.draw(stream),
            draws: 5_000,
        };
        let known = |c: f64| known_rejection(&ratings, rate, c).ok();
        sheet.record("known_rejection: guaranteed", Rule::Word, quality, |c| {
            Some(known(c)?.guaranteed)
        });
        sheet.record("known_rejection: normal", stated(0.94), quality, |c| {
            known(c)?.normal
        });
        let shown: Vec<Presentation> = ratings
            .iter()
            .map(|r| Presentation {
                filtered_left: happens(0.5, stream),
                preference: r.preference,
            })
            .collect();
        sheet.record("position_bias: left_wins", Rule::Word, 0.5, |c| {
            Some(position_bias(&shown, c).ok()?.left_wins)
        });
    };
    plan.simulate(world.words, prompts, plan.size(300, 4_000), experiment)
}

/// Three pairs of a prompt, whose prompts differ in rejections and preferences.
fn several(plan: &Plan, prompts: u64) -> Vec<Row> {
    let kinds = [(0.8, 0.05, 0.5), (0.2, 0.7, 0.3)];
    let quality: f64 = 0.5
        + kinds
            .iter()
            .map(|(share, rejected, won)| share * rejected * (won - 0.5))
            .sum::<f64>();
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let mut pairs = Vec::new();
        for prompt in 0..prompts {
            let (_, rejected, won) = kinds[usize::from(!happens(kinds[0].0, stream))];
            pairs.extend((0..3).map(|_| Pair {
                prompt,
                outcome: outcome(rejected, 0.1, won, stream),
            }));
        }
        // Ties shrink what the kinds add by a tenth.
        let truth = 0.5 + 0.9 * (quality - 0.5);
        let skip = |c: f64| skip_pairs(&pairs, c).ok();
        sheet.record("skip_pairs: guaranteed", Rule::Word, truth, |c| {
            Some(skip(c)?.guaranteed)
        });
        sheet.record("skip_pairs: normal", stated(0.93), truth, |c| {
            skip(c)?.normal
        });
        let seed = stream.bits();
        sheet.record("bootstrap_interval", Rule::Word, truth, |c| {
            bootstrap_interval(&pairs, &resampling(seed, c)).ok()?
        });
    };
    plan.simulate(
        "three pairs of each prompt",
        prompts,
        plan.size(300, 4_000),
        experiment,
    )
}

/// Raters who like or dislike filtered completions, each in their own way.
fn tastes(plan: &Plan, raters: u64) -> Vec<Row> {
    let (rejected, won) = (0.4, 0.45);
    let truth = 0.5 + rejected * (won - 0.5);
    let for_these = if raters <= 10 {
        Rule::Broken
    } else {
        Rule::Shown
    };
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let taste: Vec<f64> = (0..raters)
            .map(|_| won + 0.4 * (stream.unit() - 0.5))
            .collect();
        let pairs: Vec<RaterPair> = (0..1_000)
            .map(|prompt| {
                let rater = stream.below(taste.len());
                RaterPair {
                    prompt,
                    rater: rater as u64,
                    outcome: outcome(rejected, 0.0, taste[rater], stream),
                }
            })
            .collect();
        let plain: Vec<Pair> = pairs
            .iter()
            .map(|p| Pair {
                prompt: p.prompt,
                outcome: p.outcome,
            })
            .collect();
        sheet.record("two_way_interval", stated(0.94), truth, |c| {
            two_way_interval(&pairs, c).ok()?
        });
        sheet.record(
            "skip_pairs: normal, as if of all raters",
            for_these,
            truth,
            |c| skip_pairs(&plain, c).ok()?.normal,
        );
    };
    plan.simulate(
        "raters with tastes of their own",
        raters,
        plan.size(300, 4_000),
        experiment,
    )
}

const KINDS: [PromptKind; 3] = [
    PromptKind {
        share: 0.9,
        acceptance: 0.98,
        preferred: 0.45,
    },
    PromptKind {
        share: 0.09,
        acceptance: 0.2,
        preferred: 0.3,
    },
    PromptKind {
        share: 0.01,
        acceptance: 0.1,
        preferred: 0.2,
    },
];

/// Ratings of prompts from another distribution, which never holds the last kind.
fn repaired(plan: &Plan, ratings: u64) -> Result<Vec<Row>, StatsError> {
    let proposal = [0.5, 0.5];
    let population = Population::new(&KINDS)?;
    let quality = population.quality();
    let rejected = |k: &PromptKind| k.share * (1.0 - k.acceptance);
    let missed = rejected(&KINDS[2]);
    let covered = quality - missed * (KINDS[2].preferred - 0.5);
    let rate = population.rejection_rate() - missed;
    let wheel = Wheel::new(&proposal);
    let pool = Counts::binomial(10_000, rate);
    let weights = [0, 1].map(|i| rejected(&KINDS[i]) / proposal[i]);
    let largest = weights[0].max(weights[1]);
    let naive = if ratings >= 1_000 {
        Rule::Broken
    } else {
        Rule::Shown
    };
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let drawn: Vec<(usize, Preference)> = (0..ratings)
            .map(|_| {
                let kind = wheel.draw(stream);
                (kind, preference(0.0, KINDS[kind].preferred, stream))
            })
            .collect();
        let pairs: Vec<WeightedPair> = drawn
            .iter()
            .map(|&(kind, preference)| WeightedPair {
                weight: weights[kind],
                outcome: PairOutcome::Rated(preference),
            })
            .collect();
        let ht = |c: f64| Some(horvitz_thompson(&pairs, Some(largest), c).ok()?.quality);
        sheet.record(
            "quality::horvitz_thompson: guaranteed",
            Rule::Word,
            covered,
            |c| Some(ht(c)?.guaranteed),
        );
        sheet.record(
            "quality::horvitz_thompson: normal",
            stated(0.95),
            covered,
            |c| ht(c)?.normal,
        );
        sheet.record(
            "with_missing_mass, of quality::horvitz_thompson",
            Rule::Word,
            quality,
            |c| with_missing_mass(&ht(c)?.guaranteed, missed).ok(),
        );
        let estimated = RejectionRate::Pool {
            rejected: pool.draw(stream),
            draws: 10_000,
        };
        let ratio = |c: f64| Some(hajek(&pairs, estimated, Some(largest), c).ok()?.quality);
        sheet.record("quality::hajek: guaranteed", Rule::Word, covered, |c| {
            Some(ratio(c)?.guaranteed)
        });
        sheet.record("quality::hajek: normal", stated(0.94), covered, |c| {
            ratio(c)?.normal
        });
        let unweighted: Vec<Rating> = (0..)
            .zip(&drawn)
            .map(|(prompt, &(_, preference))| Rating { prompt, preference })
            .collect();
        sheet.record(
            "known_rejection: guaranteed, on the wrong prompts",
            naive,
            covered,
            |c| {
                Some(
                    known_rejection(&unweighted, RejectionRate::Known(rate), c)
                        .ok()?
                        .guaranteed,
                )
            },
        );
    };
    Ok(plan.simulate(
        "prompts drawn from the wrong distribution",
        ratings,
        plan.size(500, 5_000),
        experiment,
    ))
}
