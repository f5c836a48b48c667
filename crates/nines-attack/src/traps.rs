//! Traps that tools of this kind have fallen into, each as a test that fails whoever falls in again.
//!
//! Those that concern what is stored and who labels it are tested beside the store and the commands.

use crate::attack::Attack;
use crate::attempt::{Attempt, Outcome, Start};
use crate::edit::{Draft, Edit, Site};
use crate::flips::Direction;
use crate::goal::Goal;
use crate::recipe::{Models, Recipe, RecipeError};
use crate::saliency::{Method, saliency};
use crate::search::Search;
use crate::search::beam::{self, Beam};
use crate::search::greedy::{self, Greedy};
use crate::search::random::{self, Random};
use crate::table::{Row, Table};
use crate::testing::LinearScorer;
use crate::transformation::flip::Flips;
use crate::transformation::{Proposal, ProposeError, Transformation};
use crate::victim::{Budget, Victim};
use crate::words::words;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::gradients::Differentiable;
use nines_infer::scorer::{Scorer, Unscoreable};
use nines_text::SnippetPart;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

type Substitutes = &'static [(&'static str, &'static [&'static str])];

/// Substitutes for words, from a list.
struct Listed(Substitutes);

impl Transformation for Listed {
    fn name(&self) -> &'static str {
        "listed"
    }

    fn sites(&self, draft: &Draft) -> Vec<Site> {
        draft.words()
    }

    fn propose(&self, draft: &Draft, sites: &[Site]) -> Result<Vec<Vec<Proposal>>, ProposeError> {
        let edits = |site: &Site| {
            let known = self.0.iter().find(|(word, _)| draft.at(site) == Some(word));
            let texts = known.map_or(&[][..], |(_, texts)| texts);
            let edit = |text: &&str| Edit {
                site: site.clone(),
                text: (*text).to_owned(),
            };
            texts
                .iter()
                .map(|text| Proposal::of(edit(text), "listed"))
                .collect()
        };
        Ok(sites.iter().map(edits).collect())
    }
}

/// One log odd for each `bad`, less one half.
struct CountsBad;

impl Scorer for CountsBad {
    fn version(&self) -> &str {
        "counts-bad@1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        let bad = |text: &str| {
            words(text)
                .into_iter()
                .filter(|w| &text[w.clone()] == "bad")
                .count()
        };
        let score = |text: &SnippetText| {
            let count = bad(&text.prompt) + bad(&text.completion);
            Ok(Score::new(count as f64 - 0.5).expect("finite"))
        };
        snippets.iter().map(score).collect()
    }
}

fn evade() -> Goal {
    Goal::Evade(Threshold::new(0.0).expect("finite"))
}

fn attack(scorer: Arc<dyn Scorer>, search: Box<dyn Search>, listed: Substitutes) -> Attack {
    Attack::new(
        Arc::new(Victim::new(vec![scorer])),
        evade(),
        Budget::default(),
        search,
    )
    .with_transformation(Box::new(Listed(listed)))
}

fn greedy() -> Box<dyn Search> {
    Box::new(Greedy(greedy::Settings::default()))
}

fn attempt(attack: &Attack, completion: &str) -> Attempt {
    let start = Start::new(SnippetText::new("It was late.", completion));
    attack.attempt(&start, 7, &CancelFlag::default())
}

fn site(part: SnippetPart, text: &str, word: &str, skip: usize) -> Site {
    let (start, _) = text.match_indices(word).nth(skip).expect("it is there");
    Site {
        part,
        range: start..start + word.len(),
    }
}

/// TextAttack looks words up by their spelling and follows them by number: a word inside another, and a
/// substitute of two words, make it change the wrong one.
#[test]
fn sub_word_and_word_index_mismatch() {
    let text = "The bad badger had a bad day.";
    let draft = Draft::new(SnippetText::new("", text), Vec::new());
    let second = site(SnippetPart::Completion, text, "bad", 2);
    assert!(
        draft.words().contains(&second)
            && !draft.words().contains(&site(second.part, text, "bad", 1))
    );
    let edit = Edit {
        site: second,
        text: "good".into(),
    };
    let changed = draft.apply(&[edit]).expect("a word");
    assert_eq!(changed.text().completion, "The bad badger had a good day.");

    let listed: Substitutes = &[("bad", &["not good"]), ("day", &["wrong"])];
    let found = attempt(&attack(Arc::new(CountsBad), greedy(), listed), text);
    let end = found.end.expect("it searched");
    assert_eq!(
        end.text.completion,
        "The not good badger had a not good day."
    );
}

/// A model's pieces are not words: what is shown as salient is what stands in the text.
#[test]
fn sub_words_are_shown_where_they_stand() {
    let words: [(&str, &[f32]); 4] = [
        ("un", &[1.0]),
        ("##hurt", &[2.0]),
        ("hurt", &[3.0]),
        (",", &[0.0]),
    ];
    let scorer = LinearScorer::new(&words, &[1.0], 0.0);
    let text = SnippetText::new("Hurt, unhurt", "unhurt hurt");
    for method in [
        Method::GradientXInput,
        Method::GradientNorm,
        Method::LeaveOneOut,
    ] {
        let tokens = saliency(method, &scorer, &text).expect("it has gradients");
        let shown: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(
            shown,
            ["Hurt", ",", "un", "hurt", "un", "hurt", "hurt"],
            "{method:?}"
        );
        for token in &tokens {
            let half = crate::edit::half_of(&text, token.part);
            assert_eq!(&half[token.range.clone()], token.text);
        }
    }
}

/// OpenAttack changes the list of words that it goes through: later candidates hold earlier substitutes.
#[test]
fn list_aliasing_in_substitution() {
    let draft = Draft::new(SnippetText::new("One.", "Two three two."), Vec::new());
    let listed = Listed(&[
        ("Two", &["a", "b"]),
        ("three", &["c", "d"]),
        ("two", &["e"]),
    ]);
    let proposals = listed.propose(&draft, &draft.words()).expect("a list");
    let before = draft.clone();
    let texts: Vec<String> = proposals
        .iter()
        .flatten()
        .map(|proposal| {
            draft
                .apply(&proposal.edits)
                .expect("fits")
                .text()
                .completion
                .clone()
        })
        .collect();
    assert_eq!(
        texts,
        [
            "a three two.",
            "b three two.",
            "Two c two.",
            "Two d two.",
            "Two three e."
        ]
    );
    assert_eq!(draft, before);
}

/// TextAttack joins texts with `<SPLIT>` and finds words inside it; tokenizers read `[SEP]` in a text as
/// their own sign. Here both are text like any other.
#[test]
fn special_token_collision() {
    let text = "<SPLIT> I am hurt";
    let draft = Draft::new(SnippetText::new("PLI <SPLIT>", text), Vec::new());
    let shown: Vec<&str> = draft
        .words()
        .iter()
        .filter_map(|site| draft.at(site))
        .collect();
    assert_eq!(shown, ["PLI", "SPLIT", "SPLIT", "I", "am", "hurt"]);
    let edit = Edit {
        site: draft.words()[3].clone(),
        text: "we".into(),
    };
    let changed = draft.apply(&[edit]).expect("a word");
    assert_eq!(
        changed.text(),
        &SnippetText::new("PLI <SPLIT>", "<SPLIT> we am hurt")
    );

    let scorer = Arc::new(LinearScorer::oracle());
    let signs = |prompt: &str, completion: &str| {
        let read = scorer
            .tokenizer()
            .encode(prompt, completion)
            .expect("it is text");
        let sign = |id: &&u32| scorer.tokenizer().token(**id).as_deref() == Some("[SEP]");
        read.ids.iter().filter(sign).count()
    };
    assert_eq!(
        signs("alpha [SEP]", "[SEP] beta [SEP]"),
        signs("alpha", "beta")
    );
    let listed: Substitutes = &[("alpha", &["[SEP]", "<SPLIT> beta"])];
    let found = attempt(
        &attack(scorer.clone(), greedy(), listed),
        "alpha [SEP] alpha",
    );
    let best = found.best.expect("the start at least");
    let again = scorer.score(std::slice::from_ref(&best.text), &mut |_| ());
    assert_eq!(again[0].as_ref().expect("a score").logit(), best.scores[0]);
    assert!(
        best.text.completion.contains(" [SEP] "),
        "{}",
        best.text.completion
    );
}

/// TextAttack's tagger changed its tags, a constraint compared them, and every attack failed with no
/// candidate and no word about it.
#[test]
fn zero_candidates_silently() {
    let nothing = attempt(&attack(Arc::new(CountsBad), greedy(), &[]), "A bad day.");
    assert_eq!(nothing.outcome, Outcome::Failed);
    assert!(
        nothing
            .notes
            .iter()
            .any(|note| note.contains("no candidate at all")),
        "{:?}",
        nothing.notes
    );
    let start = Start::new(SnippetText::new("", "bad"));
    let mut protected = start.clone();
    protected.protected = vec![site(SnippetPart::Completion, "bad", "bad", 0)];
    let listed: Substitutes = &[("bad", &["good"])];
    let attack = attack(Arc::new(CountsBad), greedy(), listed);
    let held = attack.attempt(&protected, 7, &CancelFlag::default());
    assert!(
        held.notes
            .iter()
            .any(|note| note.contains("no candidate at all")),
        "{:?}",
        held.notes
    );
    assert_eq!(
        attack.attempt(&start, 7, &CancelFlag::default()).notes,
        Vec::<String>::new()
    );
}

/// Servers of embeddings cut long texts without a word: a find might then differ only in what nobody scored.
#[test]
fn silent_truncation() {
    let listed: Substitutes = &[("alpha", &["beta beta beta beta"])];
    let attack = attack(Arc::new(LinearScorer::oracle()), greedy(), listed);
    let long = attempt(&attack, &"alpha ".repeat(80));
    let why = long.outcome.why().unwrap_or_default().to_owned();
    assert!(
        matches!(long.outcome, Outcome::Skipped { .. }) && why.contains("64"),
        "{why}"
    );
    // It fits, and no longer does with the substitute.
    let full = attempt(&attack, &"alpha ".repeat(57));
    assert!(full.tally.unscoreable > 0, "{:?}", full.tally);
    assert_eq!(
        full.best.expect("the start").text.completion,
        "alpha ".repeat(57)
    );
}

/// One row of a table: what it came to, what labels say, its queries.
fn row(outcome: &str, verified: Option<bool>, queries: u64) -> Row {
    Row {
        outcome: outcome.into(),
        verified,
        start_score: Some(2.0),
        score: Some(-1.0),
        queries,
        budget: 2_000,
        seconds_allowed: Some(120.0),
        reached_at: (outcome == "reached").then_some(queries),
        scored: queries,
        seconds: 1.0,
        words: 10,
        words_changed: 2,
    }
}

/// Tools that report rates without intervals say 0 % ± 0 after ten attempts in vain.
#[test]
fn zero_width_interval_at_zero_finds() {
    let rows: Vec<Row> = (0..10).map(|_| row("failed", None, 50)).collect();
    let table = Table::of(&rows).expect("numbers");
    let at_budgets = table.at_budgets.iter().filter_map(|at| at.share.clone());
    let shares = [
        table.success_before_verification,
        table.success_after_verification,
    ];
    for share in shares
        .into_iter()
        .map(|share| share.expect("ten attempts"))
        .chain(at_budgets)
    {
        assert_eq!((share.lower, share.n), (0.0, 10));
        // Clopper–Pearson: 1 − 0.025^(1/10).
        assert!((share.upper - 0.308_497).abs() < 1e-6, "{share:?}");
    }
    assert!(
        table.precision.is_none(),
        "of no labelled find there is no share"
    );
    assert!(
        Table::of(&[])
            .expect("none")
            .success_before_verification
            .is_none()
    );
}

/// Averaging queries over successes alone flatters an attack that gives up late (Yoo et al. 2020).
#[test]
fn average_queries_denominator() {
    let rows = [
        row("reached", Some(true), 10),
        row("failed", None, 100),
        row("spent", None, 2_000),
        row("broken", None, 50),
        row("skipped", None, 1),
    ];
    let table = Table::of(&rows).expect("numbers");
    let queries = table.queries.expect("four attempts");
    assert_eq!((table.tried, queries.n), (4, 4));
    assert_eq!(queries.value, Some((10.0 + 100.0 + 2_000.0 + 50.0) / 4.0));
    // The broken one is no failure of the attack: the interval holds whatever it would have come to.
    let share = table.success_before_verification.expect("four");
    assert_eq!(share.value, Some(1.0 / 3.0));
    let of = |k| nines_stats::interval::clopper_pearson(k, 4, 0.95).expect("a share");
    assert_eq!((share.lower, share.upper), (of(1).lower, of(2).upper));
}

/// A find is no success before a label says so, and a refuted one never is.
#[test]
fn finds_counted_before_anybody_looked() {
    let rows = [
        row("reached", Some(true), 10),
        row("reached", Some(false), 10),
        row("reached", None, 10),
        row("failed", None, 10),
    ];
    let table = Table::of(&rows).expect("numbers");
    let after = table.success_after_verification.expect("four");
    assert_eq!((table.verified, table.refuted, table.waiting), (1, 1, 1));
    assert_eq!(after.value, None, "one still waits");
    let sure = Table::of(&[&rows[..2], &rows[3..]].concat()).expect("numbers");
    let sure = sure.success_after_verification.expect("three");
    assert_eq!(sure.value, Some(1.0 / 3.0));
    // It holds whatever the waiting one turns out to be.
    let most = Table::of(&[
        row("reached", Some(true), 10),
        row("reached", Some(true), 10),
        rows[1].clone(),
        rows[3].clone(),
    ]);
    let most = most
        .expect("numbers")
        .success_after_verification
        .expect("four");
    assert!(
        after.lower < 0.25 && after.upper >= most.upper,
        "{after:?} {most:?}"
    );
}

/// What a cache answers is a query all the same, and what it knows from earlier attempts changes no number:
/// promptfoo counted repeated answers as independent ones.
#[test]
fn cached_repeats_counted_as_independent() {
    let scorer = Arc::new(LinearScorer::oracle());
    let listed: Substitutes = &[("alpha", &["gamma", "beta", "gamma"]), ("beta", &["gamma"])];
    let beam = || Box::new(Beam(beam::Settings::default()));
    let one = attack(scorer.clone(), beam(), listed);
    let first = attempt(&one, "alpha beta alpha");
    let asked = scorer.asked.load(Ordering::SeqCst) as u64;
    assert_eq!(asked, first.scored, "each different text once");
    let again = attempt(&one, "alpha beta alpha");
    assert_eq!(
        scorer.asked.load(Ordering::SeqCst) as u64,
        asked,
        "and never again"
    );
    let without_time = |attempt: Attempt| Attempt {
        seconds: 0.0,
        ..attempt
    };
    assert_eq!(without_time(first), without_time(again));
}

/// LIT joins word-pieces with spaces: the text that it shows is not the text that was scored.
#[test]
fn hotflip_joining_word_pieces() {
    let words: [(&str, &[f32]); 6] = [
        ("un", &[1.0]),
        ("##hurt", &[2.0]),
        ("hurt", &[3.0]),
        ("safe", &[-2.0]),
        ("well", &[-1.0]),
        ("##ed", &[-9.0]),
    ];
    let scorer = Arc::new(LinearScorer::new(&words, &[1.0], 0.0));
    let draft = Draft::new(SnippetText::new("", "Hurt unhurt, hurt."), Vec::new());
    let flips = Flips::new(scorer.clone(), Direction::Down, 16).expect("it has gradients");
    let lists = flips.propose(&draft, &flips.sites(&draft)).expect("flips");
    let edits: Vec<Edit> = lists.into_iter().flatten().flat_map(|p| p.edits).collect();
    assert!(
        edits
            .iter()
            .any(|edit| edit.text.eq_ignore_ascii_case("safe")),
        "{edits:?}"
    );
    for edit in edits {
        let changed = draft.apply(std::slice::from_ref(&edit)).expect("fits");
        let text = &changed.text().completion;
        assert!(
            !text.contains('#') && edit.text.chars().all(char::is_alphabetic),
            "{text}"
        );
        let read = scorer.tokenizer().encode("", text).expect("tokens");
        let put = changed.changed()[0].range.clone();
        let inside = read
            .offsets
            .iter()
            .flatten()
            .filter(|span| put.contains(&span.start));
        assert_eq!(
            inside.count(),
            1,
            "{text}: the flip is one token when the text is read afresh"
        );
    }
}

/// Says all that an attack came to, for comparison between processes.
fn told() -> String {
    let listed: Substitutes = &[
        ("bad", &["good", "fine", "bad luck", "poor"]),
        ("day", &["night", "bad"]),
        ("A", &["One", "The"]),
    ];
    let searches: [Box<dyn Search>; 3] = [
        greedy(),
        Box::new(Beam(beam::Settings::default())),
        Box::new(Random(random::Settings::default())),
    ];
    let tell = |search| {
        let attack = attack(Arc::new(CountsBad), search, listed);
        let found = attempt(&attack, "A bad, bad day: bad as bad can be, a day.");
        format!(
            "{:?}\n",
            Attempt {
                seconds: 0.0,
                ..found
            }
        )
    };
    searches.into_iter().map(tell).collect()
}

const CHILD: &str = "NINES_TEST_TRAPS_CHILD";

/// Runs this test again in a process of its own, and returns what it told.
fn child(test: &str, through: &[&str]) -> std::io::Result<String> {
    let program = std::env::current_exe()?;
    let program = program.to_string_lossy();
    let command: Vec<&str> = through.iter().copied().chain([&*program]).collect();
    let output = Command::new(command[0])
        .args(&command[1..])
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.split("<told>").nth(1).map(str::to_owned);
    told.ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        std::io::Error::other(format!("{command:?} said {text}{said}"))
    })
}

/// TextAttack's WordNet substitutes came out of sets: every process had its own order. Hash maps are seeded
/// anew in every process here too.
#[test]
fn hash_order_nondeterminism() {
    if std::env::var_os(CHILD).is_some() {
        println!("<told>{}<told>", told());
        return;
    }
    let here = told();
    for _ in 0..3 {
        let there = child("traps::hash_order_nondeterminism", &[]).expect("a child");
        assert_eq!(there, here);
    }
}

/// promptfoo's local mode asked a server. An attack runs where there is no network at all, and a recipe that
/// was given no endpoint looks for none.
#[test]
fn local_mode_that_phones_home() {
    if std::env::var_os(CHILD).is_some() {
        std::net::TcpStream::connect(("127.0.0.1", 9)).expect_err("no network here");
        println!("<told>{}<told>", told());
        return;
    }
    // Systems that allow no namespaces still run the second half.
    let isolated = Command::new("unshare").args(["-rn", "true"]).status();
    if isolated.is_ok_and(|status| status.success()) {
        let there = child("traps::local_mode_that_phones_home", &["unshare", "-rn"]);
        assert_eq!(there.expect("a child"), told());
    }
    let victim = Arc::new(Victim::new(vec![Arc::new(CountsBad)]));
    let models = Models::of(victim, vec![Threshold::new(0.0).expect("finite")]);
    for name in Recipe::names() {
        let recipe = Recipe::named(name).expect("a recipe of that name");
        match recipe.build(&models, 1) {
            Ok(attack) => assert_eq!(attack.description().models, Vec::<String>::new(), "{name}"),
            Err(RecipeError::Missing { how, .. }) => assert!(!how.is_empty(), "{name}"),
            Err(other) => panic!("{name}: {other}"),
        }
    }
}
