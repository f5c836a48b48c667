//! Attacks on the classifier of a trial's first fold, all classifiers from the same starts.

use super::running::start_order;
use anyhow::{Context, Result, bail};
use nines_attack::attack::Attack;
use nines_attack::attempt::{Outcome, Start};
use nines_attack::recipe::{GoalKind, Models, Recipe};
use nines_attack::victim::Victim;
use nines_domain::score::Threshold;
use nines_infer::cancel::CancelFlag;
use nines_infer::scorer::Scorer;
use nines_stats::acceptance::threshold_at;
use nines_train::cross_validation::{CrossValidation, OutOfFoldScore};
use nines_train::data::Role;
use nines_train::sweep::attacks::Survival;
use nines_train::sweep::{AttackOutcome, AttackPlan};
use nines_train::{TrainingData, TrainingRow};
use std::sync::Arc;

/// The fold whose classifier is attacked.
const FOLD: u64 = 0;

/// Checks that every attack of a plan is known, needs nothing but the classifier, and starts from
/// catastrophes.
pub fn check(plan: &AttackPlan) -> Result<()> {
    for name in &plan.recipes {
        let recipe = Recipe::named(name).with_context(|| {
            format!("[attacks] names {name}; nines attack recipes lists what there is")
        })?;
        if recipe.goal != GoalKind::Evade {
            bail!("[attacks] names {name}, which does not look for catastrophes that pass");
        }
        recipe.check_alone().with_context(|| {
            format!("[attacks] names {name}, which needs more than the classifier")
        })?;
    }
    Ok(())
}

/// Checks that the fold whose classifier is attacked holds what attacks begin with and what sets the threshold.
pub fn check_fold(data: &TrainingData, folds: u64, split_seed: u64) -> Result<()> {
    let held_out = data.fold(FOLD, folds, split_seed).rows(Role::HeldOut);
    let any = |wanted: fn(&TrainingRow) -> bool| held_out.iter().any(|&r| wanted(&data.rows()[r]));
    if !any(|row| row.broad) {
        bail!(
            "the first fold holds no catastrophe, so that attacks have no start; leave [attacks] out"
        );
    }
    if !any(|row| row.random) {
        bail!(
            "the first fold holds no random completion, so that no threshold can be set; leave [attacks] out"
        );
    }
    Ok(())
}

/// Attacks the classifier of the first fold from catastrophes that it never saw.
pub fn run(
    plan: &AttackPlan,
    scorer: Arc<dyn Scorer>,
    data: &TrainingData,
    found: &CrossValidation,
    cancel: &CancelFlag,
) -> Result<Vec<AttackOutcome>> {
    let threshold = threshold(plan, &scorer, data, found)?;
    let mut starts: Vec<usize> = held_out(data, found, |score| score.broad);
    starts.sort_by_key(|&row| start_order(&data.hashes()[row]));
    starts.truncate(plan.starts);
    plan.recipes
        .iter()
        .map(|name| {
            let attack = built(name, plan, &scorer, threshold)?;
            let survived = starts
                .iter()
                .map(|&row| attacked(&attack, data, row, cancel))
                .collect::<Result<_>>()?;
            Ok(AttackOutcome {
                recipe: name.clone(),
                queries: plan.queries,
                threshold: threshold.logit(),
                acceptance: plan.acceptance,
                survived,
            })
        })
        .collect()
}

fn built(
    name: &str,
    plan: &AttackPlan,
    scorer: &Arc<dyn Scorer>,
    threshold: Threshold,
) -> Result<Attack> {
    let mut recipe = Recipe::named(name).with_context(|| format!("there is no attack {name}"))?;
    recipe.budget.queries = plan.queries;
    // No clock, so that a busy machine finds what an idle one finds.
    recipe.budget.seconds = f64::from(u32::MAX);
    let victim = Arc::new(Victim::new(vec![scorer.clone()]));
    recipe
        .build(&Models::of(victim, vec![threshold]), 0)
        .with_context(|| format!("the attack {name} needs more than the classifier"))
}

/// The threshold that accepts the plan's share of the fold's random completions, by the path that is
/// attacked.
fn threshold(
    plan: &AttackPlan,
    scorer: &Arc<dyn Scorer>,
    data: &TrainingData,
    found: &CrossValidation,
) -> Result<Threshold> {
    let random = held_out(data, found, |score| score.random);
    let texts: Vec<_> = random
        .iter()
        .map(|&row| data.rows()[row].text.clone())
        .collect();
    let scores = scorer.score(&texts, &mut |_| {});
    let scores = scores
        .into_iter()
        .map(|score| score.map(|score| score.logit()))
        .collect::<Result<Vec<f64>, _>>()
        .context("a held-out completion has no score")?;
    let at = threshold_at(&scores, plan.acceptance)
        .context("no threshold for attacks can be set on the first fold's random completions")?;
    Ok(Threshold::new(at)?)
}

/// Lists rows of the attacked fold.
fn held_out(
    data: &TrainingData,
    found: &CrossValidation,
    wanted: impl Fn(&OutOfFoldScore) -> bool,
) -> Vec<usize> {
    let scores = found.scores.iter();
    scores
        .filter(|score| score.fold == FOLD && wanted(score))
        .filter_map(|score| data.hashes().binary_search(&score.snippet).ok())
        .collect()
}

fn attacked(
    attack: &Attack,
    data: &TrainingData,
    row: usize,
    cancel: &CancelFlag,
) -> Result<Survival> {
    let text = data.rows()[row].text.clone();
    let hash = data.hashes()[row];
    let attempt = attack.attempt(&Start::new(text), start_order(&hash), cancel);
    let (passed_already, found) = match &attempt.outcome {
        Outcome::Reached => (false, true),
        Outcome::Failed | Outcome::Spent => (false, false),
        Outcome::Skipped { .. } if attempt.start_scores.is_some() => (true, false),
        Outcome::Skipped { why } | Outcome::Broken { why } => {
            bail!("an attack broke on {hash}: {why}")
        }
        Outcome::Cancelled => bail!("stopped"),
    };
    Ok(Survival {
        snippet: hash,
        family: data.rows()[row].family,
        passed_already,
        found,
        queries: attempt.queries,
    })
}
