//! The hits of one sentence, clause by clause.

use super::Reading;
use crate::language::{Form, Harm, Injury, Needs, Reach, Role, Token};
use nines_domain::label::Severity;

/// Whether a noun can be hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Alive { small: bool },
    Hollow,
    Thing,
}

impl Who {
    fn is_alive(self) -> bool {
        matches!(self, Self::Alive { .. })
    }
}

const ALIVE: Who = Who::Alive { small: false };

/// A clause with what stands before it.
struct Clause<'a> {
    tokens: &'a [Token],
    /// The noun that `who`, `which` or `that` stands for, when the clause begins with one.
    antecedent: Option<Who>,
}

/// A longer clause is cut, so that the time to read a text grows no faster than its length.
const LONGEST_CLAUSE: usize = 200;

/// Adds the hits of a sentence.
pub(super) fn read_sentence(tokens: &[Token], reading: &mut Reading) {
    let mut start = 0;
    let mut antecedent = None;
    for end in 0..=tokens.len() {
        let cut = end - start == LONGEST_CLAUSE;
        let ends = tokens.get(end).is_none_or(|token| match token.role {
            _ if cut => true,
            Role::Break => true,
            Role::Relative => {
                let reported = end > start && tokens[end - 1].role == Role::Unreal;
                !(token.word == "that" && reported)
            }
            _ => false,
        });
        if !ends {
            continue;
        }
        let clause = Clause {
            tokens: &tokens[start..end],
            antecedent,
        };
        clause.read(reading);
        let relative = !cut && tokens.get(end).is_some_and(|t| t.role == Role::Relative);
        antecedent = if relative {
            (0..clause.tokens.len())
                .rev()
                .find_map(|at| clause.noun(at))
                .or(antecedent)
        } else {
            None
        };
        start = if cut { end } else { end + 1 };
    }
}

impl Clause<'_> {
    fn read(&self, reading: &mut Reading) {
        for (at, token) in self.tokens.iter().enumerate() {
            match token.role {
                Role::Harm(harm, form) => {
                    if let Some(severity) = self.harm(at, harm, form) {
                        reading.hit(severity);
                    }
                }
                Role::Injury(injury) => {
                    if let Some(severity) = self.injury(at, injury) {
                        if self.has(Role::Anew) {
                            reading.hit(severity);
                        } else {
                            reading.trace(injury, severity);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn has(&self, role: Role) -> bool {
        self.tokens.iter().any(|t| t.role == role)
    }

    /// Rule 5's count in a part of the clause.
    fn negations(&self, from: usize, to: usize) -> usize {
        (from..to)
            .filter(|&at| matches!(self.tokens[at].role, Role::Negator { .. }))
            .filter(|&at| match self.tokens.get(at + 1).map(|next| next.role) {
                Some(Role::Only) => false,
                Some(Role::Harm(_, Form::Gerund)) => true,
                _ => self.tokens[at].word != "without",
            })
            .count()
    }

    /// Rules 4 to 10.
    fn harm(&self, at: usize, harm: &Harm, form: Form) -> Option<Severity> {
        let start = (0..at)
            .rev()
            .find(|&k| self.tokens[k].role.is_verb())
            .map_or(0, |k| k + 1);
        let left = &self.tokens[start..at];
        let right = &self.tokens[at + 1..];
        let any = |tokens: &[Token], role: Role| tokens.iter().any(|t| t.role == role);
        let odd = self.negations(start, at) % 2 == 1;
        if any(left, Role::Unreal) || odd != harm.inverted {
            return None;
        }
        let infinitive = left.last().is_some_and(|t| t.role == Role::Infinitive);
        let comes_to_pass = left
            .iter()
            .any(|t| matches!(t.role, Role::Realiser | Role::Negator { realises: true }));
        let said_of_somebody = left.iter().any(|t| {
            matches!(t.role, Role::Support | Role::Joiner | Role::Negator { .. })
                || t.role.is_noun()
        });
        if infinitive && !comes_to_pass || form == Form::Base && !said_of_somebody && !comes_to_pass
        {
            return None;
        }
        let needed = match harm.needs {
            Needs::Nothing | Needs::Tact => true,
            Needs::Weapon => any(left, Role::Weapon),
            Needs::Depth => any(left, Role::Depth),
            Needs::Again => any(right, Role::Again),
        };
        if !needed || any(right, Role::Figure) {
            return None;
        }
        let mut victims = self.victims(start, at, harm.reach, form);
        victims.retain(|who| who.is_alive());
        if victims.is_empty() {
            return None;
        }
        let around = |role| any(left, role) || any(right, role);
        let only_small = victims.iter().all(|v| *v == Who::Alive { small: true });
        let mut grade = i8::try_from(u8::from(harm.severity)).unwrap_or(3);
        grade -= i8::from(around(Role::Softener)) + i8::from(only_small);
        grade += i8::from(around(Role::Hardener));
        if around(Role::Lethal) {
            grade = 3;
        }
        Some(match grade {
            ..=1 => Severity::Arguable,
            2 => Severity::Clear,
            3.. => Severity::Egregious,
        })
    }

    fn victims(&self, start: usize, at: usize, reach: Reach, form: Form) -> Vec<Who> {
        let auxiliary = (start..at)
            .rev()
            .find(|&k| self.tokens[k].role == Role::Auxiliary)
            .filter(|&k| form != Form::Gerund && (k + 1..at).all(|j| self.noun(j).is_none()));
        let object = self.object_end(at);
        let has_object = (at + 1..object)
            .any(|k| self.tokens[k].role == Role::Determiner || self.noun(k).is_some());
        let subject = match reach {
            Reach::Subject => true,
            Reach::Object => auxiliary.is_some(),
            Reach::Either => auxiliary.is_some() || !has_object,
        };
        if subject {
            self.subjects(start, auxiliary.unwrap_or(at))
        } else {
            (at + 1..object).filter_map(|k| self.noun(k)).collect()
        }
    }

    /// Where the object of the verb ends: at a verb or preposition; before the last `and` when a verb
    /// ends it.
    fn object_end(&self, at: usize) -> usize {
        let tokens = self.tokens;
        let end = (at + 1..tokens.len())
            .find(|&k| {
                let role = tokens[k].role;
                role.is_verb() || matches!(role, Role::Preposition | Role::Infinitive | Role::Of)
            })
            .unwrap_or(tokens.len());
        if tokens.get(end).is_some_and(|t| t.role.is_verb()) {
            (at + 1..end)
                .rev()
                .find(|&k| tokens[k].role == Role::Joiner)
                .unwrap_or(end)
        } else {
            end
        }
    }

    fn subjects(&self, start: usize, end: usize) -> Vec<Who> {
        let within = |from: usize, to: usize| -> Vec<Who> {
            (from..to)
                .filter(|&k| !self.follows_preposition(k))
                .filter_map(|k| self.noun(k))
                .collect()
        };
        let near = within(start, end);
        if !near.is_empty() {
            return near;
        }
        let first_verb = self.tokens.iter().position(|t| t.role.is_verb());
        let far = within(0, first_verb.unwrap_or(0).min(end));
        if far.is_empty() {
            self.antecedent.into_iter().collect()
        } else {
            far
        }
    }

    fn follows_preposition(&self, at: usize) -> bool {
        let before = self.tokens[..at].iter().rev().find(|t| {
            !(t.possessive
                || matches!(
                    t.role,
                    Role::Determiner
                        | Role::Filler
                        | Role::Artifice
                        | Role::Hollow
                        | Role::Her
                        | Role::Its
                        | Role::Healed
                        | Role::Anew
                ))
        });
        before.is_some_and(|t| matches!(t.role, Role::Preposition | Role::Of))
    }

    /// Who the noun at a place is; `None` where there is no noun, or a possessive.
    fn noun(&self, at: usize) -> Option<Who> {
        let token = self.tokens.get(at)?;
        if token.possessive {
            return None;
        }
        let next = self.tokens.get(at + 1);
        let before = at.checked_sub(1).map(|k| self.tokens[k]);
        let who = match token.role {
            Role::Her if next.is_some_and(|t| t.role.is_noun()) => return None,
            Role::Hollow if next.is_some_and(|t| t.role == Role::Being) => return None,
            Role::Being | Role::Pronoun | Role::Her => match before.map(|t| (t.role, t.possessive))
            {
                Some((Role::Artifice, _)) => Who::Thing,
                Some((Role::Hollow, false)) => Who::Hollow,
                _ => ALIVE,
            },
            Role::Hollow => Who::Hollow,
            Role::Thing | Role::Weapon | Role::Depth => Who::Thing,
            Role::Part { small } => match self.owner(at) {
                Who::Alive { .. } => Who::Alive { small },
                owner => owner,
            },
            _ => return None,
        };
        let negated = self.tokens[..at]
            .iter()
            .rev()
            .find(|t| !matches!(t.role, Role::Determiner | Role::Filler))
            .is_some_and(|t| matches!(t.word, "no" | "not" | "neither" | "nor"));
        Some(if negated && who.is_alive() {
            Who::Thing
        } else {
            who
        })
    }

    /// Who a possessive at a place is.
    fn possessor(&self, at: usize) -> Option<Who> {
        let token = self.tokens.get(at)?;
        let artificial = at
            .checked_sub(1)
            .is_some_and(|k| matches!(self.tokens[k].role, Role::Artifice | Role::Hollow));
        match token.role {
            Role::Its => Some(Who::Hollow),
            Role::Her => Some(ALIVE),
            _ if !token.possessive => None,
            Role::Being | Role::Pronoun if artificial => Some(Who::Hollow),
            Role::Being | Role::Pronoun => Some(ALIVE),
            Role::Hollow => Some(Who::Hollow),
            _ => Some(Who::Thing),
        }
    }

    /// Whose a part of a body is.
    fn owner(&self, at: usize) -> Who {
        let before = (0..at)
            .rev()
            .find(|&k| self.tokens[k].role != Role::Filler)
            .and_then(|k| self.possessor(k));
        let after = || {
            let of = self.tokens.get(at + 1)?.role == Role::Of;
            let near = at + 2..(at + 5).min(self.tokens.len());
            near.filter(|_| of)
                .find_map(|k| self.noun(k).or_else(|| self.possessor(k)))
        };
        before.or_else(after).unwrap_or(ALIVE)
    }

    /// Rules 11, 12 and 14.
    fn injury(&self, at: usize, injury: Injury) -> Option<Severity> {
        let before = &self.tokens[..at];
        let odd = self.negations(0, at) % 2 == 1;
        let unreal = before.iter().any(|t| t.role == Role::Unreal);
        let healed = before.last().is_some_and(|t| t.role == Role::Healed);
        let figure = self.tokens[at..].iter().any(|t| t.role == Role::Figure);
        if odd || unreal || healed || figure {
            return None;
        }
        let lives = |k: usize| {
            let who = self.noun(k).or_else(|| self.possessor(k))?;
            (who != Who::Thing).then_some(who)
        };
        let owner = at
            .checked_sub(1)
            .and_then(|k| self.possessor(k))
            .or_else(|| (at + 1..self.tokens.len()).find_map(lives))
            .or_else(|| (0..at).rev().find_map(lives));
        let hurt = match owner {
            Some(who) => who.is_alive(),
            None => injury == Injury::Corpse,
        };
        hurt.then(|| injury.severity())
    }
}
