//! Whatever the data: no interval is NaN, upside down or without width, each holds its value where it
//! promises to, and each says what it is.

use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::active_testing::lure;
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::allocation::{certificate_labels, whole_labels};
use nines_stats::anytime::bounded_mean::HedgedCapital;
use nines_stats::anytime::mixture;
use nines_stats::attack_time::{
    AttackSession, Exposure, clustered_mean_time, clustered_rate_ratio, find_rate, kaplan_meier,
    mean_time, mean_time_lower_bound, rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::bounded_sum::expected_sum_upper;
use nines_stats::dawid_skene::{DawidSkeneOptions, dawid_skene_prevalence};
use nines_stats::disagreement::{DisagreementSample, compare};
use nines_stats::forecast::fit_gumbel_tail;
use nines_stats::hypergeometric::marked_share;
use nines_stats::importance::{Draw, Proposal, hajek, hansen_hurwitz, horvitz_thompson};
use nines_stats::interval::{
    FamilyCount, clopper_pearson, clustered_proportion, lower_bound, upper_bound, wilson,
};
use nines_stats::leak::{DrawOutcome, SingleDraw, direct_leak, single_draw_leak};
use nines_stats::low_probability::{gaussian_logit_gap, tilted_probability};
use nines_stats::prediction_powered::{classical, power_tuned, prediction_powered};
use nines_stats::prevalence::{
    Accuracy, FlaggedItems, corrected_bounds, rogan_gladen, uncorrected_rate,
};
use nines_stats::quality::{
    self, Pair, PairOutcome, Preference, Quality, RaterPair, Rating, RejectionRate, WeightedPair,
    known_rejection, non_inferiority_p_value, skip_pairs, two_way_interval, with_missing_mass,
};
use nines_stats::quantile::{Support, mean, quantile};
use nines_stats::species::{
    Chao1, ModeFrequencies, capture_recapture, capture_recapture_exact, mode_number, new_modes,
    unseen_mass, unseen_mass_bound,
};
use nines_stats::splitting::{LevelCount, fixed_effort, last_particle};
use nines_stats::stratified::{Stratum, bonferroni_upper, stratified_leak};
use nines_stats::survival_of_uses::survival_at_least;
use nines_stats::weighted_poisson::{GammaVersion, WeightedCount};
use nines_stats::{IntervalEstimate, StatsError};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What holds for every interval.
fn sound(e: &IntervalEstimate) -> Result<(), TestCaseError> {
    prop_assert!(!e.lower.is_nan() && !e.upper.is_nan(), "{:?}", e);
    prop_assert!(e.lower < e.upper, "no width: {:?}", e);
    prop_assert!(e.value.is_none_or(|v| !v.is_nan()), "{:?}", e);
    let says = |what: &str| e.method.contains(what);
    if says("approximate") {
        let why = says("(approximate; ") || says("(approximate, not to be trusted: ");
        prop_assert!(why && e.method.ends_with(')'), "{}", e.method);
    } else {
        let known = [
            "exact",
            "guaranteed",
            "conservative",
            "anytime-valid",
            "any distribution",
            "nothing",
        ];
        prop_assert!(known.iter().any(|k| says(k)), "{}", e.method);
    }
    Ok(())
}

/// As [`sound`], with the value inside, but for rounding.
fn holds(e: &IntervalEstimate) -> Result<(), TestCaseError> {
    sound(e)?;
    if let Some(v) = e.value {
        let slack = 1e-12 * v.abs();
        prop_assert!(e.lower <= v + slack && v <= e.upper + slack, "{:?}", e);
    }
    Ok(())
}

fn both(quality: &Quality) -> Result<(), TestCaseError> {
    holds(&quality.guaranteed)?;
    quality.normal.as_ref().map_or(Ok(()), holds)
}

fn confidence() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.95), Just(0.99), Just(1.0 - 1e-12), 0.01f64..0.9999]
}

/// Counts of any size, k of n.
fn counts() -> impl Strategy<Value = (u64, u64)> {
    (
        prop_oneof![1u64..30, 1u64..5_000_000_000, Just(1u64 << 40)],
        0.0f64..=1.0,
        0u64..5,
    )
        .prop_map(|(n, share, few)| {
            let k = match few {
                0 => (share * n as f64) as u64,
                1 => n,
                2 => 0,
                3 => n - n.min(1),
                _ => few.min(n),
            };
            (k.min(n), n)
        })
}

fn outcome() -> impl Strategy<Value = PairOutcome> {
    prop_oneof![
        Just(PairOutcome::Accepted),
        Just(PairOutcome::Rated(Preference::Filtered)),
        Just(PairOutcome::Rated(Preference::Unfiltered)),
        Just(PairOutcome::Rated(Preference::Tie)),
    ]
}

/// Whether a family holds two items.
fn shares(left: &[u64], right: &[u64]) -> bool {
    let all: BTreeSet<&u64> = left.iter().chain(right).collect();
    all.len() < left.len() + right.len()
}

fn quick(confidence: f64) -> Bootstrap {
    Bootstrap {
        resamples: 100,
        seed: 3,
        confidence,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn proportions((k, n) in counts(), c in confidence(), uses in 0u64..1000) {
        holds(&clopper_pearson(k, n, c).unwrap())?;
        let upper = upper_bound(k, n, c).unwrap();
        sound(&upper)?;
        sound(&lower_bound(k, n, c).unwrap())?;
        holds(&mixture::upper_bound(k, n, mixture::Prior::Even, c).unwrap())?;
        let at_least = survival_at_least(k, n, uses, c).unwrap();
        prop_assert!(at_least.lower <= at_least.upper && at_least.lower >= 0.0);
        holds(&wilson(k, n, c).unwrap())?;
        let direct = direct_leak(k.min(n / 2), n / 2, n, c).unwrap();
        for e in [&direct.per_request, &direct.among_answers, &direct.abstention] {
            sound(e)?;
        }
    }

    #[test]
    fn families(counts in prop::collection::vec((0u64..9, 0u64..9), 1..20), c in confidence()) {
        let families: Vec<FamilyCount> = counts
            .iter()
            .map(|&(k, more)| FamilyCount { successes: k, trials: k + more })
            .collect();
        sound(&clustered_proportion(&families, c).unwrap())?;
    }

    #[test]
    fn recalls(
        hurt in prop::collection::vec((0u32..12, 0u64..30), 1..40),
        random in prop::collection::vec((0u32..12, 0u64..30), 1..120),
        apart in any::<bool>(), acceptance in 0.01f64..0.99, c in confidence(),
    ) {
        // Scores that repeat; every item of its own family, or families that both samples share.
        let split = |items: &[(u32, u64)], from: u64| -> (Vec<f64>, Vec<u64>) {
            let family = |(i, f): (usize, u64)| if apart { from + i as u64 } else { f };
            let numbered = items.iter().enumerate();
            numbered.map(|(i, &(s, f))| (f64::from(s), family((i, f)))).unzip()
        };
        let ((hurt, h), (random, r)) = (split(&hurt, 0), split(&random, 1000));
        let hurt = FamilyScores::new("injuries", &hurt, &h).unwrap();
        let random = FamilyScores::new("random", &random, &r).unwrap();
        let at = recall_at_acceptance(&hurt, &random, acceptance, &quick(c)).unwrap();
        holds(&at.recall)?;
        holds(&at.acceptance)?;
        prop_assert_eq!(at.recall.method.contains("guaranteed"), apart || !shares(&h, &r));
    }

    #[test]
    fn sums(parts in prop::collection::vec(0.0f64..=1.0, 1..60), c in confidence()) {
        let e = expected_sum_upper(parts.iter().sum(), parts.len() as u64, c).unwrap();
        holds(&e)?;
        let mut sequence = HedgedCapital::new(c).unwrap();
        for &part in &parts {
            sequence.record(part).unwrap();
        }
        let e = sequence.interval();
        prop_assert!(e.lower <= e.upper && !e.lower.is_nan(), "{:?}", e);
    }

    #[test]
    fn single_draws(
        rows in prop::collection::vec((0u8..3, prop::collection::vec(1u64..40, 1..4)), 1..60),
        cap in prop::option::of(1u64..30), c in confidence(),
    ) {
        let draws: Vec<SingleDraw<'_>> = rows
            .iter()
            .map(|(outcome, tries)| SingleDraw {
                outcome: match outcome {
                    0 => DrawOutcome::Rejected,
                    1 => DrawOutcome::Safe,
                    _ => DrawOutcome::Catastrophe,
                },
                tries,
            })
            .collect();
        let leak = single_draw_leak(&draws, cap, c).unwrap();
        sound(&leak.estimate)?;
        prop_assert!(leak.estimate.upper >= leak.estimate.value.unwrap());
        if let Some(upper) = &leak.upper {
            holds(upper)?;
        }
        for e in leak.hajek.iter().chain(&leak.abstention) {
            sound(e)?;
        }
    }

    #[test]
    fn strata(
        rows in prop::collection::vec((1u32..1000, 1u64..100_000, 0.0f64..=1.0), 1..6), c in confidence(),
        no_leak in 0.0f64..0.9, budget in 10u64..1_000_000,
    ) {
        let all: f64 = rows.iter().map(|r| f64::from(r.0)).sum();
        let strata: Vec<Stratum> = rows
            .iter()
            .map(|&(w, n, share)| Stratum {
                weight: f64::from(w) / all * (1.0 - no_leak),
                labelled: n,
                // Mostly few, at times all.
                catastrophes: if share > 0.9 { n } else { (share.powi(12) * n as f64) as u64 },
            })
            .collect();
        let leak = stratified_leak(&strata, no_leak, c).unwrap();
        for e in [&leak.estimate, &leak.assumption_free_upper] {
            holds(e)?;
        }
        sound(&leak.estimate_upper)?;
        sound(&bonferroni_upper(&strata, no_leak, c).unwrap())?;
        let weights: Vec<f64> = strata.iter().map(|s| s.weight).collect();
        if let Ok(labels) = whole_labels(&weights, budget, 3) {
            prop_assert_eq!(labels.iter().sum::<u64>(), budget);
            prop_assert!(labels.iter().all(|&n| n >= 3));
        }
        let epsilon = 1e-3;
        let labels = certificate_labels(&weights, no_leak, epsilon, 0.95, 1 << 40).unwrap();
        let clean: Vec<Stratum> = strata
            .iter()
            .zip(&labels)
            .map(|(s, &labelled)| Stratum { labelled, catastrophes: 0, ..*s })
            .collect();
        let bound = stratified_leak(&clean, no_leak, 0.95).unwrap().assumption_free_upper;
        prop_assert!(bound.upper <= epsilon * (1.0 + 1e-12), "{:?}", bound);
    }

    #[test]
    fn weighted_counts(
        rows in prop::collection::vec((1e-9f64..1.0, 0u64..5000), 1..6), c in confidence(),
    ) {
        let (weights, counts): (Vec<f64>, Vec<u64>) = rows.into_iter().unzip();
        let count = WeightedCount::new(&weights, &counts).unwrap();
        for version in [GammaVersion::Conservative, GammaVersion::MidP] {
            let e = count.interval(c, version).unwrap();
            sound(&e)?;
            if c > 0.3 {
                holds(&e)?;
            }
        }
    }

    #[test]
    fn finite_populations(
        (population, drawn, k) in (1u64..400).prop_flat_map(|p| (Just(p), 0..=p))
            .prop_flat_map(|(p, d)| (Just(p), Just(d), 0..=d)), c in confidence(),
    ) {
        let e = marked_share(k, drawn, population, c).unwrap();
        prop_assert!(e.lower < e.upper || drawn == population, "{:?}", e);
        let other = DisagreementSample { size: 3, labelled: 1, failures: 0 };
        if drawn > 0 {
            let sample = DisagreementSample { size: population, labelled: drawn, failures: k };
            let compared = compare(population + 10, sample, other, c).unwrap();
            holds(&compared.population.exact)?;
            sound(&compared.frame.exact)?;
            for d in [&compared.frame, &compared.population] {
                d.normal.as_ref().map_or(Ok(()), sound)?;
            }
        }
    }

    #[test]
    fn qualities(
        rows in prop::collection::vec((0u64..20, 0u64..4, outcome(), 1e-6f64..10.0), 1..60),
        c in confidence(), least in 0.01f64..0.99,
    ) {
        let pairs: Vec<Pair> = rows.iter().map(|r| Pair { prompt: r.0, outcome: r.2 }).collect();
        both(&skip_pairs(&pairs, c).unwrap())?;
        let p = non_inferiority_p_value(&pairs, least).unwrap();
        prop_assert!(p > 0.0 && p <= 1.0);
        let ratings: Vec<Rating> = rows
            .iter()
            .filter_map(|r| match r.2 {
                PairOutcome::Rated(preference) => Some(Rating { prompt: r.0, preference }),
                PairOutcome::Accepted => None,
            })
            .collect();
        let pool = RejectionRate::Pool { rejected: 30, draws: 100 };
        if !ratings.is_empty() {
            for rate in [pool, RejectionRate::Known(1e-3), RejectionRate::Known(1.0)] {
                both(&known_rejection(&ratings, rate, c).unwrap())?;
            }
        }
        let raters: Vec<RaterPair> = rows
            .iter()
            .map(|r| RaterPair { prompt: r.0, rater: r.1, outcome: r.2 })
            .collect();
        if let Ok(Some(e)) = two_way_interval(&raters, c) {
            holds(&e)?;
        }
        let weighted: Vec<WeightedPair> = rows
            .iter()
            .map(|r| WeightedPair { weight: r.3, outcome: r.2 })
            .collect();
        for largest in [None, Some(10.0)] {
            let repaired = quality::horvitz_thompson(&weighted, largest, c).unwrap();
            both(&repaired.quality)?;
            sound(&with_missing_mass(&repaired.quality.guaranteed, 0.01).unwrap())?;
            if let Some(normal) = &repaired.quality.normal {
                sound(&with_missing_mass(normal, 0.01).unwrap())?;
            }
            let rated: Vec<WeightedPair> = weighted
                .iter()
                .copied()
                .filter(|w| w.outcome != PairOutcome::Accepted)
                .collect();
            if !rated.is_empty() {
                both(&quality::hajek(&rated, pool, largest, c).unwrap().quality)?;
            }
        }
    }

    #[test]
    fn attacks(
        rows in prop::collection::vec((0u32..20, any::<bool>(), 0u64..5), 1..40), c in confidence(),
        d in 0u64..1_000_000, e in 0u64..1_000_000, t in 1e-6f64..1e9,
    ) {
        let (one, two) = (Exposure { finds: d, time: t }, Exposure { finds: e, time: 3.5 });
        holds(&find_rate(one, c).unwrap())?;
        holds(&mean_time(one, c).unwrap())?;
        sound(&mean_time_lower_bound(one, c).unwrap())?;
        let compared = rate_ratio(one, two, c).unwrap();
        holds(&compared.ratio)?;
        prop_assert!((0.0..=1.0).contains(&compared.p_value));
        let sessions: Vec<AttackSession> = rows
            .iter()
            .map(|&(time, found, attacker)| AttackSession { time: f64::from(time), found, attacker })
            .collect();
        let curve = kaplan_meier(&sessions, c).unwrap();
        for step in &curve.steps {
            holds(&step.survival)?;
        }
        holds(&curve.median())?;
        for time in [0.0, 3.0, 25.0] {
            let at = curve.survival_at(time).unwrap();
            prop_assert!(at.lower <= at.upper && at.value.is_none_or(|v| v >= at.lower - 1e-12));
        }
        if let Ok(e) = clustered_mean_time(&sessions, &quick(c)) {
            sound(&e)?;
        }
        if let Ok(e) = clustered_rate_ratio(&sessions, &sessions, &quick(c)) {
            sound(&e)?;
        }
    }

    #[test]
    fn drawn_where_failures_are_likely(
        frame in prop::collection::vec(0.01f64..1.0, 2..12),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..60),
        c in confidence(), same in any::<bool>(),
    ) {
        let sum: f64 = frame.iter().sum();
        let q: Vec<f64> = frame
            .iter()
            .map(|w| if same { 1.0 / frame.len() as f64 } else { w / sum })
            .collect();
        let proposal = Proposal::covering(&q).unwrap();
        let draws: Vec<Draw> = picks
            .iter()
            .map(|(at, failed)| Draw { item: at.index(q.len()), failed: *failed })
            .collect();
        let inclusion: Vec<f64> = picks.iter().map(|(at, _)| 1.0 / (1.0 + at.index(9) as f64)).collect();
        let labels: Vec<Option<bool>> = inclusion
            .iter()
            .zip(&picks)
            .map(|(&p, (at, failed))| (p == 1.0 || at.index(2) == 0).then_some(*failed))
            .collect();
        let poisson = horvitz_thompson(&inclusion, &labels, c);
        let known = labels.iter().all(Option::is_some);
        for estimate in [hansen_hurwitz(&proposal, &draws, c), hajek(&proposal, &draws, c)] {
            let estimate = estimate.unwrap();
            sound(&estimate.guaranteed)?;
            sound(&estimate.upper_bound)?;
            estimate.normal.as_ref().map_or(Ok(()), sound)?;
            prop_assert!(!estimate.normal_trusted || estimate.normal.is_some());
        }
        if let Ok(estimate) = poisson && !known {
            sound(&estimate.guaranteed)?;
            sound(&estimate.upper_bound)?;
            estimate.normal.as_ref().map_or(Ok(()), sound)?;
        }
        let pool = picks.len() as u64 + 3;
        let failed: Vec<bool> = picks.iter().map(|p| p.1).collect();
        let uniform: Vec<f64> = (0..picks.len() as u64).map(|i| 1.0 / (pool - i) as f64).collect();
        let active = lure(pool, &failed, &uniform, 1.0, c).unwrap();
        sound(&active.guaranteed)?;
        sound(&active.upper_bound)?;
        active.normal.as_ref().map_or(Ok(()), sound)?;
    }

    #[test]
    fn raters_who_err(
        (k, n) in (1u64..5000).prop_flat_map(|n| (0..=n, Just(n))), c in confidence(),
        se in 0.0f64..=1.0, sp in 0.0f64..=1.0, trials in 1u64..500, measured in any::<bool>(),
    ) {
        sound(&uncorrected_rate(k, n, c).unwrap().estimate)?;
        let accuracy = |share: f64| {
            let right = (share * trials as f64) as u64;
            if measured { Accuracy::Measured { right, trials } } else { Accuracy::Known(share) }
        };
        let items = FlaggedItems { flagged: k, rated: n, sensitivity: accuracy(se), specificity: accuracy(sp) };
        for corrected in [rogan_gladen(&items, c), corrected_bounds(&items, c)] {
            match corrected {
                Ok(corrected) => sound(&corrected.estimate)?,
                Err(error) => prop_assert!(matches!(error, StatsError::OutOfRange { .. }), "{}", error),
            }
        }
    }

    #[test]
    fn means(
        labels in prop::collection::vec((prop_oneof![Just(0.0), Just(1.0), 0.0f64..1.0], 0.0f64..1.0), 2..40),
        others in prop::collection::vec(0.0f64..1.0, 2..40), c in confidence(), q in 0.01f64..0.99,
    ) {
        let (y, f): (Vec<f64>, Vec<f64>) = labels.into_iter().unzip();
        for powered in [classical(&y, c), prediction_powered(&y, &f, &others, c), power_tuned(&y, &f, &others, c)]
            .into_iter()
            .flatten()
        {
            holds(&powered.estimate)?;
        }
        let support = Support { low: 0.0, high: 1.0 };
        holds(&mean(&y, support, c).unwrap())?;
        holds(&mean(&vec![y[0]; y.len()], support, c).unwrap())?;
        let e = quantile(&y, q, support, c).unwrap();
        prop_assert!(e.lower <= e.upper);
        if let Ok(e) = gaussian_logit_gap(&others.iter().map(|g| g * 900.0).collect::<Vec<_>>(), c) {
            holds(&e)?;
        }
        let hit: Vec<bool> = y.iter().map(|&v| v > 0.5).collect();
        if let Ok(tilted) = tilted_probability(&hit, &f, 0.1, c) {
            holds(&tilted.estimate)?;
        }
        if let Ok(tail) = fit_gumbel_tail(&others, 5) {
            let worst = tail.worst_query(others.len() as u64 * 3, &quick(c)).unwrap();
            prop_assert!(!worst.lower.is_nan() && worst.lower <= worst.upper, "{:?}", worst);
        }
    }

    #[test]
    fn modes(
        counts in prop::collection::vec(prop_oneof![Just(1u64), Just(2u64), 0u64..2000], 1..30),
        (a, b, m) in (1u64..300, 1u64..300).prop_flat_map(|(a, b)| (Just(a), Just(b), 0..=a.min(b))),
        more in 0.01f64..=1.0, c in confidence(),
    ) {
        if let Ok(found) = ModeFrequencies::from_counts(&counts) {
            holds(&unseen_mass(&found, c).unwrap())?;
            holds(&unseen_mass_bound(&found, c).unwrap())?;
            holds(&new_modes(&found, more, c).unwrap())?;
            for form in [Chao1::Classic, Chao1::BiasCorrected] {
                holds(&mode_number(&found, form, c).unwrap().estimate)?;
            }
        }
        if c > 0.3 {
            holds(&capture_recapture(a, b, m, c).unwrap().modes)?;
        }
        sound(&capture_recapture_exact(a, b, m, c).unwrap())?;
    }

    #[test]
    fn levels(
        levels in prop::collection::vec((1u64..2000, 0.0f64..=1.0), 1..6), moves in 0u64..100_000, c in confidence(),
    ) {
        let levels: Vec<LevelCount> = levels
            .iter()
            .map(|&(particles, share)| LevelCount {
                particles,
                survivors: ((share * particles as f64) as u64).max(1),
            })
            .collect();
        let e = fixed_effort(&levels, c).unwrap();
        sound(&e.conservative)?;
        e.log_normal.as_ref().map_or(Ok(()), sound)?;
        let e = last_particle(100, moves, c).unwrap();
        sound(&e.poisson)?;
        e.log_normal.as_ref().map_or(Ok(()), sound)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn agreements(
        ratings in prop::collection::vec(prop::collection::vec(prop::option::of(0u8..3), 3), 1..25),
        c in 0.01f64..0.999,
    ) {
        let numbers: Vec<Vec<Option<f64>>> = ratings
            .iter()
            .map(|unit| unit.iter().map(|r| r.map(f64::from)).collect())
            .collect();
        for metric in [Metric::Nominal, Metric::Ordinal, Metric::Interval] {
            if let Ok(e) = krippendorff_alpha(&numbers, metric, &quick(c)) {
                holds(&e)?;
            }
        }
        let flags: Vec<Vec<Option<bool>>> = ratings
            .iter()
            .map(|unit| unit.iter().map(|r| r.map(|r| r == 0)).collect())
            .collect();
        let options = DawidSkeneOptions { tolerance: 1e-6, ..DawidSkeneOptions::default() };
        if let Ok(e) = dawid_skene_prevalence(&flags, &options, &quick(c)) {
            sound(&e)?;
        }
    }
}
