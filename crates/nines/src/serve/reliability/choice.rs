//! Which designs the page speaks of.

use crate::commands::measure::{QualityDesign, Ready};
use crate::commands::report::chosen::{filter_of, is_calibrated, is_held_out, is_plain};
use crate::project::Project;
use anyhow::Result;
use nines_domain::label::LabellerKind;
use nines_measure::leak::Finding;
use nines_store::{Design, DesignKind};

/// How many of the newest designs are looked at for one that is labelled.
const LOOKED_AT: usize = 4;

/// The designs of the page, read.
pub struct Choice {
    /// All designs.
    pub designs: Vec<Design>,
    /// The leak's.
    pub leak: Option<Ready>,
    /// The quality's, of the same filter.
    pub quality: Option<QualityDesign>,
}

impl Choice {
    /// Chooses the newest labelled design of a plain filter on held-out prompts at a calibrated threshold;
    /// where nothing is labelled, the newest.
    pub async fn of(project: &Project) -> Result<Self> {
        let designs = project.store.designs(None).await?;
        let leak = leak(project, &designs).await?;
        let filter = leak
            .as_ref()
            .map(|ready| filter_of(&ready.design.design).clone());
        let same: Vec<Design> = designs
            .iter()
            .filter(|d| filter.as_ref().is_none_or(|filter| filter == filter_of(d)))
            .cloned()
            .collect();
        let quality = quality(project, &same).await?;
        Ok(Self {
            designs,
            leak,
            quality,
        })
    }
}

async fn leak(project: &Project, designs: &[Design]) -> Result<Option<Ready>> {
    let mut newest = None;
    for design in candidates(designs, DesignKind::Leak) {
        let ready = Ready::read(project, design.clone()).await?;
        let is_labelled = [LabellerKind::Person, LabellerKind::Judge]
            .into_iter()
            .map(|kind| ready.items(kind))
            .collect::<Result<Vec<_>>>()?
            .iter()
            .any(|items| {
                let mut both = ready.design.items.iter().zip(items);
                both.any(|(item, seen)| item.drawn.is_some() && seen.finding != Finding::Unlabelled)
            });
        if is_labelled {
            return Ok(Some(ready));
        }
        newest.get_or_insert(ready);
    }
    Ok(newest)
}

async fn quality(project: &Project, designs: &[Design]) -> Result<Option<QualityDesign>> {
    let mut newest = None;
    for design in candidates(designs, DesignKind::Quality) {
        let ready = QualityDesign::read(project, design.clone()).await?;
        let is_rated = [LabellerKind::Person, LabellerKind::Judge]
            .into_iter()
            .map(|kind| ready.own_items(kind))
            .collect::<Result<Vec<_>>>()?
            .iter()
            .any(|items| items.iter().any(|item| !item.ratings.is_empty()));
        if is_rated {
            return Ok(Some(ready));
        }
        newest.get_or_insert(ready);
    }
    Ok(newest)
}

/// The newest designs of a kind, of plain filters alone where there are any: those on held-out prompts at a
/// calibrated threshold, where there are any; or else on held-out prompts; or else any.
fn candidates(designs: &[Design], kind: DesignKind) -> impl Iterator<Item = &Design> {
    let mut of_kind: Vec<&Design> = designs.iter().rev().filter(|d| d.kind == kind).collect();
    if of_kind.iter().any(|d| is_plain(d)) {
        of_kind.retain(|d| is_plain(d));
    }
    let with = |fits: &dyn Fn(&Design) -> bool| -> Vec<&Design> {
        of_kind.iter().copied().filter(|d| fits(d)).collect()
    };
    let mut found = with(&|d| is_held_out(d) && is_calibrated(d));
    if found.is_empty() {
        found = with(&is_held_out);
    }
    if found.is_empty() {
        found = of_kind;
    }
    found.into_iter().take(LOOKED_AT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use nines_domain::snippet::{ContentHash, DesignId, DistributionId, ModelId};
    use serde_json::{Value, json};

    fn design(id: i64, rule: &str, law: &Value, caution: &Value) -> Design {
        let filter = json!({ "rule": rule, "law": law, "caution": caution });
        Design {
            id: DesignId(id),
            kind: DesignKind::Leak,
            identity: ContentHash::of_fields("test", &[&id.to_string()]),
            distribution: DistributionId(1),
            model: ModelId(1),
            record: json!({ "frame": { "distribution": "test", "filter": filter } }),
            created: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_newer_filter_with_another_law_or_a_second_condition_is_not_taken_for_the_plain_one() {
        let (first, no) = (json!({ "law": "first_accepted" }), json!(null));
        let tightening = json!({ "law": "tightening", "step": 0.5 });
        let far = json!({ "unfamiliarity": "far v1", "limit": 2.5 });
        let mut designs = vec![
            design(1, "recall at least 0.9", &tightening, &no),
            design(2, "recall at least 0.9", &first, &far),
        ];
        let chosen = |designs: &[Design]| -> Vec<i64> {
            let found = candidates(designs, DesignKind::Leak);
            found.map(|design| design.id.0).collect()
        };
        assert_eq!(chosen(&designs), [2, 1], "they are all that there is");
        designs.insert(0, design(0, "recall at least 0.9", &first, &no));
        designs.push(design(3, "typed by hand", &first, &no));
        assert_eq!(chosen(&designs), [0]);
        designs.remove(0);
        assert_eq!(chosen(&designs), [3]);
    }
}
