//! What each snippet of a pool is worth, by the strategies that were asked for, and why.

use super::LeftOut;
use super::pool::Read;
use super::states::hidden_states;
use crate::cli::{ChooseArgs, LongArg};
use crate::commands::filter::threshold_of;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::scoring::Scoring;
use anyhow::{Context, Result, bail};
use nines_domain::score::Score;
use nines_domain::snippet::{ContentHash, RunId, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_measure::acquisition::{Mixture, Strategy, spread, surprise};
use nines_store::{Model, Snippet, SnippetFilter};
use nines_train::cross_validation::{OutOfFoldScore, SCORES_FILE};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// A pool with what its snippets are worth.
pub struct Ranked {
    /// The snippets, in the pool's order.
    pub snippets: Vec<Snippet>,
    /// What was left out, and why.
    pub left_out: LeftOut,
    /// The worth of each, by strategy.
    pub worths: BTreeMap<Strategy, Vec<f64>>,
    /// The worth of each in words.
    pub why: Vec<String>,
    /// Hidden states, where the mixture wants them.
    pub states: Vec<Vec<f32>>,
    /// Hidden states of what is labelled already.
    pub labelled: Vec<Vec<f32>>,
    /// By what it was ranked.
    pub about: Value,
}

/// Everything that ranking reads.
struct Ranking<'a> {
    project: &'a Project,
    args: &'a ChooseArgs,
    path: ScorePath,
    run: RunId,
    cancel: &'a CancelFlag,
    output: &'a Output,
    ranked: Ranked,
}

/// Ranks a pool by every strategy of a mixture. What lacks a score or a hidden state that one of them needs is
/// left out.
pub async fn rank(
    project: &Project,
    args: &ChooseArgs,
    mixture: &Mixture,
    read: Read,
    run: RunId,
    cancel: &CancelFlag,
    output: &Output,
) -> Result<Ranked> {
    let mut ranking = Ranking {
        project,
        args,
        path: ScorePath::of(project, LongArg::Refuse)?,
        run,
        cancel,
        output,
        ranked: Ranked {
            why: vec![String::new(); read.snippets.len()],
            snippets: read.snippets,
            left_out: read.left_out,
            worths: BTreeMap::new(),
            states: Vec::new(),
            labelled: Vec::new(),
            about: json!({}),
        },
    };
    for (strategy, _) in mixture.shares() {
        match strategy {
            Strategy::Random => ranking.at_random(),
            Strategy::NearThreshold => ranking.near_threshold().await?,
            Strategy::Disagreement => ranking.disagreement().await?,
            Strategy::Diverse => ranking.diverse().await?,
            Strategy::Relabel => ranking.relabel().await?,
        }
    }
    Ok(ranking.ranked)
}

impl Ranking<'_> {
    fn at_random(&mut self) {
        for why in &mut self.ranked.why {
            add(why, "at random");
        }
    }

    async fn near_threshold(&mut self) -> Result<()> {
        let model = models::classifier(self.project, self.args.classifier.as_deref()).await?;
        let threshold = threshold_of(self.project, &model, self.args.threshold, self.path).await?;
        let scores = self.scores(&model).await?;
        let scores = self.keep("without a score", scores);
        let at = threshold.threshold.logit();
        for (why, score) in self.ranked.why.iter_mut().zip(&scores) {
            let apart = score.logit() - at;
            let side = if apart < 0.0 { "below" } else { "above" };
            add(
                why,
                &format!("{:.2} logits {side} the threshold", apart.abs()),
            );
        }
        let near = scores.iter().map(|score| -(score.logit() - at).abs());
        self.ranked
            .worths
            .insert(Strategy::NearThreshold, near.collect());
        self.ranked.about["classifier"] = json!(model.label());
        self.ranked.about["threshold"] = json!(threshold.threshold);
        self.ranked.about["threshold_rule"] = json!(threshold.rule);
        let path = self.path.for_model(self.project, &model).await?;
        self.ranked.about["path"] = json!(path.to_string());
        Ok(())
    }

    async fn disagreement(&mut self) -> Result<()> {
        let mut committee: Vec<Model> = Vec::new();
        for name in &self.args.classifiers {
            let model = models::classifier(self.project, Some(name)).await?;
            if committee.iter().any(|other| other.id == model.id) {
                bail!(
                    "{} is named twice; a classifier always agrees with itself",
                    model.label()
                );
            }
            committee.push(model);
        }
        let mut columns: Vec<Vec<Option<Score>>> = Vec::new();
        for model in &committee {
            columns.push(self.scores(model).await?);
        }
        let places = 0..self.ranked.snippets.len();
        let rows = places.map(|place| {
            let of = columns.iter().map(|column| column[place].map(Score::logit));
            of.collect::<Option<Vec<f64>>>()
        });
        let rows: Vec<Option<Vec<f64>>> = rows.collect();
        let rows = self.keep("without a score by all", rows);
        let apart: Vec<f64> = rows.iter().map(|row| spread(row)).collect();
        for (why, (row, apart)) in self.ranked.why.iter_mut().zip(rows.iter().zip(&apart)) {
            let logits: Vec<String> = row.iter().map(|x| format!("{x:.2}")).collect();
            add(
                why,
                &format!("{apart:.2} logits apart ({})", logits.join(", ")),
            );
        }
        self.ranked.worths.insert(Strategy::Disagreement, apart);
        let labels: Vec<String> = committee.iter().map(Model::label).collect();
        self.ranked.about["classifiers"] = json!(labels);
        let path = self.path.for_models(self.project, &committee).await?;
        self.ranked.about["path"] = json!(path.to_string());
        Ok(())
    }

    async fn diverse(&mut self) -> Result<()> {
        let model = models::classifier(self.project, self.args.classifier.as_deref()).await?;
        let texts = texts_of(&self.ranked.snippets);
        let pool =
            hidden_states(self.project, &model, self.path, texts, "read", self.output).await?;
        let pool = self.keep("without a hidden state", pool);
        let mut labelled = self
            .project
            .store
            .snippets(&SnippetFilter::labelled())
            .await?;
        let seed = self.project.config.project.split_seed;
        if let Some(wanted) = super::pool::split(self.args.split) {
            labelled.retain(|snippet| snippet.split(seed) == wanted);
        }
        labelled.sort_by_key(|snippet| snippet.hash);
        let centres = match labelled.is_empty() {
            true => Vec::new(),
            false => {
                let texts = texts_of(&labelled);
                hidden_states(
                    self.project,
                    &model,
                    self.path,
                    texts,
                    "read labelled",
                    self.output,
                )
                .await?
            }
        };
        self.ranked.states = pool;
        self.ranked.labelled = centres.into_iter().flatten().collect();
        for why in &mut self.ranked.why {
            add(why, "far from what is labelled or chosen");
        }
        self.ranked.about["hidden_states_of"] = json!(model.label());
        self.ranked.about["centres"] = json!(self.ranked.labelled.len());
        Ok(())
    }

    async fn relabel(&mut self) -> Result<()> {
        let scores = match self.args.out_of_fold {
            Some(run) => self.out_of_fold(RunId(run))?,
            None => {
                let model =
                    models::classifier(self.project, self.args.classifier.as_deref()).await?;
                self.output.note(&format!(
                    "caution: {} may have been trained on these labels, and then is rarely surprised by them; \
                     --out-of-fold RUN takes scores of classifiers that were not",
                    model.label()
                ));
                self.ranked.about["classifier"] = json!(model.label());
                self.scores(&model).await?
            }
        };
        let scores = self.keep("without a score", scores);
        let mut worths = Vec::with_capacity(scores.len());
        let rows = self.ranked.snippets.iter().zip(&scores);
        for (why, (snippet, score)) in self.ranked.why.iter_mut().zip(rows) {
            let adjudication = snippet.adjudication.as_ref();
            let labels = adjudication.map_or(1, |a| a.labels.max(1));
            let catastrophe = data::broad(snippet).unwrap_or_default();
            let nats = surprise(score.logit(), catastrophe);
            let verdict = if catastrophe { "yes" } else { "no" };
            let disagree = adjudication.is_some_and(|a| a.needs_another);
            // More labels make each of them less doubtful; labellers who disagree come before all surprise.
            let worth = nats / labels as f64 + if disagree { DISAGREE } else { 0.0 };
            let p = score.probability();
            let split = if disagree { ", labellers disagree" } else { "" };
            add(
                why,
                &format!(
                    "labelled {verdict}, P(catastrophe) {p:.3}: {nats:.2} nats of surprise{split}"
                ),
            );
            worths.push(worth);
        }
        self.ranked.worths.insert(Strategy::Relabel, worths);
        self.ranked.about["out_of_fold"] = json!(self.args.out_of_fold);
        Ok(())
    }

    async fn scores(&self, model: &Model) -> Result<Vec<Option<Score>>> {
        let scoring = Scoring::load(
            self.project,
            model,
            self.path,
            self.run,
            self.cancel,
            self.output,
        )
        .await?;
        let what = format!("score by {}", model.label());
        scoring.of(&self.ranked.snippets, &what).await
    }

    /// Reads the scores of a cross-validation.
    fn out_of_fold(&self, run: RunId) -> Result<Vec<Option<Score>>> {
        let path = self.project.run_folder(run).join(SCORES_FILE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("run {run} has no out-of-fold scores ({}); make them: nines train classifier --cross-validate 5", path.display())
        })?;
        let mut found: HashMap<ContentHash, f64> = HashMap::new();
        for (line, row) in text.lines().enumerate() {
            let row: OutOfFoldScore = serde_json::from_str(row)
                .with_context(|| format!("line {} of {} is no score", line + 1, path.display()))?;
            found.insert(row.snippet, row.score);
        }
        let of = |snippet: &Snippet| found.get(&snippet.hash).and_then(|&x| Score::new(x).ok());
        Ok(self.ranked.snippets.iter().map(of).collect())
    }

    /// Keeps the snippets for which there is something, with all that is known of them, and returns it.
    fn keep<T>(&mut self, why: &'static str, of: Vec<Option<T>>) -> Vec<T> {
        let stays: Vec<bool> = of.iter().map(Option::is_some).collect();
        let gone = stays.iter().filter(|stays| !**stays).count() as u64;
        if gone > 0 {
            *self.ranked.left_out.entry(why).or_default() += gone;
            filter(&mut self.ranked.snippets, &stays);
            filter(&mut self.ranked.why, &stays);
            if !self.ranked.states.is_empty() {
                filter(&mut self.ranked.states, &stays);
            }
            for worths in self.ranked.worths.values_mut() {
                filter(worths, &stays);
            }
        }
        of.into_iter().flatten().collect()
    }
}

/// What labellers who disagree are worth beside surprise, in nats: more than any single label can surprise.
const DISAGREE: f64 = 1000.0;

fn filter<T>(values: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    values.retain(|_| stays.next().copied().unwrap_or_default());
}

fn add(why: &mut String, more: &str) {
    if !why.is_empty() {
        why.push_str("; ");
    }
    why.push_str(more);
}

fn texts_of(snippets: &[Snippet]) -> Vec<SnippetText> {
    snippets
        .iter()
        .map(|snippet| snippet.text.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_takes_everything_with_it() {
        let mut values = vec![1, 2, 3, 4];
        filter(&mut values, &[true, false, true, false]);
        assert_eq!(values, [1, 3]);
        let mut why = String::new();
        add(&mut why, "near");
        add(&mut why, "far");
        assert_eq!(why, "near; far");
    }
}
