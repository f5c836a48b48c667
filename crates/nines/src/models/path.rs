//! Scoring paths: what a score's bits depend on beside snippet and classifier.

use super::scorers::{folder_of, members};
use crate::cli::LongArg;
use crate::project::Project;
use anyhow::Result;
use nines_infer::classifier::LongPolicy;
use nines_kernels::{Unit, encoder, encoder16};
use nines_nn::composed::{self, Vectors};
use nines_nn::encoder::EncoderConfig;
use nines_nn::precision::Precision;
use nines_store::Model;
use std::fmt;
use std::path::Path;

/// The path by which scores are computed: a threshold is calibrated on the path that serves, and scores of different
/// paths are never mixed.
///
/// Which of a machine's arithmetics a model has decides its family: what is scored, and stored, goes by
/// [`Self::for_model`]. An ensemble's path names the arithmetic of all its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScorePath {
    /// Of families whose layers are fused.
    precision: Precision,
    /// Of the others.
    vectors: Vectors,
    arithmetic: Arithmetic,
    long: LongPolicy,
}

/// What a model computes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arithmetic {
    Fused,
    Composed,
    /// Members of an ensemble by one, and members by the other.
    Both,
}

impl ScorePath {
    /// The path of a project on this machine, for families whose layers are fused.
    pub fn of(project: &Project, long: LongArg) -> Result<Self> {
        let long = match long {
            LongArg::Refuse => LongPolicy::Refuse,
            LongArg::Max => LongPolicy::MaxWindow,
        };
        let precision = project.config.classifier.precision.on_this_machine()?;
        Ok(Self::new(precision, long))
    }

    /// The path of a stated precision on this machine, for families whose layers are fused.
    pub fn new(precision: Precision, long: LongPolicy) -> Self {
        Self {
            precision,
            vectors: Vectors::of_this_machine(),
            arithmetic: Arithmetic::Fused,
            long,
        }
    }

    /// The same path as a model has it: a classifier, or an ensemble.
    pub async fn for_model(self, project: &Project, model: &Model) -> Result<Self> {
        self.for_models(project, std::slice::from_ref(model)).await
    }

    /// The same path as several models together have it.
    pub async fn for_models(self, project: &Project, models: &[Model]) -> Result<Self> {
        let mut composed = Vec::new();
        for model in models {
            let members = match model.ensemble {
                None => vec![model.clone()],
                Some(_) => members(project, model).await?,
            };
            let folders = members.iter().map(|member| folder_of(project, member));
            composed.extend(folders.map(|folder| is_composed(&folder)));
        }
        let arithmetic = match (composed.contains(&false), composed.contains(&true)) {
            (_, false) => Arithmetic::Fused,
            (false, true) => Arithmetic::Composed,
            (true, true) => Arithmetic::Both,
        };
        Ok(Self { arithmetic, ..self })
    }

    /// The same path as the classifier, or the base, in a folder has it.
    pub fn for_folder(self, folder: &Path) -> Self {
        let arithmetic = match is_composed(folder) {
            true => Arithmetic::Composed,
            false => Arithmetic::Fused,
        };
        Self { arithmetic, ..self }
    }

    /// Returns what fused layers multiply in.
    pub(super) fn precision(self) -> Precision {
        self.precision
    }

    /// Returns what happens to texts beyond the window.
    pub(super) fn long(self) -> LongPolicy {
        self.long
    }

    /// All paths, of this machine and others.
    pub fn all() -> impl Iterator<Item = Self> {
        let rounded = Unit::ALL.map(Precision::Bf16);
        let precisions = [Precision::Float32].into_iter().chain(rounded);
        let fused = precisions.map(|precision| Self::new(precision, LongPolicy::Refuse));
        let fused: Vec<Self> = fused.collect();
        let composed = |arithmetic, of: Self| {
            Vectors::ALL.map(|vectors| Self {
                vectors,
                arithmetic,
                ..of
            })
        };
        // What fused layers multiply in is no matter where there are none.
        let alone = composed(Arithmetic::Composed, fused[0]);
        let both = fused
            .clone()
            .into_iter()
            .flat_map(move |of| composed(Arithmetic::Both, of));
        let all = fused.clone().into_iter().chain(alone).chain(both);
        all.flat_map(|path| {
            [LongPolicy::Refuse, LongPolicy::MaxWindow].map(|long| Self { long, ..path })
        })
    }
}

/// Says whether a folder's model has layers that are not fused. What cannot be read cannot be scored by either.
fn is_composed(folder: &Path) -> bool {
    EncoderConfig::from_folder(folder).is_ok_and(|config| config.is_composed())
}

/// Writes what belongs to a revision; the first has no number.
fn revised(f: &mut fmt::Formatter<'_>, what: &dyn fmt::Display, revision: u32) -> fmt::Result {
    match revision {
        0 | 1 => write!(f, "{what}"),
        later => write!(f, "{what}.{later}"),
    }
}

impl fmt::Display for ScorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cpu/")?;
        if self.arithmetic != Arithmetic::Composed {
            let revision = match self.precision {
                Precision::Float32 => encoder::REVISION,
                Precision::Bf16(_) => encoder16::REVISION,
            };
            revised(f, &self.precision, revision)?;
        }
        if self.arithmetic == Arithmetic::Both {
            f.write_str("+")?;
        }
        if self.arithmetic != Arithmetic::Fused {
            let composed = format!("composed-f32/{}", self.vectors);
            revised(f, &composed, composed::REVISION)?;
        }
        match self.long {
            LongPolicy::Refuse => Ok(()),
            LongPolicy::MaxWindow => f.write_str("/max-window"),
        }
    }
}

#[cfg(test)]
mod tests;
