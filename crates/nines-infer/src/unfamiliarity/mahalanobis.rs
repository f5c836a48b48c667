//! The distance of a vector from the middle of its kind, in standard deviations: Mahalanobis' distance with a
//! covariance that is shrunk towards a ball, in double precision.
//!
//! Vectors are hundreds of numbers long and training rows are few, so that the plain covariance has directions in
//! which nothing varies and every new vector lies infinitely far. Shrinking it by the amount that costs least in
//! expectation mends that.
//!
//! # Reference
//! Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004), for the
//! shrinkage; Lee et al., "A simple unified framework for detecting out-of-distribution samples" (2018), for one
//! covariance around the means of the classes and the distance to the nearest of them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// No distance can be fitted to these rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Too few rows.
    #[error("{given} training rows are too few to say what is familiar; it takes {needed}")]
    TooFew {
        /// Rows that there are.
        given: usize,
        /// Rows that it takes.
        needed: usize,
    },
    /// Rows of unequal widths, or of none.
    #[error("training row {0} is not as wide as the first, or is empty")]
    Width(usize),
    /// A number that is none.
    #[error("training row {0} holds what is not a finite number")]
    NotFinite(usize),
    /// Rows that are all the same.
    #[error("the training rows do not vary, so that nothing can be said to lie far from them")]
    NoVariance,
}

/// The fewest rows that a distance is fitted to.
pub const FEWEST_ROWS: usize = 20;

/// Means of classes with one covariance around them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mahalanobis {
    /// The mean of each class that has rows.
    pub means: Vec<Vec<f64>>,
    /// The lower triangle of the Cholesky factor of the shrunk covariance, row after row.
    pub factor: Vec<f64>,
    /// How much of the covariance was replaced by a ball: 0 is the plain one, 1 the ball alone.
    pub shrinkage: f64,
    /// How many rows it was fitted to.
    pub rows: usize,
}

/// Checks rows: equally wide, finite, enough of them.
pub(super) fn check(rows: &[Vec<f32>]) -> Result<usize, FitError> {
    if rows.len() < FEWEST_ROWS {
        return Err(FitError::TooFew {
            given: rows.len(),
            needed: FEWEST_ROWS,
        });
    }
    let width = rows[0].len();
    for (index, row) in rows.iter().enumerate() {
        if width == 0 || row.len() != width {
            return Err(FitError::Width(index));
        }
        if row.iter().any(|x| !x.is_finite()) {
            return Err(FitError::NotFinite(index));
        }
    }
    Ok(width)
}

impl Mahalanobis {
    /// Fits rows with their classes. The same rows give the same numbers to the last bit, with any number of
    /// threads.
    ///
    /// # Errors
    /// [`FitError`]: too few rows, rows of unequal widths, numbers that are none, rows that are all the same.
    ///
    /// # Panics
    /// If there are not as many classes as rows.
    pub fn fit(rows: &[Vec<f32>], classes: &[bool]) -> Result<Self, FitError> {
        assert_eq!(rows.len(), classes.len(), "a class for each row");
        let width = check(rows)?;
        let mut means = Vec::new();
        let mut centred: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
        for class in [false, true] {
            let of_class: Vec<usize> = (0..rows.len()).filter(|&i| classes[i] == class).collect();
            if of_class.is_empty() {
                continue;
            }
            let mut mean = vec![0.0; width];
            for &row in &of_class {
                for (sum, x) in mean.iter_mut().zip(&rows[row]) {
                    *sum += f64::from(*x);
                }
            }
            mean.iter_mut()
                .for_each(|sum| *sum /= of_class.len() as f64);
            for &row in &of_class {
                let less = rows[row]
                    .iter()
                    .zip(&mean)
                    .map(|(x, mean)| f64::from(*x) - mean);
                centred[row] = less.collect();
            }
            means.push(mean);
        }
        let covariance = covariance(&centred, width);
        let shrinkage = shrinkage(&centred, &covariance, width);
        let size = trace(&covariance, width) / width as f64;
        if !(size.is_finite() && size > 0.0) {
            return Err(FitError::NoVariance);
        }
        let mut shrunk = covariance;
        for i in 0..width {
            for j in 0..=i {
                let ball = if i == j { shrinkage * size } else { 0.0 };
                let at = i * width + j;
                shrunk[at] = (1.0 - shrinkage) * shrunk[at] + ball;
            }
        }
        let factor = cholesky(&shrunk, width).ok_or(FitError::NoVariance)?;
        Ok(Self {
            means,
            factor,
            shrinkage,
            rows: rows.len(),
        })
    }

    /// Says whether the numbers belong together: what was read from a file may be anything.
    pub fn is_whole(&self) -> bool {
        let Some(width) = self.means.first().map(Vec::len) else {
            return false;
        };
        let numbers = self.means.iter().flatten().chain(&self.factor);
        width > 0
            && self.means.iter().all(|mean| mean.len() == width)
            && self.factor.len() == width * (width + 1) / 2
            && numbers.into_iter().all(|x| x.is_finite())
            && (0..width).all(|i| self.factor[i * (i + 1) / 2 + i] > 0.0)
    }

    /// Returns the distance of a vector from the nearest mean; `None` where its width is another, NaN where any of
    /// the distances is.
    pub fn distance(&self, vector: &[f32]) -> Option<f64> {
        let mut nearest: Option<f64> = None;
        for mean in &self.means {
            if mean.len() != vector.len() {
                return None;
            }
            let less = vector
                .iter()
                .zip(mean)
                .map(|(x, mean)| f64::from(*x) - mean);
            let far = self.length(less.collect());
            // `f64::min` would pass over what is no number.
            nearest = Some(nearest.map_or(far, |near| {
                if far < near || far.is_nan() {
                    far
                } else {
                    near
                }
            }));
        }
        nearest
    }

    /// The length of a difference in standard deviations: |L⁻¹ x|, by forward substitution.
    fn length(&self, mut x: Vec<f64>) -> f64 {
        let mut squares = 0.0;
        for i in 0..x.len() {
            let row = &self.factor[i * (i + 1) / 2..][..=i];
            let known: f64 = row[..i].iter().zip(&x[..i]).map(|(l, y)| l * y).sum();
            x[i] = (x[i] - known) / row[i];
            squares += x[i] * x[i];
        }
        squares.sqrt()
    }
}

/// The mean of the rows' outer products, `[width, width]`.
fn covariance(centred: &[Vec<f64>], width: usize) -> Vec<f64> {
    let mut covariance = vec![0.0; width * width];
    // Each entry is one sum in the rows' order, whoever computes it.
    covariance
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(i, out)| {
            for row in centred {
                let scale = row[i];
                for (sum, x) in out.iter_mut().zip(row) {
                    *sum += scale * x;
                }
            }
            out.iter_mut().for_each(|sum| *sum /= centred.len() as f64);
        });
    covariance
}

fn trace(matrix: &[f64], width: usize) -> f64 {
    (0..width).map(|i| matrix[i * width + i]).sum()
}

/// Ledoit and Wolf's intensity: the estimated error of the covariance over its distance from the ball.
fn shrinkage(centred: &[Vec<f64>], covariance: &[f64], width: usize) -> f64 {
    let (n, p) = (centred.len() as f64, width as f64);
    let squares: f64 = covariance.iter().map(|x| x * x).sum();
    let size = trace(covariance, width) / p;
    // |S - mI|² = |S|² - p m², since tr S = p m.
    let from_ball = squares - p * size * size;
    let fourth: f64 = centred
        .iter()
        .map(|row| row.iter().map(|x| x * x).sum::<f64>().powi(2))
        .sum();
    // Σ |x xᵀ - S|² = Σ |x|⁴ - n |S|².
    let error = (fourth - n * squares) / (n * n);
    if from_ball > 0.0 {
        (error / from_ball).clamp(0.0, 1.0)
    } else {
        1.0
    }
}

/// The lower triangle of the Cholesky factor, row after row; `None` where the matrix is not positive definite.
fn cholesky(matrix: &[f64], width: usize) -> Option<Vec<f64>> {
    let mut factor: Vec<f64> = Vec::with_capacity(width * (width + 1) / 2);
    for i in 0..width {
        for j in 0..=i {
            let (row, other) = (i * (i + 1) / 2, j * (j + 1) / 2);
            let known: f64 = (0..j).map(|k| factor[row + k] * factor[other + k]).sum();
            let left = matrix[i * width + j] - known;
            factor.push(match i == j {
                true if left > 0.0 => left.sqrt(),
                true => return None,
                false => left / factor[other + j],
            });
        }
    }
    Some(factor)
}

#[cfg(test)]
mod tests;
