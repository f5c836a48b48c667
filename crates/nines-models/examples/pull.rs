//! Pulls models into the cache and checks their digests: `cargo run -p nines-models --example pull -- NAME…`

use nines_models::{Cache, ModelsError, PullEvent, PullRequest};
use std::ops::ControlFlow;

fn main() -> Result<(), ModelsError> {
    let cache = Cache::open()?;
    for text in std::env::args().skip(1) {
        let request = PullRequest::new(cache.parse_source(&text)?);
        let model = cache.pull(&request, &mut |event| {
            if !matches!(event, PullEvent::Downloading { .. }) {
                eprintln!("{text}: {event:?}");
            }
            ControlFlow::Continue(())
        })?;
        model.verify()?;
        println!("{}", model.path.display());
    }
    Ok(())
}
