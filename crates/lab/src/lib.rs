//! Test support: what the real agents wrote, with the truth about it. No product code.
//!
//! [`fixtures::copy_home`] puts a home full of real sessions somewhere; [`fixtures::truth`] says what was
//! scripted to be in it.

pub mod corpus;
pub mod fixtures;
