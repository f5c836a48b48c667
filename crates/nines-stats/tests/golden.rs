//! The numbers against scipy, mpmath and scikit-learn (`golden/stats.py`).

use nines_stats::ranking::{RankingMetric, RankingSample};
use nines_stats::{beta, binomial, interval, normal};
use serde_json::Value;

fn fixture() -> Value {
    let text = include_str!("../../../golden/fixtures/stats.json");
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).expect("rows of numbers")
}

fn close(got: f64, want: f64, relative: f64, what: &str) {
    let error = (got - want).abs() / want.abs().max(f64::MIN_POSITIVE);
    assert!(
        got == want || error <= relative,
        "{what}: {got:e} instead of {want:e} (relative error {error:.1e})"
    );
}

#[test]
fn clopper_pearson_agrees_with_scipy_to_twelve_digits() {
    for row in rows(&fixture()["clopper_pearson"]) {
        let (k, n) = (row[0] as u64, row[1] as u64);
        let e = interval::clopper_pearson(k, n, row[2]).expect("valid");
        close(e.lower, row[3], 1e-12, &format!("lower of {k}/{n}"));
        close(e.upper, row[4], 1e-12, &format!("upper of {k}/{n}"));
    }
}

#[test]
fn beta_tails_agree_with_forty_digit_arithmetic() {
    for row in rows(&fixture()["beta_tails"]) {
        let tails = beta::ln_tails(row[0], row[1], row[2]).expect("valid");
        let what = format!("Beta({}, {}) at {}", row[0], row[1], row[2]);
        close(tails.lower.exp(), row[3], 1e-12, &what);
        close(tails.upper.exp(), row[4], 1e-12, &what);
    }
}

#[test]
fn normal_agrees() {
    for row in rows(&fixture()["normal"]["ln_cdf"]) {
        close(
            normal::ln_cdf(row[0]),
            row[1],
            1e-14,
            &format!("ln Φ({})", row[0]),
        );
    }
    for row in rows(&fixture()["normal"]["quantile"]) {
        close(
            normal::quantile(row[0]).expect("valid"),
            row[1],
            1e-13,
            &format!("normal quantile of {}", row[0]),
        );
    }
}

#[test]
fn student_agrees() {
    for row in rows(&fixture()["student"]) {
        close(
            normal::student_upper(row[0], row[1]).expect("valid"),
            row[2],
            1e-11,
            &format!("t({}) at {}", row[1], row[0]),
        );
    }
}

#[test]
fn binomial_tails_agree() {
    for row in rows(&fixture()["binomial"]) {
        let (k, n) = (row[0] as u64, row[1] as u64);
        let what = format!("Bin({n}, {}) at {k}", row[2]);
        close(
            binomial::cdf(k, n, row[2]).expect("valid"),
            row[3],
            1e-11,
            &what,
        );
        close(
            binomial::at_least(k, n, row[2]).expect("valid"),
            row[4],
            1e-11,
            &what,
        );
    }
}

#[test]
fn ranking_metrics_agree_with_scikit_learn_ties_included() {
    for case in fixture()["rankings"].as_array().expect("cases") {
        let scores: Vec<f64> = serde_json::from_value(case["scores"].clone()).expect("numbers");
        let positive: Vec<bool> = serde_json::from_value(case["positive"].clone()).expect("flags");
        let families: Vec<u64> = (0..scores.len() as u64).collect();
        let sample = RankingSample::new(&scores, &positive, &families).expect("both classes");
        let want = |key: &str| case[key].as_f64().expect("a number");
        close(
            sample.value(RankingMetric::Auroc),
            want("auroc"),
            1e-13,
            "AUROC",
        );
        close(
            sample.value(RankingMetric::AveragePrecision),
            want("average_precision"),
            1e-13,
            "average precision",
        );
    }
}
