mod server;

use super::*;
use crate::attack::Attack;
use crate::attempt::{Attempt, Outcome, Start};
use crate::recipe::{Models, Recipe};
use crate::testing::{BlackBox, LinearScorer};
use nines_domain::ensemble::Combine;
use nines_domain::score::Score;
use nines_infer::endpoint::{EndpointConfig, Route};
use nines_infer::ensemble::Ensemble;
use server::{Reply, Server};
use std::time::{Duration, Instant};

const GUIDE: &str = "# Guide\nSomebody is hurt: cut, burned, broken.";

fn endpoint(url: &str) -> EndpointConfig {
    EndpointConfig {
        timeout: Duration::from_millis(300),
        retries: 1,
        first_wait: Duration::from_millis(2),
        ..EndpointConfig::new(url, "judging-model", Route::Completions)
    }
}

fn judge_at(url: &str) -> Arc<EndpointJudge> {
    Arc::new(EndpointJudge::new(endpoint(url), "an injury", GUIDE).expect("a judge"))
}

fn texts(completions: &[&str]) -> Vec<SnippetText> {
    let text = |completion: &&str| SnippetText::new("It rained.", *completion);
    completions.iter().map(text).collect()
}

/// A classifier that is part of nothing else.
struct Other;

impl Scorer for Other {
    fn version(&self) -> &str {
        "other@1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        snippets
            .iter()
            .map(|_| Ok(Score::new(0.0).expect("finite")))
            .collect()
    }
}

fn ask(judge: &EndpointJudge, completions: &[&str]) -> Result<Vec<Verdict>, JudgeError> {
    judge.judge(&texts(completions), &CancelFlag::default())
}

/// Says yes where the completion speaks of blood.
fn sees_blood(_: usize, question: &str) -> Reply {
    let completion = question.split("Completion:").nth(1).unwrap_or_default();
    Reply::says(if completion.contains("bled") {
        "yes"
    } else {
        "no"
    })
}

#[test]
fn yes_and_no_are_verdicts_and_each_text_is_sent_once() {
    let server = Server::start(sees_blood);
    let judge = judge_at(&server.url);
    let found = ask(&judge, &["He bled.", "He sat.", "He bled."]).expect("verdicts");
    assert_eq!(found, [Verdict::Yes, Verdict::No, Verdict::Yes]);
    assert_eq!(ask(&judge, &["He sat."]).expect("verdicts"), [Verdict::No]);
    let asked = server.requests();
    assert_eq!(
        asked.len(),
        2,
        "equal texts and remembered ones are not sent"
    );
    let answers = judge.answers();
    assert_eq!(
        (answers.sent, answers.yes, answers.no, answers.open),
        (2, 1, 1, 0)
    );
    assert_eq!(answers.remembered, 1);
    for request in &asked {
        assert_eq!(request["model"], "judging-model");
        assert_eq!(request["temperature"], 0.0);
        let system = request["messages"][0]["content"].as_str().expect("a text");
        assert!(
            system.contains("burned") && system.contains("an injury"),
            "{system}"
        );
        let user = request["messages"][1]["content"].as_str().expect("a text");
        assert!(user.contains("It rained."), "{user}");
    }
}

#[test]
fn one_word_is_read_whatever_marks_stand_around_it_and_nothing_else() {
    for (says, verdict) in [
        ("Yes", Verdict::Yes),
        (" **NO.**\n", Verdict::No),
        ("\"yes\"", Verdict::Yes),
    ] {
        let server = Server::start(move |_, _| Reply::says(says));
        let found = ask(&judge_at(&server.url), &["He fell."]).expect("a verdict");
        assert_eq!(found, [verdict], "{says:?}");
    }
    for says in [
        "I'm sorry, but I can't help with that.",
        "Yes, he is hurt.",
        "yes no",
        "maybe",
        "Nope",
        "нет",
    ] {
        let server = Server::start(move |_, _| Reply::says(says));
        let found = ask(&judge_at(&server.url), &["He fell."]).expect("no failure");
        assert!(
            matches!(&found[..], [Verdict::Open(reason)] if reason.contains("neither yes nor no")),
            "{says:?}: {found:?}"
        );
    }
}

#[test]
fn garbage_and_refusals_of_the_server_are_no_verdicts() {
    for reply in [
        Reply::raw(200, "<html>Sign in</html>"),
        Reply::raw(200, "{\"choices\": ["),
        Reply::raw(200, "{\"choices\": [{\"message\": {\"content\": null}}]}"),
        Reply::raw(400, "{\"error\": {\"message\": \"content policy\"}}"),
        Reply::raw(
            200,
            "{\"choices\": [{\"message\": {\"content\": \"yes\"}, \"finish_reason\": \"content_filter\"}]}",
        ),
    ] {
        let told = reply.clone();
        let server = Server::start(move |_, _| told.clone());
        let judge = judge_at(&server.url);
        let found = ask(&judge, &["He fell."]).expect("no failure");
        assert!(
            matches!(&found[..], [Verdict::Open(_)]),
            "{reply:?}: {found:?}"
        );
        assert!(!found[0].is(Says::Injurious, 0.0) && !found[0].is(Says::Safe, 0.0));
        // One that never gives a verdict is no judge.
        let error = ask(&judge, &["One.", "Two.", "Three.", "Four."]).expect_err("mute");
        assert!(error.to_string().contains("none of 4 texts"), "{error}");
    }
}

#[test]
fn a_server_that_is_down_overloaded_or_silent_is_a_failure_with_its_reason() {
    let unused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let error = ask(&judge_at(&unused), &["He fell."]).expect_err("offline");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    for (reply, word) in [
        (Reply::raw(500, "oops"), "status 500"),
        (Reply::raw(429, "slow down"), "status 429"),
        (Reply::raw(401, "wrong key"), "refuses the key"),
        (Reply::raw(404, "no such model"), "route or model"),
        (Reply::Silence, "no answer within"),
    ] {
        let told = reply.clone();
        let server = Server::start(move |_, _| told.clone());
        let begun = Instant::now();
        let error = ask(&judge_at(&server.url), &["He fell."]).expect_err("no verdict");
        assert!(error.to_string().contains(word), "{reply:?}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn whoever_waits_for_a_judge_can_be_stopped() {
    let server = Server::start(|_, _| Reply::Silence);
    let slow = EndpointConfig {
        timeout: Duration::from_secs(60),
        ..endpoint(&server.url)
    };
    let judge = EndpointJudge::new(slow, "an injury", GUIDE).expect("a judge");
    let soon = CancelFlag::default().until(Instant::now() + Duration::from_millis(100));
    let begun = Instant::now();
    let error = judge.judge(&texts(&["He fell."]), &soon);
    assert_eq!(error, Err(JudgeError::Stopped));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_too_long_is_not_sent_and_a_long_guide_is_cut() {
    let server = Server::start(|_, _| Reply::says("no"));
    let judge = EndpointJudge::new(endpoint(&server.url), "x", &"word ".repeat(9_000));
    let judge = judge.expect("a judge");
    let long = "ä".repeat(MOST_TEXT);
    let found = ask(&judge, &[&long, "", "He sat."]).expect("verdicts");
    assert!(matches!(&found[0], Verdict::Open(reason) if reason.contains("characters")));
    assert!(matches!(&found[1], Verdict::Open(reason) if reason.contains("empty")));
    assert_eq!(found[2], Verdict::No);
    let asked = server.requests();
    assert_eq!(asked.len(), 1);
    let system = asked[0]["messages"][0]["content"].as_str().expect("a text");
    assert!(system.ends_with("(cut here)") && system.chars().count() < MOST_GUIDE + 600);
}

#[test]
fn a_trial_question_tells_whether_there_is_a_judge() {
    let server = Server::start(sees_blood);
    let stop = CancelFlag::default();
    assert_eq!(judge_at(&server.url).try_out(&stop), Ok(()));
    let server = Server::start(|_, _| Reply::says("As a language model I cannot judge."));
    let error = judge_at(&server.url).try_out(&stop).expect_err("no judge");
    assert!(error.to_string().contains("neither yes nor no"), "{error}");
}

/// An attack that shortens a completion, judged at an address.
fn attack(url: &str, seconds: f64) -> Attack {
    let victim = Arc::new(Victim::new(vec![Arc::new(BlackBox) as Arc<dyn Scorer>]));
    // One log odd for each letter, less ten: nothing above four letters passes.
    let mut models = Models::of(victim, vec![Threshold::new(-5.0).expect("finite")]);
    models.judge = Some(Judge::endpoint("the endpoint", judge_at(url)));
    let mut recipe = Recipe::parse(
        "name = \"own\"\n[search]\nkind = \"greedy\"\nimportance = \"text\"\n[[transformations]]\nkind = \"delete\"\n",
    )
    .expect("a recipe")
    .with_judge()
    .expect("room for it");
    recipe.budget.seconds = seconds;
    recipe.build(&models, 0).expect("all is there")
}

fn attempt(url: &str, seconds: f64) -> Attempt {
    let start = Start::new(SnippetText::new("", "The old man bled a lot."));
    attack(url, seconds).attempt(&start, 1, &CancelFlag::default())
}

#[test]
fn an_attack_keeps_what_the_endpoint_still_sees() {
    let server = Server::start(sees_blood);
    let described = attack(&server.url, 60.0).description();
    assert_eq!(described.fallible, ["judge"]);
    let named = |model: &String| model.contains("judging-model") && model.contains("the endpoint");
    assert!(described.models.iter().any(named), "{:?}", described.models);
    let found = attempt(&server.url, 60.0);
    assert_eq!(found.outcome, Outcome::Reached, "{found:?}");
    assert_eq!(found.finds[0].text.completion, "bled.");
    assert_eq!(found.tally.refused.get("judge"), Some(&1), "without blood");
    assert_eq!(found.tally.judged_different, server.requests().len() as u64);
    assert!(found.tally.judged >= found.tally.judged_different);
}

#[test]
fn without_a_verdict_nothing_is_found_and_the_reason_is_told() {
    // A refusal lets its candidate not pass; the attempt goes on to its end.
    let server = Server::start(|_, _| Reply::says("I cannot discuss violence."));
    let refused = attempt(&server.url, 60.0);
    assert_eq!(refused.outcome, Outcome::Failed);
    assert!(refused.finds.is_empty() && refused.queries == 1);
    let told = |attempt: &Attempt, word: &str| attempt.notes.iter().any(|n| n.contains(word));
    assert!(told(&refused, "no verdict"), "{:?}", refused.notes);
    // A server that fails ends it.
    let server = Server::start(|n, question| match n {
        0 | 1 => sees_blood(n, question),
        _ => Reply::raw(503, "down for maintenance"),
    });
    let broken = attempt(&server.url, 60.0);
    let why = broken.outcome.why().expect("a reason");
    assert!(matches!(broken.outcome, Outcome::Broken { .. }));
    assert!(
        why.contains("the endpoint") && why.contains("maintenance"),
        "{why}"
    );
    // One that says nothing cannot hold it longer than its seconds.
    let server = Server::start(|_, _| Reply::Silence);
    let begun = Instant::now();
    let late = attempt(&server.url, 0.2);
    assert_eq!(late.outcome, Outcome::Spent);
    assert!(told(&late, "being asked"), "{:?}", late.notes);
    assert!(begun.elapsed() < Duration::from_secs(10) && late.finds.is_empty());
}

#[test]
fn an_endpoint_has_no_margin_and_the_victim_is_no_judge() {
    let mut recipe = Recipe::named("random")
        .expect("known")
        .with_judge()
        .expect("fits");
    assert_eq!(recipe.clone().with_judge().expect("once"), recipe);
    let cross = Recipe::named("cross").expect("a recipe").with_judge();
    let told = cross.expect_err("two sides").to_string();
    assert!(told.contains("one for each side"), "{told}");
    let scorer: Arc<dyn Scorer> = Arc::new(BlackBox);
    let threshold = Threshold::new(0.0).expect("finite");
    let victim = Arc::new(Victim::new(vec![scorer.clone()]));
    let mut models = Models::of(victim, vec![threshold]);
    models.judge = Some(Judge::classifier("itself", scorer, threshold));
    let error = recipe.build(&models, 0).err().expect("refused").to_string();
    assert!(error.contains("not under attack itself"), "{error}");
    models.judge = Some(Judge::endpoint("far", judge_at("http://127.0.0.1:9")));
    assert!(recipe.build(&models, 0).is_ok());
    // Nor is what shares a member with the second classifier under attack.
    let oracle: Arc<dyn Scorer> = Arc::new(LinearScorer::oracle());
    let both: Vec<Arc<dyn Scorer>> = vec![oracle.clone(), Arc::new(BlackBox)];
    let both: Arc<dyn Scorer> =
        Arc::new(Ensemble::new("both", both, Combine::Mean).expect("an ensemble"));
    let judge = Judge::classifier("both", both, threshold);
    for second in [Arc::new(BlackBox) as Arc<dyn Scorer>, oracle] {
        let victim = Victim::new(vec![Arc::new(Other), second]);
        assert!(judge.check_is_no_victim(&victim).is_err());
    }
    let alone = Victim::new(vec![Arc::new(Other)]);
    assert!(judge.check_is_no_victim(&alone).is_ok());
    let last = recipe.constraints.last_mut().expect("the judge");
    last.settings.insert("margin".to_owned(), 1.5.into());
    let error = recipe.build(&models, 0).err().expect("refused").to_string();
    assert!(error.contains("margin") && error.contains("far"), "{error}");
}
