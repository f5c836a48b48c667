//! Random counts and times, and the masses of counts.

use super::plan::Outcome;
use nines_stats::random::Stream;

/// The masses of a count, but for tails below 10⁻¹⁶.
#[derive(Debug, Clone)]
pub struct Counts {
    first: u64,
    masses: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Counts {
    /// Grows masses from the mode outwards by the ratio of P(k + 1) to P(k).
    fn from_ratio(mode: u64, least: u64, most: u64, ratio: impl Fn(u64) -> f64) -> Self {
        let (mut up, mut down) = (vec![1.0], Vec::new());
        let mut mass = 1.0;
        for k in mode..most {
            mass *= ratio(k);
            if mass < 1e-18 {
                break;
            }
            up.push(mass);
        }
        mass = 1.0;
        for k in (least..mode).rev() {
            mass /= ratio(k);
            if mass < 1e-18 {
                break;
            }
            down.push(mass);
        }
        let first = mode - down.len() as u64;
        let masses: Vec<f64> = down.into_iter().rev().chain(up).collect();
        let total: f64 = masses.iter().sum();
        let masses: Vec<f64> = masses.into_iter().map(|m| m / total).collect();
        let cumulative = running_sums(&masses);
        Self {
            first,
            masses,
            cumulative,
        }
    }

    /// Of `n` trials with probability `p` in (0, 1).
    pub fn binomial(n: u64, p: f64) -> Self {
        let mode = (((n + 1) as f64 * p).floor() as u64).min(n);
        Self::from_ratio(mode, 0, n, |k| {
            (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p)
        })
    }

    /// Of a Poisson distribution.
    pub fn poisson(mean: f64) -> Self {
        Self::from_ratio(mean.floor() as u64, 0, u64::MAX, |k| mean / (k + 1) as f64)
    }

    /// Of marked items among `drawn` of a population.
    pub fn hypergeometric(marked: u64, drawn: u64, population: u64) -> Self {
        let least = (marked + drawn).saturating_sub(population);
        let most = marked.min(drawn);
        let mode = (marked + 1) * (drawn + 1) / (population + 2);
        Self::from_ratio(mode.clamp(least, most), least, most, |k| {
            let others = (population - marked) as f64 - (drawn - k) as f64 + 1.0;
            (marked - k) as f64 * (drawn - k) as f64 / ((k + 1) as f64 * others)
        })
    }

    /// Each count with its mass.
    pub fn masses(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.masses.iter().copied().zip(self.first..)
    }

    /// Each count with its mass, as outcomes of an enumeration.
    pub fn outcomes(&self) -> impl Iterator<Item = (f64, Outcome)> + '_ {
        self.masses().map(|(mass, k)| (mass, vec![k]))
    }

    /// A random count.
    pub fn draw(&self, stream: &mut Stream) -> u64 {
        self.first + place(&self.cumulative, stream) as u64
    }
}

/// Returns the outcomes of independent counts; those of mass below 10⁻¹³ are left
/// out, which no coverage notices.
pub fn together(counts: &[Counts]) -> Vec<(f64, Outcome)> {
    let mut outcomes = vec![(1.0, Vec::new())];
    for count in counts {
        let mut longer = Vec::new();
        for (mass, start) in &outcomes {
            for (factor, k) in count.masses().filter(|(f, _)| mass * f > 1e-13) {
                let mut outcome = start.clone();
                outcome.push(k);
                longer.push((mass * factor, outcome));
            }
        }
        outcomes = longer;
    }
    outcomes
}

fn running_sums(masses: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    masses
        .iter()
        .map(|m| {
            sum += m;
            sum
        })
        .collect()
}

fn place(cumulative: &[f64], stream: &mut Stream) -> usize {
    let u = stream.unit() * cumulative.last().copied().unwrap_or(1.0);
    cumulative
        .partition_point(|&c| c <= u)
        .min(cumulative.len() - 1)
}

/// A wheel that stops at an index in proportion to its mass.
#[derive(Debug, Clone)]
pub struct Wheel {
    cumulative: Vec<f64>,
}

impl Wheel {
    /// Takes masses in any unit.
    pub fn new(masses: &[f64]) -> Self {
        Self {
            cumulative: running_sums(masses),
        }
    }

    /// A random index.
    pub fn draw(&self, stream: &mut Stream) -> usize {
        place(&self.cumulative, stream)
    }
}

/// Whether something of probability `p` happens.
pub fn happens(p: f64, stream: &mut Stream) -> bool {
    stream.unit() < p
}

/// An exponential time of mean 1.
pub fn exponential(stream: &mut Stream) -> f64 {
    -(1.0 - stream.unit()).ln()
}

/// A gamma number of a whole shape and scale 1.
pub fn gamma(shape: u32, stream: &mut Stream) -> f64 {
    (0..shape).map(|_| exponential(stream)).sum()
}

/// A beta number of whole parameters.
pub fn beta(a: u32, b: u32, stream: &mut Stream) -> f64 {
    let (a, b) = (gamma(a, stream), gamma(b, stream));
    a / (a + b)
}

/// How many trials it takes until something of probability `p` happens.
pub fn tries(p: f64, stream: &mut Stream) -> u64 {
    if p >= 1.0 {
        return 1;
    }
    1 + ((1.0 - stream.unit()).ln() / (-p).ln_1p()) as u64
}

/// A binomial count, found by jumping from success to success: quick where they are rare.
pub fn binomial(n: u64, p: f64, stream: &mut Stream) -> u64 {
    if p <= 0.0 {
        return 0;
    }
    let (mut at, mut count) = (0, 0);
    loop {
        at += tries(p, stream);
        if at > n {
            return count;
        }
        count += 1;
    }
}
