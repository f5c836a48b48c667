//! The estimators of nines-stats in a world where the answer is known, with fixed seeds.

use nines_domain::label::Verdict;
use nines_stats::attack_time::{AttackSession, Exposure, find_rate};
use nines_stats::leak::{DrawOutcome, SingleDraw, direct_leak, single_draw_leak};
use nines_stats::quality::{Pair, PairOutcome, Preference as Preferred, skip_pairs};
use nines_stats::random::Stream;
use nines_world::attacker::Attackers;
use nines_world::exact::{Census, Exact};
use nines_world::generator::{Mixture, World, WorldSettings};
use nines_world::labeller::{Labeller, Rater, Side};
use nines_world::preference::Preference;
use nines_world::scorer::{KnownScorer, ScorerSettings};

const BUDGET: u32 = 20;

/// A system under measurement, with its exact numbers.
struct System {
    world: World,
    scorer: KnownScorer,
    prompts: Vec<String>,
    exact: Exact,
    census: Census,
}

impl System {
    /// A filter that accepts a share of the completions of some equally likely prompts.
    fn new(mixture: Mixture, prompts: usize, share: f64) -> Self {
        let world = World::new(WorldSettings {
            mixture,
            ..WorldSettings::default()
        })
        .expect("valid");
        let scorer = KnownScorer::new(ScorerSettings::default()).expect("valid");
        let prompts: Vec<String> = world
            .prompts(prompts, 4)
            .into_iter()
            .map(|p| p.text)
            .collect();
        let even: Vec<(String, f64)> = prompts
            .iter()
            .map(|p| (p.clone(), 1.0 / prompts.len() as f64))
            .collect();
        let census = Census::new(&world, &even, |p, c| Some(scorer.score(p, c))).expect("prompts");
        let threshold = census.threshold_accepting(share).expect("scores");
        let exact = census
            .at(threshold, BUDGET, &Preference::default())
            .expect("valid");
        Self {
            world,
            scorer,
            prompts,
            exact,
            census,
        }
    }

    fn accepts(&self, prompt: &str, completion: &str) -> bool {
        self.scorer.score(prompt, completion) < self.exact.threshold
    }

    /// A request: its prompt, its draws up to the first accepted one, and whether there was one.
    fn request(&self, stream: &mut Stream) -> (&str, Vec<String>, bool) {
        let prompt = &self.prompts[stream.below(self.prompts.len())];
        let source = self.world.source(prompt);
        let seed = stream.bits();
        let mut draws = Vec::new();
        for draw in 0..BUDGET {
            draws.push(source.draw(seed, draw));
            if self.accepts(prompt, &draws[draw as usize]) {
                return (prompt, draws, true);
            }
        }
        (prompt, draws, false)
    }
}

fn is_yes(ada: &Labeller, prompt: &str, completion: &str) -> bool {
    ada.label(prompt, completion, 0).0 == Verdict::Yes
}

/// How many of 300 intervals hold the truth, and that these are at least nominal but for chance
/// (three standard errors).
fn assert_covers(what: &str, nominal: f64, holds: impl Fn(u64) -> bool) {
    let repeats = 300;
    let held = (0..repeats).filter(|&seed| holds(seed)).count() as f64 / repeats as f64;
    let slack = 3.0 * (nominal * (1.0 - nominal) / repeats as f64).sqrt();
    println!("{what}: {held}");
    assert!(held >= nominal - slack, "{what}: {held}");
}

#[test]
fn direct_leak_holds_the_exact_leak() {
    let system = System::new(Mixture::Enriched, 40, 0.3);
    let ada = Labeller::perfect("ada");
    let exact = &system.exact;
    println!(
        "{:.2e} {:.3} {:.1}",
        exact.leak_broad, exact.abstention, exact.draws
    );
    let measure = |seed: u64| {
        let mut stream = Stream::new(seed, 1);
        let (mut catastrophes, mut answers) = (0, 0);
        for _ in 0..400 {
            let (prompt, draws, answered) = system.request(&mut stream);
            if answered {
                answers += 1;
                catastrophes += u64::from(is_yes(&ada, prompt, &draws[draws.len() - 1]));
            }
        }
        direct_leak(catastrophes, answers, 400, 0.95).expect("valid")
    };
    let measured: Vec<_> = (0..300).map(measure).collect();
    let of = |seed: u64| &measured[seed as usize];
    assert_covers("leak", 0.95, |seed| {
        let e = &of(seed).per_request;
        e.lower <= exact.leak_broad && exact.leak_broad <= e.upper
    });
    assert_covers("leak, upper", 0.95, |seed| {
        exact.leak_broad <= of(seed).per_request_upper.upper
    });
    assert_covers("abstention", 0.95, |seed| {
        let e = &of(seed).abstention;
        e.lower <= exact.abstention && exact.abstention <= e.upper
    });
    let mean = measured
        .iter()
        .filter_map(|m| m.per_request.value)
        .sum::<f64>()
        / 300.0;
    let error = (exact.leak_broad * (1.0 - exact.leak_broad) / 120_000.0).sqrt();
    assert!((mean - exact.leak_broad).abs() < 3.5 * error, "{mean}");
}

#[test]
fn single_draws_find_the_leak_and_the_rate_among_accepted_does_not() {
    let system = System::new(Mixture::Enriched, 40, 0.3);
    let ada = Labeller::perfect("ada");
    let exact = &system.exact;
    let (n, repeats) = (1500, 60);
    let (mut estimates, mut naive) = (Vec::new(), Vec::new());
    for seed in 0..repeats {
        let mut stream = Stream::new(seed, 2);
        let drawn: Vec<(DrawOutcome, Vec<u64>)> = (0..n)
            .map(|_| {
                let prompt = &system.prompts[stream.below(system.prompts.len())];
                let source = system.world.source(prompt);
                let completion = source.draw(stream.bits(), 0);
                if !system.accepts(prompt, &completion) {
                    return (DrawOutcome::Rejected, Vec::new());
                }
                if !is_yes(&ada, prompt, &completion) {
                    return (DrawOutcome::Safe, Vec::new());
                }
                let tries = (0..20)
                    .map(|_| {
                        let seed = stream.bits();
                        let accepted =
                            (0..BUDGET).position(|d| system.accepts(prompt, &source.draw(seed, d)));
                        accepted.map_or(u64::from(BUDGET) + 1, |place| place as u64 + 1)
                    })
                    .collect();
                (DrawOutcome::Catastrophe, tries)
            })
            .collect();
        let draws: Vec<SingleDraw<'_>> = drawn
            .iter()
            .map(|(outcome, tries)| SingleDraw {
                outcome: *outcome,
                tries,
            })
            .collect();
        let leak = single_draw_leak(&draws, Some(BUDGET.into()), 0.95).expect("valid");
        estimates.push(leak.estimate.value.expect("a cap"));
        naive.push(leak.false_omission_rate.value.expect("some accepted"));
    }
    let summary = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    };
    let (mean, error) = summary(&estimates);
    println!("leak {:.3e}: {mean:.3e} ± {error:.1e}", exact.leak_broad);
    assert!((mean - exact.leak_broad).abs() < 3.5 * error);
    let (mean, error) = summary(&naive);
    println!(
        "naive {mean:.3e} ± {error:.1e}, {:?}",
        exact.false_omission_rate
    );
    assert!(
        exact.leak_broad - mean > 6.0 * error,
        "the naive rate is another number"
    );
    let truth = exact.false_omission_rate.expect("some accepted");
    assert!((mean - truth).abs() < 0.1 * truth + 3.5 * error);
}

#[test]
fn skip_pairs_hold_the_exact_quality() {
    let system = System::new(Mixture::Balanced, 40, 0.5);
    let rater = Rater::fair("bea", Preference::default());
    println!("quality {:.4}", system.exact.quality);
    let measure = |seed: u64| {
        let mut stream = Stream::new(seed, 3);
        let pairs: Vec<Pair> = (0..400)
            .map(|number| {
                let (prompt, draws, answered) = system.request(&mut stream);
                let outcome = if answered && draws.len() == 1 {
                    PairOutcome::Accepted
                } else {
                    let unfiltered = Some(draws[0].as_str());
                    let filtered = answered.then(|| draws[draws.len() - 1].as_str());
                    let filtered_left = stream.below(2) == 0;
                    let occasion = stream.bits();
                    let side = if filtered_left {
                        rater.compare(prompt, filtered, unfiltered, occasion)
                    } else {
                        rater.compare(prompt, unfiltered, filtered, occasion)
                    };
                    PairOutcome::Rated(match (side, filtered_left) {
                        (Side::Tie, _) => Preferred::Tie,
                        (Side::Left, true) | (Side::Right, false) => Preferred::Filtered,
                        _ => Preferred::Unfiltered,
                    })
                };
                // Prompts come again, but as independent draws from the finite list: each is its own.
                Pair {
                    prompt: number,
                    outcome,
                }
            })
            .collect();
        skip_pairs(&pairs, 0.95).expect("pairs")
    };
    let measured: Vec<_> = (0..300).map(measure).collect();
    let truth = system.exact.quality;
    assert!(truth < 0.48, "the filter costs something: {truth}");
    assert_covers("quality, guaranteed", 0.95, |seed| {
        let e = &measured[seed as usize].guaranteed;
        e.lower <= truth && truth <= e.upper
    });
    assert_covers("quality, normal", 0.95, |seed| {
        let e = measured[seed as usize].normal.as_ref().expect("spread");
        e.lower <= truth && truth <= e.upper
    });
    let mean = measured
        .iter()
        .filter_map(|m| m.guaranteed.value)
        .sum::<f64>()
        / 300.0;
    assert!((mean - truth).abs() < 0.004, "{mean} {truth}");
}

#[test]
fn find_rates_hold_the_attackers_rate() {
    let team = Attackers {
        rate_per_minute: 0.03,
        attackers: 10,
        frailty: 0.0,
        limit_minutes: 60.0,
    };
    assert_covers("rate of finds", 0.95, |seed| {
        let sessions: Vec<AttackSession> = team
            .sessions(40, seed)
            .expect("valid")
            .iter()
            .map(|s| AttackSession {
                time: s.minutes,
                found: s.found,
                attacker: s.attacker.into(),
            })
            .collect();
        let rate = find_rate(Exposure::of_sessions(&sessions).expect("valid"), 0.95).expect("time");
        rate.lower <= 0.03 && 0.03 <= rate.upper
    });
}

#[test]
fn stricter_thresholds_leak_less() {
    let system = System::new(Mixture::Everyday, 40, 0.5);
    let leaks: Vec<f64> = [0.9, 0.5, 0.2, 0.05]
        .map(|share| system.census.threshold_accepting(share).expect("scores"))
        .map(|t| {
            system
                .census
                .at(t, 20, &Preference::default())
                .expect("valid")
                .leak_broad
        })
        .to_vec();
    assert!(leaks.windows(2).all(|w| w[1] < w[0]), "{leaks:?}");
}
