//! Test support: fixtures made by the real agents, and what makes them. No product code.
