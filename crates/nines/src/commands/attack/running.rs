//! `nines attack run`: attempts, one start after another, each stored before the next begins.

use super::judging::Judging;
use super::models::{self, Loaded};
use super::starts::{self, Starts};
use super::{KIND, find, hints, recipes, seeds, show};
use crate::cli::AttackRunArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_attack::attack::Attack;
use nines_attack::attempt::{Attempt, Find, Outcome, Start};
use nines_attack::recipe::{GoalKind, Recipe};
use nines_domain::snippet::RunId;
use nines_infer::cancel::CancelFlag;
use nines_store::{AttackOutcome, AttackStart, NewAttackAttempt, NewAttackFind, Run};
use serde_json::{Value, json};
use std::sync::Arc;

/// Finds of one attempt that are stored.
const MOST_FINDS: usize = 256;

/// Runs `nines attack run`.
pub async fn run(project: &Project, args: AttackRunArgs, output: &Output) -> Result<()> {
    let attacking = match args.resume {
        Some(id) => Attacking::again(project, RunId(id), output).await?,
        None => Attacking::new(project, args, output).await?,
    };
    let run = attacking.begin(project, output).await?;
    let cancel = interrupt::flag()?;
    let mut broken = None;
    let work = async {
        broken = attacking.all(project, run.id, &cancel, output).await?;
        if let Some(why) = &broken {
            bail!("no attempt came to an end: {why}");
        }
        Ok(((), show::summary(project, run.id).await?))
    };
    for warning in attacking.warnings() {
        output.note(&warning);
    }
    let ended = runs::conclude(project, run.id, &cancel, work).await;
    if broken.is_none() {
        ended?;
        return tell(project, &attacking, run.id, output).await;
    }
    // A run in which nothing worked has failed; its table says what broke, and how often.
    tell(project, &attacking, run.id, output).await?;
    ended
}

/// Shows what a run came to.
async fn tell(project: &Project, attacking: &Attacking, run: RunId, output: &Output) -> Result<()> {
    if let Some(answers) = attacking.loaded.judge.as_ref().and_then(Judging::answers) {
        output.note(&answers);
    }
    let shown = show::Shown::read(project, run).await?;
    output.result(&shown, || words(&shown, attacking));
    Ok(())
}

fn words(shown: &show::Shown, attacking: &Attacking) -> String {
    let mut text = shown.words();
    let run = shown.run;
    text.push_str(match (shown.table.waiting, attacking.args.verify) {
        (0, _) => "\n",
        (_, 0) => "\nNobody is asked about the finds (--verify 0), so that none becomes a success.\n",
        _ => "\nFinds wait to be labelled by somebody: nines serve, then Label, Attack successes to verify.\n",
    });
    if shown.table.broken > 0 {
        text.push_str(&format!(
            "Broken attempts say nothing of the attack: nines attack run --resume {run} makes them again.\n"
        ));
    }
    let mut next = vec![
        (
            format!("nines attack show {run}"),
            "the same table, with the labels of then",
        ),
        (
            format!("nines attack show {run} --finds"),
            "every find, with its scores",
        ),
        (
            format!("nines attack show {run} --sampling"),
            "against labelling random answers",
        ),
    ];
    if let Some(control) = attacking.control() {
        next.push((control, "the control: random edits of the same starts"));
    }
    text.push_str(&hints::next(&next));
    text
}

/// An attack with its starts.
struct Attacking {
    args: AttackRunArgs,
    recipe: Recipe,
    loaded: Loaded,
    attack: Arc<Attack>,
    starts: Starts,
    /// The run that is taken up again.
    resumed: Option<Run>,
}

impl Attacking {
    /// Puts together what is asked for.
    async fn new(project: &Project, args: AttackRunArgs, output: &Output) -> Result<Self> {
        let Some(name) = args.recipe.as_deref() else {
            bail!(BadUsage(
                "name a recipe (`nines attack recipes` lists them), or a TOML file, or --resume RUN".to_owned()
            ));
        };
        let recipe = recipes::read(name)?;
        Self::of(project, args, recipe, None, output).await
    }

    /// Puts together what a run was asked for, as it was then.
    async fn again(project: &Project, id: RunId, output: &Output) -> Result<Self> {
        let run = project.store.run(id).await?;
        if run.kind != KIND {
            bail!(BadUsage(format!("run {id} is no attack but {}", run.kind)));
        }
        let unreadable =
            || format!("run {id} was stored by another version of nines; start it anew");
        let args: AttackRunArgs =
            serde_json::from_value(run.config["asked"].clone()).with_context(unreadable)?;
        let toml = run.config["recipe"].as_str().with_context(unreadable)?;
        let recipe = Recipe::parse(toml).with_context(unreadable)?;
        let attacking = Self::of(project, args, recipe, Some(run.clone()), output).await?;
        if let Some(what) = hints::changed(&run.config, &attacking.config()) {
            bail!("run {id} cannot go on: {what}; start a new run");
        }
        Ok(attacking)
    }

    /// What somebody should know before it begins.
    fn warnings(&self) -> Vec<String> {
        let caution = self.attack.caution();
        let caution = caution.map(|caution| format!("caution: {caution}"));
        caution
            .into_iter()
            .chain(hints::lasting(&self.recipe, self.starts.all.len()))
            .collect()
    }

    /// The command that attacks the same starts with random edits, where that is a control of this attack.
    fn control(&self) -> Option<String> {
        let is_like = self.recipe.goal == GoalKind::Evade && !self.attack.takes_prompts();
        let model = &self.loaded.first.model;
        let classifier = format!("{}@{}", model.name, model.version);
        (is_like && self.recipe.name != "random").then(|| hints::control(&self.args, &classifier))
    }

    async fn of(
        project: &Project,
        args: AttackRunArgs,
        mut recipe: Recipe,
        resumed: Option<Run>,
        output: &Output,
    ) -> Result<Self> {
        if let Some(queries) = args.queries {
            recipe.budget.queries = queries;
        }
        if let Some(seconds) = args.seconds {
            recipe.budget.seconds = seconds;
        }
        if recipe.budget.queries == 0 || recipe.budget.seconds <= 0.0 {
            bail!(BadUsage(format!(
                "the recipe {} allows {} queries and {} seconds: nothing can be tried; say --queries and --seconds",
                recipe.name, recipe.budget.queries, recipe.budget.seconds
            )));
        }
        let recipe = models::with_judge(recipe, &args)?;
        let recorded = resumed.as_ref().map(|run| &run.config);
        let loaded = Loaded::load(project, &args, &recipe, recorded, output).await?;
        let attack = loaded.attack(&recipe, args.seed)?;
        let takes_prompts = attack.takes_prompts();
        let starts = match &resumed {
            Some(run) => {
                starts::again(project, &args, takes_prompts, &run.config["starts"]).await?
            }
            None => starts::find(project, &args, recipe.goal, takes_prompts).await?,
        };
        Ok(Self {
            args,
            recipe,
            loaded,
            attack: Arc::new(attack),
            starts,
            resumed,
        })
    }

    /// Everything that decides what comes of the run.
    fn config(&self) -> Value {
        let described = self.attack.description();
        let mut config = self.loaded.describe();
        config["name"] = json!(self.recipe.name);
        config["goal"] = json!(self.recipe.goal);
        config["recipe"] = json!(described.recipe);
        config["budget"] = json!(described.budget);
        config["victim"] = json!(described.victim);
        config["models"] = json!(described.models);
        config["fallible"] = json!(described.fallible);
        config["version"] = json!(described.version);
        config["starts"] = self.starts.record.clone();
        config["asked"] = json!(self.args);
        config
    }

    /// Starts the run, or takes it up again.
    async fn begin(&self, project: &Project, output: &Output) -> Result<Run> {
        let Some(old) = &self.resumed else {
            return runs::begin(project, output, KIND, self.config(), Some(self.args.seed)).await;
        };
        project.store.mark_interrupted_runs().await?;
        let made = project.store.attempted_positions(old.id).await?;
        let run = match made.len() < self.starts.all.len() {
            // It may be done for all that: broken attempts are made anew.
            true => project.store.reopen_run(old.id).await?,
            false => project.store.resume_run(old.id).await?,
        };
        output.note(&format!("going on with run {} ({KIND})", run.id));
        if let Some(job) = project.job {
            job.work_on(&project.store, run.id).await?;
        }
        Ok(run)
    }

    /// Makes the attempts that are not stored yet. Returns why nothing worked, where nothing did.
    async fn all(
        &self,
        project: &Project,
        run: RunId,
        cancel: &CancelFlag,
        output: &Output,
    ) -> Result<Option<String>> {
        let total = self.starts.all.len() as u64;
        let made = project.store.attempted_positions(run).await?;
        project
            .store
            .run_progress(run, made.len() as u64, Some(total))
            .await?;
        let mut progress = Progress::new(output, "attack", total);
        let mut done = made.len() as u64;
        progress.set(done, "");
        let (mut reached, mut broken, mut whole) = (0u64, None, !made.is_empty());
        for (position, (start, text)) in (0u64..).zip(&self.starts.all) {
            if made.contains(&position) {
                continue;
            }
            if cancel.is_cancelled() {
                break;
            }
            let seed = seeds::of_attempt(self.args.seed, position);
            let (attack, text, flag) = (self.attack.clone(), text.clone(), cancel.clone());
            let attempt =
                tokio::task::spawn_blocking(move || attack.attempt(&Start::new(text), seed, &flag))
                    .await
                    .context("the attack ended abruptly")?;
            let Some(new) = self.stored(position, start.clone(), seed, &attempt) else {
                // Stopped halfway: it is made anew when the run goes on.
                break;
            };
            project.store.insert_attack_attempt(run, &new).await?;
            done += 1;
            reached += u64::from(new.outcome == AttackOutcome::Reached);
            match (&new.outcome, &new.why) {
                (AttackOutcome::Broken, Some(why)) => broken = Some(why.clone()),
                _ => whole = true,
            }
            project.store.run_progress(run, done, Some(total)).await?;
            progress.set(done, format!("{reached} reached the goal"));
        }
        progress.finish(&format!("{reached} reached the goal"));
        Ok(broken.filter(|_| !whole && !cancel.is_cancelled()))
    }

    /// Turns an attempt into what is stored; none where somebody stopped it.
    fn stored(
        &self,
        position: u64,
        start: AttackStart,
        seed: u64,
        attempt: &Attempt,
    ) -> Option<NewAttackAttempt> {
        let outcome = match attempt.outcome {
            Outcome::Reached => AttackOutcome::Reached,
            Outcome::Failed => AttackOutcome::Failed,
            Outcome::Spent => AttackOutcome::Spent,
            Outcome::Skipped { .. } => AttackOutcome::Skipped,
            Outcome::Broken { .. } => AttackOutcome::Broken,
            Outcome::Cancelled => return None,
        };
        let first = |scores: &Vec<f64>| scores.first().copied();
        let of_find = |find: &Find| first(&find.scores);
        // What a broken attempt had come to is in its detail, but is no find.
        let finds: &[Find] = match outcome {
            AttackOutcome::Reached => &attempt.finds,
            _ => &[],
        };
        let asked = find::asked(finds, self.args.verify as usize);
        let shown = finds.first().or(attempt.best.as_ref());
        Some(NewAttackAttempt {
            position,
            recipe: self.recipe.name.clone(),
            model: self.loaded.first.model.id,
            start,
            outcome,
            why: attempt.outcome.why().map(without_nul),
            judge: self.loaded.judge.as_ref().map(Judging::labeller),
            start_score: attempt.start_scores.as_ref().and_then(first),
            score: shown.and_then(of_find),
            threshold: self.loaded.first.threshold.logit(),
            queries: attempt.queries,
            scored: attempt.scored,
            seconds: attempt.seconds,
            words: attempt.words as u64,
            words_changed: shown.is_some().then_some(attempt.words_changed as u64),
            seed,
            detail: json!({
                "budget": self.recipe.budget, "reached_at": attempt.reached_at,
                "start_scores": attempt.start_scores, "best": attempt.best, "end": attempt.end,
                "trace": attempt.trace, "tally": attempt.tally, "notes": attempt.notes,
                "found": finds.len(), "asked": asked.iter().filter(|asked| **asked).count(),
                "finds": finds.iter().take(MOST_FINDS)
                    .map(|find| json!({ "scores": find.scores, "kind": find.kind })).collect::<Vec<_>>(),
            }),
            finds: finds
                .iter()
                .take(MOST_FINDS)
                .zip(asked)
                .filter_map(|(find, queued)| {
                    Some(NewAttackFind {
                        text: find.text.clone(),
                        score: of_find(find)?,
                        log_weight: find.log_weight,
                        queued,
                    })
                })
                .collect(),
        })
    }
}

/// An error's text must never be what keeps the error from being stored.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
