//! An invented project: every number here is made up, though they fit together.

mod curves;
mod lineage;

use nines_domain::estimate::Estimate;
use nines_domain::label::{LabellerKind, Severity};
use nines_domain::score::Threshold;
use nines_report::report::*;

const CALM: &str = "fan fiction, random passages";

/// A project with everything measured.
pub fn full() -> Report {
    Report {
        project: "No injuries (sample)".into(),
        generated: "2026-03-01T09:30:00Z".into(),
        predicate: Predicate {
            name: "introduces an injury".into(),
            version: "3".into(),
        },
        generator: Some("stories-2b, temperature 0.9, top-p 0.95".into()),
        classifier: Some("tool@4".into()),
        threshold: Some(threshold()),
        law: None,
        caution: None,
        budget: Some(100),
        notice: Some("Invented numbers: this report shows the layout, not a measurement.".into()),
        summary: Some(summary()),
        risk_coverage: Some(curves::risk_coverage()),
        leak_by_threshold: Some(curves::leak_by_threshold()),
        leak_by_score: Some(curves::leak_by_score()),
        quality_by_threshold: Some(curves::quality()),
        score_distributions: Some(curves::scores()),
        leak_by_distribution: Some(distributions()),
        attack_survival: Some(curves::survival()),
        transfer: Some(transfer()),
        labelling: Some(labelling()),
        margin: Some(margin()),
        design: Some(design()),
        lineage: Some(lineage::lineage()),
    }
}

/// A project in which nothing has happened yet.
pub fn empty() -> Report {
    Report {
        project: "A new project (sample)".into(),
        generated: "2026-03-01T09:30:00Z".into(),
        predicate: Predicate {
            name: "introduces an injury".into(),
            version: "1".into(),
        },
        ..Report::default()
    }
}

fn threshold() -> Threshold {
    Threshold::from_probability(0.008).expect("0.008 is a probability")
}

pub fn estimate(
    value: impl Into<Option<f64>>,
    lower: f64,
    upper: f64,
    method: &str,
    n: u64,
) -> Estimated {
    Estimate {
        value: value.into(),
        lower,
        upper,
        confidence: 0.95,
        method: method.into(),
        n,
    }
    .into()
}

fn labels(people: u64, judges: u64) -> Labels {
    Labels {
        people,
        judges,
        both: 0,
    }
}

fn basis(labels: Labels) -> Basis {
    Basis {
        prompts: CALM.into(),
        labels,
        correction: Correction::Uncorrected,
    }
}

fn figure(estimate: Estimated, id: u64, basis: Basis, meaning: &str) -> Figure {
    Figure {
        estimate,
        id: Some(id),
        basis,
        meaning: meaning.into(),
    }
}

fn summary() -> Summary {
    let adjudicated = Basis {
        correction: Correction::Corrected(
            "every yes adjudicated, sensitivity 0.93 from gold items".into(),
        ),
        ..basis(labels(9_358, 0))
    };
    let counted = Basis {
        prompts: CALM.into(),
        labels: Labels::default(),
        correction: Correction::NotNeeded,
    };
    Summary {
        leak_strict: Some(Leak {
            assisted: Some(figure(
                estimate(
                    4.1e-5,
                    1.2e-5,
                    1.42e-4,
                    "stratified by score, Fay-Feuer",
                    9_358,
                ),
                12,
                adjudicated.clone(),
                "About 4 in 100,000 requests are answered with a clear catastrophe.",
            )),
            assumption_free: Some(figure(
                estimate(
                    None,
                    0.0,
                    5.58e-4,
                    "Clopper-Pearson in each stratum, Bonferroni, one-sided",
                    9_358,
                ),
                13,
                adjudicated.clone(),
                "At most 56 in 100,000 requests, whatever the score knows.",
            )),
        }),
        leak_broad: Some(Leak {
            assisted: Some(figure(
                estimate(
                    1.9e-4,
                    8.7e-5,
                    4.1e-4,
                    "stratified by score, Fay-Feuer",
                    9_358,
                ),
                14,
                adjudicated.clone(),
                "About 19 in 100,000 requests are answered with at least an arguable one.",
            )),
            assumption_free: Some(figure(
                estimate(
                    None,
                    0.0,
                    8.87e-4,
                    "Clopper-Pearson in each stratum, Bonferroni, one-sided",
                    9_358,
                ),
                15,
                adjudicated.clone(),
                "At most 89 in 100,000 requests, whatever the score knows.",
            )),
        }),
        nines: Some(figure(
            estimate(4.387, 3.847, 4.921, "−log10 of estimate #12", 9_358),
            20,
            adjudicated,
            "Nines of the strict leak; the lower end is the careful number.",
        )),
        acceptance: Some(figure(
            estimate(0.4118, 0.3987, 0.4251, "clustered by prompt family", 20_000),
            16,
            counted.clone(),
            "The share of the generator's random completions that the filter accepts.",
        )),
        abstention: Some(figure(
            estimate(0.0036, 0.0025, 0.0050, "Clopper-Pearson", 10_000),
            17,
            counted.clone(),
            "Requests whose 100 draws were all rejected get no answer.",
        )),
        draws_per_request: Some(figure(
            estimate(2.71, 2.66, 2.77, "bootstrap over prompts", 10_000),
            18,
            counted,
            "Completions drawn before one was accepted, on average.",
        )),
        quality: Some(figure(
            estimate(
                0.487,
                0.474,
                0.4995,
                "skip-pair, clustered by prompt",
                1_169,
            ),
            19,
            Basis {
                labels: labels(640, 0),
                ..basis(Labels::default())
            },
            "Raters prefer the filtered completion a little less often than an unfiltered one.",
        )),
    }
}

fn distributions() -> LeakByDistribution {
    let row = |prompts: &str, assisted: Option<Estimated>, free: Option<f64>, n: u64, id| {
        DistributionLeak {
            prompts: prompts.into(),
            assisted,
            assumption_free: free
                .map(|upper| estimate(None, 0.0, upper, "Clopper-Pearson, one-sided", n)),
            id: Some(id),
            labels: labels(n, 0),
            correction: Correction::Uncorrected,
        }
    };
    let fay = "stratified by score, Fay-Feuer";
    LeakByDistribution {
        reading: Reading::Strict,
        rows: vec![
            row(
                CALM,
                Some(estimate(4.1e-5, 1.2e-5, 1.42e-4, fay, 9_358)),
                Some(5.58e-4),
                9_358,
                12,
            ),
            row(
                "calm scenes only",
                Some(estimate(0.0, 0.0, 7.4e-5, fay, 4_000)),
                Some(7.5e-4),
                4_000,
                22,
            ),
            row(
                "fight scenes",
                Some(estimate(1.6e-3, 7.0e-4, 3.6e-3, fay, 2_400)),
                Some(4.9e-3),
                2_400,
                23,
            ),
            row(
                "hospital scenes",
                Some(estimate(6.1e-4, 0.0, 3.9e-3, fay, 700)),
                Some(4.3e-3),
                700,
                24,
            ),
            row(
                "prompts written to break the filter, round 4",
                None,
                Some(0.11),
                40,
                25,
            ),
        ],
    }
}

fn transfer() -> Transfer {
    let names = ["baseline", "manual", "paraphrases", "tool"];
    let shares: [[(u64, u64); 4]; 4] = [
        [(400, 400), (66, 400), (41, 400), (18, 400)],
        [(212, 300), (300, 300), (37, 300), (52, 300)],
        [(401, 520), (322, 520), (520, 520), (47, 520)],
        [(344, 410), (318, 410), (291, 410), (410, 410)],
    ];
    let cell = |row: usize, column: usize| {
        let (k, n) = shares[row][column];
        let p = k as f64 / n as f64;
        let half = 1.96 * (p * (1.0 - p) / n as f64).sqrt() + 1.8 / n as f64;
        Some(TransferCell {
            rate: estimate(
                p,
                (p - half).max(0.0),
                (p + half).min(1.0),
                "Wilson (approximate; 0.84 to 1 of 0.95 at rare rates, 0.94 to 0.95 at 0.1 to 0.3)",
                n,
            ),
            forgotten: (row, column) == (1, 3),
        })
    };
    Transfer {
        attacks: "catastrophes of severity 2 or more by two people's labels".into(),
        found_on: names.map(str::to_owned).to_vec(),
        replayed_on: names.map(str::to_owned).to_vec(),
        cells: (0..4)
            .map(|row| {
                (0..4)
                    .map(|column| {
                        if (row, column) == (3, 0) {
                            None
                        } else {
                            cell(row, column)
                        }
                    })
                    .collect()
            })
            .collect(),
    }
}

fn labelling() -> Labelling {
    let agreement = |items: &str, value, lower, upper, n| Agreement {
        items: items.into(),
        about: "strict or not".into(),
        alpha: estimate(
            value,
            lower,
            upper,
            "Krippendorff, nominal, bootstrap over items",
            n,
        ),
    };
    let effort = |who: &str, kind, labellers, labels, hours, cost| LabellingEffort {
        who: who.into(),
        kind,
        labellers,
        labels,
        hours,
        cost,
    };
    Labelling {
        agreements: vec![
            agreement("all", 0.81, 0.77, 0.85, 4_310),
            agreement("near the threshold", 0.58, 0.47, 0.68, 390),
        ],
        confusion: Some(Confusion {
            rows: "first label".into(),
            columns: "second label".into(),
            verdicts: ["no", "arguable", "clear", "egregious", "unsure"]
                .map(str::to_owned)
                .to_vec(),
            counts: vec![
                vec![3_391, 62, 8, 1, 20],
                vec![58, 211, 40, 2, 9],
                vec![6, 37, 266, 31, 3],
                vec![0, 3, 29, 104, 0],
                vec![18, 7, 2, 0, 2],
            ],
        }),
        effort: vec![
            effort(
                "contractors",
                LabellerKind::Person,
                11,
                21_480,
                Some(214.5),
                Some(7_507.5),
            ),
            effort(
                "adjudicators",
                LabellerKind::Person,
                2,
                812,
                Some(20.3),
                Some(1_015.0),
            ),
            effort(
                "judge-7b",
                LabellerKind::Judge,
                1,
                96_000,
                Some(3.1),
                Some(9.3),
            ),
        ],
        currency: "USD".into(),
    }
}

fn margin() -> Margin {
    let worst = |distance: f64, snippet: &str, attack: &str| {
        Some(WorstFind {
            score: threshold().logit() + distance,
            distance,
            snippet: snippet.into(),
            attack: attack.into(),
        })
    };
    Margin {
        effort_unit: "attempts".into(),
        severities: vec![
            SeverityMargin {
                severity: Severity::Egregious,
                found: 74,
                accepted: 0,
                worst: worst(0.83, "9f2c41d0", "tool-assisted rewriting"),
                growth: Some(curves::growth("severity 3, found", 5.2, 0.83)),
                extrapolation: Some(curves::extrapolation("severity 3, extrapolated", 0.83)),
            },
            SeverityMargin {
                severity: Severity::Clear,
                found: 203,
                accepted: 5,
                worst: worst(-1.31, "41b7a99e", "tool-assisted rewriting"),
                growth: Some(curves::growth("severity 2, found", 4.1, -1.31)),
                extrapolation: None,
            },
            SeverityMargin {
                severity: Severity::Arguable,
                found: 320,
                accepted: 41,
                worst: worst(-3.02, "c07e55aa", "word substitution, beam 8"),
                growth: Some(curves::growth("severity 1, found", 2.6, -3.02)),
                extrapolation: None,
            },
        ],
        assumption: "The extrapolation assumes that the tail of the ten worst finds goes on as it began, and \
                     that the same attacks go on."
            .into(),
    }
}

fn design() -> Design {
    let stratum =
        |lower, upper, share, drawn, labelled, catastrophes, rate: Option<Estimated>| Stratum {
            lower,
            upper,
            share,
            drawn,
            labelled,
            catastrophes,
            rate,
        };
    let rate = |value, lower, upper, n| Some(estimate(value, lower, upper, "Clopper-Pearson", n));
    Design {
        id: Some(7),
        frame: "answers of the filter to requests from the test split".into(),
        frame_size: 50_000,
        strata: vec![
            stratum(
                f64::NEG_INFINITY,
                -9.0,
                0.412,
                3_800,
                3_800,
                0,
                rate(0.0, 0.0, 9.7e-4, 3_800),
            ),
            stratum(
                -9.0,
                -7.5,
                0.317,
                2_900,
                2_900,
                0,
                rate(0.0, 0.0, 1.28e-3, 2_900),
            ),
            stratum(
                -7.5,
                -6.0,
                0.2503,
                1_650,
                1_650,
                0,
                rate(0.0, 0.0, 2.24e-3, 1_650),
            ),
            stratum(
                -6.0,
                -4.820_282,
                0.0207,
                1_200,
                1_008,
                2,
                rate(1.98e-3, 2.4e-4, 7.15e-3, 1_008),
            ),
        ],
        next: vec![
            NextLabels {
                stratum: Some(4),
                labels: 120,
                bound: "model-assisted interval's upper end (strict)".into(),
                now: 1.42e-4,
                then: 1.21e-4,
            },
            NextLabels {
                stratum: Some(1),
                labels: 1_000,
                bound: "assumption-free upper bound (strict)".into(),
                now: 5.58e-4,
                then: 5.01e-4,
            },
        ],
    }
}
