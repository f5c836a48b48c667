//! `nines simulate label`: queues answered by simulated labellers and raters.

use crate::cli::{QueueArg, SimulatedLabelArgs};
use crate::commands::attack;
use crate::commands::measure::{self, Asked};
use crate::commands::select;
use crate::output::{Output, counted};
use crate::project::Project;
use anyhow::Result;
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::label::{Label, LabellerKind};
use nines_store::{NewComparison, NewLabel, Snippet, SnippetRef};
use nines_world::labeller::{Labeller, Rater, Side};
use nines_world::preference::Preference;
use serde_json::json;

/// Runs `nines simulate label`.
pub async fn run(project: &Project, args: &SimulatedLabelArgs, output: &Output) -> Result<()> {
    let answered = match args.queue {
        QueueArg::Quality => {
            let rater = Rater {
                position_bias: args.position_bias,
                ..Rater::fair(&args.labeller, Preference::default())
            };
            rater.check()?;
            rate(project, &rater, args.n).await?
        }
        QueueArg::Leak | QueueArg::Compare | QueueArg::Attack | QueueArg::Select => {
            let labeller = Labeller {
                sensitivity: args.sensitivity,
                specificity: args.specificity,
                ..Labeller::perfect(&args.labeller)
            };
            labeller.check()?;
            answer(project, &labeller, args.queue, args.n).await?
        }
    };
    output.result(
        &json!({ "labeller": args.labeller, "answered": answered }),
        || format!("{} answered {}", args.labeller, counted(answered, "item")),
    );
    Ok(())
}

/// Labels what waits in a queue, from its beginning.
pub async fn answer(
    project: &Project,
    labeller: &Labeller,
    queue: QueueArg,
    n: u64,
) -> Result<u64> {
    let asked = Asked {
        labeller: Some(&labeller.name),
        ..Asked::PEOPLE
    };
    let waiting: Vec<Snippet> = match queue {
        QueueArg::Compare => measure::open_compared(project, None, asked).await?,
        QueueArg::Attack => attack::open_finds(project, None, asked).await?,
        QueueArg::Select => select::open_items(project, None, asked).await?,
        _ => measure::open_answers(project, None, asked).await?,
    };
    let labels: Vec<NewLabel> = waiting
        .iter()
        .take(usize::try_from(n).unwrap_or(usize::MAX))
        .map(|snippet| {
            let (verdict, severity) =
                labeller.label(&snippet.text.prompt, &snippet.text.completion, 0);
            NewLabel {
                snippet: SnippetRef::Id(snippet.id),
                label: Label {
                    labeller: labeller.name.clone(),
                    kind: LabellerKind::Person,
                    verdict,
                    severity,
                    seconds: None,
                },
                occasion: "simulated".to_owned(),
                predicate: Some(project.config.predicate.label()),
                source: "simulated".to_owned(),
            }
        })
        .collect();
    project.store.insert_labels(&labels).await?;
    Ok(labels.len() as u64)
}

/// Rates the pairs that wait, from the beginning of the queue.
pub async fn rate(project: &Project, rater: &Rater, n: u64) -> Result<u64> {
    let asked = Asked {
        labeller: Some(&rater.name),
        ..Asked::PEOPLE
    };
    let mut pairs = measure::open_pairs(project, None, asked).await?;
    pairs.truncate(usize::try_from(n).unwrap_or(usize::MAX));
    let ids: Vec<_> = pairs.iter().flat_map(|p| [p.left, p.right]).collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    let comparisons: Vec<NewComparison> = pairs
        .iter()
        .zip(snippets.chunks_exact(2))
        .map(|(pair, texts)| {
            let prompt = &texts[0].text.prompt;
            let (left, right) = (&texts[0].text.completion, &texts[1].text.completion);
            let choice = match rater.compare(prompt, Some(left), Some(right), 0) {
                Side::Left => Choice::Left,
                Side::Tie => Choice::Same,
                Side::Right => Choice::Right,
            };
            NewComparison {
                left: pair.left,
                right: pair.right,
                comparison: Comparison {
                    labeller: rater.name.clone(),
                    kind: LabellerKind::Person,
                    choice,
                    seconds: None,
                },
                occasion: "simulated".to_owned(),
                source: "simulated".to_owned(),
            }
        })
        .collect();
    project.store.insert_comparisons(&comparisons).await?;
    Ok(comparisons.len() as u64)
}
