//! Counts how often intervals held the truth, and judges the counts.

use nines_stats::interval::clopper_pearson;
use nines_stats::{IntervalEstimate, binomial};

/// The confidences that are asked of every interval.
pub const CONFIDENCES: [f64; 3] = [0.9, 0.95, 0.99];

/// What must hold of a coverage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The method's own word: at least the confidence, unless it says "approximate". Then nothing is
    /// asked, and the page lists it.
    Word,
    /// At least these figures, which the documentation states for the setting, whatever the method.
    Figures([Option<f64>; 3]),
    /// Nothing; the row is there to be compared with.
    Shown,
    /// It must cover too seldom at 0.95: the page says that it breaks here.
    Broken,
}

/// The rule of approximate methods that are documented to cover at least as often as stated.
pub const NOMINAL: Rule = Rule::Figures([Some(0.9), Some(0.95), Some(0.99)]);

/// The rule of approximate methods that state a figure at 0.95.
pub const fn stated(figure: f64) -> Rule {
    Rule::Figures([None, Some(figure), None])
}

/// Rounding that ends of intervals, and masses of enumerations, may carry.
const ROUNDING: f64 = 1e-9;

/// What a method says at each confidence, computed once where several intervals come of it.
#[derive(Debug, Clone)]
pub struct AtEach<T>([Option<T>; 3]);

impl<T> AtEach<T> {
    /// Computes at each confidence; `None` where the method refuses the data.
    pub fn of(make: impl Fn(f64) -> Option<T>) -> Self {
        Self(CONFIDENCES.map(make))
    }

    /// Returns what was computed at one of [`CONFIDENCES`].
    pub fn at(&self, confidence: f64) -> Option<&T> {
        let place = CONFIDENCES.iter().position(|&c| c == confidence)?;
        self.0[place].as_ref()
    }
}

/// Returns the interval, or, where there is none because no failure was seen, what whoever ignores the
/// refusal would report: that the rate is 0.
pub fn or_zero(interval: Option<IntervalEstimate>, confidence: f64) -> IntervalEstimate {
    interval.unwrap_or_else(|| IntervalEstimate {
        value: Some(0.0),
        lower: 0.0,
        upper: 0.0,
        confidence,
        method: "none, taken for a rate of 0 (approximate; not offered)".to_owned(),
        n: 0,
    })
}

/// What happened to one interval in one setting.
#[derive(Debug, Clone, PartialEq)]
struct Tally {
    interval: &'static str,
    rule: Rule,
    counted: f64,
    absent: f64,
    /// The truth lay below the interval.
    below: [f64; 3],
    /// The truth lay above the interval.
    above: [f64; 3],
    /// The repetition whose method is quoted: the first with an interval.
    quoted: u64,
    method: String,
    approximate: bool,
    truth: f64,
    truth_varies: bool,
}

/// A sheet on which repetitions, or outcomes of an enumeration, are entered.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    mass: f64,
    repetition: u64,
    tallies: Vec<Tally>,
}

impl Sheet {
    /// Says that what is recorded next is this repetition, or outcome, and has this mass.
    pub fn turn_to(&mut self, repetition: u64, mass: f64) {
        self.repetition = repetition;
        self.mass = mass;
    }

    /// Enters one interval, built at each confidence; `None` where the method refuses the data.
    pub fn record(
        &mut self,
        interval: &'static str,
        rule: Rule,
        truth: f64,
        at: impl Fn(f64) -> Option<IntervalEstimate>,
    ) {
        let mass = self.mass;
        let repetition = self.repetition;
        let tally = self.tally(interval, rule, truth);
        let [Some(narrow), Some(middle), Some(wide)] = CONFIDENCES.map(at) else {
            tally.absent += mass;
            return;
        };
        tally.counted += mass;
        let slack = 1e-12 * truth.abs();
        for (i, e) in [&narrow, &middle, &wide].into_iter().enumerate() {
            // A number that is no number holds nothing.
            if truth > e.upper + slack || e.upper.is_nan() {
                tally.above[i] += mass;
            } else if truth < e.lower - slack || e.lower.is_nan() {
                tally.below[i] += mass;
            }
            tally.approximate |= e.method.contains("approximate");
        }
        if repetition < tally.quoted {
            tally.quoted = repetition;
            tally.method = middle.method;
        }
    }

    fn tally(&mut self, interval: &'static str, rule: Rule, truth: f64) -> &mut Tally {
        let found = self
            .tallies
            .iter()
            .position(|t| t.interval == interval && t.rule == rule);
        let place = found.unwrap_or_else(|| {
            self.tallies.push(Tally {
                interval,
                rule,
                counted: 0.0,
                absent: 0.0,
                below: [0.0; 3],
                above: [0.0; 3],
                quoted: u64::MAX,
                method: String::new(),
                approximate: false,
                truth,
                truth_varies: false,
            });
            self.tallies.len() - 1
        });
        let tally = &mut self.tallies[place];
        tally.truth_varies |= tally.truth != truth;
        tally
    }

    /// Adds what another worker entered; whole counts add up to the same in any order.
    pub fn merge(&mut self, other: Self) {
        for theirs in other.tallies {
            let ours = self.tally(theirs.interval, theirs.rule, theirs.truth);
            ours.truth_varies |= theirs.truth_varies;
            ours.counted += theirs.counted;
            ours.absent += theirs.absent;
            for i in 0..3 {
                ours.below[i] += theirs.below[i];
                ours.above[i] += theirs.above[i];
            }
            ours.approximate |= theirs.approximate;
            if theirs.quoted < ours.quoted {
                ours.quoted = theirs.quoted;
                ours.method = theirs.method;
            }
        }
    }

    /// Returns one row for each interval.
    pub fn rows(self, setting: &str, n: u64, simulated: bool) -> Vec<Row> {
        self.tallies
            .into_iter()
            .map(|t| Row {
                interval: t.interval,
                rule: t.rule,
                setting: setting.to_owned(),
                n,
                truth: (!t.truth_varies).then_some(t.truth),
                method: t.method,
                approximate: t.approximate,
                repetitions: simulated.then_some(t.counted as u64),
                absent: t.absent / (t.counted + t.absent),
                below: t.below.map(|b| b / t.counted),
                above: t.above.map(|a| a / t.counted),
            })
            .collect()
    }
}

/// How often one interval held the truth in one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The interval: the function, and which of its intervals.
    pub interval: &'static str,
    /// What must hold.
    pub rule: Rule,
    /// What was simulated or enumerated.
    pub setting: String,
    /// The number of labels, or of what the setting says.
    pub n: u64,
    /// The truth; `None` where it differs between repetitions.
    pub truth: Option<f64>,
    /// What the interval says of its method.
    pub method: String,
    /// Whether it ever said "approximate".
    pub approximate: bool,
    /// How many repetitions had an interval; `None` for an exact coverage.
    pub repetitions: Option<u64>,
    /// The share of repetitions in which the method refused to give an interval.
    pub absent: f64,
    /// How often the truth lay below the interval.
    pub below: [f64; 3],
    /// How often the truth lay above the interval.
    pub above: [f64; 3],
}

impl Row {
    /// Returns the share of intervals that held the truth, at each confidence.
    pub fn coverage(&self) -> [f64; 3] {
        [0, 1, 2].map(|i| 1.0 - self.below[i] - self.above[i])
    }

    fn held(&self, i: usize, repetitions: u64) -> u64 {
        (self.coverage()[i] * repetitions as f64).round() as u64
    }

    /// Returns the Monte-Carlo interval of a coverage, with confidence 0.95; `None` for exact ones.
    pub fn monte_carlo(&self, i: usize) -> Option<(f64, f64)> {
        let repetitions = self.repetitions?;
        let e = clopper_pearson(self.held(i, repetitions), repetitions, 0.95).ok()?;
        Some((e.lower, e.upper))
    }

    /// Returns what each coverage must be at least.
    pub fn required(&self) -> [Option<f64>; 3] {
        match self.rule {
            Rule::Word if !self.approximate => CONFIDENCES.map(Some),
            Rule::Figures(figures) => figures,
            Rule::Word | Rule::Shown | Rule::Broken => [None; 3],
        }
    }

    /// Returns how surprising so low a coverage is when the true one is `least`: 0 or 1 for exact ones.
    pub fn p_value(&self, i: usize, least: f64) -> f64 {
        let coverage = self.coverage()[i];
        match self.repetitions {
            None => f64::from(u8::from(coverage >= least - ROUNDING)),
            Some(0) => 1.0,
            Some(repetitions) => {
                let held = self.held(i, repetitions);
                binomial::cdf(held, repetitions, least).unwrap_or(0.0)
            }
        }
    }

    /// Returns how many comparisons [`Row::faults`] makes.
    pub fn checks(&self) -> usize {
        let figures = self.required().iter().flatten().count();
        figures + usize::from(self.rule == Rule::Broken)
    }

    /// Returns what breaks the rule at the given level.
    pub fn faults(&self, level: f64) -> Vec<String> {
        let mut faults = Vec::new();
        let about = |i: usize| {
            format!(
                "{} ({}, n = {}) at {}: coverage {:.5}",
                self.interval,
                self.setting,
                self.n,
                CONFIDENCES[i],
                self.coverage()[i]
            )
        };
        for (i, required) in self.required().into_iter().enumerate() {
            let Some(figure) = required else { continue };
            // Figures of the documentation are rounded to two digits, confidences are not.
            let rounded = figure != CONFIDENCES[i];
            let least = if rounded { figure - 0.005 } else { figure };
            if self.p_value(i, least) < level {
                faults.push(format!("{}, where {figure} is stated", about(i)));
            }
        }
        if self.rule == Rule::Broken && self.p_value(1, CONFIDENCES[1]) >= level {
            faults.push(format!("{}, where it should break", about(1)));
        }
        faults
    }
}
