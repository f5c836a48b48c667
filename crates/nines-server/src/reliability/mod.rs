//! The numbers of the Reliability page: computed in the background as labels come, never while somebody
//! waits for a page.

mod board;
mod numbers;

pub use board::{Board, watch};
pub use numbers::{
    Curve, CurvePoint, Curves, FirstStep, FirstStepKind, LabelsOf, LeakBy, LeakCurve, LeakNumbers,
    LeakReading, LeakReadingName, MeasuredFilter, Narrowed, NextKind, NextStep, PlanAllocation,
    PlanRequest, Planned, QualityBy, QualityNumbers, Reliability, Stratum,
};
