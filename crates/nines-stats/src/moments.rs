//! Means and spreads of numbers, where equal numbers have exactly no spread.

/// Returns the mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the sum of squared distances from the mean: exactly 0 for equal values, to which the
/// rounding of their mean would give a spread, and an interval without width.
pub(crate) fn squared_spread(values: &[f64]) -> f64 {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return 0.0;
    }
    let centre = mean(values);
    values.iter().map(|v| (v - centre).powi(2)).sum()
}

/// Returns the variance with n − 1 below.
pub(crate) fn variance(values: &[f64]) -> f64 {
    squared_spread(values) / (values.len() as f64 - 1.0)
}

/// Returns the covariance with n − 1 below.
pub(crate) fn covariance(left: &[f64], right: &[f64]) -> f64 {
    let (l, r) = (mean(left), mean(right));
    let products: f64 = left.iter().zip(right).map(|(a, b)| (a - l) * (b - r)).sum();
    products / (left.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_no_spread() {
        for value in [0.1, 1.0 / 3.0, 6.1] {
            for n in [2, 3, 7, 10] {
                assert_eq!(variance(&vec![value; n]), 0.0);
            }
        }
        assert_eq!(variance(&[1.0, 2.0, 3.0]), 1.0);
        assert_eq!(covariance(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
    }
}
