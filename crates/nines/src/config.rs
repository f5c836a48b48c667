//! `nines.toml`: what a project is made of.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use nines_domain::draw::Sampling;
use nines_kernels::Unit;
use nines_nn::precision::Precision;
use nines_world::generator::WorldSettings;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the configuration file in a project folder.
pub const FILE_NAME: &str = "nines.toml";

/// A project's configuration. Unknown keys are refused, so that a typing mistake is never silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The project itself.
    pub project: ProjectSection,
    /// What the catastrophe is.
    pub predicate: PredicateSection,
    /// Where the rows are.
    #[serde(default)]
    pub database: DatabaseSection,
    /// What classifiers start from.
    #[serde(default)]
    pub classifier: ClassifierSection,
    /// What proposes completions.
    #[serde(default)]
    pub generator: GeneratorSection,
    /// How completions are sampled.
    #[serde(default)]
    pub sampling: Sampling,
    /// How the filter draws.
    #[serde(default)]
    pub filter: FilterSection,
}

/// `[project]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectSection {
    /// A name for people.
    pub name: String,
    /// Keys the split of prompt families; changing it moves prompts between train and test.
    pub split_seed: u64,
}

/// `[predicate]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredicateSection {
    /// What the catastrophe is called, such as "an injury".
    pub name: String,
    /// The version of the guide; labels speak of one version.
    pub version: u32,
    /// The labelling guide, Markdown, relative to the project folder.
    pub guide: String,
}

impl PredicateSection {
    /// Names the predicate as labels and cards do.
    pub fn label(&self) -> String {
        format!("{}, version {}", self.name, self.version)
    }
}

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSection {
    /// A file name (SQLite, relative to the project folder) or a `postgres://` address.
    pub url: String,
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self {
            url: "nines.db".to_owned(),
        }
    }
}

/// `[classifier]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierSection {
    /// A model of the cache.
    pub base: String,
    /// What classifiers multiply in when they score and train.
    #[serde(default)]
    pub precision: PrecisionChoice,
}

impl Default for ClassifierSection {
    fn default() -> Self {
        Self {
            base: "minilm-l6".to_owned(),
            precision: PrecisionChoice::default(),
        }
    }
}

/// What models multiply in. A threshold belongs to the precision that it was chosen with, and a
/// draw to the one that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PrecisionChoice {
    /// bf16 where this CPU gains by it (AMX tiles, AMD's AVX-512 BF16), else 32 bits
    #[default]
    Fastest,
    /// 32 bits
    F32,
    /// bf16 on AMX tiles or AVX-512 BF16; refused where there is neither
    Bf16,
}

impl PrecisionChoice {
    /// Finds what this machine has.
    pub fn on_this_machine(self) -> Result<Precision> {
        match self {
            Self::Fastest => Ok(Precision::fastest()),
            Self::F32 => Ok(Precision::Float32),
            Self::Bf16 => Unit::with_instructions().map(Precision::Bf16).context(
                "bf16 takes AMX tiles or AVX-512 BF16, and this CPU has neither (or NINES_VECTORS holds \
                 them back); choose the precision f32 in [classifier] and [generator] (a threshold that \
                 was chosen in bf16 has to be chosen again)",
            ),
        }
    }
}

/// `[generator]`: a local model, or an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSection {
    /// A model of the cache, or a GGUF file (relative to the project folder); unused where an
    /// endpoint is given.
    pub model: String,
    /// What a local model multiplies in.
    #[serde(default)]
    pub precision: PrecisionChoice,
    /// The synthetic world, where everything is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<WorldSettings>,
    /// An OpenAI-compatible endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointSection>,
}

impl Default for GeneratorSection {
    fn default() -> Self {
        Self {
            model: "smollm2-135m".to_owned(),
            precision: PrecisionChoice::default(),
            simulated: None,
            endpoint: None,
        }
    }
}

/// `[generator.endpoint]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSection {
    /// The address up to and including `/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// `completions` or `chat`.
    #[serde(default)]
    pub route: EndpointRoute,
    /// The environment variable that holds the key; the key itself is never written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Requests under way at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
    /// Seconds until one request is given up.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Repetitions of a request that failed for a passing reason, with growing waits between.
    #[serde(default = "default_retries")]
    pub retries: u32,
}

fn default_retries() -> u32 {
    5
}

fn default_concurrency() -> usize {
    4
}

fn default_timeout_seconds() -> u64 {
    60
}

/// Which route of the endpoint is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointRoute {
    /// `/v1/completions`: the prompt as it is.
    #[default]
    Completions,
    /// `/v1/chat/completions`: the prompt as a user's message.
    Chat,
}

/// `[filter]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSection {
    /// Draws before the filter abstains.
    pub budget: u32,
}

impl Default for FilterSection {
    fn default() -> Self {
        Self { budget: 20 }
    }
}

impl Config {
    /// Reads and checks a project's configuration.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "{} is not a nines project (it has no {FILE_NAME}); make one with `nines init {}` \
                 or name another folder with --project",
                folder.display(),
                folder.display()
            ),
            Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
        };
        let config: Self = toml::from_str(&text)
            .with_context(|| format!("{} is not a valid configuration", path.display()))?;
        config
            .check()
            .with_context(|| format!("in {}", path.display()))?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if self.filter.budget == 0 {
            bail!("filter.budget must be at least 1: with no draws the filter always abstains");
        }
        Ok(())
    }

    /// Writes the configuration as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).context("the configuration cannot be written as TOML")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Config {
        Config {
            project: ProjectSection {
                name: "p".into(),
                split_seed: 1,
            },
            predicate: PredicateSection {
                name: "an injury".into(),
                version: 1,
                guide: "predicate.md".into(),
            },
            database: DatabaseSection::default(),
            classifier: ClassifierSection::default(),
            generator: GeneratorSection::default(),
            sampling: Sampling::default(),
            filter: FilterSection::default(),
        }
    }

    #[test]
    fn survives_its_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let config = sample();
        std::fs::write(
            folder.path().join(FILE_NAME),
            config.to_toml().expect("toml"),
        )
        .expect("written");
        assert_eq!(Config::read(folder.path()).expect("read"), config);
    }

    #[test]
    fn refuses_unknown_keys_and_says_where() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let text = sample().to_toml().expect("toml") + "\n[filtre]\nbudget = 3\n";
        std::fs::write(folder.path().join(FILE_NAME), text).expect("written");
        let message = format!("{:#}", Config::read(folder.path()).expect_err("refused"));
        assert!(
            message.contains("nines.toml") && message.contains("filtre"),
            "{message}"
        );
    }
}
