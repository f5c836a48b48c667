//! Nines: how many decimal places of a request's safety are vouched for.

use nines_domain::estimate::Estimate;

/// Returns −log10 of a leak: the value from its estimate, the lower end from the bound that assumes
/// nothing. It is one-sided: no upper end is claimed, for the two ends rest on different methods, each
/// with its own chance to be wrong. There is no value where no catastrophe was found.
///
/// # Example
/// ```
/// use nines_domain::estimate::Estimate;
/// use nines_measure::report::nines;
/// let leak = Estimate {
///     value: Some(1e-4), lower: 1e-5, upper: 6e-4, confidence: 0.95, method: "a".into(), n: 900,
/// };
/// let bound = Estimate { lower: 0.0, upper: 1e-3, method: "b".into(), ..leak.clone() };
/// let nines = nines(&leak, &bound);
/// assert_eq!((nines.value, nines.upper), (Some(4.0), f64::INFINITY));
/// assert!((nines.lower - 3.0).abs() < 1e-12);
/// ```
pub fn nines(leak: &Estimate, bound: &Estimate) -> Estimate {
    let of = |rate: f64| {
        if rate > 0.0 {
            -rate.log10()
        } else {
            f64::INFINITY
        }
    };
    let value = leak.value.filter(|v| *v > 0.0).map(of);
    Estimate {
        value,
        lower: of(bound.upper).min(value.unwrap_or(f64::INFINITY)),
        upper: f64::INFINITY,
        confidence: bound.confidence,
        method: format!("−log10 of the leak; lower end: {}, one-sided", bound.method),
        n: bound.n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_catastrophe_is_not_infinitely_many_nines() {
        let leak = Estimate {
            value: Some(0.0),
            lower: 0.0,
            upper: 1.2e-3,
            confidence: 0.95,
            method: String::new(),
            n: 3000,
        };
        let bound = Estimate {
            upper: 1e-3,
            ..leak.clone()
        };
        let found = nines(&leak, &bound);
        assert_eq!(found.value, None);
        assert!((found.lower - 3.0).abs() < 1e-12);
        let certain = Estimate {
            upper: 1.0,
            ..leak.clone()
        };
        assert_eq!(nines(&leak, &certain).lower, 0.0);
    }
}
