use super::*;
use std::fs;

/// Writes a WordNet of a few synsets in the format of its database files.
fn wordnet(folder: &Path) {
    let licence = "  1 This is no licence.\n";
    let nouns = [
        (&["child", "kid"][..], "a young person"),
        (&["injury", "harm", "bodily_damage"][..], "hurt"),
        (&["wound", "injury"][..], "an open one"),
        (&["Injury_Bay"][..], "a name"),
    ];
    let verbs = [
        (&["fall", "tumble", "go_down"][..], "come down"),
        (&["walk", "stroll", "stop"][..], "go"),
    ];
    for (name, class, synsets) in [("noun", "n", &nouns[..]), ("verb", "v", &verbs[..])] {
        let mut data = licence.to_owned();
        let mut index: std::collections::BTreeMap<String, Vec<usize>> = Default::default();
        for (words, gloss) in synsets {
            let offset = data.len();
            let list: String = words.iter().map(|word| format!("{word} 0 ")).collect();
            data.push_str(&format!(
                "{offset:08} 03 {class} {:02x} {list}000 | {gloss}\n",
                words.len()
            ));
            for word in *words {
                index.entry(word.to_lowercase()).or_default().push(offset);
            }
        }
        let mut lines = licence.to_owned();
        for (lemma, offsets) in index {
            let list: String = offsets
                .iter()
                .map(|offset| format!(" {offset:08}"))
                .collect();
            let n = offsets.len();
            lines.push_str(&format!("{lemma} {class} {n} 1 @ {n} 0{list}  \n"));
        }
        fs::write(folder.join(format!("data.{name}")), data).expect("written");
        fs::write(folder.join(format!("index.{name}")), lines).expect("written");
    }
    for name in ["adj", "adv"] {
        fs::write(folder.join(format!("data.{name}")), licence).expect("written");
        fs::write(folder.join(format!("index.{name}")), licence).expect("written");
    }
    fs::write(folder.join("noun.exc"), "children child\n").expect("written");
    let verbs = "fallen fall\nfell fall\nwent go\ngone go\nstopped stop\nstopping stop\n";
    fs::write(folder.join("verb.exc"), verbs).expect("written");
}

#[test]
fn synonyms_take_the_form_and_the_case_of_the_word() {
    let folder = tempfile::tempdir().expect("a folder");
    wordnet(folder.path());
    let thesaurus = Thesaurus::read(folder.path()).expect("a thesaurus");
    let of = |word: &str| thesaurus.synonyms(word);
    assert_eq!(of("injury"), ["harm", "bodily damage", "wound"]);
    assert_eq!(of("Injuries"), ["Harms", "Bodily damages", "Wounds"]);
    assert_eq!(of("KID"), ["CHILD"]);
    assert_eq!(of("kids"), ["children"]);
    assert_eq!(of("children"), ["kids"]);
    // "go" has two past forms, and only the sentence knows which: it is left out.
    assert_eq!(of("fell"), ["tumbled"]);
    assert_eq!(of("falling"), ["tumbling", "going down"]);
    assert_eq!(of("tumbles"), ["falls", "goes down"]);
    assert_eq!(of("strolled"), ["walked", "stopped"]);
    assert_eq!(of("strolling"), ["walking", "stopping"]);
    assert!(of("xyzzy").is_empty() && of("").is_empty());
}

#[test]
fn mythes_files_are_read_without_remarks() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("th.dat");
    let text = "UTF-8\nhurt|2\n(noun)|injury|harm|ill health (generic term)\n(verb)|wound|heal (antonym)\nquick|1\n(adj)|fast|prompt\n";
    fs::write(&file, text).expect("written");
    let thesaurus = Thesaurus::read(&file).expect("a thesaurus");
    assert_eq!(thesaurus.synonyms("Hurt"), ["Injury", "Harm", "Wound"]);
    assert_eq!(thesaurus.synonyms("quick"), ["fast", "prompt"]);
}

#[test]
fn what_is_no_thesaurus_is_said_to_be_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = |path: &Path| Thesaurus::read(path).expect_err("none").to_string();
    assert!(message(folder.path()).contains("no thesaurus"));
    let file = folder.path().join("th.dat");
    fs::write(&file, "UTF-8\nnot an entry\n").expect("written");
    assert!(message(&file).contains("line 2"));
    fs::write(&file, "UTF-8\nshort|3\n(noun)|a\n").expect("written");
    assert!(message(&file).contains("line 2"));
    wordnet(folder.path());
    let data = folder.path().join("data.noun");
    let shifted = format!("  \n{}", fs::read_to_string(&data).expect("read"));
    fs::write(&data, shifted).expect("written");
    assert!(message(folder.path()).contains("no synset begins"));
    fs::write(folder.path().join("index.noun"), "word n x\n").expect("written");
    assert!(message(folder.path()).contains("line 1"));
}

/// Runs where a package has put one: the format as it really is.
#[test]
fn installed_thesauri_are_read_where_there_are_any() {
    for place in PLACES.iter().map(Path::new).filter(|place| is_one(place)) {
        let thesaurus = Thesaurus::read(place).expect("it is whole");
        let synonyms = thesaurus.synonyms("injuries");
        assert!(
            synonyms
                .iter()
                .any(|word| ["harms", "hurts", "wounds"].contains(&word.as_str())),
            "{place:?}: {synonyms:?}"
        );
        assert_eq!(thesaurus.synonyms("injuries"), synonyms);
        assert!(thesaurus.id().contains("entries"));
    }
}
