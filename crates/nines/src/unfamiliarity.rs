//! Measures of unfamiliarity of a project: fitted once, stored as versions, loaded to be a filter's second
//! condition.

use crate::models::{self, ScorePath};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::snippet::ModelId;
use nines_infer::classifier::ClassifierScorer;
use nines_infer::language_model::LanguageModel;
use nines_infer::scorer::Scorer;
use nines_infer::unfamiliarity::Unfamiliarity;
use nines_infer::unfamiliarity::caution::Measure;
use nines_infer::unfamiliarity::distance::{Familiar, HiddenDistance};
use nines_infer::unfamiliarity::mahalanobis::Mahalanobis;
use nines_infer::unfamiliarity::neighbours::Neighbours;
use nines_infer::unfamiliarity::spread::Spread;
use nines_infer::unfamiliarity::surprise::Surprise;
use nines_nn::weights::safetensors::SafetensorsFile;
use nines_store::{Model, ModelKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file with means and covariance.
pub const STATISTICS: &str = "statistics.json";

/// The file with training rows, and the tensor in it.
pub const ROWS: (&str, &str) = ("rows.safetensors", "rows");

/// The most bytes of such a file that are read.
const MOST_BYTES: u64 = 1 << 30;

/// Digits of a digest in a name.
const DIGITS: usize = 16;

/// A classifier or an ensemble that a measure rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestsOn {
    /// Its key.
    pub id: ModelId,
    /// Its name and version.
    pub label: String,
    /// The digest of its weights.
    pub digest: String,
    /// Name and digest of the files that hidden states come from, where a measure rests on
    /// those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
}

impl RestsOn {
    /// Names a stored version.
    pub fn of(model: &Model) -> Self {
        Self {
            id: model.id,
            label: model.label(),
            digest: model.digest.clone(),
            files: None,
        }
    }

    /// Names a stored version with the files that its hidden states come from.
    pub fn read_from(model: &Model, classifier: &ClassifierScorer) -> Self {
        Self {
            files: Some(classifier.version().to_owned()),
            ..Self::of(model)
        }
    }

    /// Makes sure that a classifier is the one whose hidden states were learnt from.
    fn check(&self, classifier: &ClassifierScorer, fitted: &str) -> Result<()> {
        match &self.files {
            Some(files) if files == classifier.version() => Ok(()),
            Some(files) => bail!(
                "{fitted} was fitted to the hidden states of {files}, and the files of {} are {} now; restore them, or \
                 fit it again",
                self.label,
                classifier.version()
            ),
            None => bail!(
                "{fitted} does not say to which files of {} it was fitted: it was stored by another version of nines; \
                 fit it again",
                self.label
            ),
        }
    }
}

/// What unfamiliarity is measured by: the configuration of a stored version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Basis {
    /// How far an ensemble's members are apart.
    Spread {
        /// The ensemble.
        of: RestsOn,
    },
    /// How many standard deviations the hidden state lies from the training rows' means.
    Distance {
        /// The classifier whose hidden state it is.
        of: RestsOn,
        /// The path by which it is computed.
        path: String,
        /// Training rows.
        rows: usize,
        /// How much of the covariance was replaced by a ball.
        shrinkage: f64,
    },
    /// How far the hidden state lies from the nearest training rows.
    Neighbours {
        /// The classifier whose hidden state it is.
        of: RestsOn,
        /// The path by which it is computed.
        path: String,
        /// Training rows.
        rows: usize,
        /// Which of the nearest counts.
        k: usize,
    },
    /// How improbable the completion is by the project's generator.
    Surprise {
        /// The generator.
        generator: String,
    },
}

impl Basis {
    /// Reads what a stored version is measured by.
    pub fn read(version: &Model) -> Result<Self> {
        serde_json::from_value(version.config.clone()).with_context(|| {
            format!(
                "{} was stored by another version of nines; fit it again",
                version.label()
            )
        })
    }

    /// Returns the classifier or ensemble that it rests on.
    pub fn rests_on(&self) -> Option<&RestsOn> {
        match self {
            Self::Spread { of } | Self::Distance { of, .. } | Self::Neighbours { of, .. } => {
                Some(of)
            }
            Self::Surprise { .. } => None,
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spread { of } => write!(f, "spread of the members of {}", of.label),
            Self::Distance {
                of,
                rows,
                shrinkage,
                ..
            } => write!(
                f,
                "distance in the hidden state of {} from the means of {rows} training rows (covariance shrunk by \
                 {shrinkage:.3})",
                of.label
            ),
            Self::Neighbours { of, rows, k, .. } => write!(
                f,
                "distance in the hidden state of {} from the {k}th nearest of {rows} training rows",
                of.label
            ),
            Self::Surprise { generator } => write!(f, "surprise of {generator}, in nats a token"),
        }
    }
}

/// Finds a stored measure: `NAME`, `NAME@VERSION`, or the newest.
pub async fn find(project: &Project, asked: Option<&str>) -> Result<Model> {
    let (kind, store) = (ModelKind::Unfamiliarity, &project.store);
    let found = match asked.map(|asked| (asked, asked.rsplit_once('@'))) {
        None => store.latest_model(kind, None).await?,
        Some((asked, None)) => store.latest_model(kind, Some(asked)).await?,
        Some((asked, Some((name, version)))) => {
            let version = version.trim_start_matches('v').parse().with_context(|| {
                format!("{version:?} in {asked:?} is not a version number; write NAME@2")
            })?;
            store.model_version(kind, name, version).await?
        }
    };
    let Some(found) = found else {
        let known = store.models(Some(kind)).await?;
        let known: Vec<String> = known
            .iter()
            .map(|m| format!("{}@{}", m.name, m.version))
            .collect();
        bail!(
            "the project has no measure of unfamiliarity{}; it has: {}. Fit one: nines unfamiliarity fit",
            asked.map_or_else(String::new, |asked| format!(" {asked}")),
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        );
    };
    Ok(found)
}

/// Loads a stored measure for a scorer. What it rests on must be here: the classifier, and the scoring path or
/// the generator.
pub async fn load(
    project: &Project,
    version: &Model,
    scorer: &Model,
    path: ScorePath,
) -> Result<Measure> {
    let basis = Basis::read(version)?;
    if let Basis::Spread { of } = &basis
        && of.id == scorer.id
    {
        return Ok(Measure::OwnSpread);
    }
    let measure: Arc<dyn Unfamiliarity> = match &basis {
        Basis::Spread { of } => {
            let ensemble = project.store.model(of.id).await?;
            let ensemble = models::scorer(project, &ensemble, path).await?;
            Arc::new(Spread::new(ensemble).with_context(|| format!("{} is no ensemble", of.label))?)
        }
        Basis::Distance { of, path: by, .. } | Basis::Neighbours { of, path: by, .. } => {
            let classifier = project.store.model(of.id).await?;
            let folder = models::folder_of(project, &classifier);
            let path = path.for_folder(&folder);
            if *by != path.to_string() {
                bail!(
                    "{} was fitted to hidden states of the path {by}, and this command computes on {path}; fit it \
                     again here",
                    version.label()
                );
            }
            let classifier = models::scorer_of_folder(&folder, path)
                .with_context(|| format!("cannot load the classifier {}", of.label))?;
            of.check(&classifier, &version.label())?;
            let folder = project.folder.join(&version.path);
            let familiar = familiar(&folder, &basis, &version.digest)?;
            let digest: String = version.digest.chars().take(DIGITS).collect();
            Arc::new(HiddenDistance::new(classifier, familiar, &digest, by))
        }
        Basis::Surprise { generator } => {
            let model = surprised(project)?;
            if model.id() != *generator {
                bail!(
                    "{} is the surprise of {generator}, and the project's generator is {} now; fit it again",
                    version.label(),
                    model.id()
                );
            }
            Arc::new(Surprise::new(model))
        }
    };
    Ok(Measure::Other(measure))
}

/// Names the path of a filter with a second condition. It is another path than the scores' own: a threshold that was
/// chosen with a limit accepts more where the limit is not asked, and nobody is to find it there.
pub fn cautious_path(path: ScorePath, version: &Model) -> String {
    format!("{path} with {}", version.label())
}

/// Loads the project's generator as a language model.
pub fn surprised(project: &Project) -> Result<Arc<dyn LanguageModel>> {
    let section = &project.config.generator;
    if section.simulated.is_some() || section.endpoint.is_some() {
        bail!(
            "the project's generator does not run here, and only one that does says how probable a text is; choose \
             another --kind"
        );
    }
    let local: Arc<dyn LanguageModel> = models::local_generator(project, &section.model)?;
    Ok(local)
}

/// Returns a file's SHA-256 in hexadecimal.
pub fn digest_of(file: &Path) -> Result<String> {
    let told = || format!("cannot read {}", file.display());
    let size = std::fs::metadata(file).with_context(told)?.len();
    if size > MOST_BYTES {
        bail!("{} is {size} bytes long; no such file is", file.display());
    }
    let bytes = std::fs::read(file).with_context(told)?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns the file of a measure that has one.
pub fn file_of(folder: &Path, basis: &Basis) -> Option<PathBuf> {
    match basis {
        Basis::Distance { .. } => Some(folder.join(STATISTICS)),
        Basis::Neighbours { .. } => Some(folder.join(ROWS.0)),
        Basis::Spread { .. } | Basis::Surprise { .. } => None,
    }
}

/// Reads what was learnt of the training rows, and checks that it is what was stored.
fn familiar(folder: &Path, basis: &Basis, digest: &str) -> Result<Familiar> {
    let file = file_of(folder, basis).context("this measure has no file")?;
    if digest_of(&file)? != digest {
        bail!(
            "{} is not the file that was stored; fit the measure again",
            file.display()
        );
    }
    let damaged = || format!("{} is damaged; fit the measure again", file.display());
    match basis {
        Basis::Neighbours { k, .. } => {
            let tensors = SafetensorsFile::open(&file)?;
            let shape = tensors
                .shape(ROWS.1)
                .map(<[usize]>::to_vec)
                .with_context(damaged)?;
            let [_, width] = shape[..] else {
                bail!(damaged());
            };
            let rows = tensors.read(ROWS.1, &shape)?;
            let rows = Neighbours::of_rows(rows, width, *k).with_context(damaged)?;
            Ok(Familiar::Neighbours(rows))
        }
        _ => {
            let text = std::fs::read_to_string(&file).with_context(damaged)?;
            let fit: Mahalanobis = serde_json::from_str(&text).with_context(damaged)?;
            if !fit.is_whole() {
                bail!(damaged());
            }
            Ok(Familiar::Mahalanobis(Box::new(fit)))
        }
    }
}
