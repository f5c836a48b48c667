use super::*;

/// States that count words: blood and weather in two of four numbers.
struct Counts;

impl HiddenStates for Counts {
    fn id(&self) -> String {
        "counts".to_owned()
    }

    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        texts
            .iter()
            .map(|text| {
                if text.prompt.contains("endless") {
                    return Err(GenerateError::Model("too long".to_owned()));
                }
                let share = |word: &str| {
                    let words = text.completion.split_whitespace().count().max(1);
                    text.completion.matches(word).count() as f32 / words as f32
                };
                Ok(vec![
                    share("blood"),
                    share("rain"),
                    layer as f32,
                    text.completion.len() as f32,
                ])
            })
            .collect()
    }
}

fn examples(count: usize) -> Vec<Example> {
    (0..count)
        .map(|i| {
            let injurious = i % 2 == 0;
            let word = if injurious { "blood" } else { "rain" };
            let name = ["Ann", "Bob", "Cleo", "Dan", "Eve"][i % 5];
            Example {
                text: SnippetText::new(
                    format!("Story {i}."),
                    format!("{name} saw {word} fall on the road and {word} again."),
                ),
                injurious,
                family: i as u64 / 2,
            }
        })
        .collect()
}

fn settings() -> ProbeSettings {
    ProbeSettings {
        layer: 2,
        ..ProbeSettings::default()
    }
}

#[test]
fn a_batch_is_learnt_and_families_never_seen_are_told_apart() {
    let probe = InjuryProbe::train(&Counts, &examples(80), &settings()).expect("trained");
    let record = &probe.record;
    let whole = record.whole.as_ref().expect("held out");
    assert_eq!((whole.value, whole.texts), (1.0, 16));
    // Perfect on eight families: as exact as four pairs of them allow.
    assert!(
        (whole.lower - 0.025f64.powf(0.25)).abs() < 1e-9,
        "{whole:?}"
    );
    let parts = record.beginnings.as_ref().expect("held out");
    assert_eq!(parts.texts, 48);
    assert!(parts.value > 0.6, "{parts:?}");
    assert_eq!((record.snippets, record.injurious), (64, 32));
    let head = probe.clone().head(Arc::new(Counts)).expect("its own");
    let odds = head.log_odds(&[
        SnippetText::new("P.", "Ann saw blood"),
        SnippetText::new("P.", "Ann saw rain"),
        SnippetText::new("P.", "  "),
        SnippetText::new("endless", "Ann saw rain"),
    ]);
    assert!(odds[0].as_ref().expect("scored") > odds[1].as_ref().expect("scored"));
    assert_eq!(odds[2], Err(Unscoreable::EmptyCompletion));
    assert!(matches!(odds[3], Err(Unscoreable::Model(_))));
    // Blood goes up, rain goes down, and a number that never changes goes nowhere.
    assert!(probe.difference[0] > 0.0 && probe.difference[1] < 0.0);
    let gradient = probe.gradient();
    assert!(gradient[0] > 0.0 && gradient[1] < 0.0 && gradient[2] == 0.0);
    let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    assert!((length(&gradient) - length(&probe.difference)).abs() < 1e-4);
}

#[test]
fn a_probe_comes_back_from_its_file_and_belongs_to_one_generator() {
    let probe = InjuryProbe::train(&Counts, &examples(40), &settings()).expect("trained");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("probe.json");
    probe.save(&path).expect("saved");
    let back = InjuryProbe::open(&path).expect("opened");
    assert_eq!((&back, back.name()), (&probe, probe.name()));
    let other = InjuryProbe {
        generator: "other".to_owned(),
        ..probe.clone()
    };
    assert_ne!(other.name(), probe.name());
    let error = other.head(Arc::new(Counts)).err().expect("refused");
    assert!(error.to_string().contains("other"), "{error}");
    let mut broken = probe;
    broken.means.pop();
    broken.save(&path).expect("saved");
    let error = InjuryProbe::open(&path).expect_err("refused").to_string();
    assert!(
        error.contains("probe.json") && error.contains("again"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_trained_is_named() {
    let train = |examples: &[Example], settings: &ProbeSettings| {
        InjuryProbe::train(&Counts, examples, settings)
            .expect_err("refused")
            .to_string()
    };
    let safe: Vec<Example> = examples(9).into_iter().filter(|e| !e.injurious).collect();
    assert!(train(&safe, &settings()).contains("some of both"));
    assert!(train(&[], &settings()).contains("none of the 0"));
    for wrong in [
        ProbeSettings {
            ridge: 0.0,
            ..settings()
        },
        ProbeSettings {
            held_out: 1.0,
            ..settings()
        },
        ProbeSettings {
            beginnings: 17,
            ..settings()
        },
    ] {
        assert!(train(&examples(8), &wrong).starts_with("probe: "));
    }
    let mut endless = examples(12);
    endless[0].text.prompt = "endless".to_owned();
    let probe = InjuryProbe::train(&Counts, &endless, &settings()).expect("trained");
    assert_eq!(probe.record.left_out, 4);
}

#[test]
fn beginnings_end_behind_words() {
    let text = "One two three four.";
    assert_eq!(beginnings(text, 3), ["One", "One two", "One two three"]);
    assert_eq!(beginnings(text, 1), ["One two"]);
    assert!(beginnings(text, 0).is_empty() && beginnings("", 3).is_empty());
    assert!(beginnings("Ouch!", 3).is_empty());
    assert_eq!(beginnings("Ça va  bien", 9), ["Ça", "Ça va"]);
}
