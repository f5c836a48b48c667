//! What a report reads, once: the rows that its sections share.

use super::chosen::{filter_of, is_plain, measured};
use crate::commands::calibrate;
use crate::commands::measure::{LeakDesign, QualityDesign, Ready, whose};
use crate::data;
use crate::project::Project;
use anyhow::Result;
use jiff::Timestamp;
use nines_domain::label::LabellerKind;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{DesignId, ModelId, SnippetId};
use nines_measure::calibrate::Calibrated;
use nines_measure::described;
use nines_measure::leak::{Finding, LeakItem};
use nines_report::report::{Basis, Correction, Figure, Labels};
use nines_store::{
    Calibration, Counts, Design, DesignItem, DesignKind, FilterAnswer, Model, ModelKind,
    RewritingResult, Snippet, StoredAttackSession, StoredEstimate,
};
use serde_json::Value;
use std::collections::HashMap;

/// The filter that the report speaks of.
pub struct FilterInUse {
    pub classifier: String,
    pub model: ModelId,
    pub threshold: Option<Threshold>,
    /// By which law it answers, in words; none where it is the first completion below a threshold that stays.
    pub law: Option<String>,
    /// Its second condition in words; none where it has none.
    pub caution: Option<String>,
    pub path: Option<String>,
    pub generator: Option<String>,
    pub budget: Option<u32>,
}

/// The newest leak design with its answers and what labels say of them.
pub struct LeakRows {
    pub design: LeakDesign,
    /// The answers to its requests, in their order.
    pub answers: Vec<FilterAnswer>,
    pub scores: Vec<Option<Score>>,
    /// Whose labels count: people's where they have labelled any drawn answer.
    pub labels_of: LabellerKind,
    pub items: Vec<LeakItem>,
}

/// Everything that sections read.
pub struct Rows<'a> {
    pub project: &'a Project,
    pub now: Timestamp,
    pub models: Vec<Model>,
    pub calibrations: Vec<Calibration>,
    pub estimates: Vec<StoredEstimate>,
    pub designs: Vec<Design>,
    /// How many items each design has drawn.
    pub drawn: HashMap<DesignId, u64>,
    pub counts: Counts,
    pub sessions: Vec<StoredAttackSession>,
    pub rewriting: Vec<RewritingResult>,
    pub labelled: Vec<Snippet>,
    pub leak: Option<LeakRows>,
    pub quality: Option<QualityDesign>,
    /// The stored scores of the filter in use, by snippet.
    pub scores: HashMap<SnippetId, Score>,
}

impl<'a> Rows<'a> {
    /// Reads everything.
    pub async fn read(project: &'a Project) -> Result<Self> {
        let store = &project.store;
        let designs = store.designs(None).await?;
        let mut drawn = HashMap::new();
        for design in &designs {
            let items = store.design_items(design.id).await?;
            let count = items.iter().filter(|i| i.drawn.is_some()).count() as u64;
            drawn.insert(design.id, count);
        }
        let estimates = store.estimates(None).await?;
        let leak = match measured(&designs, &estimates, DesignKind::Leak, "leak.strict") {
            Some(design) => Some(LeakRows::of(Ready::read(project, design.clone()).await?)?),
            None => None,
        };
        // All of the page speaks of one filter.
        let same: Vec<Design> = designs
            .iter()
            .filter(|d| {
                leak.as_ref()
                    .is_none_or(|l| filter_of(&l.design.design) == filter_of(d))
            })
            .cloned()
            .collect();
        let quality = match measured(&same, &estimates, DesignKind::Quality, "quality").cloned() {
            Some(design) => Some(QualityDesign::read(project, design).await?),
            None => None,
        };
        let mut rows = Self {
            project,
            now: Timestamp::now(),
            models: store.models(None).await?,
            calibrations: store.calibrations(None).await?,
            estimates,
            counts: store.counts().await?,
            sessions: store.attack_sessions().await?,
            rewriting: store.rewriting_results().await?,
            labelled: data::labelled(project).await?,
            designs,
            drawn,
            leak,
            quality,
            scores: HashMap::new(),
        };
        if let Some((filter, path)) = rows.filter().and_then(|f| f.path.clone().map(|p| (f, p))) {
            rows.scores = store
                .scores(filter.model, &path)
                .await?
                .into_iter()
                .collect();
            // What a frame drew was scored too, by the same classifier on the same path.
            for answer in rows.leak.iter().flat_map(|leak| &leak.answers) {
                for candidate in &answer.candidates {
                    if let Some(score) = candidate.ruling.score() {
                        rows.scores.entry(candidate.snippet).or_insert(score);
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Reads what measured numbers rest on, for designs that are read already, and leaves out what only
    /// the whole report looks at: every labelled snippet, every score, sessions and counts.
    pub async fn of_designs(
        project: &'a Project,
        designs: Vec<Design>,
        leak: Option<LeakRows>,
        quality: Option<QualityDesign>,
    ) -> Result<Self> {
        let store = &project.store;
        Ok(Self {
            project,
            now: Timestamp::now(),
            models: store.models(None).await?,
            calibrations: store.calibrations(None).await?,
            estimates: store.estimates(None).await?,
            designs,
            drawn: HashMap::new(),
            counts: Counts::default(),
            sessions: Vec::new(),
            rewriting: Vec::new(),
            labelled: Vec::new(),
            leak,
            quality,
            scores: HashMap::new(),
        })
    }

    /// The filter that was measured last, or else the newest classifier as it would serve.
    pub fn filter(&self) -> Option<FilterInUse> {
        if let Some(design) = self.measured_design() {
            let filter = filter_of(design);
            return Some(FilterInUse {
                classifier: text(&filter["classifier"])?,
                model: design.model,
                threshold: filter["threshold"]
                    .as_f64()
                    .and_then(|t| Threshold::new(t).ok()),
                law: described::law(filter),
                caution: described::caution(filter),
                path: text(&filter["path"]),
                generator: text(&filter["generator"]),
                budget: filter["budget"].as_u64().and_then(|n| n.try_into().ok()),
            });
        }
        let model = self.newest_classifier()?;
        let calibration = self.calibrations.iter().rev().find(|c| c.model == model.id);
        Some(FilterInUse {
            classifier: model.label(),
            model: model.id,
            threshold: calibration.map(|c| c.threshold),
            law: None,
            caution: None,
            path: calibration.and_then(|c| text(&c.record["path"])),
            generator: calibration.and_then(|c| text(&c.record["generator"])),
            budget: None,
        })
    }

    fn measured_design(&self) -> Option<&Design> {
        let leak = self.leak.as_ref().map(|leak| &leak.design.design);
        leak.or(self.quality.as_ref().map(|quality| &quality.design))
    }

    fn newest_classifier(&self) -> Option<&Model> {
        let mut newest_first = self.models.iter().rev();
        newest_first.find(|m| m.kind == ModelKind::Classifier)
    }

    /// Says so where a newer classifier or a newer design of the leak has no number yet.
    pub fn notice(&self) -> Option<String> {
        let measured = self.filter()?;
        let newest = self.newest_classifier()?;
        if newest.id != measured.model {
            return Some(format!(
                "The numbers speak of {}. {} is newer, and its leak has not been measured: nines measure leak",
                measured.classifier,
                newest.label()
            ));
        }
        let shown = &self.leak.as_ref()?.design.design;
        let newer = self
            .designs
            .iter()
            .rev()
            .find(|d| d.kind == DesignKind::Leak && is_plain(d))?;
        (newer.id > shown.id && self.newest("leak.strict", newer.id).is_none()).then(|| {
            format!(
                "The numbers speak of design {} of the leak. Design {} is newer, and has no number yet: \
                 nines measure leak",
                shown.id, newer.id
            )
        })
    }

    /// A classifier's name and version.
    pub fn label_of(&self, model: ModelId) -> String {
        let found = self.models.iter().find(|m| m.id == model);
        found.map_or_else(|| format!("model {model}"), Model::label)
    }

    /// The newest calibration of each classifier, read; the classifier in use comes first.
    /// One that another version of the program stored in another form is left out.
    pub fn calibrated(&self) -> Vec<(&Calibration, Calibrated)> {
        let in_use = self.filter();
        let mut found = Vec::new();
        let classifiers = self
            .models
            .iter()
            .filter(|m| m.kind == ModelKind::Classifier);
        for model in classifiers.rev() {
            let is_in_use = in_use.as_ref().is_some_and(|f| f.model == model.id);
            let of_model = || {
                self.calibrations
                    .iter()
                    .rev()
                    .filter(|c| c.model == model.id)
            };
            // The threshold that was measured, where its calibration is there.
            let measured = of_model().find(|c| {
                is_in_use && in_use.as_ref().and_then(|f| f.threshold) == Some(c.threshold)
            });
            if let Some(calibration) = measured.or_else(|| of_model().next())
                && let Ok(read) = calibrate::read(model, calibration)
            {
                let read = (calibration, read);
                if is_in_use {
                    found.insert(0, read);
                } else {
                    found.push(read);
                }
            }
        }
        found
    }

    /// The newest estimate of a quantity from a design, by people's labels where there is one, else by
    /// judges'.
    pub fn newest(&self, quantity: &str, design: DesignId) -> Option<&StoredEstimate> {
        let by = |kind| {
            self.estimates.iter().rev().find(|e| {
                e.new.quantity == quantity
                    && e.new.design == Some(design)
                    && e.new.record["labels_of"].as_str() == Some(whose(kind))
            })
        };
        let by_nobody = || {
            self.estimates.iter().rev().find(|e| {
                e.new.quantity == quantity
                    && e.new.design == Some(design)
                    && e.new.record["labels_of"].is_null()
            })
        };
        by(LabellerKind::Person)
            .or_else(|| by(LabellerKind::Judge))
            .or_else(by_nobody)
    }

    /// The newest estimate of a quantity, whatever it rests on.
    pub fn newest_of(&self, quantity: &str) -> Option<&StoredEstimate> {
        let mut newest_first = self.estimates.iter().rev();
        newest_first.find(|e| e.new.quantity == quantity)
    }
}

impl LeakRows {
    /// Takes a design that is read, with the labels that count: people's where they have labelled any
    /// drawn answer.
    pub fn of(ready: Ready) -> Result<Self> {
        let by_people = ready.items(LabellerKind::Person)?;
        let is_labelled = |(item, seen): (&DesignItem, &LeakItem)| {
            item.drawn.is_some() && seen.finding != Finding::Unlabelled
        };
        let any = |items: &[LeakItem]| ready.design.items.iter().zip(items).any(is_labelled);
        let (labels_of, items) = if any(&by_people) {
            (LabellerKind::Person, by_people)
        } else {
            let by_judges = ready.items(LabellerKind::Judge)?;
            match any(&by_judges) {
                true => (LabellerKind::Judge, by_judges),
                false => (LabellerKind::Person, by_people),
            }
        };
        Ok(Self {
            scores: ready.scores(),
            design: ready.design,
            answers: ready.answers,
            labels_of,
            items,
        })
    }
}

/// A word of a record.
pub fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Labels of one kind.
pub fn labels(kind: LabellerKind, n: u64) -> Labels {
    match kind {
        LabellerKind::Person => Labels {
            people: n,
            ..Labels::default()
        },
        LabellerKind::Judge => Labels {
            judges: n,
            ..Labels::default()
        },
    }
}

/// The requests that a record speaks of.
pub fn prompts(record: &Value) -> String {
    let frame = &record["frame"];
    match frame["distribution"].as_str() {
        Some(distribution) => format!(
            "{} requests from the distribution “{distribution}” ({} prompts{})",
            frame["requests"],
            frame["prompts"],
            match frame["seen"].as_u64() {
                Some(seen) if seen > 0 => format!(
                    ", {seen} of which the classifier was fitted or chosen on, so that the number flatters"
                ),
                _ => String::new(),
            }
        ),
        None => "not said".to_owned(),
    }
}

/// A stored estimate with what its record says of it.
pub fn figure(stored: &StoredEstimate) -> Figure {
    let record = &stored.new.record;
    Figure {
        estimate: stored.new.estimate.clone().into(),
        id: u64::try_from(stored.id.0).ok(),
        basis: basis(stored),
        meaning: sentence(record["meaning"].as_str().unwrap_or_default()),
    }
}

/// What a stored estimate rests on.
pub fn basis(stored: &StoredEstimate) -> Basis {
    let record = &stored.new.record;
    let n = record["labelled"].as_u64().unwrap_or(stored.new.estimate.n);
    let labels = match record["labels_of"].as_str() {
        Some("people") => labels(LabellerKind::Person, n),
        Some("judges") => labels(LabellerKind::Judge, n),
        _ => Labels::default(),
    };
    Basis {
        prompts: prompts(record),
        labels,
        correction: if labels == Labels::default() {
            Correction::NotNeeded
        } else {
            Correction::Uncorrected
        },
    }
}

/// A phrase as a sentence.
fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
