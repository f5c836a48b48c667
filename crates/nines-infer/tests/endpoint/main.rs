//! The endpoint generator against recordings of a real server and against injected faults.

mod ask;
mod faults;
mod many;
mod replay;
#[path = "../../examples/endpoint_parity/scenario.rs"]
mod scenario;
mod server;
