//! The probe that says what is injurious where no other classifier does: trained on the project's own
//! labels, kept in a file.

use super::seeds;
use crate::data;
use crate::output::Output;
use crate::progress::Progress;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_attack::guided::probe::{Example, HiddenStates, InjuryProbe, ProbeHead, ProbeSettings};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_domain::split::Split;
use nines_infer::generator::GenerateError;
use nines_infer::local::LocalGenerator;
use nines_store::{Snippet, SnippetFilter};
use std::sync::Arc;
use tokio::sync::mpsc::{self, UnboundedSender};

/// Snippets of each kind that a probe is trained on: enough for a direction, and a minute's work.
const OF_EACH: usize = 100;

/// Trains a probe of a generator on labelled snippets of the training split, or opens the one that was
/// trained on the same before; of a run that goes on, the file that it names. Returns the file's name too.
pub async fn head(
    project: &Project,
    generator: Arc<LocalGenerator>,
    kept: Option<&str>,
    output: &Output,
) -> Result<(ProbeHead, String)> {
    let folder = project.folder.join("runs").join("probes");
    if let Some(file) = kept.filter(|file| is_name(file)) {
        let path = folder.join(file);
        if path.is_file() {
            let model: Arc<dyn HiddenStates> = generator;
            return Ok((InjuryProbe::open(&path)?.head(model)?, file.to_owned()));
        }
    }
    let mut chosen = Vec::new();
    for injurious in [true, false] {
        chosen.extend(labelled(project, injurious).await?);
    }
    let settings = ProbeSettings::default();
    let model: Arc<dyn HiddenStates> = generator;
    let hashes: Vec<String> = chosen
        .iter()
        .map(|(one, yes)| format!("{} {yes}", one.hash))
        .collect();
    let key = ContentHash::of_fields(
        "injury probe",
        &[
            &model.id(),
            &serde_json::to_string(&settings)?,
            &hashes.concat(),
        ],
    );
    let file = format!("{}.json", &key.to_string()[..16]);
    let path = folder.join(&file);
    if path.is_file() {
        return Ok((InjuryProbe::open(&path)?.head(model)?, file));
    }
    let examples: Vec<Example> = chosen
        .into_iter()
        .map(|(snippet, injurious)| Example {
            family: snippet.family.prefix_u64(),
            text: snippet.text,
            injurious,
        })
        .collect();
    let trained = trained(model.clone(), examples, settings, output).await?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    trained.save(&path)?;
    Ok((trained.head(model)?, file))
}

/// Says whether a run's record names a file of this folder, and no other place.
fn is_name(file: &str) -> bool {
    file.strip_suffix(".json")
        .is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Trains a probe, and says so: it takes a minute in which nothing else is to be seen.
async fn trained(
    model: Arc<dyn HiddenStates>,
    examples: Vec<Example>,
    settings: ProbeSettings,
    output: &Output,
) -> Result<InjuryProbe> {
    let total = examples.len() as u64;
    output.note(&format!(
        "no --judge says what is injurious: a probe of the generator learns it from {total} labelled snippets of the \
         training split, which takes a minute or two and is kept for the next attack"
    ));
    let (sender, mut read) = mpsc::unbounded_channel();
    let thread = tokio::task::spawn_blocking(move || {
        let told = Told { model, sender };
        InjuryProbe::train(&told, &examples, &settings)
    });
    let mut progress = Progress::new(output, "train probe", total);
    while read.recv().await.is_some() {
        progress.set(progress.done() + 1, "snippets read");
    }
    let trained = thread.await.context("the probe's training broke")??;
    progress.finish("the generator's probe is trained");
    Ok(trained)
}

/// A generator that tells of every snippet it has read.
struct Told {
    model: Arc<dyn HiddenStates>,
    sender: UnboundedSender<()>,
}

impl HiddenStates for Told {
    fn id(&self) -> String {
        self.model.id()
    }

    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        let states = self.model.mean_states(texts, layer);
        // Nobody listens any more where the command was stopped.
        let _ = self.sender.send(());
        states
    }
}

/// Labelled snippets of the training split that are, or are not, injurious; no finds of attacks or of people among them.
async fn labelled(project: &Project, injurious: bool) -> Result<Vec<(Snippet, bool)>> {
    let filter = SnippetFilter {
        broad: Some(injurious),
        ..SnippetFilter::labelled().in_splits(&[Split::Train], project.config.project.split_seed)
    };
    let mut snippets = project.store.snippets(&filter).await?;
    snippets.retain(data::is_sample);
    snippets.sort_by_cached_key(|snippet| seeds::order(0, &snippet.hash));
    snippets.truncate(OF_EACH);
    Ok(snippets
        .into_iter()
        .map(|snippet| (snippet, injurious))
        .collect())
}
