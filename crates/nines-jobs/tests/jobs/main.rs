//! Jobs with real processes: small programs that sleep, fail, are killed, and outlive their server.

mod ends;
mod restarts;
mod world;
