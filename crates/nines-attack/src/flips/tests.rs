use super::*;
use crate::testing::LinearScorer;
use nines_infer::scorer::Scorer;
use nines_text::SnippetPart;

fn site(part: SnippetPart, range: Range<usize>) -> Site {
    Site { part, range }
}

#[test]
fn the_best_flip_of_the_worked_example_is_exact() {
    let scorer = LinearScorer::oracle();
    let snippet = SnippetText::new("alpha", "beta delta");
    let lexicon = Lexicon::of(&scorer);
    let slope = Slope::of(&scorer, &snippet).expect("a gradient");
    let places = [
        site(SnippetPart::Prompt, 0..5),
        site(SnippetPart::Completion, 0..4),
        site(SnippetPart::Completion, 5..10),
    ];
    let mut best: Vec<(usize, Flip)> = places
        .iter()
        .enumerate()
        .map(|(index, site)| {
            let at = slope.at(site).expect("a token");
            let flips = slope.flips(&at, &lexicon, Direction::Down, 1);
            (index, flips.into_iter().next().expect("a flip"))
        })
        .collect();
    best.sort_by(|a, b| a.1.change.total_cmp(&b.1.change));
    let (position, flip) = &best[0];
    assert_eq!((*position, flip.word.as_str()), (0, "gamma"));
    assert!((flip.change + 1.083_333_333_333_333_3).abs() < 1e-6);
    let changed = SnippetText::new("gamma", "beta delta");
    let scores = scorer.score(&[snippet, changed], &mut |_| ());
    let score = |index: usize| scores[index].as_ref().expect("a score").logit();
    assert!((score(1) - score(0) - flip.change).abs() < 1e-6);
    let up = slope.at(&places[2]).expect("a token");
    let up = &slope.flips(&up, &lexicon, Direction::Up, 1)[0];
    assert_eq!(up.word, "alpha");
    assert!(up.change > 0.0);
}

#[test]
fn only_whole_words_of_the_vocabulary_are_words() {
    let words: [(&str, &[f32]); 7] = [
        ("un", &[0.0]),
        ("##happy", &[-9.0]),
        ("man", &[0.0]),
        (".", &[-9.0]),
        ("x", &[-9.0]),
        ("a", &[0.0]),
        ("7th", &[-9.0]),
    ];
    let scorer = LinearScorer::new(&words, &[1.0], 0.0);
    let lexicon = Lexicon::of(&scorer);
    let found: Vec<&str> = lexicon.words().collect();
    assert_eq!(found, ["un", "man", "a"]);
    assert_eq!(lexicon.id("Man"), Some(2));
    assert_eq!(lexicon.id("happy"), None);
}

#[test]
fn what_is_read_otherwise_than_meant_is_seen() {
    let words: [(&str, &[f32]); 4] = [
        ("un", &[0.0]),
        ("##man", &[0.0]),
        ("man", &[0.0]),
        ("the", &[0.0]),
    ];
    let scorer = LinearScorer::new(&words, &[1.0], 0.0);
    let slope = Slope::of(&scorer, &SnippetText::new("", "the man")).expect("a gradient");
    let at = slope.at(&site(SnippetPart::Completion, 0..3)).expect("a token");
    let reads = |completion: &str, id: u32| {
        slope.reads_as(&SnippetText::new("", completion), &at, id)
    };
    assert!(reads("un man", 0) && reads("UN man", 0));
    assert!(!reads("unman", 0), "glued: another token follows");
    assert!(!reads("un man", 3) && !reads("un", 0) && !reads("", 0));
}

#[test]
fn a_gap_has_the_slope_of_its_neighbours() {
    let scorer = LinearScorer::oracle();
    let slope = Slope::of(&scorer, &SnippetText::new("", "alpha beta")).expect("a gradient");
    let lexicon = Lexicon::of(&scorer);
    for at in [0..0, 5..5, 10..10] {
        let at = slope.at(&site(SnippetPart::Completion, at)).expect("neighbours");
        let best = &slope.flips(&at, &lexicon, Direction::Down, 1)[0];
        assert_eq!(best.word, "gamma");
    }
    assert!(slope.at(&site(SnippetPart::Prompt, 0..0)).is_none());
}
