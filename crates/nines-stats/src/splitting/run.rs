//! The driver: particles that climb the margin.

use super::{FixedEffort, LastParticle, LevelCount, fixed_effort, last_particle};
use crate::error::{StatsError, alpha_of, open_unit};
use crate::random::Stream;

/// How to run multilevel splitting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplittingOptions {
    /// How many particles.
    pub particles: usize,
    /// How many steps of the kernel each new particle takes.
    pub moves: usize,
    /// How many levels (for the last particle: how many moved particles) before giving up.
    pub most_levels: u64,
    /// Keys the random stream: the same seed gives the same run.
    pub seed: u64,
    /// The intervals' confidence.
    pub confidence: f64,
}

impl Default for SplittingOptions {
    /// 1,000 particles, 10 moves, at most 100,000 levels, seed 0, confidence 0.95.
    fn default() -> Self {
        Self {
            particles: 1000,
            moves: 10,
            most_levels: 100_000,
            seed: 0,
            confidence: 0.95,
        }
    }
}

impl SplittingOptions {
    fn check(&self) -> Result<(), StatsError> {
        alpha_of(self.confidence)?;
        for (what, value) in [
            ("the number of particles", self.particles as u64),
            ("the number of moves", self.moves as u64),
            ("the most levels", self.most_levels),
        ] {
            let least = if what == "the number of particles" {
                2
            } else {
                1
            };
            if value < least {
                return Err(StatsError::OutOfRange {
                    what,
                    value: value as f64,
                    allowed: "at least 1, and 2 for particles",
                });
            }
        }
        Ok(())
    }
}

/// A run with levels at a quantile of the particles.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveRun {
    /// What the counts say.
    pub estimate: FixedEffort,
    /// The margins at which the levels lie; the last is 0.
    pub levels: Vec<f64>,
    /// The counts behind the estimate.
    pub counts: Vec<LevelCount>,
    /// The smallest share of kernel steps that a level accepted: near 0, the particles are copies of
    /// a few and the intervals far too narrow; 1 when no step was needed.
    pub least_acceptance: f64,
    /// How many times the margin was evaluated.
    pub evaluations: u64,
}

/// A run that moves the lowest particle.
#[derive(Debug, Clone, PartialEq)]
pub struct LastParticleRun {
    /// What the number of moves says.
    pub estimate: LastParticle,
    /// How many particles were moved.
    pub moved: u64,
    /// The share of kernel steps accepted: near 0, the particles are copies; 1 when none was needed.
    pub acceptance: f64,
    /// How many times the margin was evaluated.
    pub evaluations: u64,
}

/// A state with its margin.
#[derive(Clone)]
struct Particle<S> {
    state: S,
    margin: f64,
}

/// Particles with all that moves them.
struct Swarm<S, M, K> {
    particles: Vec<Particle<S>>,
    margin: M,
    kernel: K,
    stream: Stream,
    evaluations: u64,
}

impl<S: Clone, M: FnMut(&S) -> f64, K: FnMut(&S, &mut Stream) -> S> Swarm<S, M, K> {
    fn new(
        options: &SplittingOptions,
        mut draw: impl FnMut(&mut Stream) -> S,
        margin: M,
        kernel: K,
    ) -> Result<Self, StatsError> {
        options.check()?;
        let mut swarm = Self {
            particles: Vec::with_capacity(options.particles),
            margin,
            kernel,
            stream: Stream::new(options.seed, 0),
            evaluations: 0,
        };
        for _ in 0..options.particles {
            let state = draw(&mut swarm.stream);
            let particle = swarm.judge(state)?;
            swarm.particles.push(particle);
        }
        Ok(swarm)
    }

    fn judge(&mut self, state: S) -> Result<Particle<S>, StatsError> {
        let margin = (self.margin)(&state);
        let index = self.evaluations as usize;
        self.evaluations += 1;
        if margin.is_finite() {
            Ok(Particle { state, margin })
        } else {
            Err(StatsError::NotFinite {
                what: "margins, in the order of their evaluation",
                index,
                value: margin,
            })
        }
    }

    /// Takes `moves` steps of the kernel, refusing those that `allowed` does not let through;
    /// returns how many were accepted.
    fn wander(
        &mut self,
        index: usize,
        moves: usize,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<u64, StatsError> {
        let mut accepted = 0;
        for _ in 0..moves {
            let state = (self.kernel)(&self.particles[index].state, &mut self.stream);
            let proposed = self.judge(state)?;
            if allowed(proposed.margin) {
                self.particles[index] = proposed;
                accepted += 1;
            }
        }
        Ok(accepted)
    }
}

/// Runs multilevel splitting with each level at the upper `quantile` share of the particles' margins,
/// until that many particles fail (have a margin of at least 0).
///
/// `draw` draws a state, `margin` judges it, and `kernel` steps from a state to another such that the
/// distribution of `draw` stays as it is (reversible, or a Metropolis-Hastings step that may return
/// the state it was given). Steps that do not stay above the current level are refused here.
///
/// The estimate is unbiased if the kernel is ideal (forgets where it came from within its moves); its
/// intervals assume that too: look at `least_acceptance`, and compare runs with more moves.
///
/// # Errors
/// [`StatsError::OutOfRange`] for fewer than two particles, no moves, or a quantile or confidence
/// outside (0, 1); [`StatsError::NotFinite`] for a margin that is not finite;
/// [`StatsError::NoProgress`] when too many particles share the highest margin or `most_levels` are
/// passed.
///
/// # Example
/// ```
/// use nines_stats::random::Stream;
/// use nines_stats::splitting::{SplittingOptions, run_adaptive};
/// // P(Z ≥ 4) of a standard normal: 3.17e-5.
/// let kernel = |x: &f64, s: &mut Stream| 0.8 * x + 0.6 * s.normal();
/// let options = SplittingOptions { seed: 1, ..Default::default() };
/// let run = run_adaptive(&options, 0.1, |s| s.normal(), |x| x - 4.0, kernel)?;
/// assert!(run.estimate.value > 1.5e-5 && run.estimate.value < 6e-5);
/// // A margin that never rises is noticed.
/// assert!(run_adaptive(&options, 0.1, |s| s.normal(), |_| -1.0, kernel).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Cérou & Guyader, "Adaptive multilevel splitting for rare event analysis" (2007); Webb et al.
/// (2019); survivors strictly above the level as in Bréhier, Gazeau, Goudenège, Lelièvre
/// & Rousset, "Unbiasedness of some generalized adaptive multilevel splitting algorithms" (2016).
pub fn run_adaptive<S: Clone>(
    options: &SplittingOptions,
    quantile: f64,
    draw: impl FnMut(&mut Stream) -> S,
    margin: impl FnMut(&S) -> f64,
    kernel: impl FnMut(&S, &mut Stream) -> S,
) -> Result<AdaptiveRun, StatsError> {
    open_unit("the quantile of the levels", quantile)?;
    let mut swarm = Swarm::new(options, draw, margin, kernel)?;
    let n = options.particles;
    let kept = ((quantile * n as f64).ceil() as usize).min(n - 1);
    let (mut levels, mut counts, mut least_acceptance) = (vec![], vec![], 1.0_f64);
    for _ in 0..options.most_levels {
        let mut margins: Vec<f64> = swarm.particles.iter().map(|p| p.margin).collect();
        margins.sort_by(|a, b| b.total_cmp(a));
        // The level is the highest margin that does not survive it: with survivors strictly above,
        // the product of their shares is unbiased.
        let level = margins[kept];
        let done = level >= 0.0;
        let survivors = margins
            .iter()
            .filter(|m| if done { **m >= 0.0 } else { **m > level })
            .count();
        levels.push(level.min(0.0));
        counts.push(LevelCount {
            particles: n as u64,
            survivors: survivors as u64,
        });
        if done {
            return Ok(AdaptiveRun {
                estimate: fixed_effort(&counts, options.confidence)?,
                levels,
                counts,
                least_acceptance,
                evaluations: swarm.evaluations,
            });
        }
        if survivors == 0 {
            return Err(StatsError::NoProgress {
                what: "the levels stopped rising: too many particles share the highest margin",
                steps: levels.len() as u64,
            });
        }
        let parents: Vec<Particle<S>> = swarm
            .particles
            .iter()
            .filter(|p| p.margin > level)
            .cloned()
            .collect();
        let mut accepted = 0;
        for index in 0..n {
            // Each survivor goes on once before chance picks the rest.
            let parent = if index < survivors {
                index
            } else {
                swarm.stream.below(survivors)
            };
            swarm.particles[index] = parents[parent].clone();
            accepted += swarm.wander(index, options.moves, |m| m > level)?;
        }
        let share = accepted as f64 / (n * options.moves) as f64;
        least_acceptance = least_acceptance.min(share);
    }
    Err(StatsError::NoProgress {
        what: "no failure was reached within the most levels allowed",
        steps: options.most_levels,
    })
}

/// Runs multilevel splitting by moving the particle with the lowest margin above that margin, starting
/// from another particle, until all fail (have a margin of at least 0).
///
/// The closures are those of [`run_adaptive`]. Assumes a continuous margin: where many states share
/// one margin the count of moves is not Poisson, and the probability comes out too small.
///
/// # Errors
/// As [`run_adaptive`], without a quantile.
///
/// # Example
/// ```
/// use nines_stats::random::Stream;
/// use nines_stats::splitting::{SplittingOptions, run_last_particle};
/// let kernel = |x: &f64, s: &mut Stream| 0.8 * x + 0.6 * s.normal();
/// let options = SplittingOptions { particles: 100, ..Default::default() };
/// let run = run_last_particle(&options, |s| s.normal(), |x| x - 4.0, kernel)?;
/// assert!(run.estimate.value > 1e-5 && run.estimate.value < 1e-4);
/// let none = SplittingOptions { particles: 0, ..options };
/// assert!(run_last_particle(&none, |s| s.normal(), |x| x - 4.0, kernel).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Guyader, Hengartner & Matzner-Løber (2011).
pub fn run_last_particle<S: Clone>(
    options: &SplittingOptions,
    draw: impl FnMut(&mut Stream) -> S,
    margin: impl FnMut(&S) -> f64,
    kernel: impl FnMut(&S, &mut Stream) -> S,
) -> Result<LastParticleRun, StatsError> {
    let mut swarm = Swarm::new(options, draw, margin, kernel)?;
    let n = options.particles;
    let (mut moved, mut accepted) = (0_u64, 0_u64);
    loop {
        let lowest = (0..n)
            .min_by(|&a, &b| {
                swarm.particles[a]
                    .margin
                    .total_cmp(&swarm.particles[b].margin)
            })
            .unwrap_or(0);
        let level = swarm.particles[lowest].margin;
        if level >= 0.0 {
            break;
        }
        if moved == options.most_levels {
            return Err(StatsError::NoProgress {
                what: "particles are still below the failures after the most moves allowed",
                steps: moved,
            });
        }
        let above: Vec<usize> = (0..n)
            .filter(|&i| swarm.particles[i].margin > level)
            .collect();
        if above.is_empty() {
            return Err(StatsError::NoProgress {
                what: "the levels stopped rising: all particles share the lowest margin",
                steps: moved,
            });
        }
        let parent = above[swarm.stream.below(above.len())];
        swarm.particles[lowest] = swarm.particles[parent].clone();
        accepted += swarm.wander(lowest, options.moves, |m| m > level)?;
        moved += 1;
    }
    Ok(LastParticleRun {
        estimate: last_particle(n as u64, moved, options.confidence)?,
        moved,
        acceptance: if moved == 0 {
            1.0
        } else {
            accepted as f64 / (moved * options.moves as u64) as f64
        },
        evaluations: swarm.evaluations,
    })
}
