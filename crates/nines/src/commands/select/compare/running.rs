//! Training after training, each kept before the next begins.

use super::choosing::{Committee, Scored, choose, scores};
use super::ground::Ground;
use super::{KIND, shown, strategies, table};
use crate::cli::SelectCompareArgs;
use crate::models::{self, ScorePath};
use crate::output::{Output, counted};
use crate::progress::Progress;
use crate::project::Project;
use crate::{interrupt, runs};
use anyhow::{Context, Result, bail};
use nines_domain::snippet::ContentHash;
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::LongPolicy;
use nines_measure::acquisition::{Mixture, Strategy};
use nines_train::active_learning::{Cell, Comparison};
use nines_train::record::Silent;
use nines_train::sweep::trial::Rows;
use nines_train::{CheckpointCadence, Job, train};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The seeds of a committee's further members lie this far from the first's.
const MEMBERS_APART: u64 = 1_000_003;

/// Runs `nines select compare`.
pub async fn run(project: &Project, args: SelectCompareArgs, output: &Output) -> Result<()> {
    let strategies = strategies(&args)?;
    if args.table_only {
        return table(project, &args, &strategies, output).await;
    }
    let ground = Ground::new(project, &args).await?;
    output.note(&format!(
        "choosing from {}; {} validate for all; measured on {} of other prompt families; the test split is left out",
        counted(ground.parts.pool.len() as u64, "labelled snippet"),
        ground.parts.validation.len(),
        ground.parts.held_out.len()
    ));
    let names: Vec<String> = strategies.iter().map(Mixture::to_string).collect();
    let config = json!({ "strategies": names, "seeds": args.seeds, "identity": ground.identity,
        "results": args.results });
    let run = runs::begin(project, output, KIND, config, None).await?;
    let folder = project.run_folder(run.id);
    let cancel = interrupt::flag()?;
    let work = async {
        fs::create_dir_all(&args.results)
            .with_context(|| format!("cannot make {}", args.results.display()))?;
        keep_rows(&args.results, &ground.rows(), args.again)?;
        let ground = Arc::new(ground);
        let total = (strategies.len() * args.seeds.len() * args.budgets.len()) as u64;
        let mut progress = Progress::new(output, "compare", total);
        let mut left = args.limit.unwrap_or(u64::MAX);
        for &seed in &args.seeds {
            for (at, strategy) in strategies.iter().enumerate() {
                let line = Line {
                    ground: ground.clone(),
                    strategy: strategy.clone(),
                    before: strategies[..at].to_vec(),
                    seed,
                    folder: folder.join("trainings"),
                    cancel: cancel.clone(),
                };
                line.all(project, run.id, &mut progress, &mut left, output)
                    .await?;
            }
        }
        progress.finish("trainings have results");
        let found = ground.compared(&strategies)?;
        let result = json!({ "results": args.results, "missing": found.missing });
        Ok((found, result))
    };
    let found: Comparison = runs::conclude(project, run.id, &cancel, work).await?;
    output.result(&found, || match args.markdown {
        true => shown::markdown(&found),
        false => shown::words(&found),
    });
    Ok(())
}

/// Keeps what the scores are of beside the results, or checks that it is what lies there.
fn keep_rows(results: &Path, rows: &Rows, again: bool) -> Result<()> {
    match Rows::read(results)? {
        Some(kept) if kept.data == rows.data => Ok(()),
        Some(_) if !again => bail!(
            "{} holds results of other labelled snippets, or of other parts of them; give another folder, or --again to \
             replace them",
            results.display()
        ),
        _ => Ok(rows.write(results)?),
    }
}

/// One strategy with one seed: budget after budget.
#[derive(Clone)]
struct Line {
    ground: Arc<Ground>,
    strategy: Mixture,
    /// Strategies that have come before: their first training is this one's too.
    before: Vec<Mixture>,
    seed: u64,
    folder: PathBuf,
    cancel: CancelFlag,
}

impl Line {
    async fn all(
        &self,
        project: &Project,
        run: nines_domain::snippet::RunId,
        progress: &mut Progress,
        left: &mut u64,
        output: &Output,
    ) -> Result<()> {
        let budgets = &self.ground.args.budgets;
        let start = self
            .ground
            .parts
            .start(&self.ground.data, self.seed, budgets[0]);
        let mut labels: Vec<usize> = start;
        for (step, &budget) in budgets.iter().enumerate() {
            let cell = match self.ground.cell(&self.strategy, self.seed, budget)? {
                Some(cell) => cell,
                None if *left == 0 || self.cancel.is_cancelled() => return Ok(()),
                None => {
                    *left -= 1;
                    let name = format!("{}, seed {}, {budget} labels", self.strategy, self.seed);
                    progress.set(progress.done(), format!("{name} at work"));
                    let (line, labels) = (self.clone(), labels.clone());
                    let made = tokio::task::spawn_blocking(move || line.cell(step, &labels));
                    let cell = made.await.context("a training ended abruptly")?;
                    let cell = cell.with_context(|| name.clone())?;
                    cell.write(&self.ground.file(&self.strategy, self.seed, budget))?;
                    output.note(&format!("{name}: {:.0} s", cell.seconds));
                    cell
                }
            };
            progress.set(progress.done() + 1, "");
            let total = Some(progress.total());
            project
                .store
                .run_progress(run, progress.done(), total)
                .await?;
            labels = self.ground.places(&[cell.labels, cell.next].concat())?;
        }
        Ok(())
    }

    /// Trains on some labels, scores what is held out, and chooses what is labelled next.
    fn cell(&self, step: usize, labels: &[usize]) -> Result<Cell> {
        let begun = Instant::now();
        let ground = &self.ground;
        let budgets = &ground.args.budgets;
        let next = budgets.get(step + 1).map(|after| after - budgets[step]);
        if let Some(found) = self.same_start(step, labels, next)? {
            return Ok(found);
        }
        let members = match (next, self.strategy.has(Strategy::Disagreement)) {
            (Some(_), true) => u64::from(ground.args.committee),
            _ => 1,
        };
        let mut committee = Committee {
            members: Vec::new(),
        };
        let mut path = String::new();
        for member in 0..members {
            let seed = self.seed.wrapping_add(member.wrapping_mul(MEMBERS_APART));
            let (scorer, of) = self.trained(labels, seed)?;
            committee.members.push(scorer);
            path = of;
        }
        let first = committee
            .members
            .first()
            .context("nothing was trained")?
            .clone();
        let held_out = scores(ground, &first, &ground.parts.held_out)?;
        let wants_pool = next.is_some() && self.strategy.has(Strategy::NearThreshold);
        let pool = match wants_pool {
            true => Some(scores(ground, &first, &ground.parts.pool)?),
            false => None,
        };
        let scored = pool.clone().map(|pool| Scored { pool });
        let chosen = match next {
            Some(n) => choose(
                ground,
                &self.strategy,
                (self.seed, n),
                labels,
                Some(&committee),
                scored.as_ref(),
            )?,
            None => Vec::new(),
        };
        Ok(self.made(labels, chosen, path, held_out, pool, begun))
    }

    /// Takes the first training from another strategy, whose labels and seed are the same, where this one needs
    /// no more of it than was kept.
    fn same_start(
        &self,
        step: usize,
        labels: &[usize],
        next: Option<usize>,
    ) -> Result<Option<Cell>> {
        let needs_more = [Strategy::Disagreement, Strategy::Diverse];
        let (0, Some(n), false) = (step, next, needs_more.iter().any(|s| self.strategy.has(*s)))
        else {
            return Ok(None);
        };
        for other in &self.before {
            let Some(cell) = self.ground.cell(other, self.seed, labels.len())? else {
                continue;
            };
            if self.strategy.has(Strategy::NearThreshold) && cell.pool.is_none() {
                continue;
            }
            let wide = |scores: &[f32]| scores.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
            let scored = cell.pool.as_deref().map(|pool| Scored { pool: wide(pool) });
            let chosen = choose(
                &self.ground,
                &self.strategy,
                (self.seed, n),
                labels,
                None,
                scored.as_ref(),
            )?;
            return Ok(Some(Cell {
                strategy: self.strategy.to_string(),
                next: self.hashes(&chosen),
                ..cell
            }));
        }
        Ok(None)
    }

    fn made(
        &self,
        labels: &[usize],
        chosen: Vec<usize>,
        path: String,
        held_out: Vec<f64>,
        pool: Option<Vec<f64>>,
        begun: Instant,
    ) -> Cell {
        let narrow = |scores: Vec<f64>| scores.into_iter().map(|x| x as f32).collect();
        let rows = self.ground.data.rows();
        Cell {
            strategy: self.strategy.to_string(),
            seed: self.seed,
            identity: self.ground.identity.clone(),
            path,
            seconds: begun.elapsed().as_secs_f64(),
            labels: self.hashes(labels),
            catastrophes: labels.iter().filter(|&&row| rows[row].broad).count(),
            scores: narrow(held_out),
            pool: pool.map(narrow),
            next: self.hashes(&chosen),
        }
    }

    fn hashes(&self, rows: &[usize]) -> Vec<ContentHash> {
        rows.iter()
            .map(|&row| self.ground.data.hashes()[row])
            .collect()
    }

    /// Trains one classifier, and loads it. Its folder is removed again: only scores are kept.
    fn trained(
        &self,
        labels: &[usize],
        seed: u64,
    ) -> Result<(Arc<nines_infer::classifier::ClassifierScorer>, String)> {
        let ground = &self.ground;
        let config = ground.recipe(labels.len(), seed);
        let roles = ground.parts.roles(&ground.data, labels);
        let folder = self
            .folder
            .join(format!("{}-{seed}-{}", self.seed, labels.len()));
        remove(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let output = folder.join("classifier");
        train(
            Job {
                base: &ground.base.folder,
                data: &ground.data,
                roles: &roles,
                config: &config,
                cadence: CheckpointCadence::default(),
                run_folder: &folder.join("run"),
                cancel: &self.cancel,
            },
            &output,
            &ground.label,
            &mut Silent,
        )?;
        let path = ScorePath::new(config.precision, LongPolicy::Refuse).for_folder(&output);
        let scorer = models::scorer_of_folder(&output, path)?;
        remove(&folder)?;
        Ok((scorer, path.to_string()))
    }
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
