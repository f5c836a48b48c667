//! The server over real connections: who may call what, what is refused and how, and what the
//! endpoints do.

mod accounts;
mod client;
mod events;
mod guide;
mod hardening;
mod invitations;
mod jobs;
mod labelling;
mod openapi;
mod people;
mod play;
mod reliability;
mod rewriting;
mod roles;
mod server;
mod sessions;
mod snippets;
mod tokens;
mod workbench;
