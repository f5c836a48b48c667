//! The default generator as a language model.

use super::fixtures::{golden, letters, precisions, smollm2, smollm2_in, tensor};
use nines_infer::generator::GenerateError;
use nines_infer::language_model::{Continuation, LanguageModel};
use nines_infer::local::{LocalGenerator, Step};
use nines_nn::weights::safetensors::SafetensorsFile;
use std::collections::BTreeSet;

const LEFT: &str = "Behind the tavern at Three Fords they race snails, and the snails are the size of \
                    ponies. Imogen had her whole purse on Thunderclap. She";

fn continuation<'a>(context: &'a str, text: &'a str) -> Continuation<'a> {
    Continuation { context, text }
}

fn log_softmax(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    f64::from(logits[token as usize] - most) - total.ln()
}

#[test]
fn log_probabilities_are_those_of_transformers() {
    // golden/llama_tiny.py: logits after each token of its rows; a token is a letter here.
    let generator = letters();
    let expected = SafetensorsFile::open(&golden("llama_tiny/expected.safetensors")).expect("file");
    let logits = tensor(&expected, "plain");
    let rows = std::fs::read(golden("llama_tiny/rows.json")).expect("rows");
    let rows: Vec<Vec<u32>> = serde_json::from_slice(&rows).expect("rows");
    let mut first = 0;
    let mut compared = 0;
    for row in rows {
        let logits = &logits[first * 75..(first + row.len()) * 75];
        first += row.len();
        let text = generator.tokenizer().decode(&row);
        let again = generator.tokenizer().encode(&text).expect("letters");
        if again != row {
            continue;
        }
        for cut in 1..row.len() {
            let context = generator.tokenizer().decode(&row[..cut]);
            let found =
                generator.log_probabilities(&[continuation(&context, &text[context.len()..])]);
            let found = found[0].clone().expect("it fits");
            assert_eq!(found.tokens, row.len() - cut);
            let exact: f64 = (cut..row.len())
                .map(|at| log_softmax(&logits[(at - 1) * 75..at * 75], row[at]))
                .sum();
            assert!(
                (found.log_probability - exact).abs() < 1e-4 * (1.0 + exact.abs()),
                "{found:?} for {exact}"
            );
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared} cuts compared");
}

#[test]
fn logits_of_the_default_model_are_those_of_transformers_and_probabilities_follow() {
    // golden/llama_smollm2.py: the tokens of some prompts, and the 64 largest logits after each.
    let file = SafetensorsFile::open(&golden("smollm2.safetensors")).expect("the fixture");
    let generator = smollm2();
    let prompt = "Lockpicks, said Mother Pao, are like husbands: one good one is plenty.";
    let tokens = generator.tokenizer().encode(prompt).expect("tokens").len();
    let before = generator
        .tokenizer()
        .encode("Once upon a time")
        .expect("tokens")
        .len();
    let begun = generator.begin(prompt, 4).expect("it fits");
    let place = before + tokens - 1;
    let (ids, logits) = (integers("top.ids"), tensor(&file, "top.logits"));
    for (id, exact) in ids[place * 64..][..64].iter().zip(&logits[place * 64..]) {
        let found = begun.logits()[*id as usize];
        assert!(
            (found - exact).abs() < 5e-3,
            "token {id}: {found} for {exact}"
        );
    }
    let most = begun
        .logits()
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = begun
        .logits()
        .iter()
        .map(|x| f64::from(x - most).exp())
        .sum();
    // All words of one token that bring a blank: each as probable as its logit says, and no more
    // than certain together.
    let texts: Vec<(u32, String)> = (0..49152)
        .filter_map(|id| Some((id, generator.tokenizer().bytes(id)?)))
        .filter_map(|(id, bytes)| Some((id, std::str::from_utf8(bytes).ok()?.to_owned())))
        .filter(|(_, text)| text.starts_with(" a"))
        .collect();
    let asked: Vec<_> = texts
        .iter()
        .map(|(_, text)| continuation(prompt, text))
        .collect();
    let found = generator.log_probabilities(&asked);
    let mut sum = 0.0;
    for ((id, text), found) in texts.iter().zip(found) {
        let found = found.expect("it fits");
        if found.tokens == 1 {
            let exact = f64::from(begun.logits()[*id as usize] - most) - total.ln();
            assert!(
                (found.log_probability - exact).abs() < 1e-5,
                "{text:?}: {found:?}"
            );
            sum += found.log_probability.exp();
        }
    }
    assert!(sum > 0.001 && sum < 1.0, "{sum}");
}

/// Reads a tensor of whole numbers from the fixture of the default model.
fn integers(name: &str) -> Vec<u32> {
    let bytes = std::fs::read(golden("smollm2.safetensors")).expect("the fixture");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
    let offset = |i: usize| header[name]["data_offsets"][i].as_u64().expect("a number") as usize;
    bytes[8 + length + offset(0)..8 + length + offset(1)]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|chunk| u32::from_le_bytes(*chunk))
        .collect()
}

#[test]
fn a_text_is_as_probable_wherever_its_context_is_cut() {
    let generator = smollm2();
    let whole = "The knife slipped. Blood welled up along the cut, and he swore.";
    let spaces: Vec<usize> = whole.match_indices(' ').map(|(at, _)| at).collect();
    for &at in &spaces {
        let texts = [
            continuation(&whole[..at], &whole[at..]),
            // The blank in the context: its token is the word's, and counts.
            continuation(&whole[..=at], &whole[at + 1..]),
        ];
        let found = generator.log_probabilities(&texts);
        let (before, after) = (
            found[0].clone().expect("fits"),
            found[1].clone().expect("fits"),
        );
        assert_eq!(before, after, "cut at {at}");
    }
    // Parts multiply.
    let parts = [
        continuation(&whole[..9], &whole[9..18]),
        continuation(&whole[..18], &whole[18..]),
        continuation(&whole[..9], &whole[9..]),
    ];
    let found: Vec<_> = generator
        .log_probabilities(&parts)
        .into_iter()
        .map(|found| found.expect("fits"))
        .collect();
    let sum = found[0].log_probability + found[1].log_probability;
    assert!((sum - found[2].log_probability).abs() < 1e-6);
    assert_eq!(found[0].tokens + found[1].tokens, found[2].tokens);
    assert!(found[2].perplexity() > 2.0 && found[2].perplexity() < 200.0);
}

#[test]
fn an_answer_does_not_depend_on_what_is_asked_beside_it() {
    let long = "The road went on, and so did she. ".repeat(40);
    let texts: Vec<Continuation<'_>> = vec![
        continuation(LEFT, " laughed."),
        continuation(
            LEFT,
            " lost all of it in the first minute, and then her boots.",
        ),
        continuation("", "Once upon a time"),
        continuation(LEFT, ""),
        continuation(&long, "Then it ended."),
        continuation("Il fait fro", "id à Łódź 🙂."),
        continuation("Il fait fro", "mage."),
        continuation("H", "e ran"),
        continuation("", ""),
    ];
    for precision in precisions() {
        let generator = smollm2_in(precision);
        let together = generator.log_probabilities(&texts);
        for (text, together) in texts.iter().zip(&together) {
            let alone = generator.log_probabilities(std::slice::from_ref(text));
            assert_eq!(&alone[0], together, "{precision}: {text:?}");
            assert!(together.is_ok());
        }
        assert_eq!(together[3].clone().expect("empty").tokens, 0);
        let control = continuation(LEFT, "<|im_end|>");
        assert!(generator.log_probabilities(&[control]).len() == 1);
    }
    let endless = "and on ".repeat(9000);
    let found = smollm2().log_probabilities(&[continuation(&endless, "x"), texts[0]]);
    assert!(matches!(found[0], Err(GenerateError::PromptTooLong { .. })));
    assert!(found[1].is_ok(), "one that does not fit spoils no other");
}

#[test]
fn next_words_are_whole_distinct_and_best_first() {
    let generator = smollm2();
    for left in [
        LEFT,
        "Once upon a time",
        "",
        "He said, \"",
        "She walked to the ",
        "It snowed.\n\n",
    ] {
        let words = generator.next_words(left, 48).expect("it fits");
        assert_eq!(words.len(), 48, "{left:?}");
        assert!(words.is_sorted_by(|a, b| a.log_probability >= b.log_probability));
        let distinct: BTreeSet<_> = words.iter().map(|word| word.word.clone()).collect();
        assert_eq!(distinct.len(), 48);
        let total: f64 = words.iter().map(|word| word.log_probability.exp()).sum();
        assert!(total > 0.2 && total < 1.0 + 1e-9, "{left:?}: {total}");
        for word in &words {
            let core = word.word.strip_prefix(' ').unwrap_or(&word.word);
            assert!(
                !core.is_empty() && !core.contains(char::is_whitespace),
                "{word:?}"
            );
            if left.ends_with("time") || left.ends_with("She") {
                let first = word.word.chars().next().expect("not empty");
                assert!(
                    !first.is_alphanumeric(),
                    "{word:?} lengthens the word before it"
                );
            }
            if left.ends_with("the ") {
                assert!(word.word.starts_with(' '), "{word:?}");
            }
            assert_eq!(
                word.is_punctuation(),
                !core.chars().any(char::is_alphanumeric)
            );
        }
    }
    let words = generator
        .next_words("He ran as fast as he", 3)
        .expect("it fits");
    assert_eq!(words[0].word, " could");
    assert!(generator.next_words(LEFT, 0).expect("nothing").is_empty());
    let endless = "and on ".repeat(9000);
    assert!(generator.next_words(&endless, 4).is_err());
}

#[test]
fn a_next_word_is_as_probable_as_its_tokens_and_its_end() {
    let generator = smollm2();
    for word in generator.next_words(LEFT, 24).expect("it fits") {
        let found = generator.log_probabilities(&[continuation(LEFT, &word.word)]);
        let found = found[0].clone().expect("it fits");
        // The end takes up to half; punctuation takes none.
        let apart = found.log_probability - word.log_probability;
        let most = if word.is_punctuation() { 1e-4 } else { 0.6932 };
        assert!((-1e-4..=most).contains(&apart), "{word:?}: {found:?}");
    }
}

/// Feeds the likeliest token, `count` times.
fn greedily(generator: &LocalGenerator, prompts: &[&str], count: usize) -> Vec<String> {
    let mut texts: Vec<_> = generator
        .begin_each(prompts, count)
        .into_iter()
        .map(|begun| begun.expect("it fits"))
        .collect();
    for _ in 0..count {
        let tokens: Vec<u32> = texts
            .iter()
            .map(|text| {
                let likeliest = text
                    .logits()
                    .iter()
                    .enumerate()
                    .max_by(|a, b| a.1.total_cmp(b.1));
                likeliest.expect("a vocabulary").0 as u32
            })
            .collect();
        let mut steps: Vec<Step<'_>> = texts
            .iter_mut()
            .zip(tokens)
            .map(|(decoding, token)| Step { decoding, token })
            .collect();
        generator.feed(&mut steps).expect("it runs");
    }
    texts.iter().map(|text| text.text().to_owned()).collect()
}

#[test]
fn guided_texts_are_what_the_generator_writes() {
    use nines_domain::draw::Sampling;
    use nines_infer::cancel::CancelFlag;
    use nines_infer::generator::{Generator, PromptRequest};
    let generator = smollm2();
    let prompts = [LEFT, "Once upon a time", "The bus to Łódź was late. "];
    let together = greedily(generator, &prompts, 12);
    for (prompt, together) in prompts.iter().zip(&together) {
        assert_eq!(&greedily(generator, &[prompt], 12)[0], together);
        let sampling = Sampling {
            temperature: 0.0,
            max_tokens: 12,
            one_sentence: false,
            repetition_penalty: 1.0,
            ..Sampling::default()
        };
        let request = PromptRequest {
            prompt: (*prompt).to_owned(),
            draws: 0..1,
        };
        let mut drawn = Vec::new();
        generator
            .generate(
                &[request],
                &sampling,
                &mut |_, draw| drawn.push(draw.expect("drawn").completion),
                &CancelFlag::default(),
            )
            .expect("it runs");
        assert_eq!(drawn[0], together.trim());
    }
    // A fork goes its own way.
    let begun = generator.begin(LEFT, 4).expect("it fits");
    let (mut one, mut other) = (begun.fork(), begun.fork());
    let mut steps = [
        Step {
            decoding: &mut one,
            token: 260,
        },
        Step {
            decoding: &mut other,
            token: 300,
        },
    ];
    generator.feed(&mut steps).expect("it runs");
    assert_ne!(one.logits(), other.logits());
    assert_eq!((begun.tokens(), one.tokens()), (&[][..], &[260][..]));
    let mut bad = begun.fork();
    let step = Step {
        decoding: &mut bad,
        token: u32::MAX,
    };
    assert!(generator.feed(&mut [step]).is_err());
    assert_eq!(bad.logits(), begun.logits(), "as before");
}
