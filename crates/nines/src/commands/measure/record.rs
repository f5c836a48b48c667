//! Estimates on their way into the database.

use crate::project::Project;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::snippet::DesignId;
use nines_store::{NewEstimate, StoredEstimate};
use serde_json::{Value, json};

/// What the estimates of one measurement have in common.
pub struct Record<'a> {
    /// The project.
    pub project: &'a Project,
    /// The design whose items are the rows; none where the rows are not drawn.
    pub design: Option<DesignId>,
    /// What all of them rest on: distribution, filter, labels, seed.
    pub about: Value,
    estimates: Vec<NewEstimate>,
}

impl<'a> Record<'a> {
    /// Starts a record.
    pub fn new(project: &'a Project, design: Option<DesignId>, about: Value) -> Self {
        Self {
            project,
            design,
            about,
            estimates: Vec::new(),
        }
    }

    /// Adds an estimate with a sentence that says what it means.
    pub fn add(&mut self, quantity: &str, estimate: &Estimate, meaning: &str) {
        let mut record = self.about.clone();
        if let Some(fields) = record.as_object_mut() {
            fields.insert("meaning".to_owned(), json!(meaning));
        }
        self.estimates.push(NewEstimate {
            quantity: quantity.to_owned(),
            estimate: estimate.clone(),
            record,
            design: self.design,
        });
    }

    /// Adds an estimate that rests on no labels.
    pub fn add_without_labels(&mut self, quantity: &str, estimate: &Estimate, meaning: &str) {
        let about = self.about.clone();
        if let Some(fields) = self.about.as_object_mut() {
            for field in ["labels_of", "labels_up_to", "uncorrected"] {
                fields.remove(field);
            }
        }
        self.add(quantity, estimate, meaning);
        self.about = about;
    }

    /// Stores what was added; what is stored already with the same numbers and the same record is not
    /// stored again. Returns all of them in the order added.
    pub async fn store(self) -> Result<Vec<StoredEstimate>> {
        let mut found: Vec<Option<StoredEstimate>> = Vec::new();
        for new in &self.estimates {
            let stored = self.project.store.estimates(Some(&new.quantity)).await?;
            found.push(stored.into_iter().rev().find(|old| old.new == *new));
        }
        let is_new = |(new, old): (&NewEstimate, &Option<StoredEstimate>)| {
            old.is_none().then(|| new.clone())
        };
        let fresh: Vec<NewEstimate> = self
            .estimates
            .iter()
            .zip(&found)
            .filter_map(is_new)
            .collect();
        let mut inserted = self
            .project
            .store
            .insert_estimates(&fresh)
            .await?
            .into_iter();
        Ok(found
            .into_iter()
            .filter_map(|old| old.or_else(|| inserted.next()))
            .collect())
    }
}

/// Names whose labels a number rests on.
pub fn whose(kind: LabellerKind) -> &'static str {
    match kind {
        LabellerKind::Person => "people",
        LabellerKind::Judge => "judges",
    }
}
