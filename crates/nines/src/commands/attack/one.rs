//! `nines attack saliency` and `nines attack substitutes`: what a person sees on the page, for one snippet.

use crate::cli::{LongArg, OwnSnippetArgs, SaliencyArgs, SaliencyMethodArg, SubstitutesArgs};
use crate::commands::BadUsage;
use crate::models::{self, ScorePath};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_attack::edit::Site;
use nines_attack::menu::{MenuModels, MenuRequest, Ranked, rank};
use nines_attack::saliency::{Method, TokenSaliency, saliency as measure};
use nines_domain::snippet::{SnippetId, SnippetText};
use nines_infer::language_model::LanguageModel;
use nines_infer::scorer::Scorer;
use nines_text::SnippetPart;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Longest bar, in characters.
const WIDEST: f64 = 24.0;

async fn read(project: &Project, args: &OwnSnippetArgs) -> Result<(SnippetText, Arc<dyn Scorer>)> {
    let text = match (args.snippet, &args.completion) {
        (Some(id), _) => {
            let mut found = project.store.snippets_by_id(&[SnippetId(id)]).await?;
            found
                .pop()
                .with_context(|| format!("there is no snippet {id}"))?
                .text
        }
        (None, Some(completion)) => SnippetText::new(args.prompt.clone(), completion.clone()),
        (None, None) => bail!(BadUsage("give a completion, or --snippet ID".to_owned())),
    };
    if text.completion.trim().is_empty() {
        bail!(BadUsage(
            "the completion is empty, and has no score".to_owned()
        ));
    }
    let model = models::classifier(project, args.classifier.as_deref()).await?;
    let path = ScorePath::of(project, LongArg::Refuse)?;
    Ok((text, models::scorer(project, &model, path).await?))
}

fn name(part: SnippetPart) -> &'static str {
    match part {
        SnippetPart::Prompt => "prompt",
        SnippetPart::Completion => "completion",
    }
}

/// Runs `nines attack saliency`.
pub async fn saliency(project: &Project, args: SaliencyArgs, output: &Output) -> Result<()> {
    let (text, scorer) = read(project, &args.snippet).await?;
    let method = match args.method {
        SaliencyMethodArg::GradientNorm => Method::GradientNorm,
        SaliencyMethodArg::GradientXInput => Method::GradientXInput,
        SaliencyMethodArg::LeaveOneOut => Method::LeaveOneOut,
    };
    let version = scorer.version().to_owned();
    let tokens = tokio::task::spawn_blocking(move || measure(method, &*scorer, &text))
        .await
        .context("measuring ended abruptly")??;
    let rows: Vec<Value> = tokens
        .iter()
        .map(|token| {
            json!({ "part": name(token.part), "start": token.range.start, "end": token.range.end,
                "text": token.text, "value": token.value })
        })
        .collect();
    let value = json!({ "classifier": version, "method": method, "tokens": rows });
    output.result(&value, || saliency_words(&tokens));
    Ok(())
}

fn saliency_words(tokens: &[TokenSaliency]) -> String {
    let largest = tokens.iter().map(|t| t.value.abs()).fold(0.0, f64::max);
    let mut text = format!("{:<10} {:>9}  {:<18} \n", "part", "value", "token");
    for token in tokens {
        let width = if largest > 0.0 {
            token.value.abs() / largest * WIDEST
        } else {
            0.0
        };
        let mark = if token.value < 0.0 { "-" } else { "#" };
        let _ = writeln!(
            text,
            "{:<10} {:>9.4}  {:<18} {}",
            name(token.part),
            token.value,
            token.text.replace('\n', " "),
            mark.repeat(width.round() as usize)
        );
    }
    text
}

/// Finds the place that is asked for.
fn site(args: &SubstitutesArgs, text: &SnippetText) -> Result<Site> {
    let (part, within) = match args.in_prompt {
        true => (SnippetPart::Prompt, &text.prompt),
        false => (SnippetPart::Completion, &text.completion),
    };
    let range = match (
        &args.at,
        args.word.as_deref().filter(|word| !word.is_empty()),
    ) {
        (Some(at), _) => at.clone(),
        (None, Some(word)) => {
            let start = within
                .find(word)
                .with_context(|| BadUsage(format!("the {} does not hold {word:?}", name(part))))?;
            start..start + word.len()
        }
        (None, None) => bail!(BadUsage("name a place with --word or --at".to_owned())),
    };
    Ok(Site { part, range })
}

/// Runs `nines attack substitutes`.
pub async fn substitutes(project: &Project, args: SubstitutesArgs, output: &Output) -> Result<()> {
    let (snippet, scorer) = read(project, &args.snippet).await?;
    let request = MenuRequest {
        site: site(&args, &snippet)?,
        snippet,
        limit: args.limit as usize,
    };
    let section = &project.config.generator;
    let is_local = section.simulated.is_none() && section.endpoint.is_none();
    let generator = match is_local {
        false => None,
        true => match models::local_generator(project, &section.model) {
            Ok(generator) => Some(generator),
            Err(why) => {
                output.note(&format!("without a language model: {why:#}"));
                None
            }
        },
    };
    let thesaurus = models::thesaurus().ok();
    let rows = tokio::task::spawn_blocking(move || {
        let mut last: Vec<Ranked> = Vec::new();
        let score = |texts: &[SnippetText]| scorer.score(texts, &mut |_| ());
        let menu = MenuModels {
            score: &score,
            scorer: &*scorer,
            language_model: generator
                .as_deref()
                .map(|model| model as &dyn LanguageModel),
            masked: None,
            thesaurus: thesaurus.as_ref(),
        };
        rank(&request, &menu, &mut |rows, _| {
            last = rows.to_vec();
            true
        })?;
        Ok::<_, nines_attack::menu::MenuError>(last)
    })
    .await
    .context("ranking ended abruptly")??;
    let value: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "text": row.text, "score": row.score, "delta": row.delta,
                "log_probability": row.log_probability, "kind": row.kind,
                "part": name(row.site.part), "start": row.site.range.start, "end": row.site.range.end,
                "prompt": row.snippet.prompt, "completion": row.snippet.completion })
        })
        .collect();
    output.result(&value, || {
        let mut text = format!("{:>9} {:>9}  {:<20} text\n", "score", "change", "from");
        for row in &rows {
            let _ = writeln!(
                text,
                "{:>9.3} {:>+9.3}  {:<20} {:?}",
                row.score, row.delta, row.kind, row.text
            );
        }
        text
    });
    Ok(())
}
