//! Invented curves.

use super::{CALM, basis, estimate, labels, threshold};
use nines_domain::score::sigmoid;
use nines_report::report::*;

fn curve(name: &str, method: &str, n: u64, points: Vec<Point>) -> Curve {
    Curve {
        name: name.into(),
        confidence: 0.95,
        method: method.into(),
        n,
        points,
    }
}

fn point(x: f64, value: impl Into<Option<f64>>, lower: f64, upper: f64) -> Point {
    Point {
        x,
        value: value.into(),
        lower,
        upper,
    }
}

pub fn risk_coverage() -> RiskCoverage {
    let n = 640.0;
    let one = |name: &str, sharpness: f64| {
        let points = (1..=60)
            .map(|step| {
                let accepted = f64::from(step) / 60.0;
                let missed = (accepted.powf(sharpness) * n).floor() / n;
                let half = 1.96 * (missed * (1.0 - missed) / n).sqrt();
                point(
                    accepted,
                    missed,
                    (missed - half)
                        .max(if missed > 0.0 { 0.4 / n } else { 0.0 })
                        .min(missed),
                    (missed + half + 1.9 / n).min(1.0),
                )
            })
            .collect();
        curve(name, "Clopper-Pearson, pointwise", 640, points)
    };
    RiskCoverage {
        catastrophes: "held-out completions, strict, labelled by people".into(),
        completions: 20_000,
        curves: vec![
            one("tool@4", 6.2),
            one("paraphrases@3", 4.9),
            one("manual@2", 3.6),
            one("baseline@1", 2.6),
        ],
        chosen: Some(ChosenPoint {
            acceptance: estimate(0.4118, 0.3987, 0.4251, "clustered by prompt family", 20_000),
            miss: estimate(2.0 / 640.0, 3.8e-4, 1.124e-2, "Clopper-Pearson", 640),
        }),
    }
}

/// A few points of the other figure: the sample's designs at other thresholds.
pub fn leak_by_threshold() -> LeakReadings {
    let mut sample = leak_by_score();
    for curves in &mut sample.readings {
        let both = [&mut curves.assisted, &mut curves.assumption_free];
        for curve in both.into_iter().flatten() {
            curve.points = curve.points.iter().step_by(8).copied().collect();
        }
    }
    sample
}

pub fn leak_by_score() -> LeakReadings {
    let logits: Vec<f64> = (0..=44).map(|step| -9.0 + 0.25 * f64::from(step)).collect();
    let reading = |reading, scale: f64, spread: f64, floor: f64| {
        let assisted = logits
            .iter()
            .map(|&t| {
                let leak = scale * 1e-5 * (0.72 * (t + 4.82)).exp();
                let spread = spread + 0.09 * (t + 4.82).abs();
                let lower = if t < -7.9 { 0.0 } else { leak / spread.exp() };
                point(t, leak, lower, leak * spread.exp())
            })
            .collect();
        let free = logits
            .iter()
            .map(|&t| {
                let leak = scale * 1e-5 * (0.72 * (t + 4.82)).exp();
                point(t, None, 0.0, floor + 1.6 * leak)
            })
            .collect();
        LeakCurves {
            reading,
            basis: basis(labels(9_358, 0)),
            assisted: Some(curve(
                "model-assisted estimate",
                "stratified by score, Fay-Feuer, pointwise",
                9_358,
                assisted,
            )),
            assumption_free: Some(curve(
                "assumption-free upper bound",
                "Clopper-Pearson in each stratum, Bonferroni, pointwise",
                9_358,
                free,
            )),
        }
    };
    LeakReadings {
        readings: vec![
            reading(Reading::Strict, 4.1, 1.25, 4.92e-4),
            reading(Reading::Broad, 19.0, 0.77, 5.83e-4),
        ],
    }
}

pub fn quality() -> QualityByThreshold {
    let points = (0..=22)
        .map(|step| {
            let t = -9.0 + 0.5 * f64::from(step);
            let cost = 0.11 * sigmoid(-0.85 * (t + 7.0));
            let half = 0.006 + 0.03 * sigmoid(-0.7 * (t + 6.0));
            point(t, 0.499 - cost, 0.499 - cost - half, 0.499 - cost + half)
        })
        .collect();
    QualityByThreshold {
        basis: Basis {
            prompts: CALM.into(),
            ..basis(labels(1_310, 0))
        },
        curve: curve(
            "tool@4",
            "skip-pair, clustered by prompt, pointwise",
            1_169,
            points,
        ),
    }
}

pub fn scores() -> ScoreDistributions {
    let edges: Vec<f64> = (0..=42).map(|step| -12.0 + 0.5 * f64::from(step)).collect();
    let bell = |size: f64, middle: f64, width: f64| -> Vec<u64> {
        edges
            .windows(2)
            .map(|edge| {
                let z = ((edge[0] + edge[1]) / 2.0 - middle) / width;
                (size * 0.5 / width * (-0.5 * z * z).exp() / 2.5066).round() as u64
            })
            .collect()
    };
    let group = |verdict, counts: Vec<u64>, unscoreable| {
        let n = counts.iter().sum();
        let accepted = edges
            .windows(2)
            .zip(&counts)
            .filter(|(edge, _)| edge[1] <= threshold().logit() + 0.5)
            .map(|(_, count)| count)
            .sum();
        ScoreGroup {
            verdict,
            counts,
            accepted,
            n,
            unscoreable,
        }
    };
    ScoreDistributions {
        groups: vec![
            group(Verdict::No, bell(19_200.0, -4.6, 2.6), 14),
            group(Verdict::Arguable, bell(420.0, 1.2, 2.3), 0),
            group(Verdict::Strict, bell(640.0, 4.2, 2.6), 1),
        ],
        edges,
        basis: basis(labels(20_260, 0)),
    }
}

pub fn survival() -> AttackSurvival {
    let group = |name: &str, mean: f64, sessions: u32, limit: f64, id_mean: Estimated| {
        // Even quantiles of an exponential law: invented, yet smooth.
        let mut times: Vec<(f64, bool)> = (0..sessions)
            .map(|session| {
                let u = (f64::from(session) + 0.5) / f64::from(sessions);
                let time = -mean * (-u).ln_1p();
                let limit = limit - f64::from(session % 4) * 11.0;
                (time.min(limit), time <= limit)
            })
            .collect();
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut alive, mut level, mut hazard) = (f64::from(sessions), 1.0_f64, 0.0);
        let mut points = Vec::new();
        let mut censored = Vec::new();
        for &(time, found) in &times {
            if found {
                level *= 1.0 - 1.0 / alive;
                hazard += if alive > 1.0 {
                    1.0 / (alive * (alive - 1.0))
                } else {
                    0.0
                };
                let half = 1.96 * f64::sqrt(hazard);
                let log = level.max(1e-9).ln();
                let spread = (half / log.abs().max(0.05)).min(3.0);
                points.push(point(
                    time,
                    level,
                    (log * spread.exp()).exp(),
                    (log * (-spread).exp()).exp(),
                ));
            } else {
                censored.push(time);
            }
            alive -= 1.0;
        }
        let at_risk = (0..=6)
            .map(|step| f64::from(step) * 20.0)
            .map(|minutes| AtRisk {
                minutes,
                sessions: times.iter().filter(|t| t.0 >= minutes).count() as u64,
            })
            .collect();
        SurvivalGroup {
            finds: points.len() as u64,
            sessions: sessions.into(),
            curve: curve(
                name,
                "Kaplan-Meier, Greenwood on the log-log scale (approximate; of 0.95: 0.92 with 5 sessions, 0.93 with 10, 0.95 from 20 up)",
                sessions.into(),
                points,
            ),
            censored_minutes: censored,
            at_risk,
            mean_minutes: Some(id_mean),
        }
    };
    let exact = "exponential, exact";
    AttackSurvival {
        groups: vec![
            group(
                "tool@4, with tool",
                26.0,
                31,
                100.0,
                estimate(26.0, 18.2, 38.6, exact, 30),
            ),
            group(
                "baseline@1, with tool",
                13.0,
                60,
                80.0,
                estimate(13.0, 10.0, 17.1, exact, 60),
            ),
            group(
                "tool@4, without",
                44.0,
                26,
                118.0,
                estimate(44.0, 28.5, 71.9, exact, 22),
            ),
        ],
        waiting: 0,
        ratios: vec![RateRatio {
            of: "baseline@1, with tool".into(),
            to: "tool@4, with tool".into(),
            ratio: estimate(2.0, 1.269_89, 3.211_72, "exact, conditional binomial", 90),
        }],
    }
}

pub fn growth(name: &str, start: f64, end: f64) -> Curve {
    let points = (0..=15)
        .map(|step| {
            let share = f64::from(step) / 15.0;
            // Records fall in steps.
            let level = start + (end - start) * (share * 6.0).floor() / 6.0;
            point(10f64.powf(0.6 + 3.2 * share), level, level, level)
        })
        .collect();
    curve(name, "lowest score so far", 597, points)
}

pub fn extrapolation(name: &str, from: f64) -> Curve {
    let points = (0..=8)
        .map(|step| {
            let share = f64::from(step) / 8.0;
            let middle = from - 2.3 * share;
            point(
                10f64.powf(3.8 + 1.2 * share),
                middle,
                middle - 2.6 * share,
                middle + 1.4 * share,
            )
        })
        .collect();
    curve(name, "tail of the ten worst, bootstrap", 74, points)
}
