//! Logistic regression with a ridge: the little solver behind the probe.

use nines_domain::score::sigmoid;
use rayon::prelude::*;

/// Newton's method has long converged by then, or never will.
const MOST_STEPS: usize = 60;

/// The largest component of the gradient, for each unit of weight, at which the minimum is reached.
const FLAT: f64 = 1e-9;

/// Rows of features with their truths.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// f32[rows, width].
    pub features: &'a [f32],
    /// Features of a row.
    pub width: usize,
    /// Whether each row is injurious.
    pub truths: &'a [bool],
    /// How much each row counts.
    pub weights: &'a [f64],
}

/// Why no regression can be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RidgeError {
    /// The columns do not belong together.
    #[error(
        "{features} features, {truths} truths and {weights} weights are no table of width {width}"
    )]
    Shape {
        /// Numbers.
        features: usize,
        /// Truths.
        truths: usize,
        /// Weights.
        weights: usize,
        /// Features a row.
        width: usize,
    },
    /// One class only.
    #[error(
        "{injurious} injurious and {safe} safe texts: a probe needs some of both; label more snippets"
    )]
    OneClass {
        /// Injurious rows.
        injurious: usize,
        /// Safe rows.
        safe: usize,
    },
    /// A number that is none.
    #[error("row {0} holds a feature or a weight that is not a finite number")]
    NotFinite(usize),
    /// A ridge that does not hold.
    #[error("the ridge must be a positive number, not {0}")]
    Ridge(f64),
    /// No minimum was found.
    #[error("the regression did not converge; give it a larger ridge than {0}")]
    NotConverged(f64),
}

/// A fitted regression: log odds = bias + Σ weights · (x − mean) / scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    /// Weights of the standardised features.
    pub weights: Vec<f64>,
    /// The log odds of an average row.
    pub bias: f64,
    /// Means of the features.
    pub means: Vec<f64>,
    /// Standard deviations of the features; 1 for one that never changes.
    pub scales: Vec<f64>,
}

impl Ridge {
    /// Fits the rows' truths: minimises Σ weight · logistic loss + ridge/2 · |weights|². The bias is free.
    ///
    /// The same table gives the same numbers, to the last bit, with any number of threads.
    ///
    /// # Errors
    /// [`RidgeError`] for a table that is none, one class, or numbers that are not finite.
    pub fn fit(table: &Table<'_>, ridge: f64) -> Result<Self, RidgeError> {
        check(table, ridge)?;
        let columns = Columns::of(table);
        let mut fit = Newton::new(&columns, table, ridge);
        for _ in 0..MOST_STEPS {
            if fit.step() {
                return Ok(Self {
                    bias: fit.point[0],
                    weights: fit.point[1..].to_vec(),
                    means: columns.means,
                    scales: columns.scales,
                });
            }
        }
        Err(RidgeError::NotConverged(ridge))
    }

    /// Returns the log odds of one row of features, or `None` where its width is another.
    pub fn log_odds(&self, features: &[f32]) -> Option<f64> {
        if features.len() != self.weights.len() {
            return None;
        }
        let terms = features.iter().zip(&self.weights).zip(&self.means);
        let sum: f64 = terms
            .zip(&self.scales)
            .map(|(((x, weight), mean), scale)| weight * (f64::from(*x) - mean) / scale)
            .sum();
        Some(self.bias + sum)
    }
}

fn check(table: &Table<'_>, ridge: f64) -> Result<(), RidgeError> {
    let rows = table.truths.len();
    if table.width == 0 || table.features.len() != rows * table.width || table.weights.len() != rows
    {
        return Err(RidgeError::Shape {
            features: table.features.len(),
            truths: rows,
            weights: table.weights.len(),
            width: table.width,
        });
    }
    if !(ridge.is_finite() && ridge > 0.0) {
        return Err(RidgeError::Ridge(ridge));
    }
    let bad = (0..rows).find(|&row| {
        let features = &table.features[row * table.width..][..table.width];
        !(table.weights[row].is_finite() && table.weights[row] >= 0.0)
            || features.iter().any(|x| !x.is_finite())
    });
    if let Some(row) = bad {
        return Err(RidgeError::NotFinite(row));
    }
    let counts = |row: &usize| table.weights[*row] > 0.0;
    let injurious = (0..rows).filter(counts).filter(|&row| table.truths[row]);
    let injurious = injurious.count();
    let safe = (0..rows).filter(counts).count() - injurious;
    if injurious == 0 || safe == 0 {
        return Err(RidgeError::OneClass { injurious, safe });
    }
    Ok(())
}

/// The standardised features, one column after another, the bias's ones first.
struct Columns {
    values: Vec<Vec<f64>>,
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl Columns {
    fn of(table: &Table<'_>) -> Self {
        let rows = table.truths.len();
        let total: f64 = table.weights.iter().sum();
        let columns: Vec<(Vec<f64>, f64, f64)> = (0..table.width)
            .into_par_iter()
            .map(|column| {
                let at = |row: usize| f64::from(table.features[row * table.width + column]);
                let weighted = (0..rows).map(|row| table.weights[row] * at(row));
                let mean = weighted.sum::<f64>() / total;
                let squares = (0..rows).map(|row| table.weights[row] * (at(row) - mean).powi(2));
                let deviation = (squares.sum::<f64>() / total).sqrt();
                // Rounding alone gives a constant column a spread of this size.
                let is_constant = deviation <= 1e-6 * mean.abs().max(1e-6);
                let scale = if is_constant { 1.0 } else { deviation };
                let value = |row| {
                    if is_constant {
                        0.0
                    } else {
                        (at(row) - mean) / scale
                    }
                };
                ((0..rows).map(value).collect(), mean, scale)
            })
            .collect();
        let mut values = vec![vec![1.0; rows]];
        let (mut means, mut scales) = (Vec::new(), Vec::new());
        for (column, mean, scale) in columns {
            values.push(column);
            means.push(mean);
            scales.push(scale);
        }
        Self {
            values,
            means,
            scales,
        }
    }
}

struct Newton<'a> {
    columns: &'a Columns,
    table: &'a Table<'a>,
    ridge: f64,
    /// The bias, then the weights.
    point: Vec<f64>,
}

impl<'a> Newton<'a> {
    fn new(columns: &'a Columns, table: &'a Table<'a>, ridge: f64) -> Self {
        Self {
            columns,
            table,
            ridge,
            point: vec![0.0; columns.values.len()],
        }
    }

    fn log_odds(&self, point: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.table.truths.len()];
        for (column, weight) in self.columns.values.iter().zip(point) {
            for (sum, x) in sums.iter_mut().zip(column) {
                *sum += weight * x;
            }
        }
        sums
    }

    fn loss(&self, point: &[f64], log_odds: &[f64]) -> f64 {
        let rows = log_odds.iter().zip(self.table.truths);
        let losses = rows.zip(self.table.weights).map(|((&z, &truth), weight)| {
            let against = if truth { -z } else { z };
            weight * (against.max(0.0) + (-against.abs()).exp().ln_1p())
        });
        let squares: f64 = point[1..].iter().map(|weight| weight * weight).sum();
        losses.sum::<f64>() + 0.5 * self.ridge * squares
    }

    /// Takes one step; says whether the minimum is reached.
    fn step(&mut self) -> bool {
        let log_odds = self.log_odds(&self.point);
        let chances: Vec<f64> = log_odds.iter().map(|&z| sigmoid(z)).collect();
        let rows = chances.iter().zip(self.table.truths);
        let misses: Vec<f64> = rows
            .zip(self.table.weights)
            .map(|((p, &truth), weight)| weight * (p - f64::from(u8::from(truth))))
            .collect();
        let gradient: Vec<f64> = self
            .columns
            .values
            .par_iter()
            .enumerate()
            .map(|(i, column)| dot(column, &misses) + self.penalty(i) * self.point[i])
            .collect();
        let largest = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        let total: f64 = self.table.weights.iter().sum();
        if largest <= FLAT * total {
            return true;
        }
        let curvatures: Vec<f64> = chances
            .iter()
            .zip(self.table.weights)
            .map(|(p, weight)| weight * p * (1.0 - p))
            .collect();
        let Some(direction) = solve(self.hessian(&curvatures), gradient) else {
            return false;
        };
        let before = self.loss(&self.point, &log_odds);
        let mut length = 1.0;
        // A whole step can overshoot far from the minimum; a short one always helps.
        for _ in 0..40 {
            let next: Vec<f64> = self
                .point
                .iter()
                .zip(&direction)
                .map(|(at, by)| at - length * by)
                .collect();
            if self.loss(&next, &self.log_odds(&next)) < before {
                self.point = next;
                return false;
            }
            length *= 0.5;
        }
        // No step lowers the loss any more: the minimum, as far as f64 can tell.
        true
    }

    fn penalty(&self, column: usize) -> f64 {
        if column == 0 { 0.0 } else { self.ridge }
    }

    /// The lower triangle, row by row.
    fn hessian(&self, curvatures: &[f64]) -> Vec<Vec<f64>> {
        let columns = &self.columns.values;
        (0..columns.len())
            .into_par_iter()
            .map(|i| {
                let weighted: Vec<f64> = columns[i]
                    .iter()
                    .zip(curvatures)
                    .map(|(x, curvature)| x * curvature)
                    .collect();
                let mut row: Vec<f64> = columns[..=i].iter().map(|c| dot(c, &weighted)).collect();
                // A column that never changes would leave the matrix singular without its ridge.
                row[i] += self.penalty(i).max(1e-12);
                row
            })
            .collect()
    }
}

/// A product in eight lanes, added in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (whole_a, rest_a) = a.as_chunks::<8>();
    let (whole_b, rest_b) = b.as_chunks::<8>();
    for (x, y) in whole_a.iter().zip(whole_b) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Solves by Cholesky's decomposition of the lower triangle; `None` where it is not positive definite.
fn solve(mut lower: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for i in 0..n {
        let (above, here) = lower.split_at_mut(i);
        let row = &mut here[0];
        for (j, other) in above.iter().enumerate() {
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let square = row[i] - dot(&row[..i], &row[..i]);
        if !(square > 0.0 && square.is_finite()) {
            return None;
        }
        row[i] = square.sqrt();
    }
    for i in 0..n {
        right[i] = (right[i] - dot(&lower[i][..i], &right[..i])) / lower[i][i];
    }
    for i in (0..n).rev() {
        let later: f64 = (i + 1..n).map(|j| lower[j][i] * right[j]).sum();
        right[i] = (right[i] - later) / lower[i][i];
    }
    Some(right)
}

#[cfg(test)]
mod tests;
