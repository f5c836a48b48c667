use super::*;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got:e}, not {want:e}");
}

#[test]
fn linear_risks_match_the_published_numbers() {
    for (a, first, safest, tolerance) in [
        (0.4, 2.0e-4, 8.86969449e-5, 5e-14),
        (0.05, 2.5e-5, 2.30849673e-5, 5e-14),
        (0.9, 4.5e-4, 9.09090908e-5, 5e-14),
    ] {
        for r in [
            linear_risks(1e-3, a, 10).unwrap(),
            risks(|u| 1e-3 * u, a, 10).unwrap(),
        ] {
            near(r.first, first, 1e-16);
            near(r.safest, safest, tolerance);
        }
    }
    near(linear_risks(1e-3, 0.4, 10).unwrap().gain(), 2.2549, 5e-5);
    near(linear_risks(1e-3, 0.05, 10).unwrap().gain(), 1.083, 5e-4);
    near(linear_risks(1e-3, 0.9, 10).unwrap().gain(), 4.95, 5e-3);
    near(batch_accepted(0.4, 10).unwrap(), 0.9939533824, 5e-11);
}

#[test]
fn one_completion_leaves_nothing_to_choose() {
    for a in [1e-9, 0.05, 0.4, 0.99, 1.0] {
        let r = linear_risks(1e-3, a, 1).unwrap();
        near(r.gain(), 1.0, 1e-12);
        near(r.batch_accepted, a, 1e-15);
        let r = risks(|u| u.sqrt(), a, 1).unwrap();
        near(r.gain(), 1.0, 1e-9);
    }
}

#[test]
fn integration_agrees_with_closed_forms() {
    // p(u) = c·u², by parts: E[U²] of the smallest of n below a.
    for (a, n) in [(0.3, 4), (0.9, 25), (1.0, 7), (0.02, 1000)] {
        let r = risks(|u| 0.5 * u * u, a, n).unwrap();
        near(r.first / (0.5 * a * a / 3.0), 1.0, 1e-12);
        let size = n as f64;
        let b: f64 = 1.0 - a;
        // ∫₀ᵃ u² n(1−u)ⁿ⁻¹ du with z = 1−u.
        let part = |k: f64| size / (size + k) * (1.0 - b.powf(size + k));
        let second = part(0.0) - 2.0 * part(1.0) + part(2.0);
        let want = 0.5 * second / (1.0 - b.powf(size));
        near(r.safest / want, 1.0, 1e-8);
        let linear = risks(|u| 0.5 * u, a, n).unwrap();
        let closed = linear_risks(0.5, a, n).unwrap();
        near(linear.safest / closed.safest, 1.0, 1e-11);
    }
}

#[test]
fn a_jump_is_integrated() {
    // Certain catastrophes above 0.35 only: (a − 0.35)/a, and (0.65ⁿ − (1−a)ⁿ)/P.
    let r = risks(|u| if u > 0.35 { 1.0 } else { 0.0 }, 0.4, 10).unwrap();
    near(r.first, 0.05 / 0.4, 1e-11);
    let want = (0.65f64.powi(10) - 0.6f64.powi(10)) / (1.0 - 0.6f64.powi(10));
    near(r.safest, want, 1e-11);
}

#[test]
fn small_acceptance_keeps_its_digits() {
    // With na → 0 a batch holds at most one accepted completion.
    let r = linear_risks(1e-3, 1e-12, 10).unwrap();
    near(r.gain(), 1.0, 1e-9);
    near(r.safest / 5e-16, 1.0, 1e-9);
}

#[test]
fn the_safest_is_riskier_where_the_classifier_has_it_backwards() {
    let r = risks(|u| 1e-3 * (1.0 - u), 0.4, 10).unwrap();
    assert!(r.gain() < 1.0);
    assert_eq!(risks(|_| 0.0, 0.4, 10).unwrap().gain(), 1.0);
}

#[test]
fn divergences() {
    near(divergence_of_first(0.4).unwrap(), 0.9163, 5e-5);
    near(divergence_of_safest(10).unwrap(), 1.4026, 5e-5);
    assert_eq!(divergence_of_safest(1).unwrap(), 0.0);
    assert_eq!(divergence_of_first(1.0).unwrap(), 0.0);
    for (a, n) in [(0.4, 10u64), (0.05, 10), (0.9, 3), (1.0, 5), (0.3, 1)] {
        let size = n as f64;
        let accepted = batch_accepted(a, n).unwrap();
        // Midpoint sums of f·ln f.
        let steps = 200_000;
        let sum: f64 = (0..steps)
            .map(|i| {
                let u = a * (i as f64 + 0.5) / steps as f64;
                let f = size * (1.0 - u).powf(size - 1.0) / accepted;
                if f > 0.0 { f * f.ln() } else { 0.0 }
            })
            .sum::<f64>()
            * a
            / steps as f64;
        let closed = divergence_of_safest_accepted(a, n).unwrap();
        near(closed, sum, 1e-8);
        assert!(closed >= divergence_of_safest(n).unwrap() - 1e-15);
        assert!(closed >= divergence_of_first(a).unwrap() - 1e-14);
    }
}

#[test]
fn discrete_completions_stay_below_the_bounds() {
    // Four completions, safest first; the filter accepts the first two; three are drawn.
    let base = [0.1, 0.3, 0.2, 0.4];
    let n = 3;
    let mut below = 0.0;
    let mut safest = Vec::new();
    for p in base {
        let before: f64 = 1.0 - below;
        below += p;
        safest.push(before.powi(n) - (1.0 - below).max(0.0).powi(n));
    }
    let divergence = |of: &[f64]| -> f64 {
        let sum: f64 = of.iter().sum();
        of.iter()
            .zip(base)
            .map(|(q, p)| q / sum * (q / sum / p).ln())
            .sum()
    };
    assert!(divergence(&safest) < divergence_of_safest(3).unwrap());
    let accepted = divergence(&safest[..2]);
    assert!(accepted < divergence_of_safest_accepted(0.4, 3).unwrap());
    assert!(accepted > divergence_of_safest(3).unwrap(), "{accepted}");
}

#[test]
fn bad_input_is_refused() {
    assert!(risks(|u| u, 0.0, 3).is_err());
    assert!(risks(|u| u, 1.1, 3).is_err());
    assert!(risks(|u| u, f64::NAN, 3).is_err());
    assert!(risks(|u| u, 0.5, 0).is_err());
    assert!(risks(|_| f64::NAN, 0.5, 3).is_err());
    assert!(risks(|u| -u, 0.5, 3).is_err());
    assert!(linear_risks(-0.1, 0.5, 3).is_err());
    assert!(linear_risks(f64::NAN, 0.5, 3).is_err());
    // Different at every look: nothing to converge to.
    let state = std::cell::Cell::new(1u64);
    let wild = |_: f64| {
        state.set(
            state
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        );
        (state.get() >> 40) as f64 / (1u64 << 24) as f64
    };
    let error = risks(wild, 0.5, 3).unwrap_err();
    assert!(matches!(error, StatsError::NoProgress { .. }), "{error}");
}
