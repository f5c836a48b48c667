//! Fewer points where the eye could not tell them apart.

/// The most rows that a table of plotted numbers has.
const ROWS: usize = 60;

/// Keeps the points that lie at least this many units from the last one kept, and the last.
pub(crate) fn apart(places: &[Option<(f64, f64)>], least: f64) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for (index, place) in places.iter().enumerate() {
        let keep = match (place, last) {
            (None, None) => index == 0,
            (None, Some(_)) | (Some(_), None) => true,
            (Some(a), Some(b)) => (a.0 - b.0).abs() >= least || (a.1 - b.1).abs() >= least,
        };
        if keep || index + 1 == places.len() {
            kept.push(index);
            last = *place;
        }
    }
    kept
}

/// Picks rows of a long table evenly, the first and the last among them.
pub(crate) fn rows(length: usize) -> Vec<usize> {
    if length <= ROWS {
        return (0..length).collect();
    }
    let mut picked: Vec<usize> = (0..ROWS)
        .map(|row| row * (length - 1) / (ROWS - 1))
        .collect();
    picked.dedup();
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_and_every_gap_survive() {
        let places = [
            Some((0.0, 0.0)),
            Some((0.1, 0.0)),
            None,
            Some((0.2, 0.0)),
            Some((0.3, 0.0)),
        ];
        assert_eq!(apart(&places, 0.5), [0, 2, 3, 4]);
        let picked = rows(100_000);
        assert_eq!(picked.len(), ROWS);
        assert_eq!((picked[0], picked[ROWS - 1]), (0, 99_999));
        assert_eq!(rows(0), Vec::<usize>::new());
    }
}
