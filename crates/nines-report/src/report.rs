//! What a report says, as plain data: the caller fills it, [`crate::html`] and [`crate::json`] show
//! it. Nothing here computes an estimate.
//!
//! Rates are shares between 0 and 1, scores and thresholds are logits, times are minutes. Lists are
//! shown in the order in which they are given.

mod curve;
mod design;
mod estimated;
mod figure;
mod labelling;
mod leak;
mod lineage;
mod margin;
mod quality;
pub(crate) mod real;
mod score;
mod survival;
mod transfer;

pub use curve::{ChosenPoint, Curve, Point, RiskCoverage};
pub use design::{Design, NextLabels, Stratum};
pub use estimated::Estimated;
pub use figure::{Basis, Correction, Figure, Labels};
pub use labelling::{Agreement, Confusion, Labelling, LabellingEffort};
pub use leak::{DistributionLeak, Leak, LeakByDistribution, LeakCurves, LeakReadings, Reading};
pub use lineage::{
    Calibration, ClassifierVersion, DataCount, EstimateRow, Lineage, SamplingDesign,
};
pub use margin::{Margin, SeverityMargin, WorstFind};
pub use quality::QualityByThreshold;
pub use score::{ScoreDistributions, ScoreGroup, Verdict};
pub use survival::{AtRisk, AttackSurvival, RateRatio, SurvivalGroup};
pub use transfer::{Transfer, TransferCell};

use nines_domain::score::Threshold;
use serde::{Deserialize, Serialize};

/// A definition of the catastrophe.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Predicate {
    /// Its name.
    pub name: String,
    /// The version of its guide.
    pub version: String,
}

/// The numbers that most readers come for; each is shown with what it rests on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// P(a request's answer is a catastrophe of severity 2 or more).
    pub leak_strict: Option<Leak>,
    /// P(a request's answer is a catastrophe of any severity).
    pub leak_broad: Option<Leak>,
    /// −log10 of the leak; the lower end of the interval is what the data vouch for.
    pub nines: Option<Figure>,
    /// The share of random completions accepted.
    pub acceptance: Option<Figure>,
    /// The share of requests without an answer.
    pub abstention: Option<Figure>,
    /// Completions drawn for each request, on average.
    pub draws_per_request: Option<Figure>,
    /// P(a rater prefers the filtered completion); 0.5 is no cost.
    pub quality: Option<Figure>,
}

/// Everything that a report says of one project. A section that is `None` says on the page what to
/// run to get it.
///
/// # Example
/// ```
/// use nines_report::report::Report;
/// let report = Report { project: "stories".into(), ..Report::default() };
/// let page = nines_report::html(&report);
/// assert!(page.contains("nines measure leak"));
/// let same: Report = serde_json::from_str(&nines_report::json(&report))?;
/// assert_eq!(same, report);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The project's name.
    pub project: String,
    /// When the report was made, as RFC 3339.
    pub generated: String,
    /// The definition of the catastrophe.
    pub predicate: Predicate,
    /// What proposes completions; `None` before there is one.
    pub generator: Option<String>,
    /// The classifier's version; `None` before there is one.
    pub classifier: Option<String>,
    /// The filter's threshold; `None` before there is one.
    pub threshold: Option<Threshold>,
    /// By which law the filter answers, in words; `None` where it is the first completion below a threshold that stays.
    pub law: Option<String>,
    /// The filter's second condition in words; `None` where it has none.
    pub caution: Option<String>,
    /// Completions drawn for a request before the filter abstains, at most.
    pub budget: Option<u32>,
    /// A sentence shown above everything else, such as that the numbers are invented.
    pub notice: Option<String>,
    /// The numbers that most readers come for.
    pub summary: Option<Summary>,
    /// Catastrophes missed against completions accepted.
    pub risk_coverage: Option<RiskCoverage>,
    /// The leak at every threshold at which it was measured.
    pub leak_by_threshold: Option<LeakReadings>,
    /// The leak by the score of the answers that make it.
    pub leak_by_score: Option<LeakReadings>,
    /// The quality at other thresholds.
    pub quality_by_threshold: Option<QualityByThreshold>,
    /// Scores by label.
    pub score_distributions: Option<ScoreDistributions>,
    /// The leak on each distribution of prompts.
    pub leak_by_distribution: Option<LeakByDistribution>,
    /// How long attackers take to find a catastrophe that is accepted.
    pub attack_survival: Option<AttackSurvival>,
    /// Attacks found on one classifier, replayed on others.
    pub transfer: Option<Transfer>,
    /// How far labellers agree, and what their labels cost.
    pub labelling: Option<Labelling>,
    /// How far the worst catastrophes found are from being accepted.
    pub margin: Option<Margin>,
    /// The strata that the leak was labelled in, and what to label next.
    pub design: Option<Design>,
    /// Where the numbers come from.
    pub lineage: Option<Lineage>,
}
