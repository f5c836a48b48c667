//! Times to a find: constant rates, Kaplan-Meier, attackers who differ.

use super::Section;
use super::chance::{Counts, exponential, gamma, together};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet, stated};
use nines_stats::attack_time::{
    AttackSession, Exposure, clustered_mean_time, clustered_rate_ratio, find_rate, kaplan_meier,
    mean_time, mean_time_lower_bound, rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::random::Stream;

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for expected in [0.5, 3.0, 30.0, 300.0] {
        rows.extend(fixed_time(plan, expected));
    }
    for (first, second) in [(1.0, 1.0), (6.0, 3.0), (60.0, 30.0)] {
        rows.extend(fixed_times(plan, first, second));
    }
    for (sessions, budget) in [
        (1, 0.5),
        (8, 0.05),
        (8, 1.0),
        (30, 0.3),
        (30, 5.0),
        (60, 1.0),
    ] {
        rows.extend(stopped(plan, sessions, budget));
    }
    for sessions in [5, 10, 20, 100] {
        rows.extend(survival(plan, sessions));
    }
    for (attackers, time, ratio) in [
        (3, 0.84, 0.88),
        (5, 0.90, 0.93),
        (10, 0.92, 0.94),
        (20, 0.93, 0.94),
    ] {
        rows.extend(differing(plan, attackers, stated(time), stated(ratio)));
    }
    Section {
        title: "Attack times",
        words: "Finds at a constant rate in a total time fixed beforehand (exact; n is the number expected) and in \
            sessions that stop at the first find or at a budget, given in mean times (n counts sessions). \
            Kaplan-Meier: exponential times of mean 1, budgets uniform on (0.3, 2), n sessions. Attackers whose \
            rates are spread as Gamma(2), six finds each on average, n attackers, 400 resamples.",
        rows,
    }
}

fn fixed_time(plan: &Plan, expected: f64) -> Vec<Row> {
    let time = 100.0;
    let rate = expected / time;
    let finds = Counts::poisson(expected);
    let setting = format!("a fixed time, {expected} finds expected");
    plan.enumerate(
        &setting,
        expected.ceil() as u64,
        finds.outcomes(),
        |seen, sheet| {
            let exposure = Exposure {
                finds: seen[0],
                time,
            };
            record_rate(exposure, rate, sheet);
        },
    )
}

fn record_rate(exposure: Exposure, rate: f64, sheet: &mut Sheet) {
    sheet.record("find_rate", Rule::Word, rate, |c| {
        find_rate(exposure, c).ok()
    });
    sheet.record("mean_time", Rule::Word, 1.0 / rate, |c| {
        mean_time(exposure, c).ok()
    });
    sheet.record("mean_time_lower_bound", Rule::Word, 1.0 / rate, |c| {
        mean_time_lower_bound(exposure, c).ok()
    });
}

fn fixed_times(plan: &Plan, first: f64, second: f64) -> Vec<Row> {
    let truth = first / second;
    let finds = [first, second].map(Counts::poisson);
    let setting = format!("two fixed times, {first} and {second} finds expected");
    let n = (first + second) as u64;
    plan.enumerate(&setting, n, together(&finds), |seen, sheet| {
        let [a, b] = [0, 1].map(|i| Exposure {
            finds: seen[i],
            time: 100.0,
        });
        sheet.record("rate_ratio", Rule::Word, truth, |c| {
            Some(rate_ratio(a, b, c).ok()?.ratio)
        });
    })
}

/// Sessions of one constant rate, each until its find or its budget.
fn sessions(count: u64, rate: f64, budget: f64, stream: &mut Stream) -> Vec<AttackSession> {
    (0..count)
        .map(|attacker| {
            let time = exponential(stream) / rate;
            AttackSession {
                time: time.min(budget),
                found: time < budget,
                attacker,
            }
        })
        .collect()
}

fn stopped(plan: &Plan, count: u64, budget: f64) -> Vec<Row> {
    let setting = format!("sessions until the first find or a budget of {budget}");
    plan.simulate(
        &setting,
        count,
        plan.size(2_000, 40_000),
        |stream, sheet| {
            let tried = sessions(count, 1.0, budget, stream);
            let slower = sessions(count, 0.5, budget, stream);
            let exposures = [&tried, &slower].map(|s| Exposure::of_sessions(s).ok());
            let [Some(exposure), Some(other)] = exposures else {
                return;
            };
            record_rate(exposure, 1.0, sheet);
            sheet.record("rate_ratio", Rule::Word, 2.0, |c| {
                Some(rate_ratio(exposure, other, c).ok()?.ratio)
            });
        },
    )
}

fn survival(plan: &Plan, count: u64) -> Vec<Row> {
    let figure = match count {
        5 => 0.92,
        10 => 0.93,
        _ => 0.95,
    };
    let rule = stated(figure);
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let tried: Vec<AttackSession> = (0..count)
            .map(|attacker| {
                let time = exponential(stream);
                let budget = 0.3 + 1.7 * stream.unit();
                AttackSession {
                    time: time.min(budget),
                    found: time < budget,
                    attacker,
                }
            })
            .collect();
        for (name, at) in [
            ("kaplan_meier: survival_at 0.9", 0.9_f64),
            ("kaplan_meier: survival_at 0.6", 0.6),
            ("kaplan_meier: survival_at 0.3", 0.3),
        ] {
            sheet.record(name, rule, at, |c| {
                kaplan_meier(&tried, c).ok()?.survival_at(-at.ln()).ok()
            });
        }
        sheet.record("kaplan_meier: median", stated(0.95), 2f64.ln(), |c| {
            Some(kaplan_meier(&tried, c).ok()?.median())
        });
    };
    plan.simulate(
        "sessions with differing budgets",
        count,
        plan.size(1_000, 20_000),
        experiment,
    )
}

/// Sessions of attackers whose rates are spread as Gamma(2), with the given mean.
fn frail(attackers: u64, mean: f64, stream: &mut Stream) -> Vec<AttackSession> {
    let mut tried = Vec::new();
    for attacker in 0..attackers {
        let rate = gamma(2, stream) / (2.0 * mean);
        // A fixed time for each attacker, in which finds come as they do.
        let mut left = 120.0;
        while left > 0.0 {
            let time = exponential(stream) / rate;
            tried.push(AttackSession {
                time: time.min(left),
                found: time < left,
                attacker,
            });
            left -= time;
        }
    }
    tried
}

fn differing(plan: &Plan, attackers: u64, time: Rule, ratio: Rule) -> Vec<Row> {
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let first = frail(attackers, 20.0, stream);
        let second = frail(attackers, 40.0, stream);
        let seed = stream.bits();
        let bootstrap = |confidence| Bootstrap {
            resamples: 400,
            seed,
            confidence,
        };
        sheet.record("clustered_mean_time", time, 20.0, |c| {
            clustered_mean_time(&first, &bootstrap(c)).ok()
        });
        sheet.record("clustered_rate_ratio", ratio, 2.0, |c| {
            clustered_rate_ratio(&first, &second, &bootstrap(c)).ok()
        });
        sheet.record(
            "mean_time, as if attackers were alike",
            Rule::Broken,
            20.0,
            |c| mean_time(Exposure::of_sessions(&first).ok()?, c).ok(),
        );
    };
    plan.simulate(
        "attackers who differ",
        attackers,
        plan.size(400, 10_000),
        experiment,
    )
}
