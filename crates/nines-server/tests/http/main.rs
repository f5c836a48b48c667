//! The server over real connections: who may call what, what is refused and how, and what the
//! endpoints do.

mod accounts;
mod client;
mod events;
mod hardening;
mod invitations;
mod openapi;
mod play;
mod roles;
mod server;
mod sessions;
mod tokens;
mod workbench;
