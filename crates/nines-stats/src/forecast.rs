//! The worst of many queries forecast from few: a straight line through the tail.
//!
//! Each query has a probability of eliciting a failure. How the largest of them grows with the number
//! of queries is read off the largest few seen, by assuming that their double logarithm has an
//! exponential tail. That assumption is all there is: look at the fit ([`GumbelTail::r_squared`],
//! [`GumbelTail::points`]) before believing a forecast, and believe none for queries of another kind.

use crate::bootstrap::{Bootstrap, percentile};
use crate::error::StatsError;
use crate::estimate::IntervalEstimate;
use crate::random::Stream;

/// How many of the largest probabilities the paper fits.
pub const TAIL_POINTS: usize = 10;

/// The fewest points that show whether a line fits.
const FEWEST_POINTS: usize = 5;

/// How far beyond the queries seen forecasts have been tested.
const TESTED_ORDERS: f64 = 1000.0;

/// One point of the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailPoint {
    /// ψ = −ln(−ln p) of a probability p.
    pub psi: f64,
    /// ln(i/m): how rare it is to be so large.
    pub ln_survival: f64,
}

/// A straight line ln S = aψ + b through the tail, with what it was fitted to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GumbelTail {
    /// a; negative.
    pub slope: f64,
    /// b.
    pub intercept: f64,
    /// R² of the line. A high one is no proof: sorted points always lie near some line.
    pub r_squared: f64,
    /// The points, the largest probability first.
    pub points: Vec<TailPoint>,
    /// How many queries there were.
    pub queries: u64,
}

/// A least-squares line and its R²; `None` where the abscissae do not differ.
fn line(points: &[TailPoint]) -> Option<(f64, f64, f64)> {
    // Rounding of the mean would give equal abscissae a spread.
    if points.iter().all(|p| p.psi == points[0].psi) {
        return None;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&TailPoint) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.psi), mean(|p| p.ln_survival));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for p in points {
        let (dx, dy) = (p.psi - x, p.ln_survival - y);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    let slope = xy / xx;
    (xx > 0.0 && slope.is_finite()).then(|| (slope, y - slope * x, xy * xy / (xx * yy)))
}

/// Fits the tail to the `top` largest of the queries' failure probabilities ([`TAIL_POINTS`] in the
/// paper).
///
/// Assumes independent queries of the kind that the forecast is about, and probabilities known well
/// compared to how they differ: an estimate from a few samples a query has a tail of its own.
///
/// # Errors
/// [`StatsError::TooFew`] for fewer than five points or fewer queries than points;
/// [`StatsError::NotFinite`] and [`StatsError::ItemOutOfRange`] for a probability that is not in
/// [0, 1], or is 0 or 1 among the largest; [`StatsError::OutOfRange`] when the largest are all equal or
/// the slope is not negative.
///
/// # Example
/// ```
/// use nines_stats::forecast::{TAIL_POINTS, fit_gumbel_tail};
/// let p: Vec<f64> = (1..=1000).map(|i| 1e-3 / f64::from(i)).collect();
/// let tail = fit_gumbel_tail(&p, TAIL_POINTS)?;
/// assert!(tail.slope < 0.0 && tail.r_squared > 0.9);
/// assert!(fit_gumbel_tail(&p[..4], 4).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Jones et al., "Forecasting rare language model behaviors" (2025); survival of the i-th
/// largest of m taken as i/m.
pub fn fit_gumbel_tail(probabilities: &[f64], top: usize) -> Result<GumbelTail, StatsError> {
    const WHAT: &str = "failure probabilities of queries";
    if top < FEWEST_POINTS {
        return Err(StatsError::TooFew {
            what: "points of the tail",
            have: top as u64,
            needed: FEWEST_POINTS as u64,
        });
    }
    if probabilities.len() < top {
        return Err(StatsError::TooFew {
            what: WHAT,
            have: probabilities.len() as u64,
            needed: top as u64,
        });
    }
    crate::error::within(WHAT, probabilities, 1.0, "between 0 and 1")?;
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let queries = probabilities.len() as f64;
    let mut points = Vec::with_capacity(top);
    for (rank, &index) in order.iter().take(top).enumerate() {
        let p = probabilities[index];
        if p <= 0.0 || p >= 1.0 {
            return Err(StatsError::ItemOutOfRange {
                what: WHAT,
                index,
                value: p,
                allowed: "strictly between 0 and 1 among the largest",
            });
        }
        points.push(TailPoint {
            psi: -(-p.ln()).ln(),
            ln_survival: ((rank + 1) as f64 / queries).ln(),
        });
    }
    let Some((slope, intercept, r_squared)) = line(&points) else {
        return Err(StatsError::OutOfRange {
            what: "the spread of the largest failure probabilities",
            value: 0.0,
            allowed: "above 0",
        });
    };
    if slope >= 0.0 {
        return Err(StatsError::OutOfRange {
            what: "the slope of the tail",
            value: slope,
            allowed: "negative",
        });
    }
    Ok(GumbelTail {
        slope,
        intercept,
        r_squared,
        points,
        queries: probabilities.len() as u64,
    })
}

impl GumbelTail {
    /// ψ of the largest probability expected among `queries` queries.
    fn psi_at(&self, queries: f64) -> f64 {
        -(queries.ln() + self.intercept) / self.slope
    }

    /// Returns the forecast failure probability of the worst of `queries` queries, with a bootstrap
    /// interval.
    ///
    /// The parametric bootstrap redraws the largest probabilities from the model, refits, and compares
    /// the refitted forecast to the truth it was drawn from: exact *if the tail is as assumed*, which
    /// nobody knows, hence approximate. Beyond a thousand times the queries seen, forecasts have not
    /// been tested at all, and the method says so.
    ///
    /// # Errors
    /// [`StatsError::OutOfRange`] when `queries` is below the queries seen, for fewer than 100
    /// resamples, or a confidence outside (0, 1).
    ///
    /// # Example
    /// ```
    /// use nines_stats::bootstrap::Bootstrap;
    /// use nines_stats::forecast::fit_gumbel_tail;
    /// let p: Vec<f64> = (1..=1000).map(|i| 1e-3 / f64::from(i)).collect();
    /// let tail = fit_gumbel_tail(&p, 10)?;
    /// let worst = tail.worst_query(100_000, &Bootstrap::default())?;
    /// assert!(worst.lower < worst.value.unwrap() && worst.value.unwrap() < worst.upper);
    /// assert!(tail.worst_query(10, &Bootstrap::default()).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    ///
    /// # Reference
    /// Jones et al. (2025): Q_ψ(n) = −(ln n + b)/a and Q_p(n) = exp(−exp(−Q_ψ)). The interval pivots on
    /// (Q̂_ψ − Q_ψ)·|a|, whose distribution depends only on the number of points, m and n.
    pub fn worst_query(
        &self,
        queries: u64,
        bootstrap: &Bootstrap,
    ) -> Result<IntervalEstimate, StatsError> {
        bootstrap.check()?;
        if queries < self.queries {
            return Err(StatsError::OutOfRange {
                what: "the number of queries to forecast",
                value: queries as f64,
                allowed: "at least the number of queries seen",
            });
        }
        let n = queries as f64;
        let mut pivots: Vec<f64> = (0..bootstrap.resamples as u64)
            .filter_map(|resample| self.pivot(n, &mut Stream::new(bootstrap.seed, resample)))
            .collect();
        pivots.sort_by(f64::total_cmp);
        let (low, high) = percentile(&pivots, bootstrap.confidence);
        let psi = self.psi_at(n);
        let risk = |psi: f64| (-(-psi).exp()).exp();
        let warning = if n > TESTED_ORDERS * self.queries as f64 {
            "; further than forecasts have been tested"
        } else {
            ""
        };
        Ok(IntervalEstimate {
            value: Some(risk(psi)),
            lower: risk(psi + high / self.slope),
            upper: risk(psi + low / self.slope),
            confidence: bootstrap.confidence,
            method: format!(
                "Gumbel tail through {} points, parametric bootstrap (approximate; 0.95 of 0.95 if the tail is as assumed, 0.86 if it is normal{warning})",
                self.points.len()
            ),
            n: self.queries,
        })
    }

    /// Draws the largest few from a tail with slope −1 and intercept 0, refits it, and returns how far
    /// its forecast is off, in units of the refitted slope.
    fn pivot(&self, n: f64, stream: &mut Stream) -> Option<f64> {
        let m = self.queries as f64;
        let mut survival = 0.0;
        let points: Vec<TailPoint> = (0..self.points.len())
            .map(|rank| {
                // The next smallest of the uniform numbers that remain.
                let rest = m - rank as f64;
                let ln_uniform = (1.0 - stream.unit()).ln();
                survival += (1.0 - survival) * -(ln_uniform / rest).exp_m1();
                TailPoint {
                    psi: -survival.ln(),
                    ln_survival: ((rank + 1) as f64 / m).ln(),
                }
            })
            .collect();
        let (slope, intercept, _) = line(&points)?;
        let forecast = -(n.ln() + intercept) / slope;
        let pivot = (forecast - n.ln()) * -slope;
        pivot.is_finite().then_some(pivot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISY: [f64; 10] = [
        0.031, 0.012, 0.0105, 0.006, 0.0043, 0.004, 0.0029, 0.0025, 0.0021, 0.0019,
    ];

    fn close(got: f64, expected: f64, within: f64) {
        assert!((got - expected).abs() < within, "{got} is not {expected}");
    }

    /// A thousand queries with the given largest probabilities, the largest last.
    fn queries(largest: &[f64]) -> Vec<f64> {
        let mut all = vec![1e-9; 1000 - largest.len()];
        all.extend(largest.iter().rev());
        all
    }

    fn forecast(tail: &GumbelTail, n: u64) -> f64 {
        tail.worst_query(n, &Bootstrap::default())
            .unwrap()
            .value
            .unwrap()
    }

    #[test]
    fn an_exact_line_is_continued() {
        // a = −2, b = −8: ψ_i = −(ln(i/m) + 8)/2.
        let exact: Vec<f64> = (1..=10)
            .map(|i| {
                let psi = -((f64::from(i) / 1000.0).ln() + 8.0) / 2.0;
                (-(-psi).exp()).exp()
            })
            .collect();
        close(exact[0], 0.17789797, 5e-9);
        let tail = fit_gumbel_tail(&queries(&exact), TAIL_POINTS).unwrap();
        close(tail.points[0].psi, -0.54612236, 5e-9);
        close(tail.slope, -2.0, 1e-12);
        close(tail.intercept, -8.0, 1e-12);
        close(tail.r_squared, 1.0, 1e-12);
        for (n, expected) in [
            (1_000, 0.177897969),
            (10_000, 0.579272948),
            (100_000, 0.841428270),
            (1_000_000, 0.946865569),
        ] {
            close(forecast(&tail, n), expected, 1.01e-9);
        }
    }

    #[test]
    fn the_noisy_example() {
        let tail = fit_gumbel_tail(&queries(&NOISY), TAIL_POINTS).unwrap();
        close(tail.slope, -3.922637268, 5e-10);
        close(tail.intercept, -11.867608424, 5e-10);
        close(tail.r_squared, 0.9860941876, 5e-11);
        for (n, expected) in [
            (1_000, 0.0289834),
            (10_000, 0.1396258),
            (100_000, 0.3346623),
        ] {
            close(forecast(&tail, n), expected, 5e-8);
        }
        let far = tail.worst_query(10_000_000, &Bootstrap::default()).unwrap();
        assert!(far.method.contains("further than"), "{}", far.method);
    }

    #[test]
    fn intervals_nest_repeat_and_ignore_the_order() {
        let mut all = queries(&NOISY);
        let tail = fit_gumbel_tail(&all, TAIL_POINTS).unwrap();
        all.reverse();
        let reversed = fit_gumbel_tail(&all, TAIL_POINTS).unwrap();
        assert_eq!(tail, reversed);
        let at = |confidence| {
            tail.worst_query(
                100_000,
                &Bootstrap {
                    confidence,
                    ..Bootstrap::default()
                },
            )
            .unwrap()
        };
        let (narrow, wide) = (at(0.8), at(0.95));
        assert_eq!(narrow, at(0.8));
        assert!(wide.lower < narrow.lower && narrow.upper < wide.upper);
        assert!(narrow.method.contains("approximate"));
    }

    #[test]
    fn intervals_hold_the_truth_when_the_tail_is_as_assumed() {
        // ψ exceeds x with probability exp(−3x − 6) beyond −2: the worst of n has ψ = (ln n − 6)/3.
        let truth = (-(-(10_000_f64.ln() - 6.0) / 3.0).exp()).exp();
        let bootstrap = Bootstrap {
            resamples: 200,
            seed: 4,
            confidence: 0.9,
        };
        let mut held = 0;
        for run in 0..200 {
            let mut stream = Stream::new(41, run);
            let p: Vec<f64> = (0..300)
                .map(|_| {
                    let psi = (-(1.0 - stream.unit()).ln() - 6.0) / 3.0;
                    (-(-psi).exp()).exp()
                })
                .collect();
            let tail = fit_gumbel_tail(&p, TAIL_POINTS).unwrap();
            let worst = tail.worst_query(10_000, &bootstrap).unwrap();
            held += u32::from(worst.lower <= truth && truth <= worst.upper);
        }
        assert!((165..=194).contains(&held), "{held}");
    }

    #[test]
    fn bad_tails_are_refused() {
        let few = fit_gumbel_tail(&NOISY, 4).unwrap_err();
        assert!(matches!(few, StatsError::TooFew { needed: 5, .. }));
        assert!(fit_gumbel_tail(&NOISY[..9], 10).is_err());
        assert!(fit_gumbel_tail(&[0.01; 50], 10).is_err());
        let mut certain = NOISY;
        certain[3] = 1.0;
        let error = fit_gumbel_tail(&certain, 10).unwrap_err();
        assert!(matches!(error, StatsError::ItemOutOfRange { index: 3, .. }));
        let mut zero = NOISY;
        zero[9] = 0.0;
        assert!(fit_gumbel_tail(&zero, 10).is_err());
        assert!(fit_gumbel_tail(&[f64::NAN; 10], 10).is_err());
        let tail = fit_gumbel_tail(&NOISY, 10).unwrap();
        assert!(tail.worst_query(9, &Bootstrap::default()).is_err());
        let unsure = Bootstrap {
            confidence: 1.0,
            ..Bootstrap::default()
        };
        assert!(tail.worst_query(100, &unsure).is_err());
    }
}
