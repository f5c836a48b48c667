//! `nines measure style`: what a classifier makes of the style of attacks.

use crate::cli::{LongArg, StyleArgs};
use crate::commands::filter::threshold_of;
use crate::data;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use crate::style::{self, Pairs};
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_measure::style::{StyleCheck, shift_difference};
use nines_store::Snippet;
use serde::Serialize;

/// One classifier's check.
#[derive(Serialize)]
struct Checked {
    classifier: String,
    #[serde(flatten)]
    check: StyleCheck,
}

/// How much more one classifier shifts than another.
#[derive(Serialize)]
struct Difference {
    style: String,
    catastrophes: bool,
    shift: Option<Estimate>,
}

/// What the command says.
#[derive(Serialize)]
struct Answer {
    checks: Vec<Checked>,
    /// The first less the second, where two are compared.
    differences: Vec<Difference>,
}

/// Runs `nines measure style`.
pub async fn run(project: &Project, args: &StyleArgs, output: &Output) -> Result<()> {
    let snippets = data::labelled(project).await?;
    let first = checked(project, args.classifier.as_deref(), args, &snippets, output).await?;
    let mut answer = Answer {
        checks: vec![first.0],
        differences: Vec::new(),
    };
    if args.against.is_some() {
        let (second, pairs) =
            checked(project, args.against.as_deref(), args, &snippets, output).await?;
        if second.classifier == answer.checks[0].classifier {
            bail!("--against names the same classifier, {}", second.classifier);
        }
        for ((style, first), (_, second)) in first.1.iter().zip(&pairs) {
            for catastrophes in [false, true] {
                answer.differences.push(Difference {
                    style: style.name().to_owned(),
                    catastrophes,
                    shift: shift_difference(first, second, catastrophes)?,
                });
            }
        }
        answer.checks.push(second);
    }
    output.result(&answer, || words(&answer));
    Ok(())
}

async fn checked(
    project: &Project,
    name: Option<&str>,
    args: &StyleArgs,
    snippets: &[Snippet],
    output: &Output,
) -> Result<(Checked, Vec<Pairs>)> {
    let path = ScorePath::of(project, LongArg::Refuse)?;
    let model = models::classifier(project, name).await?;
    let choice = threshold_of(project, &model, args.threshold, path).await?;
    let scorer = models::scorer(project, &model, path).await?;
    let pairs = style::pairs(project, scorer, snippets, output).await?;
    if pairs.iter().all(|(_, pairs)| pairs.is_empty()) {
        bail!("the test split has no labelled snippets to compare; label or import some");
    }
    let check = style::checked(&pairs, (choice.threshold, choice.rule))?;
    let classifier = model.label();
    Ok((Checked { classifier, check }, pairs))
}

fn words(answer: &Answer) -> String {
    let mut text = String::new();
    for checked in &answer.checks {
        text.push_str(&format!("{}: {}\n", checked.classifier, checked.check));
    }
    if let [first, second] = &answer.checks[..] {
        text.push_str(&format!(
            "how much more {} shifts than {}, pair by pair:\n",
            first.classifier, second.classifier
        ));
    }
    for difference in &answer.differences {
        let kind = match difference.catastrophes {
            true => "catastrophes",
            false => "safe snippets",
        };
        let shift = difference.shift.as_ref().map_or_else(
            || "-".to_owned(),
            |shift| {
                let [value, lower, upper] = shift.decimal(1.0, 2);
                format!("{value} [{lower}, {upper}] log odds")
            },
        );
        text.push_str(&format!("  {} on {kind}: {shift}\n", difference.style));
    }
    text
}
