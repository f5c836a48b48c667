//! What a report shows beside stored estimates: curves over thresholds, histograms, what was found of
//! each severity, and what more labels would do. All of it from rows that are there; nothing is drawn.

mod below;
mod finds;
mod labels;
mod next;
mod nines;
mod quality;
mod scores;

pub use below::{LeakBelow, leak_below, thresholds_below};
pub use finds::{SeverityFinds, finds};
pub use labels::{CONFUSION_VERDICTS, confusion};
pub use next::{Narrows, NextLabels, next_labels, stratum_rate};
pub use nines::nines;
pub use quality::{QualityStream, quality_from, thresholds_from};
pub use scores::{ScoreHistogram, ScoredGroup, histogram};
