//! Trainings with several seeds: what they reach and gain for other prompts and other seeds.

use super::Section;
use super::chance::happens;
use super::plan::Plan;
use super::tally::{Row, Sheet, stated};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::normal;
use nines_stats::random::Stream;
use nines_stats::ranking::RankingMetric;
use nines_stats::trainings::{Items, Quantity, Scored, share, share_gain};

/// The share of random completions that is accepted where recall is read.
const ACCEPTANCE: f64 = 0.8;

const AUROC: Quantity = Quantity::Ranking(RankingMetric::Auroc);
const RECALL: Quantity = Quantity::RecallAt(ACCEPTANCE);

/// How much the prompt decides of a score, beside a deviation of 1 that the item and the seed decide.
const PROMPT: f64 = 0.7;

/// How much higher the better and the poorer way of training score catastrophes.
const LIFTS: (f64, f64) = (1.3, 1.0);

/// Prompts and seeds of one setting.
#[derive(Debug, Clone, Copy)]
struct World {
    /// Prompt families.
    families: u64,
    /// Families with a catastrophe.
    hurt: u64,
    /// Families with two random completions.
    random: u64,
    /// Seeds of each way of training.
    seeds: u64,
    /// The deviation of what a seed adds to the score of catastrophes.
    spread: f64,
}

impl World {
    const USUAL: Self = Self {
        families: 100,
        hurt: 100,
        random: 100,
        seeds: 3,
        spread: 0.2,
    };

    fn words(self) -> String {
        format!(
            "{} families, {} with catastrophes, {} with random completions; seeds: {}, of deviation {}",
            self.families, self.hurt, self.random, self.seeds, self.spread
        )
    }

    /// Four items a family: a catastrophe, a safe one, and two that are random completions.
    fn items(self) -> Option<Items> {
        let rows = || (0..4 * self.families).map(|i| (i / 4, i % 4));
        let positive: Vec<bool> = rows().map(|(f, i)| i == 0 && f < self.hurt).collect();
        // Those with random completions are the last ones, so that few of either kind lie apart.
        let first = self.families - self.random;
        let random: Vec<bool> = rows().map(|(f, i)| i > 1 && f >= first).collect();
        let families: Vec<u64> = rows().map(|(f, _)| f).collect();
        Items::new(&positive, &random, &families).ok()
    }

    /// Scores of one way of training: of each item, seed after seed.
    fn scored(
        self,
        items: &Items,
        lift: f64,
        prompts: &[f64],
        stream: &mut Stream,
    ) -> Option<Vec<Scored>> {
        let seed = |stream: &mut Stream| {
            let quality = lift + self.spread * stream.normal();
            let scores: Vec<f64> = (0..4 * self.families)
                .map(|i| {
                    let (family, item) = (i / 4, i % 4);
                    let hurt = item == 0 && family < self.hurt;
                    let signal = if hurt { quality } else { 0.0 };
                    signal + PROMPT * prompts[family as usize] + stream.normal()
                })
                .collect();
            items.scored(&scores).ok()
        };
        (0..self.seeds).map(|_| seed(stream)).collect()
    }

    /// What a way of training reaches on average over seeds, with any number of prompts.
    fn truth(self, quantity: Quantity, lift: f64) -> Option<f64> {
        let of_item = 1.0 + PROMPT.powi(2);
        let (distance, variance) = match quantity {
            Quantity::RecallAt(acceptance) => {
                let threshold = normal::quantile(acceptance).ok()? * of_item.sqrt();
                (lift - threshold, of_item)
            }
            Quantity::Ranking(_) => (lift, 2.0 * of_item),
        };
        let deviation = (variance + self.spread.powi(2)).sqrt();
        Some(normal::ln_cdf(distance / deviation).exp())
    }

    fn record(
        self,
        quantity: Quantity,
        names: (&'static str, &'static str),
        figure: f64,
        (stream, sheet): (&mut Stream, &mut Sheet),
    ) -> Option<()> {
        let items = self.items()?;
        let prompts: Vec<f64> = (0..self.families).map(|_| stream.normal()).collect();
        let better = self.scored(&items, LIFTS.0, &prompts, stream)?;
        let poorer = self.scored(&items, LIFTS.1, &prompts, stream)?;
        let high = self.truth(quantity, LIFTS.0)?;
        let low = self.truth(quantity, LIFTS.1)?;
        let seed = stream.bits();
        sheet.record(names.0, stated(figure), high, |c| {
            let found = items.reached(&better, quantity, &resampling(seed, c));
            found.ok()
        });
        sheet.record(names.1, stated(figure), high - low, |c| {
            let found = items.gain(&better, &poorer, quantity, &resampling(seed, c));
            found.ok()
        });
        Some(())
    }
}

fn resampling(seed: u64, confidence: f64) -> Bootstrap {
    Bootstrap {
        resamples: 200,
        seed,
        confidence,
    }
}

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for (seeds, spread) in [(1, 0.0), (3, 0.0), (3, 0.2), (5, 0.2)] {
        let world = World {
            seeds,
            spread,
            ..World::USUAL
        };
        rows.extend(ranked(plan, world));
    }
    let few = |hurt, random| World {
        hurt,
        random,
        ..World::USUAL
    };
    for world in [
        few(100, 5),
        few(100, 8),
        few(100, 12),
        few(100, 30),
        few(5, 100),
        few(12, 100),
        World {
            seeds: 1,
            spread: 0.0,
            ..few(100, 5)
        },
        World {
            seeds: 1,
            spread: 0.0,
            ..World::USUAL
        },
        World::USUAL,
    ] {
        rows.extend(recalled(plan, world));
    }
    for (starts, seeds) in [(10, 3), (50, 1), (50, 3)] {
        rows.extend(survived(plan, starts, seeds));
    }
    Section {
        title: "Trainings with several seeds",
        words: "Two ways of training scored on the same prompts, 200 resamples: what the better one reaches and what it \
            gains, in AUROC, in recall at an acceptance of 0.8, and in the share of starts that survive. Scores have a \
            part of the prompt, of the seed and of the item; the truth is that of any number of prompts and seeds (of prompts alone \
            with one seed). n is the number of families of the rarer kind.",
        rows,
    }
}

fn ranked(plan: &Plan, world: World) -> Vec<Row> {
    let names = ("trainings: AUROC reached", "trainings: AUROC gained");
    plan.simulate(
        &world.words(),
        world.hurt,
        plan.size(60, 2_000),
        |stream, sheet| {
            world.record(AUROC, names, 0.94, (stream, sheet));
        },
    )
}

fn recalled(plan: &Plan, world: World) -> Vec<Row> {
    let names = ("trainings: recall reached", "trainings: recall gained");
    plan.simulate(
        &world.words(),
        world.hurt.min(world.random),
        plan.size(60, 2_000),
        |stream, sheet| {
            world.record(RECALL, names, 0.94, (stream, sheet));
        },
    )
}

/// Each start survives with a probability that start and seed decide.
fn survived(plan: &Plan, starts: u64, seeds: u64) -> Vec<Row> {
    let setting = format!("starts of different families; seeds: {seeds}");
    let between = |low: f64, high: f64, stream: &mut Stream| low + (high - low) * stream.unit();
    plan.simulate(&setting, starts, plan.size(60, 4_000), |stream, sheet| {
        let families: Vec<u64> = (0..starts).collect();
        let chances: Vec<f64> = families.iter().map(|_| between(0.2, 0.6, stream)).collect();
        let mut held = |lift: f64| -> Vec<Vec<bool>> {
            (0..seeds)
                .map(|_| {
                    let own = match seeds {
                        1 => 0.0,
                        _ => between(-0.1, 0.1, stream),
                    };
                    let of = chances.iter();
                    of.map(|p| happens(p + own + lift, stream)).collect()
                })
                .collect()
        };
        let (better, poorer) = (held(0.2), held(0.0));
        let seed = stream.bits();
        sheet.record("trainings: share", stated(0.94), 0.6, |c| {
            share(&better, &families, &resampling(seed, c)).ok()
        });
        sheet.record("trainings: share gained", stated(0.94), 0.2, |c| {
            share_gain(&better, &poorer, &families, &resampling(seed, c)).ok()
        });
    })
}
