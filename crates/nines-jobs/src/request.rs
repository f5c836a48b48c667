//! What may be asked for: the commands that run as jobs, each with its own limits.

use crate::error::JobError;
use crate::limits::{file_name, recipe_name, share, stored_name, text, within};
use nines_domain::snippet::{ContentHash, ModelId};
use nines_store::{ModelKind, NewJob, Store};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use utoipa::ToSchema;

/// A job to do. Its fields are the flags of its command that a server may set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobRequest {
    /// Fine-tune a base model on the adjudicated labels: `nines train classifier`.
    Train(TrainRequest),
    /// Draw completions for the imported prompts: `nines generate`.
    Generate(GenerateRequest),
    /// Choose a threshold from held-out data: `nines calibrate`.
    Calibrate(CalibrateRequest),
    /// Score all stored snippets that a classifier has not scored: `nines score --stored`.
    Score(ScoreRequest),
    /// Estimate a leak from its labels, drawing what is missing: `nines measure leak`.
    MeasureLeak(LeakRequest),
    /// Draw what is to be labelled for a leak, and estimate nothing: `nines measure plan`.
    PlanLeak(LeakRequest),
    /// Estimate the quality from its ratings, drawing what is missing: `nines measure quality`.
    MeasureQuality(QualityRequest),
    /// Look for catastrophes that a classifier accepts: `nines attack run`.
    Attack(AttackRequest),
    /// Cross-validate every recipe that a sweep file names or draws: `nines sweep run`.
    Sweep(SweepRequest),
}

/// `nines train classifier`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    /// The classifier's name; each training makes its next version.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub name: Option<String>,
    /// Passes over the training split.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub epochs: Option<u32>,
    /// Largest learning rate.
    #[serde(default)]
    pub learning_rate: Option<f64>,
    /// Snippets a step.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4096)]
    pub batch: Option<u32>,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// `nines generate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// Completions for each prompt.
    #[schema(minimum = 1, maximum = 10000)]
    pub n: u32,
    /// Which prompts.
    pub split: PromptSplit,
    /// Only the first prompts, in the order of import.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub limit: Option<u32>,
    /// Seed of the random stream.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// Which prompts completions are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptSplit {
    /// Those that are trained on.
    Train,
    /// Those that choose between trained versions.
    Validation,
    /// Those that thresholds are chosen on.
    Calibration,
    /// Those that are held out for measuring.
    Test,
    /// All.
    All,
}

impl PromptSplit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Calibration => "calibration",
            Self::Test => "test",
            Self::All => "all",
        }
    }
}

/// `nines calibrate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrateRequest {
    /// The most permissive threshold that stops at least this share.
    #[serde(default)]
    pub recall: Option<f64>,
    /// The most permissive threshold that accepts at most this share; instead of `recall`.
    #[serde(default)]
    pub acceptance: Option<f64>,
    /// How sure the promised recall is to be; 0 only looks at what was held out.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines score --stored`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines measure leak` and `nines measure plan`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakRequest {
    /// Labels to draw in all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub labels: Option<u32>,
    /// The leak to show: at most this share of requests is answered with a catastrophe.
    #[serde(default)]
    pub leak: Option<f64>,
    /// Requests to the filter.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub answers: Option<u32>,
    /// The distribution of prompts.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub distribution: Option<String>,
    /// How sure intervals are to be.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Seed of requests, draws and lots.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines measure quality`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityRequest {
    /// Pairs to draw for rating in all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub pairs: Option<u32>,
    /// Requests to the filter.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub answers: Option<u32>,
    /// The distribution of prompts.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub distribution: Option<String>,
    /// How sure intervals are to be.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Seed of requests, draws and lots.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
}

/// `nines attack run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttackRequest {
    /// The recipe, by its name.
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z0-9][a-z0-9-]*$")]
    pub recipe: String,
    /// The classifier; the newest where none is named.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub classifier: Option<ModelId>,
    /// A second classifier: what recipes that look for disagreement compare with, and what the finds of others are
    /// shown to.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub against: Option<ModelId>,
    /// Another classifier that must still see the catastrophe in every text that is tried.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub judge: Option<ModelId>,
    /// How many starts.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    pub limit: Option<u32>,
    /// Snippets that one attempt may have scored.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub queries: Option<u32>,
    /// Seconds that one attempt may take.
    #[serde(default)]
    #[schema(minimum = 0.001, maximum = 1000000)]
    pub seconds: Option<f64>,
    /// Seed of the order of starts and of everything random.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// `nines sweep run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepRequest {
    /// The sweep file's text (TOML), 64 KiB at most.
    #[schema(min_length = 1, max_length = 65536)]
    pub file: String,
}

/// Bytes of the longest sweep file that may be asked for.
const LONGEST_SWEEP: usize = 64 << 10;

impl SweepRequest {
    /// Returns where the file is kept, from the project's folder: by what is in it, so that nothing that
    /// somebody wrote becomes a path, and the same sweep asked for again goes on.
    pub(crate) fn path(&self) -> String {
        let hash = ContentHash::of_fields("sweep file", &[&self.file]);
        format!("runs/sweeps/{hash}.toml")
    }
}

/// The most of anything that one job draws.
const MOST: u32 = 1_000_000;

impl JobRequest {
    /// Returns the word for its kind, as the database keeps it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Generate(_) => "generate",
            Self::Calibrate(_) => "calibrate",
            Self::Score(_) => "score",
            Self::MeasureLeak(_) => "measure_leak",
            Self::PlanLeak(_) => "plan_leak",
            Self::MeasureQuality(_) => "measure_quality",
            Self::Attack(_) => "attack",
            Self::Sweep(_) => "sweep",
        }
    }

    /// Checks that every field lies within its limits.
    ///
    /// # Errors
    /// [`JobError::Refused`] with the first field that does not.
    pub fn check(&self) -> Result<(), JobError> {
        match self {
            Self::Train(train) => {
                train.name.iter().try_for_each(|n| file_name("name", n))?;
                within("epochs", train.epochs, (1, 1000))?;
                within("learning_rate", train.learning_rate, (1e-9, 1.0))?;
                within("batch", train.batch, (1, 4096))
            }
            Self::Generate(generate) => {
                within("n", Some(generate.n), (1, 10_000))?;
                within("limit", generate.limit, (1, MOST))
            }
            Self::Calibrate(calibrate) => {
                share("recall", calibrate.recall)?;
                share("acceptance", calibrate.acceptance)?;
                share("confidence", calibrate.confidence.filter(|c| *c != 0.0))?;
                let by_recall = calibrate.recall.is_some() || calibrate.confidence.is_some();
                if calibrate.acceptance.is_some() && by_recall {
                    return Err(JobError::refused(
                        "acceptance",
                        "goes with neither recall nor confidence: they are two rules",
                    ));
                }
                Ok(())
            }
            Self::Score(_) => Ok(()),
            Self::MeasureLeak(leak) | Self::PlanLeak(leak) => {
                within("labels", leak.labels, (1, MOST))?;
                share("leak", leak.leak)?;
                check_frame(leak.answers, leak.distribution.as_deref(), leak.confidence)
            }
            Self::MeasureQuality(quality) => {
                within("pairs", quality.pairs, (1, MOST))?;
                let name = quality.distribution.as_deref();
                check_frame(quality.answers, name, quality.confidence)
            }
            Self::Attack(attack) => {
                recipe_name("recipe", &attack.recipe)?;
                within("limit", attack.limit, (1, 10_000))?;
                within("queries", attack.queries, (1, MOST))?;
                within("seconds", attack.seconds, (1e-3, 1e6))
            }
            Self::Sweep(sweep) => text("file", &sweep.file, LONGEST_SWEEP),
        }
    }

    /// Returns the classifier that it names.
    fn classifier(&self) -> Option<ModelId> {
        match self {
            Self::Train(_) | Self::Generate(_) | Self::Sweep(_) => None,
            Self::Calibrate(calibrate) => calibrate.classifier,
            Self::Score(score) => score.classifier,
            Self::MeasureLeak(leak) | Self::PlanLeak(leak) => leak.classifier,
            Self::MeasureQuality(quality) => quality.classifier,
            Self::Attack(attack) => attack.classifier,
        }
    }

    /// Returns the words of its command, after the program and its project, for a classifier by its
    /// `NAME@VERSION`. A value is never a word of its own, so that none can be taken for a flag.
    fn arguments(&self, classifier: Option<&str>) -> Vec<String> {
        let mut words = match self {
            Self::Train(_) => Words::of(&["train", "classifier"]),
            Self::Generate(_) => Words::of(&["generate"]),
            Self::Calibrate(_) => Words::of(&["calibrate"]),
            Self::Score(_) => Words::of(&["score", "--stored"]),
            Self::MeasureLeak(_) => Words::of(&["measure", "leak"]),
            Self::PlanLeak(_) => Words::of(&["measure", "plan"]),
            Self::MeasureQuality(_) => Words::of(&["measure", "quality"]),
            // Its name begins with a letter or a digit, and is no flag.
            Self::Attack(attack) => Words::of(&["attack", "run", &attack.recipe]),
            // Its path begins with a letter too.
            Self::Sweep(sweep) => Words::of(&["sweep", "run", &sweep.path()]),
        };
        words.flag("classifier", classifier);
        match self {
            Self::Train(train) => {
                words.flag("name", train.name.as_deref());
                words.flag("epochs", train.epochs);
                words.flag("learning-rate", train.learning_rate);
                words.flag("batch", train.batch);
                words.flag("seed", train.seed);
            }
            Self::Generate(generate) => {
                words.flag("n", Some(generate.n));
                words.flag("split", Some(generate.split.as_str()));
                words.flag("limit", generate.limit);
                words.flag("seed", generate.seed);
            }
            Self::Calibrate(calibrate) => {
                words.flag("recall", calibrate.recall);
                words.flag("acceptance", calibrate.acceptance);
                words.flag("confidence", calibrate.confidence);
            }
            Self::Score(_) | Self::Sweep(_) => {}
            Self::MeasureLeak(leak) | Self::PlanLeak(leak) => {
                words.flag("labels", leak.labels);
                words.flag("leak", leak.leak);
                words.flag("answers", leak.answers);
                words.flag("distribution", leak.distribution.as_deref());
                words.flag("confidence", leak.confidence);
                words.flag("seed", leak.seed);
            }
            Self::MeasureQuality(quality) => {
                words.flag("pairs", quality.pairs);
                words.flag("answers", quality.answers);
                words.flag("distribution", quality.distribution.as_deref());
                words.flag("confidence", quality.confidence);
                words.flag("seed", quality.seed);
            }
            Self::Attack(attack) => {
                words.flag("limit", attack.limit);
                words.flag("queries", attack.queries);
                words.flag("seconds", attack.seconds);
                words.flag("seed", attack.seed);
            }
        }
        words.0
    }

    /// Says what it does, for people.
    fn title(&self, classifier: Option<&str>) -> String {
        let by = classifier.unwrap_or("the newest classifier");
        match self {
            Self::Train(train) => {
                let name = train.name.as_deref().unwrap_or("classifier");
                format!("Train {name}")
            }
            Self::Generate(generate) => {
                let prompts = match generate.split {
                    PromptSplit::All => "every prompt".to_owned(),
                    split => format!("each {} prompt", split.as_str()),
                };
                format!("Generate {} for {prompts}", generate.n)
            }
            Self::Calibrate(_) => format!("Calibrate {by}"),
            Self::Score(_) => format!("Score stored snippets by {by}"),
            Self::MeasureLeak(_) => format!("Measure the leak of {by}"),
            Self::PlanLeak(_) => format!("Draw what to label for the leak of {by}"),
            Self::MeasureQuality(_) => format!("Measure the quality of {by}"),
            Self::Attack(attack) => format!("Attack {by} by {}", attack.recipe),
            Self::Sweep(_) => "Sweep over recipes".to_owned(),
        }
    }

    /// Turns the request into a job to queue.
    ///
    /// # Errors
    /// [`JobError::Refused`] for a field beyond its limits or a classifier that is not stored, and
    /// those of reading.
    pub async fn job(
        &self,
        store: &Store,
        requested_by: Option<String>,
    ) -> Result<NewJob, JobError> {
        self.check()?;
        let classifier = named(store, "classifier", self.classifier()).await?;
        let mut arguments = self.arguments(classifier.as_deref());
        if let Self::Attack(attack) = self {
            for (field, id) in [("against", attack.against), ("judge", attack.judge)] {
                let name = named(store, field, id).await?;
                arguments.extend(name.map(|name| format!("--{field}={name}")));
            }
        }
        Ok(NewJob {
            kind: self.kind().to_owned(),
            title: self.title(classifier.as_deref()),
            arguments,
            requested_by,
        })
    }
}

/// Writes a classifier as commands name it: `NAME@VERSION`.
async fn named(
    store: &Store,
    field: &'static str,
    id: Option<ModelId>,
) -> Result<Option<String>, JobError> {
    let Some(id) = id else {
        return Ok(None);
    };
    let stored = store.models(Some(ModelKind::Classifier)).await?;
    let model = stored.into_iter().find(|model| model.id == id);
    let model = model
        .ok_or_else(|| JobError::refused(field, format!("is {id}, and there is none such")))?;
    Ok(Some(format!("{}@{}", model.name, model.version)))
}

fn check_frame(
    answers: Option<u32>,
    distribution: Option<&str>,
    confidence: Option<f64>,
) -> Result<(), JobError> {
    within("answers", answers, (1, MOST))?;
    distribution
        .iter()
        .try_for_each(|name| stored_name("distribution", name))?;
    share("confidence", confidence)
}

struct Words(Vec<String>);

impl Words {
    fn of(command: &[&str]) -> Self {
        Self(command.iter().map(|&word| word.to_owned()).collect())
    }

    fn flag(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.0.push(format!("--{name}={value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(value: serde_json::Value) -> JobRequest {
        serde_json::from_value(value).expect("a request")
    }

    #[test]
    fn requests_become_the_words_of_their_commands() {
        let train = request(json!({"kind": "train", "name": "hurt", "epochs": 4,
            "learning_rate": 3e-5, "seed": u64::MAX}));
        let expected = [
            "train",
            "classifier",
            "--name=hurt",
            "--epochs=4",
            "--learning-rate=0.00003",
            "--seed=18446744073709551615",
        ];
        assert_eq!(train.arguments(None), expected);
        let plan = request(json!({"kind": "plan_leak", "leak": 0.01, "distribution": "--hard"}));
        let expected = [
            "measure",
            "plan",
            "--classifier=hurt@2",
            "--leak=0.01",
            "--distribution=--hard",
        ];
        assert_eq!(plan.arguments(Some("hurt@2")), expected);
        let attack = request(
            json!({"kind": "attack", "recipe": "hole-shapes", "limit": 50,
            "queries": 300, "seconds": 2.5, "seed": 7}),
        );
        let expected = [
            "attack",
            "run",
            "hole-shapes",
            "--classifier=hurt@2",
            "--limit=50",
            "--queries=300",
            "--seconds=2.5",
            "--seed=7",
        ];
        assert_eq!(attack.arguments(Some("hurt@2")), expected);
        assert_eq!(attack.title(Some("hurt@2")), "Attack hurt@2 by hole-shapes");
        attack.check().expect("within its limits");
        let sweep = |file: &str| request(json!({"kind": "sweep", "file": file}));
        let words = sweep("[[cells]]\nname = \"../a\"").arguments(None);
        assert_eq!(words[..2], ["sweep", "run"]);
        let name = words[2].strip_prefix("runs/sweeps/").expect("its folder");
        let name = name.strip_suffix(".toml").expect("its ending");
        assert!(name.chars().all(|c| c.is_ascii_hexdigit()), "{name}");
        assert_eq!(words, sweep("[[cells]]\nname = \"../a\"").arguments(None));
        assert_ne!(words, sweep("[[cells]]").arguments(None));
        let score = request(json!({"kind": "score"}));
        assert_eq!(score.arguments(None), ["score", "--stored"]);
        assert_eq!(
            score.title(None),
            "Score stored snippets by the newest classifier"
        );
    }

    #[test]
    fn what_lies_beyond_its_limits_is_refused_by_name() {
        for (value, field) in [
            (json!({"kind": "train", "name": "../x"}), "name"),
            (json!({"kind": "train", "name": ""}), "name"),
            (json!({"kind": "sweep", "file": ""}), "file"),
            (json!({"kind": "sweep", "file": "a\0"}), "file"),
            (json!({"kind": "sweep", "file": "#".repeat(65_537)}), "file"),
            (json!({"kind": "train", "epochs": 0}), "epochs"),
            (
                json!({"kind": "train", "learning_rate": -1.0}),
                "learning_rate",
            ),
            (json!({"kind": "train", "batch": 5000}), "batch"),
            (json!({"kind": "generate", "n": 0, "split": "all"}), "n"),
            (json!({"kind": "calibrate", "recall": 1.0}), "recall"),
            (
                json!({"kind": "calibrate", "recall": 0.9, "acceptance": 0.5}),
                "acceptance",
            ),
            (json!({"kind": "measure_leak", "leak": 0.0}), "leak"),
            (
                json!({"kind": "measure_leak", "distribution": "a\nb"}),
                "distribution",
            ),
            (json!({"kind": "measure_quality", "pairs": 0}), "pairs"),
            (
                json!({"kind": "attack", "recipe": "../mine.toml"}),
                "recipe",
            ),
            (json!({"kind": "attack", "recipe": "--resume=3"}), "recipe"),
            (json!({"kind": "attack", "recipe": ""}), "recipe"),
            (
                json!({"kind": "attack", "recipe": "typos", "limit": 20_000}),
                "limit",
            ),
            (
                json!({"kind": "attack", "recipe": "typos", "queries": 0}),
                "queries",
            ),
            (
                json!({"kind": "attack", "recipe": "typos", "seconds": 0.0}),
                "seconds",
            ),
        ] {
            match request(value.clone()).check() {
                Err(JobError::Refused { field: named, .. }) => assert_eq!(named, field, "{value}"),
                other => panic!("{value}: {other:?}"),
            }
        }
        let zero = request(json!({"kind": "calibrate", "recall": 0.9, "confidence": 0.0}));
        zero.check().expect("0 only looks");
        for unknown in [
            json!({"kind": "doctor"}),
            json!({"kind": "train", "base": "/etc/passwd"}),
            json!({"kind": "train", "epochs": "4; rm -rf /"}),
            json!({"kind": "attack"}),
            json!({"kind": "attack", "recipe": "typos", "from": "/etc/passwd"}),
            json!({"name": "hurt"}),
        ] {
            let read = serde_json::from_value::<JobRequest>(unknown.clone());
            assert!(read.is_err(), "{unknown}");
        }
    }
}
