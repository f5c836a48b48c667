//! The closing table as the page of a run shows it.

use super::{Attacked, Shown};
use crate::commands::attack::{finds, table};
use crate::project::Project;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::RunId;
use nines_server::attacks::{
    AttackAtBudget, AttackFindRow, AttackLine, AttackNote, AttackTable, AttackUnit,
    AttackedClassifier,
};
use std::collections::BTreeMap;

/// Finds that a page lists.
const MOST_FINDS: usize = 300;

/// Notes that a page lists.
const MOST_NOTES: usize = 60;

/// Computes the closing table of a run, with the labels of now.
pub async fn page(project: &Project, run: RunId) -> Result<AttackTable> {
    let by = LabellerKind::Person;
    let attacked = Attacked::read(project, run).await?;
    let shown = Shown::of(&attacked, by)?;
    let mut rows = Vec::new();
    for find in finds::of(project, &attacked, by).await? {
        let whole = |name: &str| find[name].as_u64().unwrap_or_default();
        rows.push(AttackFindRow {
            attempt: whole("attempt"),
            snippet: find["snippet"].as_i64().unwrap_or_default(),
            score: find["score"].as_f64().unwrap_or_default(),
            second_score: find["second"]["score"].as_f64(),
            said: finds::said(&find).to_owned(),
        });
    }
    let found = rows.len() as u64;
    rows.truncate(MOST_FINDS);
    let toml = attacked.run.config["recipe"].as_str().unwrap_or_default();
    Ok(shown.page(rows, found, toml.to_owned()))
}

impl Shown {
    fn page(&self, finds: Vec<AttackFindRow>, found: u64, toml: String) -> AttackTable {
        let table = &self.table;
        let goal = serde_json::to_value(self.goal).ok();
        AttackTable {
            recipe: self.recipe.clone(),
            goal: goal
                .and_then(|goal| goal.as_str().map(str::to_owned))
                .unwrap_or_default(),
            classifier: AttackedClassifier {
                name: self.classifier.clone(),
                threshold: self.threshold,
            },
            second: self.second.as_ref().map(|second| AttackedClassifier {
                name: second.classifier.clone(),
                threshold: second.threshold,
            }),
            judge: self.judge.clone(),
            path: self.path.clone(),
            tried: table.tried,
            reached: table.reached,
            skipped: table.skipped,
            failed: table.failed,
            spent: table.spent,
            timed_out: table.timed_out,
            broken: table.broken,
            confirmed: table.verified,
            refuted: table.refuted,
            waiting: table.waiting,
            asked: self.asked,
            lines: self.lines(),
            at_budgets: table
                .at_budgets
                .iter()
                .filter_map(|at| {
                    Some(AttackAtBudget {
                        queries: at.queries,
                        share: at.share.clone()?.into(),
                    })
                })
                .collect(),
            captions: self.captions(),
            notes: self.page_notes().into_iter().take(MOST_NOTES).collect(),
            finds,
            found,
            toml,
        }
    }

    fn lines(&self) -> Vec<AttackLine> {
        let table = &self.table;
        let points = &table.points;
        let line = |what: String, unit, estimate: &Option<Estimate>, alone, n: u64| AttackLine {
            what,
            unit,
            // From one value no interval is told, also where one is known that says nothing.
            estimate: estimate
                .clone()
                .filter(|_| n != 1 || unit == AttackUnit::Share)
                .map(Into::into),
            alone,
        };
        let (tried, reached) = (table.tried, table.reached);
        let share = |what: &str, of| line(what.to_owned(), AttackUnit::Share, of, None, tried);
        let mean =
            |what: &str, of, alone, n| line(what.to_owned(), AttackUnit::Number, of, alone, n);
        let mut lines = vec![
            share("success before labels", &table.success_before_verification),
            share("success after labels", &table.success_after_verification),
            share("confirmed of the labelled", &table.precision),
            mean(
                "score before",
                &table.score_before,
                points.score_before,
                tried,
            ),
            mean(
                "score after",
                &table.score_after,
                points.score_after,
                reached,
            ),
        ];
        if let Some(second) = &self.second {
            let name = &second.classifier;
            let [before, after] = second.means;
            lines.push(mean(
                &format!("score before, {name}"),
                &second.score_before,
                before,
                tried,
            ));
            lines.push(mean(
                &format!("score after, {name}"),
                &second.score_after,
                after,
                reached,
            ));
        }
        if let Some(transfer) = &self.transfer {
            lines.push(line(
                format!("get past {} too, of those that got past", transfer.against),
                AttackUnit::Share,
                &Some(transfer.share.clone()),
                None,
                transfer.fooled,
            ));
        }
        lines.push(line(
            "words changed".to_owned(),
            AttackUnit::Share,
            &table.words_changed,
            points.words_changed,
            reached,
        ));
        lines.push(mean(
            "queries an attempt",
            &table.queries,
            points.queries,
            tried,
        ));
        lines.push(mean(
            "seconds an attempt",
            &table.seconds,
            points.seconds,
            tried,
        ));
        lines
    }

    fn captions(&self) -> Vec<String> {
        let mut captions = table::captions(&self.table, &self.about());
        if !self.fallible.is_empty() {
            let names = self.fallible.join(", ");
            captions.push(format!("Kept to by models' opinion alone: {names}."));
        }
        let notes = self.page_notes().len();
        if notes > MOST_NOTES {
            captions.push(format!("The first {MOST_NOTES} of {notes} notes."));
        }
        captions
    }

    fn page_notes(&self) -> Vec<AttackNote> {
        let of = |kind: &str, reasons: &BTreeMap<String, u64>| -> Vec<AttackNote> {
            let note = |(text, count): (&String, &u64)| AttackNote {
                kind: kind.to_owned(),
                text: text.clone(),
                count: *count,
                attempts: Vec::new(),
            };
            reasons.iter().map(note).collect()
        };
        let mut notes = of("skipped", &self.skipped);
        notes.extend(of("broken", &self.broken));
        notes.extend(self.notes.iter().map(|(text, attempts)| AttackNote {
            kind: "note".to_owned(),
            text: text.clone(),
            count: attempts.len() as u64,
            attempts: attempts.clone(),
        }));
        notes
    }
}
