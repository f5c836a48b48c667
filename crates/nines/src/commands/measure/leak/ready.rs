//! A design of the leak with all that measuring it works on.

use super::super::frame::Frame;
use super::design::{LeakDesign, answer_score, answers_of, items_of, snippets_of};
use crate::cli::LeakArgs;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::label::LabellerKind;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetId;
use nines_measure::design::StratumPlan;
use nines_measure::leak::LeakItem;
use nines_store::{Design, FilterAnswer, Snippet};
use serde_json::Value;
use std::collections::HashMap;

/// Everything that a measurement of the leak works on.
pub struct Ready {
    /// What is measured: distribution, filter, seed, requests.
    pub about: Value,
    /// The design.
    pub design: LeakDesign,
    /// The answers to its requests, in their order.
    pub answers: Vec<FilterAnswer>,
    /// The snippets of the answers.
    pub snippets: HashMap<SnippetId, Snippet>,
}

impl Ready {
    /// Draws the frame that arguments ask for, as far as it is not there, and makes its design.
    pub async fn draw(project: &Project, args: &LeakArgs, output: &Output) -> Result<Self> {
        let frame = Frame::draw(project, &args.frame, output).await?;
        let design = LeakDesign::of(project, &frame, args.strata).await?;
        Ok(Self {
            about: frame.describe(),
            snippets: snippets_of(project, frame.answers.iter()).await?,
            answers: frame.answers,
            design,
        })
    }

    /// Reads a design as it is stored: no model is loaded, nothing is asked and nothing is written.
    pub async fn read(project: &Project, design: Design) -> Result<Self> {
        let design = LeakDesign::read(project, design).await?;
        let all = answers_of(project, &design.design).await?;
        let mut by_id: HashMap<i64, FilterAnswer> = all.into_iter().map(|a| (a.id, a)).collect();
        let answers = design
            .items
            .iter()
            .map(|item| {
                let found = by_id.remove(&item.item.answer);
                found.context("an answer of the design is gone")
            })
            .collect::<Result<Vec<_>>>()?;
        let mut about = design.design.record["frame"].clone();
        about["requests"] = answers.len().into();
        Ok(Self {
            about,
            snippets: snippets_of(project, answers.iter()).await?,
            answers,
            design,
        })
    }

    /// Its requests as measuring takes them, by one kind of labeller.
    pub fn items(&self, kind: LabellerKind) -> Result<Vec<LeakItem>> {
        let answers = self.answers.iter().map(|a| (a.id, a)).collect();
        items_of(&self.design.items, &answers, &self.snippets, kind)
    }

    /// The scores of its answers.
    pub fn scores(&self) -> Vec<Option<Score>> {
        self.answers.iter().map(answer_score).collect()
    }

    /// What the plan knows of each stratum.
    pub fn strata(&self) -> Vec<StratumPlan> {
        self.design.plans(&self.scores())
    }
}
