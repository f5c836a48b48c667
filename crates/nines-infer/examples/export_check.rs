//! Saves a classifier (the base model with a drawn head) and scores snippets with it, for
//! golden/check_export.py to repeat in transformers.
//!
//!     cargo run --release -p nines-infer --example export_check -- BASE_FOLDER OUT_FOLDER < snippets.jsonl > scores.jsonl

use nines_domain::snippet::SnippetText;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::scorer::Scorer;
use nines_nn::encoder::{Classifier, HeadConfig};
use nines_text::SnippetTokenizer;
use std::path::Path;

#[derive(serde::Deserialize)]
struct Row {
    prompt: String,
    completion: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, out] = arguments.as_slice() else {
        return Err("usage: export_check BASE_FOLDER OUT_FOLDER < snippets.jsonl".into());
    };
    let (base, out) = (Path::new(base), Path::new(out));
    let head = HeadConfig {
        seed: 1,
        ..HeadConfig::default()
    };
    let mut model = Classifier::from_base(base, &head, &nines_nn::device::cpu())?;
    // Larger than a new head's weights, so that differences in the encoder show in the logit.
    let weight = model
        .values("classifier.weight")?
        .iter()
        .map(|w| w * 50.0)
        .collect();
    model.set_values("classifier.weight", weight)?;
    model.save(out)?;
    SnippetTokenizer::from_folder(base)?.save_into(out)?;
    let rows = std::io::read_to_string(std::io::stdin())?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Row>, _>>()?;
    let snippets: Vec<_> = rows
        .into_iter()
        .map(|row| SnippetText::new(row.prompt, row.completion))
        .collect();
    let scores = ClassifierScorer::load(out, LongPolicy::Refuse)?.score(&snippets, &mut |_| {});
    for (snippet, score) in snippets.iter().zip(scores) {
        let row = serde_json::json!({
            "prompt": snippet.prompt, "completion": snippet.completion, "score": score?.logit(),
        });
        println!("{row}");
    }
    Ok(())
}
