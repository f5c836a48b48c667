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
use nines_stats::acceptance::{FamilyScores, recall_at_acceptance};
use nines_stats::bootstrap::Bootstrap;
use nines_train::TrainingData;
use nines_train::cross_validation::{CrossValidation, OutOfFoldScore};
use nines_train::sweep::trial::Survival;
use nines_train::sweep::{AttackOutcome, AttackPlan};
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
    let families: Vec<u64> = random
        .iter()
        .map(|&row| data.rows()[row].family.prefix_u64())
        .collect();
    let scores = scorer.score(&texts, &mut |_| {});
    let scores = scores
        .into_iter()
        .map(|score| score.map(|score| score.logit()))
        .collect::<Result<Vec<f64>, _>>()
        .context("a held-out completion has no score")?;
    if scores.is_empty() {
        bail!(
            "the first fold holds no random completion, so that no threshold can be set; leave [attacks] out"
        );
    }
    let reference = FamilyScores::new("random completions", &scores, &families)?;
    let at = recall_at_acceptance(
        &reference,
        &reference,
        plan.acceptance,
        &Bootstrap::default(),
    )?;
    Ok(Threshold::new(at.threshold)?)
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
