//! Which designs the page speaks of.

use crate::commands::measure::{QualityDesign, Ready};
use crate::commands::report::rows::{filter_of, is_calibrated, is_held_out, is_plain};
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
