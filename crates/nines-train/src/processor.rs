//! What training costs the processor, whoever else is at work on the machine.

use std::fs;

/// Returns the seconds that the cores have spent on this process, where the system says so.
pub fn processor_seconds() -> Option<f64> {
    /// The unit of the kernel's times, fixed for programs on Linux.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}
