use super::*;
use crate::random::Stream;

fn level(particles: u64, survivors: u64) -> LevelCount {
    LevelCount {
        particles,
        survivors,
    }
}

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() < within, "{got} is not {expected}");
}

#[test]
fn fixed_effort_matches_the_worked_example() {
    let mut levels = vec![level(1000, 100); 4];
    levels.push(level(1000, 430));
    let e = fixed_effort(&levels, 0.95).unwrap();
    close(e.value, 4.3e-5, 1e-18);
    let deviation = e.relative_deviation.unwrap();
    close(deviation, 0.19320, 5e-6);
    let naive = (1.0 - e.value) / (e.value * deviation * deviation);
    close(naive, 623_026.0, 0.5);
    let normal = e.log_normal.unwrap();
    assert!(e.conservative.lower < normal.lower && normal.upper < e.conservative.upper);
}

#[test]
fn the_last_particle_matches_the_worked_example() {
    let e = last_particle(100, 1000, 0.95).unwrap();
    close(e.value, 4.31712474e-5, 5e-14);
    let normal = e.log_normal.unwrap();
    close(normal.lower, 2.31923e-5, 5e-11);
    close(normal.upper, 8.03609e-5, 5e-11);
    close(e.relative_deviation, 0.3170, 5e-5);
    close(e.exact_relative_deviation, 0.3252, 5e-5);
    // From scipy's chi-square quantiles.
    close(e.poisson.lower, 2.39504999e-5, 5e-14);
    close(e.poisson.upper, 8.35780039e-5, 5e-14);
}

#[test]
fn nothing_collapses() {
    let none = fixed_effort(&[level(100, 10), level(100, 0)], 0.95).unwrap();
    assert_eq!(
        (none.value, none.relative_deviation, none.log_normal),
        (0.0, None, None)
    );
    assert_eq!(none.conservative.lower, 0.0);
    assert!(none.conservative.upper > 0.003);
    let all = fixed_effort(&[level(100, 100)], 0.95).unwrap();
    assert!(all.log_normal.is_none() && all.conservative.lower < 0.97);
    let unmoved = last_particle(100, 0, 0.95).unwrap();
    assert_eq!((unmoved.value, &unmoved.log_normal), (1.0, &None));
    close(unmoved.poisson.lower, 0.025_f64.powf(0.01), 1e-14);
    let vast = last_particle(100, 60_000, 0.95).unwrap();
    assert!(vast.poisson.lower < vast.value && vast.value < vast.poisson.upper);
}

#[test]
fn one_level_is_clopper_pearson_and_intervals_nest() {
    let one = fixed_effort(&[level(1000, 3)], 0.95).unwrap().conservative;
    close(one.lower, 6.19099932e-4, 1e-12);
    close(one.upper, 8.74202324e-3, 1e-11);
    let two = [level(50, 20), level(50, 7)];
    let narrow = fixed_effort(&two, 0.9).unwrap();
    let wide = fixed_effort(&two, 0.99).unwrap();
    assert!(wide.conservative.lower < narrow.conservative.lower);
    assert!(wide.conservative.upper > narrow.conservative.upper);
    let reversed = fixed_effort(&[two[1], two[0]], 0.9).unwrap();
    close(reversed.value, narrow.value, 1e-16);
    assert!(
        last_particle(50, 200, 0.99).unwrap().poisson.upper
            > last_particle(50, 200, 0.9).unwrap().poisson.upper
    );
}

#[test]
fn bad_counts_are_refused() {
    assert!(fixed_effort(&[], 0.95).is_err());
    assert!(fixed_effort(&[level(0, 0)], 0.95).is_err());
    assert!(fixed_effort(&[level(5, 6)], 0.95).is_err());
    let dead = fixed_effort(&[level(5, 0), level(5, 1)], 0.95).unwrap_err();
    assert!(matches!(dead, StatsError::ItemOutOfRange { index: 0, .. }));
    assert!(fixed_effort(&[level(5, 1)], 1.0).is_err());
    assert!(last_particle(1, 5, 0.95).is_err());
    assert!(last_particle(10, 5, f64::NAN).is_err());
}

fn kernel(x: &f64, stream: &mut Stream) -> f64 {
    0.8 * x + 0.6 * stream.normal()
}

const TAIL: f64 = 3.167_124_183_311_99e-5;

#[test]
fn the_last_particle_finds_a_normal_tail() {
    let (mut held, mut sum) = (0, 0.0);
    let runs = 100;
    for seed in 0..runs {
        let options = SplittingOptions {
            particles: 40,
            moves: 15,
            seed,
            confidence: 0.9,
            ..Default::default()
        };
        let run = run_last_particle(&options, |s| s.normal(), |x| x - 4.0, kernel).unwrap();
        sum += run.estimate.value;
        let interval = &run.estimate.poisson;
        held += u32::from(interval.lower <= TAIL && TAIL <= interval.upper);
        assert!(run.acceptance > 0.1);
    }
    let mean = sum / runs as f64;
    assert!((mean / TAIL - 1.0).abs() < 0.2, "{mean}");
    assert!((80..=99).contains(&held), "{held}");
}

#[test]
fn adaptive_levels_find_a_normal_tail() {
    let (mut held, mut sum) = (0, 0.0);
    let runs = 60;
    for seed in 0..runs {
        let options = SplittingOptions {
            particles: 200,
            moves: 15,
            seed,
            confidence: 0.9,
            ..Default::default()
        };
        let run = run_adaptive(&options, 0.2, |s| s.normal(), |x| x - 4.0, kernel).unwrap();
        sum += run.estimate.value;
        let interval = run.estimate.log_normal.as_ref().unwrap();
        held += u32::from(interval.lower <= TAIL && TAIL <= interval.upper);
        assert!(run.levels.is_sorted() && *run.levels.last().unwrap() == 0.0);
        assert!(run.least_acceptance > 0.1 && run.counts.len() == run.levels.len());
    }
    let mean = sum / runs as f64;
    assert!((mean / TAIL - 1.0).abs() < 0.2, "{mean}");
    assert!((44..=60).contains(&held), "{held}");
}

#[test]
fn runs_repeat_and_stop() {
    let options = SplittingOptions {
        particles: 50,
        moves: 3,
        seed: 9,
        ..Default::default()
    };
    let run = || run_last_particle(&options, |s| s.normal(), |x| x - 2.0, kernel).unwrap();
    assert_eq!(run(), run());
    let certain = run_last_particle(&options, |s| s.normal(), |_| 1.0, kernel).unwrap();
    assert_eq!((certain.moved, certain.acceptance), (0, 1.0));
    assert!(certain.estimate.poisson.lower < 1.0);
    let stuck = run_last_particle(&options, |s| s.normal(), |_| -1.0, kernel).unwrap_err();
    assert!(stuck.to_string().contains("stopped rising"), "{stuck}");
    let few = SplittingOptions {
        most_levels: 3,
        ..options
    };
    let stopped = run_last_particle(&few, |s| s.normal(), |x| x - 9.0, kernel).unwrap_err();
    assert!(matches!(stopped, StatsError::NoProgress { steps: 3, .. }));
    assert!(run_adaptive(&few, 0.1, |s| s.normal(), |x| x - 9.0, kernel).is_err());
    let broken = run_adaptive(&options, 0.1, |s| s.normal(), |_| f64::NAN, kernel).unwrap_err();
    assert!(matches!(broken, StatsError::NotFinite { index: 0, .. }));
    assert!(run_adaptive(&options, 1.0, |s| s.normal(), |x| x - 2.0, kernel).is_err());
    let still = SplittingOptions {
        moves: 0,
        ..options
    };
    assert!(run_last_particle(&still, |s| s.normal(), |x| x - 2.0, kernel).is_err());
}
