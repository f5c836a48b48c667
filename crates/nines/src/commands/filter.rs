//! `nines filter`: draw until one completion is accepted, or abstain.

mod answers;
mod serving;

pub use answers::{Answered, Answers, all, answer_of, answer_open, finished, report_of};
pub use serving::{Serving, TYPED, threshold_by, threshold_of};

use crate::cli::FilterArgs;
use crate::interrupt;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::draw::Ruling;
use nines_infer::cancel::CancelFlag;
use nines_infer::filter::{Answer, Outcome};
use nines_io::{PromptRow, ReadOptions, read_all};
use nines_store::NewPrompt;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

/// Runs `nines filter`.
pub async fn run(project: &Project, args: FilterArgs, output: &Output) -> Result<()> {
    if args.out.is_some() && args.file.is_none() {
        bail!(super::BadUsage("--out goes with --file".to_owned()));
    }
    let serving = Serving::load(project, &args).await?;
    if let Some(caution) = serving.caution() {
        output.note(&caution);
    }
    if let Some(file) = &args.file {
        return file_of_prompts(project, &serving, file, &args, output).await;
    }
    if let Some(prompt) = &args.prompt {
        if prompt.trim().is_empty() {
            bail!(super::BadUsage("the prompt is empty".to_owned()));
        }
        let prompts = vec![NewPrompt::new(prompt.clone(), "command line")];
        let answers = all(project, &serving, "prompt", prompts, output).await?;
        output.result(&answers, || words(&answers, &serving, args.show_all));
        return Ok(());
    }
    interactively(project, &serving, args.show_all, output).await
}

async fn file_of_prompts(
    project: &Project,
    serving: &Serving,
    file: &Path,
    args: &FilterArgs,
    output: &Output,
) -> Result<()> {
    let rows = read_all::<PromptRow>(file, &ReadOptions::default())?.rows;
    let source = file.display().to_string();
    let prompts = rows
        .into_iter()
        .map(|row| NewPrompt {
            text: row.prompt,
            family: row.family,
            parent: None,
            source: row.source.unwrap_or_else(|| source.clone()),
            meta: if row.meta.is_empty() {
                Value::Null
            } else {
                Value::Object(row.meta)
            },
        })
        .collect();
    let answers = all(project, serving, &source, prompts, output).await?;
    if let Some(out) = &args.out {
        let mut lines = String::new();
        for answer in &answers.answers {
            lines.push_str(&serde_json::to_string(answer)?);
            lines.push('\n');
        }
        nines_io::write_atomically(out, lines.as_bytes())?;
        output.result(&answers.report, || {
            format!("{}\nanswers in {}", answers.report, out.display())
        });
    } else {
        output.result(&answers, || words(&answers, serving, args.show_all));
    }
    Ok(())
}

async fn interactively(
    project: &Project,
    serving: &Serving,
    show_all: bool,
    output: &Output,
) -> Result<()> {
    if output.is_json() {
        bail!(super::BadUsage(
            "--json wants a prompt or --file".to_owned()
        ));
    }
    let cancel = interrupt::flag()?;
    output.note(&format!(
        "{}: accepts {}\ntype a prompt and Enter; an empty line or ctrl-D ends",
        serving.model.label(),
        serving.condition()
    ));
    let is_terminal = std::io::stdin().is_terminal();
    let mut lines = typed_lines();
    loop {
        if is_terminal {
            eprint!("> ");
            std::io::stderr()
                .flush()
                .context("cannot write the question")?;
        }
        let line = tokio::select! {
            line = lines.recv() => line,
            () = cancelled(&cancel) => {
                bail!(super::Interrupted("stopped; the answers given are stored".to_owned()));
            }
        };
        let Some(line) = line else {
            return Ok(());
        };
        let line = line.context("cannot read the prompt (it must be UTF-8)")?;
        let prompt = line.trim();
        match (prompt.is_empty(), is_terminal) {
            (true, true) => return Ok(()),
            // An empty line in a pipe is no prompt, and no end either.
            (true, false) => continue,
            (false, _) => {}
        }
        let prompts = vec![NewPrompt::new(prompt, "typed")];
        let answers = all(project, serving, "prompt", prompts, output).await?;
        output.print(&words(&answers, serving, show_all));
    }
}

/// Reads lines on a thread that nobody waits for, so that ctrl-C ends the command at once.
fn typed_lines() -> mpsc::UnboundedReceiver<std::io::Result<String>> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Ends when the work is to stop.
async fn cancelled(cancel: &CancelFlag) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn words(answers: &Answers, serving: &Serving, show_all: bool) -> String {
    let mut text = String::new();
    for answer in &answers.answers {
        if answers.answers.len() > 1 {
            let _ = writeln!(text, "{}", answer.prompt);
        }
        if show_all {
            text.push_str(&candidates_table(&answer.answer));
        }
        match &answer.completion {
            Some(completion) => {
                let _ = writeln!(text, "{completion}");
            }
            None => {
                let Outcome::Abstained(why) = &answer.answer.outcome else {
                    continue;
                };
                let _ = writeln!(text, "(abstains: {why})");
            }
        }
        if answers.answers.len() > 1 {
            text.push('\n');
        }
    }
    if show_all || answers.answers.len() > 1 {
        let _ = writeln!(
            text,
            "\n{}: accepts {}",
            serving.model.label(),
            serving.condition()
        );
    }
    if answers.answers.len() > 1 {
        let _ = writeln!(text, "{}", answers.report);
    }
    text
}

/// Every candidate with P(catastrophe) and its verdict.
pub fn candidates_table(answer: &Answer) -> String {
    let mut text = format!("{:>3}  verdict  P(catastrophe)  completion\n", "#");
    for candidate in &answer.candidates {
        let Some(draw) = &candidate.draw else {
            continue;
        };
        let (verdict, p) = match &candidate.ruling {
            Ruling::Accepted { score } => ("ACCEPT", format!("{:.2e}", score.probability())),
            Ruling::Rejected { score } => ("reject", format!("{:.2e}", score.probability())),
            Ruling::Unscoreable { .. } => ("reject", "no score".to_owned()),
        };
        let _ = writeln!(
            text,
            "{:>3}  {verdict:<7}  {p:>14}  {}",
            candidate.number,
            draw.completion.replace('\n', " ")
        );
        if let Ruling::Unscoreable { reason } = &candidate.ruling {
            let _ = writeln!(text, "{:30}({reason})", "");
        }
    }
    text
}
