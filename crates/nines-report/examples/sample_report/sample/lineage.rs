//! An invented lineage.

use super::{estimate, threshold};
use nines_report::report::*;

pub fn lineage() -> Lineage {
    let version = |name: &str, parent: &str, trained_on, catastrophes, from_attacks, day: u32| {
        ClassifierVersion {
            name: name.into(),
            parents: vec![parent.into()],
            trained_on,
            catastrophes,
            from_attacks,
            seed: Some(1_701),
            created: format!("2026-02-{day:02}T08:15:00Z"),
        }
    };
    let row = |id, what: &str, estimate| EstimateRow {
        id,
        what: what.into(),
        estimate,
        seed: (id > 15).then_some(9_876_543_210),
        created: "2026-02-27T17:40:12Z".into(),
    };
    Lineage {
        classifiers: vec![
            version("baseline@1", "deberta-v3-large", 148_000, 14_100, 0, 3),
            version("manual@2", "baseline@1", 149_900, 15_050, 1_900, 9),
            version("paraphrases@3", "manual@2", 152_300, 16_400, 4_300, 15),
            version("tool@4", "paraphrases@3", 154_000, 17_600, 6_000, 22),
        ],
        data: [
            ("prompts", 52_000),
            ("snippets", 310_442),
            ("labels by people", 22_292),
            ("labels by judges", 96_000),
            ("attack attempts", 6_310),
        ]
        .map(|(what, count)| DataCount {
            what: what.into(),
            count,
        })
        .to_vec(),
        calibrations: vec![Calibration {
            id: 4,
            classifier: "tool@4".into(),
            rule: "recall >= 0.99 with confidence 0.95".into(),
            threshold: threshold(),
            created: "2026-02-23T10:02:00Z".into(),
        }],
        designs: vec![SamplingDesign {
            id: 7,
            what: "answers of the filter, four strata by score".into(),
            drawn: 9_550,
            seed: Some(42),
            created: "2026-02-23T11:00:00Z".into(),
        }],
        estimates: vec![
            row(
                12,
                "leak, strict, model-assisted",
                estimate(
                    4.1e-5,
                    1.2e-5,
                    1.42e-4,
                    "stratified by score, Fay-Feuer",
                    9_358,
                ),
            ),
            row(
                13,
                "leak, strict, assumption-free",
                estimate(
                    None,
                    0.0,
                    5.58e-4,
                    "Clopper-Pearson in each stratum, Bonferroni, one-sided",
                    9_358,
                ),
            ),
            row(
                16,
                "acceptance",
                estimate(0.4118, 0.3987, 0.4251, "clustered by prompt family", 20_000),
            ),
            row(
                19,
                "quality",
                estimate(
                    0.487,
                    0.474,
                    0.4995,
                    "skip-pair, clustered by prompt",
                    1_169,
                ),
            ),
        ],
    }
}
