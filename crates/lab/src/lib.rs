//! Test support: sessions to try Marline on, and the truth about them.
//!
//! [`fixtures`] are sessions of real agents, committed; [`corpus`] makes gigabytes that look alike. [`Lab`] drives the
//! real agents on a scripted model of its own ([`server`], [`script`]) in a scratch home, and says what it scripted. [`push`] is
//! a push service with browsers at it.
//!
//! **Promises.** Everything happens in the directory that was given: agents get a HOME of their own. Where the system
//! has namespaces, [`alone`] keeps them on loopback and ends whatever they start; elsewhere their settings do.

pub mod agents;
pub mod alone;
pub mod corpus;
pub mod fixtures;
mod lab;
pub mod push;
pub mod scenario;
pub mod script;
pub mod server;

pub use lab::{AGENTS, Lab, LabError, PICTURE, demo};
