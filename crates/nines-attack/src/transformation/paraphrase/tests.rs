use super::*;
use nines_domain::draw::{Draw, Finish};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, GenerateStats};

/// Says the same few things of every prompt, last draw first.
struct Parrot(Vec<Result<&'static str, GenerateError>>);

impl Generator for Parrot {
    fn id(&self) -> String {
        "parrot@1".to_owned()
    }

    fn context_window(&self) -> Option<usize> {
        None
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        _sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        _cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        for (draw, said) in self.0.iter().enumerate().rev() {
            assert!(
                requests[0]
                    .prompt
                    .ends_with("Sentence: He fell.\nIn other words:")
            );
            let told = said.clone().map(|said| Draw {
                draw: draw as u32,
                completion: said.to_owned(),
                finish: Finish::Sentence,
                tokens: 1,
            });
            on_draw(0, told);
        }
        Ok(GenerateStats::default())
    }
}

fn asked(
    said: Vec<Result<&'static str, GenerateError>>,
) -> (Result<Vec<String>, String>, Vec<String>) {
    let draws = said.len() as u32;
    let paraphrase = Paraphrase::new(Arc::new(Parrot(said)), draws);
    let draft = Draft::new(SnippetText::new("She ran.", " He fell."), Vec::new());
    let sites = paraphrase.sites(&draft);
    let mut proposing = Proposing::default();
    let lists = paraphrase.propose_for(&draft, &sites, &mut proposing);
    let made = lists.map_err(|error| error.to_string()).map(|lists| {
        let changed = |one: &Proposal| draft.apply(&one.edits).expect("an edit");
        lists[0]
            .iter()
            .map(|one| changed(one).text().completion.clone())
            .collect()
    });
    (made, proposing.notes)
}

#[test]
fn paraphrases_come_in_the_order_of_their_draws_and_the_rest_is_counted() {
    let (made, notes) = asked(vec![
        Ok(" Down he went."),
        Ok(""),
        Ok(" he fell"),
        Ok(" \"He took a tumble.\""),
        Ok("Down he went.\nSentence: more"),
    ]);
    let wanted = vec![" Down he went.".to_owned(), " He took a tumble.".to_owned()];
    assert_eq!(made, Ok(wanted));
    assert_eq!(
        notes,
        ["of 5 paraphrases: 1 empty, 1 unchanged, 1 repeated"]
    );
}

#[test]
fn an_endpoint_that_is_away_is_an_error_and_no_empty_list() {
    let away = GenerateError::Unreached {
        url: "http://localhost/v1".to_owned(),
        reason: "refused".to_owned(),
    };
    let (made, _) = asked(vec![Err(away.clone()), Err(away)]);
    let error = made.expect_err("away");
    assert!(error.contains("could not be reached"), "{error}");
}

#[test]
fn a_very_long_completion_has_no_place_to_paraphrase() {
    let paraphrase = Paraphrase::new(Arc::new(Parrot(Vec::new())), 1);
    let long = Draft::new(SnippetText::new("", "word ".repeat(500)), Vec::new());
    assert!(paraphrase.sites(&long).is_empty());
}

#[test]
fn what_was_dropped_stands_in_the_log_of_the_attempt() {
    use crate::attempt::{Outcome, Start};
    let scorer = Arc::new(crate::testing::BlackBox);
    let victim = Arc::new(crate::victim::Victim::new(vec![scorer]));
    let threshold = nines_domain::score::Threshold::new(-7.0).expect("finite");
    let mut models = Models::of(victim, vec![threshold]);
    models.paraphraser = Some(Arc::new(Parrot(vec![Ok("He fell!"), Ok("Ow.")])));
    let recipe = crate::recipe::Recipe::named("paraphrase").expect("known");
    let attack = recipe.build(&models, 0).expect("built");
    let start = Start::new(SnippetText::new("She ran.", "He fell."));
    let attempt = attack.attempt(&start, 0, &CancelFlag::default());
    assert_eq!(attempt.outcome, Outcome::Reached);
    assert_eq!(attempt.finds[0].text.completion, "Ow.");
    assert!(
        attempt
            .notes
            .iter()
            .any(|note| note.contains("1 unchanged")),
        "{:?}",
        attempt.notes
    );
    assert_eq!(attack.description().models, ["parrot@1"]);
}

#[test]
fn a_paraphraser_that_is_stopped_proposes_nothing() {
    let paraphrase = Paraphrase::new(Arc::new(Parrot(vec![Ok("He dropped.")])), 1);
    let draft = Draft::new(SnippetText::new("She ran.", " He fell."), Vec::new());
    let mut proposing = Proposing::default();
    proposing.stop.cancel();
    let told = paraphrase.propose_for(&draft, &paraphrase.sites(&draft), &mut proposing);
    assert!(matches!(told, Err(ProposeError::Stopped)), "{told:?}");
}
