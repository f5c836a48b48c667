//! The distance of a vector from the training rows nearest to it.
//!
//! # Reference
//! Sun et al., "Out-of-distribution detection with deep nearest neighbors" (2022): rows of length 1, and the
//! distance to the k-th nearest.

use super::mahalanobis::{FitError, check};

/// The training rows, each scaled to length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// `[rows, width]`.
    rows: Vec<f32>,
    width: usize,
    k: usize,
}

impl Neighbours {
    /// Keeps the rows, of which the k-th nearest counts.
    ///
    /// # Errors
    /// [`FitError`]: too few rows (or fewer than k), rows of unequal widths, numbers that are none, a row
    /// without a direction.
    pub fn fit(rows: &[Vec<f32>], k: usize) -> Result<Self, FitError> {
        let width = check(rows)?;
        if k == 0 || rows.len() < k {
            return Err(FitError::TooFew {
                given: rows.len(),
                needed: k.max(1),
            });
        }
        let mut kept = Vec::with_capacity(rows.len() * width);
        for row in rows {
            let unit = unit(row).ok_or(FitError::NoVariance)?;
            kept.extend(unit.into_iter().map(|x| x as f32));
        }
        Ok(Self {
            rows: kept,
            width,
            k,
        })
    }

    /// Takes rows that [`Self::rows`] gave; `None` where they are not whole, or not finite.
    pub fn of_rows(rows: Vec<f32>, width: usize, k: usize) -> Option<Self> {
        let is_whole = width > 0 && rows.len().is_multiple_of(width) && k > 0;
        let is_enough = is_whole && rows.len() / width >= k;
        let is_finite = rows.iter().all(|x| x.is_finite());
        (is_enough && is_finite).then_some(Self { rows, width, k })
    }

    /// Returns the rows, `[rows, width]`, each of length 1.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// Returns the width of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns which neighbour counts.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the distance of a vector, scaled to length 1, from the k-th nearest row, between 0 and 2; `None`
    /// where its width is another or it has no direction.
    pub fn distance(&self, vector: &[f32]) -> Option<f64> {
        if vector.len() != self.width {
            return None;
        }
        let unit = unit(vector)?;
        let mut squares: Vec<f64> = self
            .rows
            .chunks_exact(self.width)
            .map(|row| {
                let less = row.iter().zip(&unit).map(|(a, b)| f64::from(*a) - b);
                less.map(|x| x * x).sum()
            })
            .collect();
        let (_, kth, _) = squares.select_nth_unstable_by(self.k - 1, f64::total_cmp);
        Some(kth.sqrt())
    }
}

/// Scales a vector to length 1; `None` where it has no direction.
fn unit(vector: &[f32]) -> Option<Vec<f64>> {
    let squares: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let length = squares.sqrt();
    let has_one = length.is_finite() && length > 0.0;
    has_one.then(|| vector.iter().map(|x| f64::from(*x) / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(n: usize) -> Vec<Vec<f32>> {
        let angle = |i: usize| std::f64::consts::TAU * i as f64 / n as f64;
        (0..n)
            .map(|i| vec![3.0 * angle(i).cos() as f32, 3.0 * angle(i).sin() as f32])
            .collect()
    }

    #[test]
    fn the_kth_nearest_row_counts_whatever_the_lengths() {
        let chord = |steps: f64| 2.0 * (std::f64::consts::PI * steps / 24.0).sin();
        for (k, steps) in [(1, 0.0), (2, 1.0), (3, 1.0), (4, 2.0)] {
            let fit = Neighbours::fit(&around(24), k).expect("fitted");
            let found = fit.distance(&[7.0, 0.0]).expect("a distance");
            assert!((found - chord(steps)).abs() < 1e-6, "{k}: {found}");
        }
    }

    #[test]
    fn what_has_no_direction_has_no_distance() {
        let fit = Neighbours::fit(&around(24), 2).expect("fitted");
        assert_eq!(fit.distance(&[0.0, 0.0]), None);
        assert_eq!(fit.distance(&[f32::NAN, 0.0]), None);
        assert_eq!(fit.distance(&[1.0]), None);
        let mut rows = around(24);
        rows[3] = vec![0.0, 0.0];
        assert_eq!(Neighbours::fit(&rows, 2), Err(FitError::NoVariance));
        assert!(Neighbours::fit(&around(24), 25).is_err());
        assert!(Neighbours::fit(&around(10), 2).is_err());
    }

    #[test]
    fn kept_rows_give_the_same_distances() {
        let fit = Neighbours::fit(&around(24), 3).expect("fitted");
        let again = Neighbours::of_rows(fit.rows().to_vec(), fit.width(), fit.k());
        assert_eq!(again, Some(fit));
        assert_eq!(Neighbours::of_rows(vec![1.0; 5], 2, 1), None);
        assert_eq!(Neighbours::of_rows(vec![f32::NAN; 4], 2, 1), None);
    }
}
