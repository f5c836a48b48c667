//! A workbench that answers with fixed data, and with a scorer and a generator that do what a test
//! tells them. The real one is the binary's, tested there.

use crate::play::doubles::{Counting, Lengths};
use futures_util::future::{BoxFuture, FutureExt, ready};
use nines_domain::draw::Sampling;
use nines_domain::snippet::{DesignId, ModelId, SnippetId};
use nines_infer::generator::Generator;
use nines_infer::scorer::Scorer;
use nines_server::reliability::{PlanRequest, Planned, Reliability};
use nines_server::{Workbench, WorkbenchError};
use nines_store::DesignKind;
use std::sync::Arc;

/// Answers with fixed data.
#[derive(Default)]
pub struct FixedWorkbench {
    pub scorer: Arc<Lengths>,
    pub generator: Arc<Counting>,
}

impl Workbench for FixedWorkbench {
    fn waiting(
        &self,
        _: DesignKind,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn pairs(
        &self,
        _: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn reliability(&self) -> BoxFuture<'_, Result<Reliability, WorkbenchError>> {
        ready(Ok(Reliability::default())).boxed()
    }

    fn plan(&self, _: PlanRequest) -> BoxFuture<'_, Result<Planned, WorkbenchError>> {
        ready(Err(WorkbenchError::Refused(
            "there is no design".to_owned(),
        )))
        .boxed()
    }

    fn scorer(&self, _: ModelId) -> BoxFuture<'_, Result<Arc<dyn Scorer>, WorkbenchError>> {
        let scorer: Arc<dyn Scorer> = self.scorer.clone();
        ready(Ok(scorer)).boxed()
    }

    fn generator(&self) -> BoxFuture<'_, Result<Arc<dyn Generator>, WorkbenchError>> {
        let generator: Arc<dyn Generator> = self.generator.clone();
        ready(Ok(generator)).boxed()
    }

    fn sampling(&self) -> Sampling {
        Sampling::default()
    }

    fn budget(&self) -> u32 {
        20
    }

    fn path(&self) -> String {
        "cpu/test".to_owned()
    }

    fn save_guide(&self, _: u32, _: String) -> BoxFuture<'_, Result<(), WorkbenchError>> {
        ready(Ok(())).boxed()
    }
}
