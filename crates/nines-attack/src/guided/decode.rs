//! Guided generation: completions as the generator writes them, with continuations re-weighted by a guide.
//!
//! At every look each completion has some candidates: the likeliest next tokens (a look at every token), or
//! continuations of several tokens that the generator itself draws. The guide gives each a reward, and one
//! is taken with a chance in proportion to (its probability) · exp(reward). A token outside the candidates
//! keeps the probability that it has, so everything that plain sampling can write can still be written.
//!
//! Each completion keeps its weight, Σ over looks of ln(mean of exp(reward) over the candidates) less the
//! reward taken. For tokens this is ln(p/q), the generator's probability over the guided one's. For drawn
//! continuations the candidates are random too: the weight then makes expectations right, not each text's
//! ratio. Either way the mean of exp(weight) over draws is 1, and the mean of exp(weight) · 1{event} is the
//! probability of the event under plain sampling.
//!
//! # Reference
//! Yang & Klein, "FUDGE" (2021); Krause et al., "GeDi" (2021); Mudgal et al., "Controlled decoding"
//! (2024) for continuations of several tokens; Naesseth et al., "Elements of sequential Monte Carlo"
//! (2019), for their weights.

use super::guide::{Guide, Opinion};
use super::writer::{Writer, catch_up, write_on};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::generator::GenerateError;
use nines_infer::local::LocalGenerator;
use nines_infer::rng::DrawStream;
use nines_infer::sampling;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How texts are written under guidance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Looks {
    /// Candidates of each completion at each look.
    pub candidates: usize,
    /// Tokens from one look to the next. At 1 the candidates are the likeliest tokens; at more they are
    /// continuations of that length that the generator draws.
    pub every: usize,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            candidates: 4,
            every: 6,
        }
    }
}

/// A finished completion with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The completion.
    pub draw: Draw,
    /// What is known of it. Unfinished ones are not judged.
    pub opinion: Opinion,
    /// The logarithm of its weight; `None` for a candidate that was finished but not taken.
    pub log_weight: Option<f64>,
}

/// Completions that were written together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wave {
    /// The completions, in the order of their draws; those that were finished when the budget ended.
    pub written: Vec<Written>,
    /// Candidates that were finished, were fully known, and were not taken.
    pub asides: Vec<Written>,
    /// Whether every draw of the wave was finished and judged. In another, short ones are too many: their
    /// weights estimate nothing.
    pub is_whole: bool,
}

/// One completion on its way.
struct Course {
    writer: Writer,
    plain: DrawStream,
    opinion: Opinion,
    log_weight: f64,
}

/// A candidate of one course.
struct Candidate {
    course: usize,
    writer: Writer,
    probability: f64,
    opinion: Opinion,
}

/// Writes the draws of a prompt under a guide. Equal arguments give equal texts, whatever the number of
/// threads; with a neutral guide they are the plain generator's, to the last byte.
///
/// # Errors
/// [`GenerateError`] where the prompt cannot be continued or the generator fails.
pub fn write(
    generator: &LocalGenerator,
    prompt: &str,
    draws: Range<u32>,
    sampling: &Sampling,
    looks: Looks,
    guide: &mut dyn Guide,
    is_over: &dyn Fn() -> bool,
) -> Result<Wave, GenerateError> {
    sampling::check(sampling)?;
    let begun = generator.begin(prompt, sampling.max_tokens)?;
    let hash = ContentHash::of_prompt(prompt);
    let mut courses = Vec::with_capacity(draws.len());
    for draw in draws {
        courses.push(Course {
            writer: Writer::new(generator, prompt, &begun, draw, sampling)?,
            plain: DrawStream::new(sampling.seed, &hash, draw),
            opinion: Opinion::none(),
            log_weight: 0.0,
        });
    }
    let mut desk = Desk {
        generator,
        prompt,
        sampling,
        looks,
        asides: Vec::new(),
    };
    let is_complete = if guide.is_neutral() {
        desk.write_plainly(&mut courses, is_over)?
    } else {
        desk.write_guided(&mut courses, guide, is_over)?
    };
    Ok(desk.judge(courses, guide, is_complete))
}

/// What all steps of one wave share.
struct Desk<'a> {
    generator: &'a LocalGenerator,
    prompt: &'a str,
    sampling: &'a Sampling,
    looks: Looks,
    asides: Vec<Written>,
}

impl Desk<'_> {
    fn snippet(&self, writer: &Writer) -> SnippetText {
        SnippetText::new(self.prompt, writer.text())
    }

    fn write_plainly(
        &self,
        courses: &mut [Course],
        is_over: &dyn Fn() -> bool,
    ) -> Result<bool, GenerateError> {
        let mut writers: Vec<Writer> = courses.iter().map(|c| c.writer.clone()).collect();
        let streams: Vec<DrawStream> = courses.iter().map(|course| course.plain).collect();
        let most = self.sampling.max_tokens + 1;
        write_on(
            self.generator,
            &mut writers,
            &streams,
            self.sampling,
            most,
            is_over,
        )?;
        for (course, writer) in courses.iter_mut().zip(writers) {
            course.writer = writer;
        }
        Ok(courses.iter().all(|course| course.writer.ended().is_some()))
    }

    /// Says whether every completion came to its end.
    fn write_guided(
        &mut self,
        courses: &mut [Course],
        guide: &mut dyn Guide,
        is_over: &dyn Fn() -> bool,
    ) -> Result<bool, GenerateError> {
        loop {
            let open: Vec<usize> = (0..courses.len())
                .filter(|&i| courses[i].writer.ended().is_none())
                .collect();
            if open.is_empty() {
                return Ok(true);
            }
            if is_over() {
                return Ok(false);
            }
            let mut writers: Vec<Writer> = open.iter().map(|&i| courses[i].writer.clone()).collect();
            catch_up(self.generator, &mut writers)?;
            for (&i, writer) in open.iter().zip(writers) {
                courses[i].writer = writer;
            }
            let mut candidates = if self.looks.every <= 1 {
                self.tokens(courses, &open)?
            } else {
                self.continuations(courses, &open, is_over)?
            };
            if is_over() {
                return Ok(false);
            }
            let texts: Vec<SnippetText> = candidates
                .iter()
                .map(|candidate| self.snippet(&candidate.writer))
                .collect();
            let Some(opinions) = guide.look(&texts) else {
                return Ok(false);
            };
            for (candidate, opinion) in candidates.iter_mut().zip(opinions) {
                candidate.opinion = opinion;
            }
            self.take(courses, candidates);
        }
    }

    /// The likeliest tokens of each open course, where the token that plain sampling takes is among them;
    /// otherwise that token alone.
    fn tokens(&self, courses: &[Course], open: &[usize]) -> Result<Vec<Candidate>, GenerateError> {
        let mut candidates = Vec::new();
        for &index in open {
            let course = &courses[index];
            let writer = &course.writer;
            let u = course.plain.uniform(writer.tokens() as u32);
            let plain = writer.choose(self.sampling, u)?;
            let mut tokens = writer.likeliest(self.sampling, self.looks.candidates.max(1))?;
            if tokens.iter().all(|(token, _)| *token != plain) {
                tokens = vec![(plain, 1.0)];
            }
            let whole: f64 = tokens.iter().map(|(_, probability)| probability).sum();
            for (token, probability) in tokens {
                let mut writer = writer.clone();
                writer.take(token, self.generator, self.sampling);
                candidates.push(Candidate {
                    course: index,
                    writer,
                    probability: probability / whole,
                    opinion: Opinion::none(),
                });
            }
        }
        Ok(candidates)
    }

    /// Continuations of each open course, drawn by the generator.
    fn continuations(
        &self,
        courses: &[Course],
        open: &[usize],
        is_over: &dyn Fn() -> bool,
    ) -> Result<Vec<Candidate>, GenerateError> {
        let count = self.looks.candidates.max(1);
        let (mut writers, mut streams, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for &index in open {
            for branch in 0..count {
                writers.push(courses[index].writer.clone());
                streams.push(self.stream(&courses[index], branch));
                of.push(index);
            }
        }
        write_on(
            self.generator,
            &mut writers,
            &streams,
            self.sampling,
            self.looks.every,
            is_over,
        )?;
        Ok(writers
            .into_iter()
            .zip(of)
            .map(|(writer, course)| Candidate {
                course,
                writer,
                probability: 1.0 / count as f64,
                opinion: Opinion::none(),
            })
            .collect())
    }

    /// The random numbers of a candidate: the first one's are those of plain sampling.
    fn stream(&self, course: &Course, branch: usize) -> DrawStream {
        if branch == 0 {
            return course.plain;
        }
        self.numbers(course, &format!("candidate {branch}"))
    }

    fn numbers(&self, course: &Course, purpose: &str) -> DrawStream {
        let key = ContentHash::of_fields("guided", &[purpose, self.prompt]);
        DrawStream::new(self.sampling.seed, &key, course.writer.number())
    }

    /// Takes one candidate of each course, and keeps the finished others as asides.
    fn take(&mut self, courses: &mut [Course], candidates: Vec<Candidate>) {
        let mut rest = candidates.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut own = vec![first];
            let index = own[0].course;
            while let Some(next) = rest.next_if(|candidate| candidate.course == index) {
                own.push(next);
            }
            let course = &mut courses[index];
            let place = course.writer.tokens() as u32;
            let u = self.numbers(course, "choice").uniform(place);
            let (chosen, log_mean) = choose(&own, u);
            for (at, candidate) in own.into_iter().enumerate() {
                if at == chosen {
                    course.log_weight += log_mean - candidate.opinion.reward;
                    course.writer = candidate.writer;
                    course.opinion = candidate.opinion;
                } else if let Some(draw) = candidate.writer.ended()
                    && draw.finish.is_finished()
                    && candidate.opinion.scores.is_some()
                {
                    self.asides.push(Written {
                        draw: draw.clone(),
                        opinion: candidate.opinion,
                        log_weight: None,
                    });
                }
            }
        }
    }

    /// Completes what is known of the finished completions.
    fn judge(self, courses: Vec<Course>, guide: &mut dyn Guide, is_complete: bool) -> Wave {
        let prompt = self.prompt;
        let mut written: Vec<Written> = courses
            .into_iter()
            .filter_map(|course| {
                Some(Written {
                    draw: course.writer.ended()?.clone(),
                    opinion: course.opinion,
                    log_weight: Some(course.log_weight),
                })
            })
            .collect();
        let mut is_whole = is_complete;
        let mut complete = |several: &mut Vec<Written>| {
            let finished: Vec<usize> = (0..several.len())
                .filter(|&i| several[i].draw.finish.is_finished())
                .collect();
            let texts: Vec<SnippetText> = finished
                .iter()
                .map(|&i| SnippetText::new(prompt, several[i].draw.completion.as_str()))
                .collect();
            let mut known: Vec<Opinion> =
                finished.iter().map(|&i| several[i].opinion.clone()).collect();
            let done = guide.complete(&texts, &mut known);
            for (i, opinion) in finished.into_iter().zip(known) {
                several[i].opinion = opinion;
            }
            done.is_some()
        };
        is_whole &= complete(&mut written);
        let mut asides = self.asides;
        complete(&mut asides);
        Wave {
            written,
            asides,
            is_whole,
        }
    }
}

/// Takes a candidate with a chance in proportion to probability · exp(reward); returns it, and the
/// logarithm of the mean of exp(reward).
fn choose(candidates: &[Candidate], u: f64) -> (usize, f64) {
    let rewards = candidates.iter().map(|candidate| candidate.opinion.reward);
    let most = rewards.fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = candidates
        .iter()
        .map(|candidate| candidate.probability * (candidate.opinion.reward - most).exp())
        .collect();
    let whole: f64 = weights.iter().sum();
    let mut left = u * whole;
    let chosen = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding can leave the last crumb to nobody.
    let last = weights.iter().rposition(|weight| *weight > 0.0);
    (chosen.or(last).unwrap_or(0), most + whole.ln())
}
