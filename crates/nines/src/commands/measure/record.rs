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

    /// Stores what was added.
    pub async fn store(self) -> Result<Vec<StoredEstimate>> {
        Ok(self.project.store.insert_estimates(&self.estimates).await?)
    }
}

/// Names whose labels a number rests on.
pub fn whose(kind: LabellerKind) -> &'static str {
    match kind {
        LabellerKind::Person => "people",
        LabellerKind::Judge => "judges",
    }
}
