//! Strata of scores from a stream: any number of scored rows, one at a time, in constant memory.

use crate::error::{StatsError, finite};
use crate::stratified::Stratum;

/// Weights are added as whole multiples of 2⁻⁶⁰, exactly: no order of rows, and no way of splitting
/// them among workers, changes a single bit of the result.
const UNIT: f64 = (1u64 << 60) as f64;

/// The smallest weight of a row, 2⁻²⁰: it still keeps twelve digits.
const SMALLEST: f64 = 1.0 / (1u64 << 20) as f64;

/// The largest weight of a row, 2²⁷ = 134,217,728: 2⁴⁰ such rows still fit.
const LARGEST: f64 = (1u64 << 27) as f64;

/// Scored rows counted by strata of their logit, with the labels of those that have one.
///
/// Strata are the intervals between `edges`: below the first, from each edge (included) to the next
/// (excluded), and from the last upward. Rows that cannot leak (abstentions in the frame of answers,
/// rejected completions in the frame of unfiltered ones) are added apart. Rows of unequal weight in
/// one stratum are fit for [`Stratum`] only when labels were drawn there in proportion to the
/// weights: an unweighted draw would estimate another leak.
#[derive(Debug, Clone, PartialEq)]
pub struct StratumCounts {
    edges: Vec<f64>,
    rows: Vec<u64>,
    weights: Vec<u128>,
    labelled: Vec<u64>,
    catastrophes: Vec<u64>,
    no_leak: u128,
    no_leak_rows: u64,
}

/// What share of the frame each stratum holds.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameShares {
    /// The strata's shares, lowest scores first.
    pub strata: Vec<f64>,
    /// The share without a leak.
    pub no_leak: f64,
}

impl StratumCounts {
    /// Starts with no rows; without edges there is a single stratum.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for an edge that is not finite, [`StatsError::ItemOutOfRange`] for
    /// edges that do not increase.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let counts = StratumCounts::new(&[-9.0, -7.0])?;
    /// assert_eq!(counts.strata(), 3);
    /// assert!(StratumCounts::new(&[-7.0, -9.0]).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn new(edges: &[f64]) -> Result<Self, StatsError> {
        if !edges.is_empty() {
            finite("edges of strata", edges)?;
        }
        if let Some(index) = edges.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(StatsError::ItemOutOfRange {
                what: "edges of strata",
                index: index + 1,
                value: edges[index + 1],
                allowed: "above the edge before it",
            });
        }
        let strata = edges.len() + 1;
        Ok(Self {
            edges: edges.to_vec(),
            rows: vec![0; strata],
            weights: vec![0; strata],
            labelled: vec![0; strata],
            catastrophes: vec![0; strata],
            no_leak: 0,
            no_leak_rows: 0,
        })
    }

    /// Returns how many strata there are.
    pub fn strata(&self) -> usize {
        self.rows.len()
    }

    /// Returns how many rows were added, those without a leak included.
    pub fn rows(&self) -> u64 {
        self.rows.iter().sum::<u64>() + self.no_leak_rows
    }

    /// Returns the stratum of a score, from 0.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for a score that is not finite.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let counts = StratumCounts::new(&[-9.0, -7.0])?;
    /// assert_eq!((counts.stratum_of(-9.0)?, counts.stratum_of(-9.1)?), (1, 0));
    /// assert!(counts.stratum_of(f64::NAN).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn stratum_of(&self, score: f64) -> Result<usize, StatsError> {
        if score.is_finite() {
            Ok(self.edges.partition_point(|&edge| edge <= score))
        } else {
            Err(StatsError::NotFinite {
                what: "scores",
                index: self.rows() as usize,
                value: score,
            })
        }
    }

    fn fixed(&self, weight: f64) -> Result<u128, StatsError> {
        if (SMALLEST..=LARGEST).contains(&weight) {
            Ok((weight * UNIT).round() as u128)
        } else {
            Err(StatsError::ItemOutOfRange {
                what: "weights of rows",
                index: self.rows() as usize,
                value: weight,
                allowed: "between 2^-20 and 2^27",
            })
        }
    }

    /// Adds a row of the frame and returns its stratum, from 0. A row counted once has weight 1.
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for a score that is not finite, [`StatsError::ItemOutOfRange`] for a
    /// weight outside [2⁻²⁰, 2²⁷]; nothing is added then.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut counts = StratumCounts::new(&[-9.0])?;
    /// assert_eq!(counts.push(-10.5, 1.0)?, 0);
    /// assert_eq!(counts.push(-8.0, 3.0)?, 1);
    /// assert_eq!(counts.shares()?.strata, [0.25, 0.75]);
    /// assert!(counts.push(-8.0, -1.0).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn push(&mut self, score: f64, weight: f64) -> Result<usize, StatsError> {
        let stratum = self.stratum_of(score)?;
        self.weights[stratum] += self.fixed(weight)?;
        self.rows[stratum] += 1;
        Ok(stratum)
    }

    /// Adds a row that cannot leak, such as an abstention.
    ///
    /// # Errors
    /// [`StatsError::ItemOutOfRange`] for a weight outside [2⁻²⁰, 2²⁷].
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut counts = StratumCounts::new(&[])?;
    /// counts.push(-8.0, 1.0)?;
    /// counts.push_no_leak(1.0)?;
    /// assert_eq!(counts.shares()?.no_leak, 0.5);
    /// assert!(counts.push_no_leak(f64::INFINITY).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn push_no_leak(&mut self, weight: f64) -> Result<(), StatsError> {
        self.no_leak += self.fixed(weight)?;
        self.no_leak_rows += 1;
        Ok(())
    }

    /// Adds the label of a row that was drawn for labelling (which [`StratumCounts::push`] has
    /// counted as a row).
    ///
    /// # Errors
    /// [`StatsError::NotFinite`] for a score that is not finite.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut counts = StratumCounts::new(&[])?;
    /// counts.push(-8.0, 1.0)?;
    /// counts.label(-8.0, true)?;
    /// assert_eq!(counts.frame()?.0[0].catastrophes, 1);
    /// assert!(counts.label(f64::NAN, true).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn label(&mut self, score: f64, catastrophe: bool) -> Result<(), StatsError> {
        let stratum = self.stratum_of(score)?;
        self.labelled[stratum] += 1;
        self.catastrophes[stratum] += u64::from(catastrophe);
        Ok(())
    }

    /// Adds what another worker counted; workers may be merged in any order.
    ///
    /// # Errors
    /// [`StatsError::Lengths`] when the numbers of edges differ, [`StatsError::NotPaired`] when the
    /// edges do.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut all = StratumCounts::new(&[-9.0])?;
    /// let mut part = StratumCounts::new(&[-9.0])?;
    /// part.push(-8.0, 1.0)?;
    /// all.merge(&part)?;
    /// assert_eq!(all.rows(), 1);
    /// assert!(all.merge(&StratumCounts::new(&[-7.0])?).is_err());
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        crate::error::same_length("edges of strata", self.edges.len(), other.edges.len())?;
        let mut pairs = self.edges.iter().zip(&other.edges);
        if let Some(index) = pairs.position(|(a, b)| a != b) {
            return Err(StatsError::NotPaired { index });
        }
        for i in 0..self.strata() {
            self.rows[i] += other.rows[i];
            self.weights[i] += other.weights[i];
            self.labelled[i] += other.labelled[i];
            self.catastrophes[i] += other.catastrophes[i];
        }
        self.no_leak += other.no_leak;
        self.no_leak_rows += other.no_leak_rows;
        Ok(())
    }

    /// Returns the share of the frame in each stratum.
    ///
    /// # Errors
    /// [`StatsError::Empty`] without rows, or when no row can leak.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut counts = StratumCounts::new(&[-9.0])?;
    /// assert!(counts.shares().is_err());
    /// counts.push(-8.0, 1.0)?;
    /// assert_eq!(counts.shares()?.strata, [0.0, 1.0]);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn shares(&self) -> Result<FrameShares, StatsError> {
        let leaking: u128 = self.weights.iter().sum();
        if leaking == 0 {
            return Err(StatsError::Empty {
                what: "rows that can leak",
            });
        }
        let all = (leaking + self.no_leak) as f64;
        Ok(FrameShares {
            strata: self.weights.iter().map(|&w| w as f64 / all).collect(),
            no_leak: self.no_leak as f64 / all,
        })
    }

    /// Returns the strata with their labels, and the share without a leak, as
    /// [`crate::stratified::stratified_leak`] takes them.
    ///
    /// # Errors
    /// As [`StratumCounts::shares`]; [`StatsError::ItemOutOfRange`] for a stratum with more labels
    /// than rows.
    ///
    /// # Example
    /// ```
    /// use nines_stats::stratified::stratified_leak;
    /// use nines_stats::stratum_counts::StratumCounts;
    /// let mut counts = StratumCounts::new(&[-9.0])?;
    /// assert!(counts.frame().is_err());
    /// for row in 0..1000 {
    ///     let score = -10.0 + f64::from(row % 10) / 5.0;
    ///     counts.push(score, 1.0)?;
    ///     counts.label(score, row == 999)?;
    /// }
    /// let (strata, no_leak) = counts.frame()?;
    /// let leak = stratified_leak(&strata, no_leak, 0.95)?;
    /// assert!((leak.estimate.value.unwrap() - 0.001).abs() < 1e-15);
    /// # Ok::<(), nines_stats::StatsError>(())
    /// ```
    pub fn frame(&self) -> Result<(Vec<Stratum>, f64), StatsError> {
        let shares = self.shares()?;
        if let Some(index) = (0..self.strata()).find(|&i| self.labelled[i] > self.rows[i]) {
            return Err(StatsError::ItemOutOfRange {
                what: "labels of strata",
                index,
                value: self.labelled[index] as f64,
                allowed: "at most the stratum's rows",
            });
        }
        let strata = shares
            .strata
            .iter()
            .enumerate()
            .map(|(i, &weight)| Stratum {
                weight,
                labelled: self.labelled[i],
                catastrophes: self.catastrophes[i],
            });
        Ok((strata.collect(), shares.no_leak))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn no_order_and_no_split_changes_a_bit() {
        let mut stream = Stream::new(5, 0);
        let rows: Vec<(f64, f64)> = (0..5000)
            .map(|_| (stream.normal(), 1.0 / (0.01 + stream.unit())))
            .collect();
        let edges = [-1.5, -0.5, 0.0, 2.0];
        let mut forward = StratumCounts::new(&edges).unwrap();
        for &(score, weight) in &rows {
            forward.push(score, weight).unwrap();
        }
        let mut workers: Vec<StratumCounts> = (0..7)
            .map(|_| StratumCounts::new(&edges).unwrap())
            .collect();
        for (i, &(score, weight)) in rows.iter().rev().enumerate() {
            workers[i % 7].push(score, weight).unwrap();
        }
        let mut merged = StratumCounts::new(&edges).unwrap();
        for worker in workers.iter().rev() {
            merged.merge(worker).unwrap();
        }
        assert_eq!(forward, merged);
        assert_eq!(forward.rows(), 5000);
        let plain: f64 = rows.iter().map(|r| r.1).sum();
        let low: f64 = rows.iter().filter(|r| r.0 < -1.5).map(|r| r.1).sum();
        assert!((forward.shares().unwrap().strata[0] - low / plain).abs() < 1e-14);
    }

    #[test]
    fn scores_on_an_edge_belong_above_it() {
        let counts = StratumCounts::new(&[-2.0, 0.0]).unwrap();
        for (score, stratum) in [(-3.0, 0), (-2.0, 1), (-0.0, 2), (0.0, 2), (1e300, 2)] {
            assert_eq!(counts.stratum_of(score).unwrap(), stratum, "{score}");
        }
    }

    #[test]
    fn bad_rows_leave_no_trace() {
        let mut counts = StratumCounts::new(&[0.0]).unwrap();
        counts.push(1.0, 2.0).unwrap();
        let before = counts.clone();
        for (score, weight) in [
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
            (1.0, 0.0),
            (1.0, 1e-9),
            (1.0, f64::NAN),
            (1.0, 1e9),
        ] {
            let error = counts.push(score, weight).unwrap_err();
            assert!(error.to_string().contains("item 1"), "{error}");
        }
        assert!(counts.label(f64::NAN, false).is_err());
        assert_eq!(counts, before);
        assert!(StratumCounts::new(&[0.0, f64::NAN]).is_err());
        assert!(StratumCounts::new(&[0.0, 0.0]).is_err());
    }

    #[test]
    fn a_label_needs_its_row() {
        let mut counts = StratumCounts::new(&[0.0]).unwrap();
        counts.push(-1.0, 1.0).unwrap();
        counts.label(1.0, false).unwrap();
        let error = counts.frame().unwrap_err();
        assert!(error.to_string().contains("item 1 is 1"), "{error}");
    }

    #[test]
    fn nothing_but_abstentions_has_no_leak_to_estimate() {
        let mut counts = StratumCounts::new(&[]).unwrap();
        counts.push_no_leak(1.0).unwrap();
        assert!(counts.shares().is_err() && counts.frame().is_err());
    }
}
