//! From numbers to places between 0 and 1, and the round numbers to mark there.

use nines_domain::score::sigmoid;

/// The part of a logarithmic axis that is kept for zero, where there is one.
const ZERO_SLOT: f64 = 0.09;

/// The least room between two ticks, as a share of the axis.
const LEAST_GAP: f64 = 0.05;

/// The most powers of ten that an axis shows.
const MOST_DECADES: i32 = 16;

/// How an axis maps numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// Even.
    Linear { low: f64, high: f64 },
    /// Logarithmic between two powers of ten; zero has a place of its own before the first.
    Log {
        low_exponent: i32,
        high_exponent: i32,
        zero: bool,
    },
    /// Even in logits; ticks are round probabilities.
    Logit { low: f64, high: f64 },
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Where, between 0 and 1.
    pub(crate) at: f64,
    /// What it says; `None` for a small mark.
    pub(crate) label: Option<TickLabel>,
}

/// What a tick says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TickLabel {
    /// A number.
    Plain(String),
    /// A power of ten, which the axis writes with a superscript.
    Power(i32),
    /// One minus a power of ten.
    OneMinusPower(i32),
}

impl Scale {
    /// An even scale over all finite numbers, with round ends.
    pub(crate) fn linear(numbers: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(numbers).unwrap_or((0.0, 1.0));
        let (low, high) = widen(low, high);
        let step = round_step(high - low, 8);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        if low.is_finite() && high.is_finite() && low < high {
            Self::Linear { low, high }
        } else {
            Self::Linear {
                low: 0.0,
                high: 1.0,
            }
        }
    }

    /// A logarithmic scale over all positive finite numbers, from one power of ten to another. Zero
    /// has a place when it is among the numbers.
    pub(crate) fn log(numbers: impl IntoIterator<Item = f64> + Clone) -> Self {
        let zero = numbers.clone().into_iter().any(|x| x <= 0.0);
        let positive = numbers.into_iter().filter(|x| *x > 0.0);
        let Some((low, high)) = range(positive) else {
            return Self::Log {
                low_exponent: -6,
                high_exponent: 0,
                zero,
            };
        };
        let low_exponent = (low.log10() + 1e-9).floor() as i32;
        let high_exponent = (high.log10() - 1e-9).ceil() as i32;
        let low_exponent = low_exponent.min(high_exponent - 1);
        // Far below everything else there is nothing to tell apart.
        let low_exponent = low_exponent.max(high_exponent - MOST_DECADES);
        Self::Log {
            low_exponent,
            high_exponent,
            zero,
        }
    }

    /// A scale even in logits over all finite logits.
    pub(crate) fn logit(logits: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(logits).unwrap_or((-7.0, 7.0));
        let pad = if high > low { 0.02 * (high - low) } else { 1.0 };
        let (low, high) = (low - pad, high + pad);
        if low.is_finite() && high.is_finite() && low < high {
            Self::Logit { low, high }
        } else {
            Self::Logit {
                low: -7.0,
                high: 7.0,
            }
        }
    }

    /// Places a number between 0 and 1; beyond the ends, at the end. `None` for what is not a
    /// number.
    pub(crate) fn at(&self, x: f64) -> Option<f64> {
        if x.is_nan() {
            return None;
        }
        let place = match *self {
            Self::Linear { low, high } | Self::Logit { low, high } => (x - low) / (high - low),
            Self::Log {
                low_exponent,
                high_exponent,
                zero,
            } => {
                let start = if zero { ZERO_SLOT } else { 0.0 };
                if x <= 0.0 {
                    0.0
                } else if zero && x.log10() < f64::from(low_exponent) - 1e-9 {
                    ZERO_SLOT / 2.0
                } else {
                    let span = f64::from(high_exponent - low_exponent);
                    let share = (x.log10() - f64::from(low_exponent)) / span;
                    start + (1.0 - start) * share.clamp(0.0, 1.0)
                }
            }
        };
        Some(place.clamp(0.0, 1.0))
    }

    /// Where the axis is broken between zero and its first power of ten.
    pub(crate) fn break_before_first(&self) -> Option<f64> {
        matches!(self, Self::Log { zero: true, .. }).then_some(ZERO_SLOT / 2.0)
    }

    /// Says whether a number lies beyond the upper end.
    pub(crate) fn is_above(&self, x: f64) -> bool {
        match *self {
            Self::Linear { high, .. } | Self::Logit { high, .. } => x > high,
            Self::Log { high_exponent, .. } => x.log10() > f64::from(high_exponent) + 1e-9,
        }
    }

    /// Returns at most about so many labelled ticks, and small marks between powers of ten.
    pub(crate) fn ticks(&self, most: usize, percent: bool) -> Vec<Tick> {
        match *self {
            Self::Linear { low, high } => linear_ticks(self, low, high, most, percent),
            Self::Log {
                low_exponent,
                high_exponent,
                zero,
            } => log_ticks(self, low_exponent, high_exponent, zero, most),
            Self::Logit { low, high } => logit_ticks(self, low, high, most),
        }
    }
}

/// The least and the greatest finite number.
fn range(numbers: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    numbers
        .into_iter()
        .filter(|x| x.is_finite())
        .fold(None, |ends, x| {
            Some(ends.map_or((x, x), |(low, high): (f64, f64)| (low.min(x), high.max(x))))
        })
}

/// Makes room around a single number.
fn widen(low: f64, high: f64) -> (f64, f64) {
    if high > low {
        (low, high)
    } else if low == 0.0 {
        (0.0, 1.0)
    } else {
        let room = (0.1 * low.abs()).max(1e-300);
        (low - room, high + room)
    }
}

/// A step of 1, 2 or 5 times a power of ten that cuts a span into about so many parts.
fn round_step(span: f64, parts: usize) -> f64 {
    let rough = span / parts.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999)
        .unwrap_or(10.0);
    factor * power
}

fn linear_ticks(scale: &Scale, low: f64, high: f64, most: usize, percent: bool) -> Vec<Tick> {
    let step = round_step(high - low, most.max(2) - 1);
    let shown = if percent { 100.0 } else { 1.0 };
    let decimals = (-(step * shown).log10().floor()).clamp(0.0, 12.0) as usize;
    let first = (low / step - 1e-6).ceil();
    // Bounded whatever the numbers are: a span holds few steps by construction.
    (0..=40)
        .map(|place| (first + f64::from(place)) * step)
        .take_while(|x| *x <= high + 1e-6 * step)
        .filter_map(|x| {
            // Zero may come out as a speck of rounding.
            let x = if x.abs() < 1e-9 * step { 0.0 } else { x };
            Some(Tick {
                at: scale.at(x)?,
                label: Some(TickLabel::Plain(crate::number::plain(x * shown, decimals))),
            })
        })
        .collect()
}

fn log_ticks(scale: &Scale, low: i32, high: i32, zero: bool, most: usize) -> Vec<Tick> {
    let mut ticks = Vec::new();
    if zero {
        ticks.push(Tick {
            at: 0.0,
            label: Some(TickLabel::Plain("0".into())),
        });
    }
    let decades = (high - low) as usize;
    let every = decades.div_ceil(most.max(2) - 1).max(1);
    let counts = low >= 0 && high <= 4;
    for exponent in low..=high {
        let power = 10f64.powi(exponent);
        let labelled = ((exponent - low) as usize).is_multiple_of(every);
        let Some(at) = scale.at(power) else { continue };
        let label = if counts {
            TickLabel::Plain(crate::number::count(power as u64))
        } else {
            TickLabel::Power(exponent)
        };
        ticks.push(Tick {
            at,
            label: labelled.then_some(label),
        });
        if exponent < high && decades <= 6 {
            for factor in 2..10 {
                let Some(at) = scale.at(power * f64::from(factor)) else {
                    continue;
                };
                // One decade alone needs more than its two ends.
                let label = (decades == 1 && matches!(factor, 2 | 5)).then(|| {
                    TickLabel::Plain(if (0..=6).contains(&exponent) {
                        crate::number::count(power as u64 * factor as u64)
                    } else if (-2..0).contains(&exponent) {
                        crate::number::plain(
                            f64::from(factor) * power,
                            exponent.unsigned_abs() as usize,
                        )
                    } else {
                        format!("{factor}e{exponent}")
                    })
                });
                ticks.push(Tick { at, label });
            }
        }
    }
    ticks
}

fn logit_ticks(scale: &Scale, low: f64, high: f64, most: usize) -> Vec<Tick> {
    let gap = LEAST_GAP.max(0.9 / most.max(2) as f64);
    for stride in [0, 1, 2, 3, 5, 10, 20, 50] {
        let mut ticks: Vec<Tick> = round_probabilities(stride)
            .filter(|p| (low..=high).contains(&p.logit()))
            .filter_map(|p| {
                Some(Tick {
                    at: scale.at(p.logit())?,
                    label: Some(p.label()),
                })
            })
            .collect();
        ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
        if ticks.len() >= 2 && ticks.windows(2).all(|t| t[1].at - t[0].at >= gap) {
            return ticks;
        }
    }
    // Too short a piece for round probabilities: mark it where it lies.
    [0.1, 0.5, 0.9]
        .into_iter()
        .map(|at| {
            let p = sigmoid(low + at * (high - low));
            Tick {
                at,
                label: Some(TickLabel::Plain(crate::number::probability(p))),
            }
        })
        .collect()
}

/// A probability whose logit is exact at both ends.
#[derive(Debug, Clone, Copy)]
enum RoundProbability {
    /// factor · 10^exponent.
    Near0(u32, i32),
    /// 1 − factor · 10^exponent.
    Near1(u32, i32),
}

impl RoundProbability {
    fn logit(self) -> f64 {
        match self {
            Self::Near0(factor, exponent) => {
                let p = f64::from(factor) * 10f64.powi(exponent);
                p.ln() - (-p).ln_1p()
            }
            Self::Near1(factor, exponent) => -Self::Near0(factor, exponent).logit(),
        }
    }

    fn label(self) -> TickLabel {
        match self {
            Self::Near0(1, exponent) if exponent < -2 => TickLabel::Power(exponent),
            Self::Near1(1, exponent) if exponent < -3 => TickLabel::OneMinusPower(exponent),
            Self::Near0(factor, exponent) if exponent < -2 => {
                TickLabel::Plain(format!("{factor}e{exponent}"))
            }
            Self::Near0(factor, exponent) => {
                TickLabel::Plain(format!("{}", f64::from(factor) * 10f64.powi(exponent)))
            }
            Self::Near1(factor, exponent) => {
                let decimals = exponent.unsigned_abs() as usize;
                let p = 1.0 - f64::from(factor) * 10f64.powi(exponent);
                TickLabel::Plain(format!("{p:.decimals$}"))
            }
        }
    }
}

/// One half, and powers of ten below and above it, every so many; with a stride of 0 also those with
/// a 2 and a 5.
fn round_probabilities(stride: usize) -> impl Iterator<Item = RoundProbability> {
    use RoundProbability::{Near0, Near1};
    let powers = (1..=300)
        .filter(move |k| k % stride.max(1) as i32 == 0)
        .flat_map(|k| [Near0(1, -k), Near1(1, -k)]);
    let between = (1..=12).filter(move |_| stride == 0).flat_map(|k| {
        [
            Near0(2, -k),
            Near1(2, -k),
            Near0(5, -k - 1),
            Near1(5, -k - 1),
        ]
    });
    std::iter::once(Near0(5, -1)).chain(powers).chain(between)
}

#[cfg(test)]
mod tests;
