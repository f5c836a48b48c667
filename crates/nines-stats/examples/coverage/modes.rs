//! Failure modes as species, and two teams.

use super::Section;
use super::chance::{Counts, Wheel, happens};
use super::plan::Plan;
use super::tally::{Row, Rule, Sheet, stated};
use nines_stats::random::Stream;
use nines_stats::species::{
    Chao1, ModeFrequencies, capture_recapture, capture_recapture_exact, mode_number, new_modes,
    unseen_mass, unseen_mass_bound,
};

/// Measures the family.
pub fn measure(plan: &Plan) -> Section {
    let mut rows = Vec::new();
    for jungle in JUNGLES {
        rows.extend(found(plan, &jungle));
    }
    for (total, first, second, figure) in [
        (80, 40, 36, Some(0.94)),
        (97, 40, 35, Some(0.91)),
        (100, 17, 17, Some(0.87)),
        (30, 20, 28, None),
    ] {
        rows.extend(two_teams(plan, total, first, second, figure));
    }
    for chance in [0.2, 0.5] {
        rows.extend(teams_at_random(plan, chance));
    }
    Section {
        title: "Failure modes",
        words: "Finds drawn independently from a distribution over modes; n counts the finds. The truth of the unseen \
            mass and of the new modes among as many finds again differs from run to run. Two teams: how many \
            modes both find is hypergeometric given how many each finds (exact; n counts the modes).",
        rows,
    }
}

/// A distribution over modes.
struct Jungle {
    words: &'static str,
    modes: usize,
    /// The mass of a mode, in any unit.
    mass: fn(usize) -> f64,
    finds: u64,
    /// What must hold of Chao1's interval.
    chao: Rule,
}

const JUNGLES: [Jungle; 5] = [
    Jungle {
        words: "50 equal modes, about 40 found",
        modes: 50,
        mass: |_| 1.0,
        finds: 80,
        chao: stated(0.92),
    },
    Jungle {
        words: "50 equal modes, nearly all found",
        modes: 50,
        mass: |_| 1.0,
        finds: 300,
        chao: Rule::Broken,
    },
    Jungle {
        words: "50 modes, 30 of them very rare",
        modes: 50,
        mass: |i| if i < 20 { 1.0 } else { 0.02 },
        finds: 100,
        chao: Rule::Broken,
    },
    Jungle {
        words: "60 modes, the i-th in proportion to 1/(i + 1)",
        modes: 60,
        mass: |i| 1.0 / (i + 2) as f64,
        finds: 80,
        chao: Rule::Word,
    },
    Jungle {
        words: "2,000 equal modes",
        modes: 2_000,
        mass: |_| 1.0,
        finds: 5_000,
        chao: Rule::Word,
    },
];

fn found(plan: &Plan, jungle: &Jungle) -> Vec<Row> {
    let masses: Vec<f64> = (0..jungle.modes).map(jungle.mass).collect();
    let total: f64 = masses.iter().sum();
    let wheel = Wheel::new(&masses);
    let experiment = |stream: &mut Stream, sheet: &mut Sheet| {
        let mut counts = vec![0_u64; jungle.modes];
        for _ in 0..jungle.finds {
            counts[wheel.draw(stream)] += 1;
        }
        let Ok(seen) = ModeFrequencies::from_counts(&counts) else {
            return;
        };
        let missed = masses.iter().zip(&counts).filter(|(_, k)| **k == 0);
        let unseen: f64 = missed.map(|(m, _)| m / total).sum();
        sheet.record("unseen_mass", Rule::Word, unseen, |c| {
            unseen_mass(&seen, c).ok()
        });
        sheet.record("unseen_mass_bound", Rule::Word, unseen, |c| {
            unseen_mass_bound(&seen, c).ok()
        });
        for (name, form) in [
            ("mode_number: Classic", Chao1::Classic),
            ("mode_number: BiasCorrected", Chao1::BiasCorrected),
        ] {
            sheet.record(name, jungle.chao, jungle.modes as f64, |c| {
                Some(mode_number(&seen, form, c).ok()?.estimate)
            });
        }
        for _ in 0..jungle.finds {
            counts[wheel.draw(stream)] += 1;
        }
        let new = counts.iter().filter(|k| **k > 0).count() as u64 - seen.modes();
        sheet.record(
            "new_modes, as many finds again",
            stated(0.95),
            new as f64,
            |c| new_modes(&seen, 1.0, c).ok(),
        );
    };
    plan.simulate(
        jungle.words,
        jungle.finds,
        plan.size(500, 10_000),
        experiment,
    )
}

fn two_teams(plan: &Plan, total: u64, first: u64, second: u64, figure: Option<f64>) -> Vec<Row> {
    let rule = match figure {
        Some(figure) => stated(figure),
        None => Rule::Word,
    };
    let both = Counts::hypergeometric(first, second, total);
    let common = first as f64 * second as f64 / total as f64;
    let setting = format!("teams find {first} and {second}, {common:.1} in common on average");
    plan.enumerate(&setting, total, both.outcomes(), |seen, sheet| {
        record_teams(first, second, seen[0], total, rule, sheet);
    })
}

fn record_teams(first: u64, second: u64, both: u64, total: u64, rule: Rule, sheet: &mut Sheet) {
    let truth = total as f64;
    sheet.record("capture_recapture", rule, truth, |c| {
        Some(capture_recapture(first, second, both, c).ok()?.modes)
    });
    sheet.record("capture_recapture_exact", Rule::Word, truth, |c| {
        capture_recapture_exact(first, second, both, c).ok()
    });
}

/// Each team finds each mode with the same chance.
fn teams_at_random(plan: &Plan, chance: f64) -> Vec<Row> {
    let total = 60;
    let setting = format!("each team finds a mode with probability {chance}");
    plan.simulate(
        &setting,
        total,
        plan.size(1_000, 20_000),
        |stream, sheet| {
            let (mut first, mut second, mut both) = (0, 0, 0);
            for _ in 0..total {
                let (a, b) = (happens(chance, stream), happens(chance, stream));
                first += u64::from(a);
                second += u64::from(b);
                both += u64::from(a && b);
            }
            record_teams(first, second, both, total, Rule::Word, sheet);
        },
    )
}
