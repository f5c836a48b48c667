//! What may be asked for: the commands that run as jobs, each with its own limits.

use crate::error::JobError;
use crate::limits::{file_name, recipe_name, share, stored_name, text, within};
use nines_domain::snippet::{ContentHash, ModelId};
use nines_store::{ModelKind, NewJob, Store};
use std::fmt::Display;

mod shapes;
#[cfg(test)]
mod tests;

pub use shapes::{
    AttackRequest, CalibrateRequest, GenerateRequest, JobRequest, LeakRequest, PromptSplit,
    QualityRequest, ScoreRequest, SweepRequest, TrainRequest,
};

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
                within("seconds", attack.seconds, (1e-3, 1e6))?;
                for (field, other) in [("against", attack.against), ("judge", attack.judge)] {
                    if other.is_some() && other == attack.classifier {
                        return Err(JobError::refused(
                            field,
                            "is the classifier under attack: it says nothing about itself",
                        ));
                    }
                }
                Ok(())
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
