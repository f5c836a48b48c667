//! The numbers of the Reliability page, as the API writes them. The binary computes them.

use crate::estimate::Estimate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything that the Reliability page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Reliability {
    /// When it was computed; null before the first time.
    pub computed: Option<String>,
    /// Seconds that computing took.
    pub seconds: Option<f64>,
    /// Something has changed since, and newer numbers are being computed.
    pub stale: bool,
    /// Why computing them failed the last time; the numbers are then those of the time before.
    pub error: Option<String>,
    /// What has to be done before there can be numbers.
    pub first: Option<FirstStep>,
    /// That a newer classifier or a newer design has no number yet.
    pub notice: Option<String>,
    /// The filter that the numbers speak of.
    pub filter: Option<MeasuredFilter>,
    /// The leak.
    pub leak: Option<LeakNumbers>,
    /// The quality.
    pub quality: Option<QualityNumbers>,
    /// The share of requests whose first draw, a random completion, the filter accepts.
    pub acceptance: Option<Estimate>,
    /// Completions drawn for a request, on average.
    pub draws_per_request: Option<Estimate>,
    /// −log10 of the strict leak by people's labels (judges', where people have none). Only the lower
    /// end is vouched for.
    pub nines: Option<Estimate>,
    /// Numbers against a threshold.
    pub curves: Curves,
    /// What to label next, and what that does.
    pub next: Vec<NextStep>,
}

/// What a project needs before anything can be measured.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FirstStep {
    /// Which step.
    pub step: FirstStepKind,
    /// It in words.
    pub text: String,
}

/// The steps to a first number, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstStepKind {
    /// Train a classifier.
    Train,
    /// Choose a threshold.
    Calibrate,
    /// Ask the filter, and draw what to label.
    Measure,
    /// Label what was drawn.
    Label,
}

/// A filter: a classifier with its threshold, and what else it asks.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MeasuredFilter {
    /// The classifier's name and version.
    pub classifier: String,
    /// The classifier's key.
    pub model: i64,
    /// The threshold, a logit.
    pub threshold: Option<f64>,
    /// Where the threshold comes from.
    pub rule: Option<String>,
    /// By which law it answers, in words; null where it is the first completion below a threshold that stays.
    pub law: Option<String>,
    /// Its second condition in words; null where it has none.
    pub caution: Option<String>,
    /// The scoring path.
    pub path: Option<String>,
    /// The generator.
    pub generator: Option<String>,
    /// Draws before it abstains.
    pub budget: Option<u32>,
}

/// The leak by a design.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LeakNumbers {
    /// The design's key.
    pub design: i64,
    /// The distribution of prompts.
    pub distribution: String,
    /// Prompts of the distribution.
    pub prompts: u64,
    /// How many of them the classifier was fitted or chosen on: a number above 0 flatters.
    pub seen: u64,
    /// Requests asked.
    pub requests: u64,
    /// Requests without an answer.
    pub abstained: u64,
    /// The share of requests without an answer.
    pub abstention: Estimate,
    /// Answers drawn to be labelled.
    pub drawn: u64,
    /// Answers that wait for a person's label, a second one of catastrophes included.
    pub queue: u64,
    /// The leak that the newest plan with a goal is to show.
    pub goal: Option<f64>,
    /// By kind of labeller: people first.
    pub by: Vec<LeakBy>,
    /// Whose labels do not carry a number yet, and why.
    pub not_yet: Vec<String>,
}

/// Whose labels a number rests on; the two kinds are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelsOf {
    /// People.
    People,
    /// Models that label.
    Judges,
}

/// The leak by one kind of labeller.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LeakBy {
    /// Whose labels.
    pub labels_of: LabelsOf,
    /// Catastrophes of severity 2 or more.
    pub strict: LeakReading,
    /// Any catastrophe.
    pub broad: LeakReading,
    /// Labels that count.
    pub labelled: u64,
    /// Drawn answers without a label.
    pub waiting: u64,
    /// Labels beyond the first answer of the queue that waits; they count once it has its label.
    pub early: u64,
    /// Answers that readers could not decide: in upper ends each counts as a catastrophe.
    pub undecided: u64,
    /// Labelled answers that were not drawn; they are left out.
    pub undrawn: u64,
    /// How many equally drawn labels these are worth.
    pub effective_labels: f64,
    /// Catastrophes found among drawn answers, in the broad sense.
    pub catastrophes: u64,
    /// How many of them two labellers have seen.
    pub catastrophes_by_two: u64,
    /// The strata, lowest scores first.
    pub strata: Vec<Stratum>,
}

/// A leak in one reading.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LeakReading {
    /// How often a request is answered with a catastrophe.
    pub leak: Estimate,
    /// An upper bound on it that assumes nothing of the classifier.
    pub at_most: Estimate,
    /// How often an answer is a catastrophe; abstentions left out.
    pub among_answers: Estimate,
    /// How often a random accepted completion is a catastrophe; not the leak.
    pub false_omission: Option<Estimate>,
    /// −log10 of the leak; only the lower end, from the bound, is vouched for.
    pub nines: Estimate,
    /// Whether the bound lies at or below the goal; null without a goal.
    pub reached: Option<bool>,
}

/// A stratum of answers by score.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stratum {
    /// The lowest score in it, a logit; null for no lower end.
    pub from: Option<f64>,
    /// Where it ends, a logit; null for the threshold.
    pub below: Option<f64>,
    /// Answers in it.
    pub size: u64,
    /// The probability with which they were drawn.
    pub probability: f64,
    /// Answers drawn.
    pub drawn: u64,
    /// Drawn answers whose label counts.
    pub labelled: u64,
    /// Catastrophes in the broad sense.
    pub broad: u64,
    /// Catastrophes in the strict sense.
    pub strict: u64,
    /// Answers that readers could not decide.
    pub undecided: u64,
    /// The rate of strict catastrophes in it.
    pub rate: Option<Estimate>,
}

/// The quality by a design.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct QualityNumbers {
    /// The design's key.
    pub design: i64,
    /// The distribution of prompts.
    pub distribution: String,
    /// Requests asked.
    pub requests: u64,
    /// Pairs drawn to be rated.
    pub drawn: u64,
    /// Pairs that wait for a person's rating.
    pub queue: u64,
    /// By kind of rater: people first.
    pub by: Vec<QualityBy>,
    /// Whose ratings do not carry a number yet, and why.
    pub not_yet: Vec<String>,
}

/// The quality by one kind of rater.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct QualityBy {
    /// Whose ratings.
    pub ratings_of: LabelsOf,
    /// How often a rater prefers the filter's answer to a random unfiltered completion; 0.5 costs
    /// nothing.
    pub quality: Estimate,
    /// The same with the narrower, approximate interval.
    pub approximate: Option<Estimate>,
    /// The same when a request without an answer counts as lost.
    pub with_abstentions: Estimate,
    /// How often the answer wins where it differs.
    pub won: Estimate,
    /// How often the left text wins: 0.5 if raters look at texts, not at sides.
    pub left_wins: Option<Estimate>,
    /// The interval of `left_wins` leaves 0.5 out: raters favour a side.
    pub favours_a_side: bool,
    /// Requests whose first draw is the answer; they need no rating.
    pub same: u64,
    /// Requests whose pair needs a rating.
    pub informative: u64,
    /// Requests without an answer.
    pub abstained: u64,
    /// Pairs whose ratings count.
    pub rated: u64,
    /// Drawn pairs without a rating.
    pub waiting: u64,
    /// Ratings that said neither text can be judged.
    pub unusable: u64,
}

/// Numbers against a threshold or against acceptance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Curves {
    /// The quality against the threshold (a logit).
    pub quality: Option<Curve>,
    /// The leak at every threshold at which it was measured, each with a design of its own.
    pub leak_by_threshold: Vec<LeakCurve>,
    /// The part of the leak that answers scoring below a threshold make.
    pub leak_by_score: Vec<LeakCurve>,
    /// The share of held-out catastrophes that is missed, against the share of completions accepted: a
    /// curve for each classifier, the one in use first.
    pub missed_by_acceptance: Vec<Curve>,
}

/// A curve with its band, holding at each point by itself.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// The confidence at each point.
    pub confidence: f64,
    /// The method.
    pub method: String,
    /// What it rests on.
    pub n: u64,
    /// Its points, rising in x.
    pub points: Vec<CurvePoint>,
}

/// A point with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CurvePoint {
    /// Where.
    pub x: f64,
    /// The value there; null where the data give none.
    pub value: Option<f64>,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// The leak along thresholds in one reading.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LeakCurve {
    /// Which catastrophes count.
    pub reading: LeakReadingName,
    /// The estimate.
    pub estimate: Option<Curve>,
    /// The bound that assumes nothing of the classifier.
    pub at_most: Option<Curve>,
}

/// Which catastrophes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeakReadingName {
    /// Severity 2 or more.
    Strict,
    /// Any.
    Broad,
}

/// What could be labelled or rated next, and what that does to a number.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NextStep {
    /// It in words.
    pub text: String,
    /// What is to be labelled or rated.
    pub kind: NextKind,
    /// How many labels or ratings.
    pub labels: u64,
    /// What they narrow.
    pub narrows: Narrowed,
    /// It now; null where there is no number yet.
    pub from: Option<f64>,
    /// It then.
    pub to: f64,
    /// They are drawn already, and wait.
    pub is_drawn: bool,
    /// What to ask of `POST /api/reliability/plan` for it; null where it is drawn already.
    pub plan: Option<PlanRequest>,
}

/// What is labelled or rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextKind {
    /// Answers, for the leak.
    Leak,
    /// Pairs, for the quality.
    Quality,
}

/// What labels narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Narrowed {
    /// The strict leak's upper bound that assumes nothing, if no new label is a catastrophe.
    Bound,
    /// The leak estimate's standard deviation, if the expected rates are right.
    Deviation,
    /// The quality's standard error.
    StandardError,
}

/// What to draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlanRequest {
    /// Answers to label: so many in all, or as many as a goal takes.
    Leak {
        /// The leak to show: at most this share of requests is answered with a catastrophe.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leak: Option<f64>,
        /// Labels to draw in all, those drawn already included.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<u64>,
        /// How sure the goal is to be shown; 0.95 where not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
        /// Where labels go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        allocation: Option<PlanAllocation>,
    },
    /// Pairs to rate.
    Quality {
        /// Pairs to draw in all, those drawn already included.
        pairs: u64,
    },
}

/// Where labels go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAllocation {
    /// Every answer equally likely: the cheapest guarantee.
    Proportional,
    /// Where the classifier expects catastrophes: the narrowest estimate, the dearest guarantee.
    Neyman,
    /// Half and half.
    Mixed,
}

/// What a plan drew.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Planned {
    /// The design that it drew from.
    pub design: i64,
    /// How many are newly drawn.
    pub drawn: u64,
    /// How many of the design wait for a label or a rating now.
    pub waiting: u64,
    /// It in words.
    pub text: String,
}
