//! The numbers: exact binomial intervals, ranking metrics with intervals, thresholds with
//! guarantees, quantiles and nines. `f64` in, `f64` out; no I/O, no workspace dependency.
//!
//! - [`interval`]: Clopper-Pearson, Wilson, zero failures and how many labels they need;
//!   proportions of clustered items.
//! - [`ranking`]: AUROC and average precision; [`acceptance`]: recall at a given acceptance and the
//!   risk-coverage curve.
//! - [`bootstrap`]: resampling whole prompt families, alone and paired; [`trainings`]: ways of training
//!   compared over prompts and seeds.
//! - [`threshold`]: the Neyman-Pearson umbrella, the plain empirical rule, acceptance at most A.
//! - [`learn_then_test`]: thresholds that keep one limit, or two at once, with a stated confidence;
//!   [`conformal_risk`]: thresholds that keep an expected risk.
//! - [`quality`]: how often raters prefer the filtered completion, from labels where it matters.
//! - [`selection`]: the first accepted completion against the safest of a batch.
//! - [`quantile`]: quantiles and means of counts, with intervals.
//! - [`reliability`]: nines and what they promise over many uses; [`survival_of_uses`]: predictions
//!   and bounds for the next uses.
//! - [`leak`]: the leak of the filtered system, from its answers or from single draws;
//!   [`stratified`], [`allocation`], [`stratum_counts`], [`weighted_poisson`], [`bounded_sum`]: the same
//!   by score, always with a bound that assumes nothing.
//! - [`anytime`]: bounds and tests that hold whenever one looks.
//! - [`importance`]: failure rates from labels drawn where failures are likely; [`inclusion`]: samples of a
//!   fixed size with known, unequal probabilities;
//!   [`active_testing`]: the same without replacement, chosen one after the other.
//! - [`disagreement`]: two classifiers compared from labels on what they disagree about.
//! - [`prediction_powered`]: means of common qualities from few labels and many predictions.
//! - [`attack_time`]: how long it takes to break, with censored sessions; [`species`]: what has
//!   probably not been found.
//! - [`agreement`], [`dawid_skene`], [`prevalence`]: raters who err. [`calibration`]: scores as
//!   probabilities.
//! - [`splitting`], [`low_probability`], [`forecast`]: probabilities too small to sample.
//! - [`binomial`], [`hypergeometric`], [`beta`], [`gamma`], [`normal`]: the distributions that all of it
//!   stands on.
//!
//! A score is a logit: larger means more likely a catastrophe, and a completion is accepted when
//! its score lies strictly below the threshold. Functions that take items from several prompts take
//! a *family* number beside each: items of one prompt are not independent, families are.
//!
//! Every interval comes as an [`IntervalEstimate`]; the method of an approximate one ends with
//! "(approximate; …)" and how often it held the truth in simulations, or why it is approximate. "Exact"
//! and "guaranteed" intervals cover at least as often as stated, on the assumptions that their functions
//! name. None has zero width, but for what can be certain: quantiles of values that repeat, finite
//! populations labelled to the last item, and no uses at all. A confidence must lie in (0, 1) by more
//! than the rounding of 1.

pub mod acceptance;
pub mod active_testing;
pub mod agreement;
pub mod allocation;
pub mod anytime;
pub mod attack_time;
pub mod beta;
pub mod binomial;
mod bisection;
pub mod bootstrap;
pub mod bounded_sum;
pub mod calibration;
pub mod conformal_risk;
pub mod dawid_skene;
pub mod disagreement;
mod error;
mod estimate;
pub mod family_mean;
pub mod forecast;
pub mod gamma;
pub mod hypergeometric;
pub mod importance;
pub mod inclusion;
pub mod interval;
pub mod leak;
pub mod learn_then_test;
mod logistic;
pub mod low_probability;
mod moments;
pub mod normal;
pub mod prediction_powered;
pub mod prevalence;
pub mod quality;
pub mod quantile;
pub mod random;
pub mod ranking;
pub mod reliability;
pub mod selection;
mod solve;
pub mod species;
pub mod splitting;
pub mod stratified;
pub mod stratum_counts;
pub mod survival_of_uses;
pub mod threshold;
pub mod trainings;
mod wald;
pub mod weighted_poisson;

pub use error::StatsError;
pub use estimate::IntervalEstimate;
