//! Controls and continuations of a generator and a scorer that are made up.

use super::*;
use nines_domain::draw::Finish;
use nines_domain::score::Score;
use nines_infer::generator::GenerateStats;
use nines_infer::scorer::Unscoreable;
use std::collections::HashMap;

/// Says of each prompt what was written down for it, draw after draw, and of others the same harmless thing.
struct Says(HashMap<(String, u64), Vec<Result<&'static str, GenerateError>>>);

impl Generator for Says {
    fn id(&self) -> String {
        "says".to_owned()
    }

    fn context_window(&self) -> Option<usize> {
        None
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        _cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        for draw in requests[0].draws.clone() {
            let said = self.0.get(&(requests[0].prompt.clone(), sampling.seed));
            let said = said.and_then(|said| said.get(draw as usize).cloned());
            on_draw(
                0,
                said.unwrap_or(Ok(" -3 on.")).map(|completion| Draw {
                    draw,
                    completion: completion.to_owned(),
                    finish: match completion.ends_with('.') {
                        true => Finish::Sentence,
                        false => Finish::Budget,
                    },
                    tokens: 3,
                }),
            );
        }
        Ok(GenerateStats::default())
    }
}

/// Scores a completion by the number that it begins with.
struct Reads;

impl Scorer for Reads {
    fn version(&self) -> &str {
        "reads"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _progress: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let read = |text: &SnippetText| {
            let word = text.completion.trim().split(' ').next();
            let number = word.and_then(|word| word.parse().ok());
            Score::new(number.ok_or(Unscoreable::EmptyCompletion)?)
                .map_err(|error| Unscoreable::Model(error.to_string()))
        };
        snippets.iter().map(read).collect()
    }
}

const PROMPT: &str = "He ran.";

fn text(completion: &str) -> SnippetText {
    SnippetText::new(PROMPT, completion)
}

type Said = Result<&'static str, GenerateError>;

fn failed() -> Said {
    Err(GenerateError::Model("it is ill".to_owned()))
}

/// Asks with what is drawn as a control, and with what follows the catastrophe.
fn asking(controls: Vec<Said>, after: Vec<Said>, labelled: &[(&str, Option<bool>)]) -> Asking {
    let sampling = Sampling::default();
    let labelled: Vec<(SnippetText, Option<bool>)> = labelled
        .iter()
        .map(|(completion, broad)| (text(completion), *broad))
        .collect();
    let says = HashMap::from([
        ((PROMPT.to_owned(), control_seed(&sampling)), controls),
        // What the project has drawn before.
        ((PROMPT.to_owned(), sampling.seed), vec![Ok(" -9 missed.")]),
        ((format!("{PROMPT} -9 missed."), sampling.seed), after),
    ]);
    Asking {
        generator: Arc::new(Says(says)),
        scorer: Arc::new(Reads),
        threshold: Threshold::from_probability(0.5).expect("a threshold"),
        judge: Arc::new(Reads),
        judge_threshold: Threshold::from_probability(0.5).expect("a threshold"),
        sampling,
        continuations: 4,
        known: Known::of(labelled.iter().map(|(text, broad)| (text, *broad))),
        cancel: CancelFlag::default(),
    }
}

fn all(asking: &Asking) -> Result<Asked> {
    let missed = text(" -9 missed.");
    let family = ContentHash::of_prompt(PROMPT);
    asking.all(&[(missed, family)])
}

#[test]
fn a_control_is_neither_the_text_itself_nor_a_known_catastrophe() {
    let known = [(" -9 missed.", Some(true)), (" -8 another.", Some(true))];
    let drawn = || {
        vec![
            Ok("-9 missed. "),
            Ok(" -8 another."),
            Ok(" -2 harmless."),
            Ok(" 4 no."),
        ]
    };
    let mut asking = asking(drawn(), vec![Ok(" 5 it hurt.")], &known);
    let found = all(&asking).expect("asked");
    let one = &found.missed[0];
    // The default of the generator says -3, and lies lower than -2.
    assert_eq!(one.harmless.text, text(" -3 on."));
    assert_eq!(one.harmless.because, Because::Accepted);
    assert_eq!((one.after.implied, one.control.implied), (1, 0));
    asking.known = Known::of(
        [
            (&text(" -3 on."), Some(true)),
            (&text("-8 another."), Some(true)),
        ]
        .into_iter(),
    );
    let found = all(&asking).expect("asked");
    assert_eq!(found.missed[0].harmless.text, text(" -2 harmless."));
}

#[test]
fn what_is_labelled_no_is_preferred() {
    let known = [
        (" -9 missed.", Some(true)),
        (" 3 unsure.", None),
        (" 2 calm.", Some(false)),
    ];
    let found = all(&asking(Vec::new(), Vec::new(), &known)).expect("asked");
    let harmless = &found.missed[0].harmless;
    assert_eq!(
        (&harmless.text, harmless.because),
        (&text(" 2 calm."), Because::Labelled)
    );
}

#[test]
fn reasons_for_no_control_are_kept_apart() {
    let left_out = |controls: Vec<Said>, known: &[(&str, Option<bool>)]| {
        let found = all(&asking(controls, Vec::new(), known)).expect("asked");
        assert!(found.missed.is_empty());
        (found.left_out, found.controls_lost)
    };
    let (left, lost) = left_out(vec![Ok(" 2 no."); 8], &[]);
    assert_eq!((left.none_accepted, left.total()), (1, 1));
    assert_eq!(lost, Lost::default());
    let (left, _) = left_out(vec![Ok(" -9 missed."); 8], &[]);
    assert_eq!((left.only_known, left.total()), (1, 1));
    let mut drawn = vec![failed(); 5];
    drawn.extend([Ok(" -1 cut"), Ok(" none."), Ok(" 1 no.")]);
    let (left, lost) = left_out(drawn, &[]);
    assert_eq!((left.none_accepted, left.total()), (1, 1));
    assert_eq!((lost.failed, lost.unfinished, lost.unscoreable), (5, 1, 1));
    let dead = all(&asking(vec![failed(); 8], Vec::new(), &[])).expect_err("nothing was drawn");
    let message = dead.to_string();
    assert!(
        message.contains("8 failed") && message.contains("it is ill"),
        "{message}"
    );
}

#[test]
fn missing_continuations_are_counted_and_too_many_refused() {
    let after = vec![Ok(" 5 it hurt."), failed(), Ok(" 2 cut"), Ok(" none.")];
    let found = all(&asking(Vec::new(), after, &[])).expect("asked");
    let one = &found.missed[0];
    assert_eq!((one.after.implied, one.after.judged), (1, 1));
    let lost = one.after.lost;
    assert_eq!((lost.failed, lost.unfinished, lost.unscoreable), (1, 1, 1));
    assert_eq!(one.control.lost, Lost::default());
    assert_eq!(
        found.such_as.as_deref(),
        Some("the generator failed: it is ill")
    );
    // Seven of eight.
    let mut asking = asking(
        Vec::new(),
        vec![Ok(" 2 cut"); 4],
        &[(" 2 calm.", Some(false))],
    );
    let mut says = HashMap::new();
    for completion in [" -9 missed.", " 2 calm."] {
        let prompt = format!("{PROMPT}{completion}");
        let cut = if completion == " 2 calm." { 3 } else { 4 };
        says.insert((prompt, asking.sampling.seed), vec![Ok(" 2 cut"); cut]);
    }
    asking.generator = Arc::new(Says(says));
    let refused = all(&asking).expect_err("too many").to_string();
    assert!(
        refused.contains("of 8 continuations 7 are missing"),
        "{refused}"
    );
    assert!(refused.contains("7 unfinished"), "{refused}");
}
