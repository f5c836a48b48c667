//! Forms of English words: understood, and made where it is safe.

use super::Class;
use std::collections::HashMap;

/// The form of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the dictionary has it.
    Plain,
    /// More than one.
    Plural,
    /// He, she, it does so.
    ThirdPerson,
    /// It was done.
    Past,
    /// It is being done.
    Ing,
}

/// Forms that no rule gives.
#[derive(Debug, Default)]
pub(super) struct Irregular {
    /// What a form is a form of.
    lemmas: HashMap<String, Vec<(Class, String)>>,
    /// The forms of a noun, and of a verb, in the order of the file.
    nouns: HashMap<String, Vec<String>>,
    verbs: HashMap<String, Vec<String>>,
}

impl Irregular {
    /// Reads lines of a form and what it is a form of.
    pub(super) fn learn(&mut self, class: Class, text: &str) {
        for line in text.lines() {
            let mut fields = line.split_whitespace().map(|field| field.replace('_', " "));
            let Some(form) = fields.next() else { continue };
            for lemma in fields {
                let forms = match class {
                    Class::Noun => self.nouns.entry(lemma.clone()).or_default(),
                    Class::Verb => self.verbs.entry(lemma.clone()).or_default(),
                    Class::Adjective | Class::Adverb => continue,
                };
                forms.push(form.clone());
                let lemmas = self.lemmas.entry(form.clone()).or_default();
                lemmas.push((class, lemma));
            }
        }
    }

    /// Lists what a word is an irregular form of.
    pub(super) fn readings(&self, word: &str) -> Vec<(Class, String, Form)> {
        let lemmas = self.lemmas.get(word).into_iter().flatten();
        let reading = |(class, lemma): &(Class, String)| {
            let form = match class {
                Class::Noun => Form::Plural,
                _ if word.ends_with("ing") => Form::Ing,
                _ if word.ends_with('s') && lemma.len() < word.len() => Form::ThirdPerson,
                _ => Form::Past,
            };
            (*class, lemma.clone(), form)
        };
        lemmas.map(reading).collect()
    }

    /// Puts a word, or an expression, into a form; `None` where it is in doubt.
    pub(super) fn inflect(&self, expression: &str, form: Form) -> Option<String> {
        if form == Form::Plain {
            return Some(expression.to_owned());
        }
        if form == Form::Plural {
            // Of "ball of fire" the first word, of "fire ball" the last.
            if expression.contains(" of ") || expression.contains(" in ") {
                return None;
            }
            let (lead, last) = expression.rsplit_once(' ').unwrap_or(("", expression));
            let plural = match self.nouns.get(last).map(Vec::as_slice) {
                Some([only]) => only.clone(),
                Some(_) => return None,
                None => with_s(last),
            };
            return Some(format!("{lead} {plural}").trim().to_owned());
        }
        let (first, rest) = match expression.split_once(' ') {
            Some((first, rest)) => (first, format!(" {rest}")),
            None => (expression, String::new()),
        };
        if !first.chars().all(|c| c.is_ascii_lowercase()) || first.len() < 2 {
            return None;
        }
        let known = self.verbs.get(first).map_or(&[][..], Vec::as_slice);
        let of_ing = |ing: bool| -> Vec<&String> {
            let forms = known.iter().filter(|form| form.ends_with("ing") == ing);
            forms.collect()
        };
        let made = match form {
            Form::ThirdPerson if ["be", "have"].contains(&first) => return None,
            Form::ThirdPerson => with_s(first),
            Form::Ing => match of_ing(true).as_slice() {
                [] => with_ing(first, self.is_empty())?,
                [only] => (*only).clone(),
                _ => return None,
            },
            _ => match of_ing(false).as_slice() {
                [] => with_ed(first, self.is_empty())?,
                [only] => (*only).clone(),
                // "fell" or "fallen"? Only the sentence knows.
                _ => return None,
            },
        };
        Some(format!("{made}{rest}"))
    }

    /// Says whether irregular forms are unknown, so that a rule may only be trusted where there is no
    /// exception to it.
    fn is_empty(&self) -> bool {
        self.verbs.is_empty()
    }
}

fn is_vowel(c: char) -> bool {
    "aeiou".contains(c)
}

/// Adds the s of plurals and of the third person.
fn with_s(word: &str) -> String {
    let hissing = ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|end| word.ends_with(end));
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) && !stem.is_empty() => format!("{stem}ies"),
        _ if hissing => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

/// Says how a word of one syllable with a short vowel ends: its last letter is doubled before -ed and -ing.
fn doubles(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let n = letters.len();
    let vowels = letters.iter().filter(|c| is_vowel(**c)).count();
    n >= 3
        && vowels == 1
        && is_vowel(letters[n - 2])
        && !is_vowel(letters[n - 1])
        && !"wxy".contains(letters[n - 1])
}

/// Says whether only the stress tells how a word goes on: "offered", but "preferred".
fn is_in_doubt(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let n = letters.len();
    n >= 4
        && letters.iter().filter(|c| is_vowel(**c)).count() > 1
        && is_vowel(letters[n - 2])
        && !is_vowel(letters[n - 3])
        && !is_vowel(letters[n - 1])
        && !"wxy".contains(letters[n - 1])
}

/// Verbs that rules get wrong and that a thesaurus without irregular forms does not warn of.
const STRONG: &str = "be have do go come become get give take make see say know think find fall feel hit hurt cut \
    put let set shut split spread cast burst break speak steal wake wear tear bear swear bite hide ride rise write \
    drive strike stick sting swing hang dig spin win begin drink sing sink shrink spring swim ring run sit spit get \
    forget hold keep sleep sweep weep creep leave lose meet feed bleed breed lead read shed speed send spend bend lend \
    build sell tell buy bring catch fight seek teach stand understand throw grow blow fly draw show choose freeze eat \
    beat bid bind grind wind pay lay lie shoot slay tread deal mean dream lean burn learn spill spoil shake forsake mow \
    sew sow saw swell thrust sling fling cling light slide flee spell smell kneel leap strive weave shine stride";

fn with_ed(word: &str, unsure: bool) -> Option<String> {
    if unsure && (STRONG.split_whitespace().any(|strong| word == strong) || is_in_doubt(word)) {
        return None;
    }
    Some(match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ied"),
        _ if word.ends_with('e') => format!("{word}d"),
        _ if doubles(word) => format!("{word}{}ed", word.chars().next_back()?),
        _ => format!("{word}ed"),
    })
}

fn with_ing(word: &str, unsure: bool) -> Option<String> {
    if unsure && is_in_doubt(word) {
        return None;
    }
    Some(if let Some(stem) = word.strip_suffix("ie") {
        format!("{stem}ying")
    } else if word.ends_with('e')
        && !["ee", "oe", "ye"].iter().any(|end| word.ends_with(end))
        && word.len() > 2
    {
        format!("{}ing", &word[..word.len() - 1])
    } else if doubles(word) {
        format!("{word}{}ing", word.chars().next_back()?)
    } else {
        format!("{word}ing")
    })
}

/// Lists what a word may be by the rules alone; most of these are no words at all.
pub(super) fn regular_readings(word: &str) -> Vec<(Class, String, Form)> {
    let mut readings = Vec::new();
    let mut add = |class, lemma: String, form| {
        if lemma.len() > 1 {
            readings.push((class, lemma, form));
        }
    };
    for (class, form) in [
        (Class::Noun, Form::Plural),
        (Class::Verb, Form::ThirdPerson),
    ] {
        if let Some(stem) = word.strip_suffix('s').filter(|stem| !stem.ends_with('s')) {
            let ies = stem.strip_suffix("ie").map(|stem| format!("{stem}y"));
            let es = stem.strip_suffix('e').map(str::to_owned);
            for lemma in ies.into_iter().chain(es).chain([stem.to_owned()]) {
                if with_s(&lemma) == word {
                    add(class, lemma, form);
                }
            }
        }
    }
    for (end, form) in [("ed", Form::Past), ("ing", Form::Ing)] {
        let Some(stem) = word.strip_suffix(end) else {
            continue;
        };
        let mut stems = vec![stem.to_owned(), format!("{stem}e")];
        if let Some(stem) = stem.strip_suffix('i') {
            stems.push(format!("{stem}y"));
        }
        if let Some(stem) = stem.strip_suffix('y') {
            stems.push(format!("{stem}ie"));
        }
        let mut last = stem.chars().rev();
        if let (Some(a), Some(b)) = (last.next(), last.next())
            && a == b
            && !is_vowel(a)
        {
            stems.push(stem[..stem.len() - a.len_utf8()].to_owned());
        }
        for lemma in stems {
            add(Class::Verb, lemma, form);
        }
    }
    readings
}
